package api

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"

	"voted/internal/poll"
)

// lineReader splits a body into lines. await waits for the sender, ready and next
// never do.
type lineReader struct {
	r     *bufio.Reader
	limit int // bytes of a line; less than r holds
	// beforeWait is called before each read that may wait.
	beforeWait func()
	passedOver bool // the next line was too long and has been discarded
}

var errLineTooLong = poll.Refuse(poll.CodePayloadTooLarge, "A line has at most %d bytes.", maxLineBytes)

func newLineReader(body io.Reader, beforeWait func()) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(body, bulkReadBytes), limit: maxLineBytes, beforeWait: beforeWait}
}

// await returns when a whole line has been received, and an error when there is
// nothing more.
func (l *lineReader) await() error {
	if l.passedOver {
		return nil
	}
	seen := 0
	for {
		buffered, _ := l.r.Peek(l.r.Buffered())
		if bytes.IndexByte(buffered[seen:], '\n') >= 0 {
			return nil
		}
		if len(buffered) > l.limit+len("\r") {
			return l.passOver()
		}
		seen = len(buffered)
		l.beforeWait()
		// Asking for one byte more than there is takes all that has come.
		if _, err := l.r.Peek(seen + 1); err != nil {
			if errors.Is(err, io.EOF) && seen > 0 {
				return nil // the last line lacks its newline
			}
			return err
		}
	}
}

// passOver discards a line that is too long, without holding it.
func (l *lineReader) passOver() error {
	for {
		l.beforeWait()
		_, err := l.r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil || errors.Is(err, io.EOF):
			l.passedOver = true
			return nil
		default:
			return err
		}
	}
}

// ready reports whether next has a whole line.
func (l *lineReader) ready() bool {
	buffered, _ := l.r.Peek(l.r.Buffered())
	return bytes.IndexByte(buffered, '\n') >= 0
}

// next returns the line that has come, without its end; it is valid until the
// next call. errLineTooLong stands for a line that was passed over.
func (l *lineReader) next() ([]byte, error) {
	if l.passedOver {
		l.passedOver = false
		return nil, errLineTooLong
	}
	line, err := l.r.ReadSlice('\n')
	if err != nil && !(errors.Is(err, io.EOF) && len(line) > 0) {
		return nil, err
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) > l.limit {
		return nil, errLineTooLong
	}
	return line, nil
}

// chunk is a run of lines that are cast together. Lines that are refused before
// casting have no ballot.
type chunk struct {
	firstLine int
	lines     []lineFate
	ballots   []poll.Ballot
	arena     []byte // the selections of plain ballots, back to back
	bytes     int

	invalid     bool // some line breaks the poll's rules
	invalidCode poll.Code
	outcomes    []poll.Outcome
}

// lineFate says what a line was found to be: refusal nil means that the chunk's
// next ballot is its own.
type lineFate struct{ refusal *poll.Error }

func (c *chunk) reset() {
	clear(c.ballots) // their selections are garbage now
	clear(c.lines)
	*c = chunk{lines: c.lines[:0], ballots: c.ballots[:0], arena: c.arena[:0]}
}

func (c *chunk) full() bool { return len(c.lines) >= maxChunkBallots || c.bytes >= maxChunkBytes }

// gathered is how far the reading has come.
type gathered struct {
	lines    int  // lines read so far
	complete bool // the body was read to its end
}

// gatherer collects lines into a chunk while the one before is being cast. One
// goroutine calls read, another one take; stop may be called by any.
type gatherer struct {
	rules *poll.Rules
	plain plainBallot // used by read alone

	mu      sync.Mutex
	changed sync.Cond
	pending *chunk // guarded by mu
	spare   *chunk // guarded by mu
	state   gathered
	ended   bool // nothing more will be read
	stopped bool // nothing more will be taken
}

// chunks keeps grown chunks for the next upload.
var chunks = sync.Pool{New: func() any { return new(chunk) }}

