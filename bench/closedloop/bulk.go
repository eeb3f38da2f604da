package closedloop

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Bulk is a load of streams, each of which posts one block of ballots after
// another on one connection.
type Bulk struct {
	Targets   []string    // host:port; the streams are dealt out to them in turn
	TLS       *tls.Config // nil: the targets speak plain HTTP
	Streams   int
	Poll      string
	Prefix    string // of the voters' ids; a number follows
	Selection string // an option of the poll
	// First is the first voter's number; the numbers follow without a gap.
	First uint64
	// Ballots ends the load when so many have been sent; 0: Duration does.
	Ballots  uint64
	Duration time.Duration
	// PerRequest is the number of ballots in one request body.
	PerRequest int
	// PerPoll gives each request a poll of its own, whose id is Poll and the
	// number of ten digits of the request: First divided by PerRequest, and on.
	PerPoll bool
}

// blocks hands out the voters' numbers to the streams, a block at a time.
type blocks struct {
	next atomic.Uint64
	end  uint64
	size uint64
}

func (b *blocks) take() (first uint64, n int) {
	first = b.next.Add(b.size) - b.size
	if first >= b.end {
		return 0, 0
	}
	return first, int(min(b.size, b.end-first))
}

// Run posts until all ballots are answered or the time is over. Errors and ctx
// are as in Single.Run.
func (b Bulk) Run(ctx context.Context) (Result, error) {
	if b.Streams < 1 || b.PerRequest < 1 || len(b.Targets) == 0 || (b.Ballots == 0) == (b.Duration == 0) {
		return Result{}, errors.New("a bulk load needs streams, ballots a request, targets, and an end")
	}
	conns, err := dial(ctx, b.Targets, b.Streams, b.TLS)
	if err != nil {
		return Result{}, err
	}
	defer closeAll(conns)
	defer context.AfterFunc(ctx, func() { closeAll(conns) })()

	deal := &blocks{size: uint64(b.PerRequest), end: b.First + b.Ballots}
	deal.next.Store(b.First)
	if b.Ballots == 0 {
		deal.end = 1<<63 - 1
	}
	parts := make([]Result, len(conns))
	start := time.Now()
	var work sync.WaitGroup
	for i, c := range conns {
		work.Go(func() { // ends with the blocks, the window or the connection
			s := &stream{bulk: b, conn: c, result: &parts[i], lines: newLines(b.Prefix, b.Selection), in: bufio.NewReaderSize(c, bulkReadBytes)}
			if b.Duration > 0 {
				s.end = start.Add(b.Duration)
			}
			s.post(deal)
		})
	}
	work.Wait()
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	sum := Join(parts...)
	sum.Window = b.Duration
	if b.Duration == 0 {
		sum.Window = time.Since(start)
	}
	return sum, nil
}

// stream is one connection of a bulk load.
type stream struct {
	bulk   Bulk
	conn   net.Conn
	in     *bufio.Reader
	lines  *lines
	result *Result
	end    time.Time // zero: none
}

// post sends blocks until there are none, or no time.
func (s *stream) post(deal *blocks) {
	for s.end.IsZero() || time.Now().Before(s.end) {
		first, n := deal.take()
		if n == 0 {
			return
		}
		before := s.result.answered()
		if err := s.block(first, n); err != nil {
			// A faulty server may have answered more lines than it was sent.
			s.result.noteUnknown(uint64(n)-min(uint64(n), s.result.answered()-before), err)
			return
		}
	}
}

// block posts one block and reads its answers while it is being sent.
func (s *stream) block(first uint64, n int) error {
	sent := make(chan error, 1)
	go func() { sent <- s.send(first, n) }() // ends with the block or the connection
	readErr := s.receive(n)
	if readErr != nil {
		_ = s.conn.Close() // so that the sender ends too
	}
	if err := <-sent; readErr == nil {
		return err
	}
	return readErr
}

func (s *stream) send(first uint64, n int) error {
	poll := s.bulk.Poll
	if s.bulk.PerPoll {
		poll += fmt.Sprintf("%0*d", digits, first/uint64(s.bulk.PerRequest))
	}
	head := fmt.Appendf(nil, "POST /v1/polls/%s/ballots HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-ndjson\r\n"+
		"Accept: application/x-ndjson\r\nContent-Length: %d\r\n\r\n", poll, s.conn.RemoteAddr(), n*s.lines.length)
	if _, err := s.conn.Write(head); err != nil {
		return fmt.Errorf("a bulk request could not be sent: %w", err)
	}
	for n > 0 {
		k := min(n, linesPerWrite)
		if _, err := s.conn.Write(s.lines.from(first, k)); err != nil {
			return fmt.Errorf("a bulk request could not be sent: %w", err)
		}
		first, n = first+uint64(k), n-k
	}
	return nil
}

// receive reads the answers to n lines.
func (s *stream) receive(n int) error {
	resp, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return fmt.Errorf("a bulk request was not answered: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, answerBytes)) // for the message only
		return fmt.Errorf("a bulk request was answered with status %d: %s", resp.StatusCode, body)
	}
	answered := 0
	if err := eachBlock(resp.Body, func(block []byte) {
		answered += s.count(block)
	}); err != nil {
		return fmt.Errorf("a bulk answer broke: %w", err)
	}
	if answered != n {
		return fmt.Errorf("%w: %d of %d; %s", errShort, answered, n, s.result.Problem)
	}
	return nil
}

// count counts the answers in whole lines.
func (s *stream) count(block []byte) int {
	all := bytes.Count(block, []byte{'\n'})
	acknowledged := bytes.Count(block, counted)
	if acknowledged < all {
		for line := range bytes.Lines(block) {
			switch {
			case bytes.Contains(line, counted):
			case bytes.Contains(line, replayed):
				acknowledged++
				s.result.Replayed++
			case bytes.Contains(line, givenUp):
				all-- // it answers no ballot; those without an answer are unknown
				s.result.noteUnknown(0, fmt.Errorf("a stream was given up: %.300s", line))
			case bytes.Contains(line, outcomeUnknown):
				s.result.noteUnknown(1, fmt.Errorf("%.300s", line))
			default:
				s.result.noteRefusal(fmt.Sprintf("%.300s", bytes.TrimSpace(line)))
			}
		}
	}
	s.result.Acknowledged += uint64(acknowledged)
	if s.end.IsZero() || time.Now().Before(s.end) {
		s.result.InWindow += uint64(acknowledged)
	}
	return all
}

// eachBlock calls f with whole lines, many at once.
func eachBlock(r io.Reader, f func([]byte)) error {
	buf, n := make([]byte, bulkReadBytes), 0
	for {
		k, err := r.Read(buf[n:])
		n += k
		if end := bytes.LastIndexByte(buf[:n], '\n') + 1; end > 0 {
			f(buf[:end])
			n = copy(buf, buf[end:n])
		}
		switch {
		case errors.Is(err, io.EOF) && n == 0:
			return nil
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		case n == len(buf):
			return errors.New("a line is too long")
		}
	}
}

// errShort says that a bulk answer ended before all lines were answered.
var errShort = errors.New("a bulk answer ended before all its lines")