func newGatherer(rules *poll.Rules) *gatherer {
	g := &gatherer{rules: rules, pending: chunks.Get().(*chunk), spare: chunks.Get().(*chunk)}
	g.changed.L = &g.mu
	return g
}

// release gives the chunks back, when neither read nor take is called any more.
func (g *gatherer) release() {
	for _, c := range []*chunk{g.pending, g.spare} {
		if c != nil {
			c.reset()
			chunks.Put(c)
		}
	}
	g.pending, g.spare = nil, nil
}

// read gathers lines until the body or the taking ends.
func (g *gatherer) read(l *lineReader) {
	d := ballotDecoders.Get().(*ballotDecoder)
	defer ballotDecoders.Put(d)
	for {
		err := l.await()
		g.mu.Lock()
		for !g.stopped && g.pending.full() {
			g.changed.Wait()
		}
		if err == nil && !g.stopped {
			err = g.fill(l, d)
		}
		if err != nil || g.stopped {
			g.ended = true
			g.state.complete = errors.Is(err, io.EOF)
		}
		ended := g.ended
		g.changed.Broadcast()
		g.mu.Unlock()
		if ended {
			return
		}
	}
}

// fill adds the line that has come, and those after it that have come as well.
// It is called with mu held and does not wait.
func (g *gatherer) fill(l *lineReader, d *ballotDecoder) error {
	for {
		line, err := l.next()
		var refusal *poll.Error
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
		g.state.lines++
		g.add(d, line, refusal)
		if g.pending.full() || !l.ready() {
			return nil
		}
	}
}

// add puts one line into the pending chunk.
func (g *gatherer) add(d *ballotDecoder, line []byte, refusal *poll.Error) {
	c := g.pending
	if len(c.lines) == 0 {
		c.firstLine = g.state.lines
	}
	c.bytes += len(line)
	if refusal == nil {
		refusal = g.ballot(c, d, line)
	}
	c.lines = append(c.lines, lineFate{refusal})
}

// ballot decodes a line and adds its ballot to the chunk.
func (g *gatherer) ballot(c *chunk, d *ballotDecoder, line []byte) *poll.Error {
	if p, ok := g.plain.scan(line, g.rules, true, c.arena); ok {
		selections := p.selections[len(c.arena):]
		c.arena = p.selections
		ballot := poll.Ballot{Poll: g.rules.ID, Key: g.rules.KeyOfBytes(p.voter), Selections: selections, IfVersion: p.ifVersion}
		if g.rules.Secrecy == poll.Open {
			ballot.Voter = string(p.voter)
		}
		c.ballots = append(c.ballots, ballot)
		return nil
	}
	b, err := d.decode(line, true)
	var refusal *poll.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	selections, faults := b.encode(g.rules)
	if faults != nil {
		c.invalid = true
		return &poll.Error{Code: poll.CodeInvalidBallot, Fields: faults}
	}
	ballot := poll.Ballot{Poll: g.rules.ID, Key: g.rules.Key(b.voter), Selections: selections, IfVersion: b.ifVersion}
	if g.rules.Secrecy == poll.Open {
		ballot.Voter = b.voter
	}
	c.ballots = append(c.ballots, ballot)
	return nil
}

// take waits for lines and returns them all, or nil when there are none left.
// done, if not nil, is a chunk that was taken before and is free again.
func (g *gatherer) take(done *chunk) (*chunk, gathered) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if done != nil {
		done.reset()
		g.spare = done
	}
	for len(g.pending.lines) == 0 && !g.ended && !g.stopped {
		g.changed.Wait()
	}
	if len(g.pending.lines) == 0 {
		return nil, g.state
	}
	c := g.pending
	g.pending, g.spare = g.spare, nil
	g.changed.Broadcast()
	return c, g.state
}

// waiting reports whether take would return lines at once.
func (g *gatherer) waiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.pending.lines) > 0
}

// stop ends the reading: what was gathered can still be taken.
func (g *gatherer) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	g.changed.Broadcast()
}
