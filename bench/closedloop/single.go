package closedloop

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Single is a load of one ballot a request.
type Single struct {
	Targets     []string    // host:port; the connections are dealt out to them in turn
	TLS         *tls.Config // nil: the targets speak plain HTTP
	Connections int
	Duration    time.Duration
	// Requests ends the load after so many where Duration is 0.
	Requests uint64
	// First is the number of the first of them; the others follow without a gap.
	First uint64
	Poll  string
	// Polls spreads the ballots over so many polls, whose ids are Poll and a
	// number of ten digits from 0; 0: there is one, whose id is Poll.
	Polls     uint64
	Prefix    string // of the voters' ids; a number follows, each used once
	Selection string // an option of the poll
	// Again makes the load one of so many voters, from First on, whose ballots are
	// sent again and again until Duration has passed; 0: each voter is used once.
	Again uint64
	// Definition, where it is not empty, is the JSON of polls to create instead of
	// casting ballots: Requests of them, with ids as for Polls.
	Definition string
}

// Run dials all connections, then measures. It fails if it cannot dial. Refusals and broken
// connections are no error; the result counts them. When ctx ends it returns at once with
// ctx's error.
func (s Single) Run(ctx context.Context) (Result, error) {
	if s.Connections < 1 || s.Connections > maxConnections || len(s.Targets) == 0 || (s.Requests == 0) == (s.Duration == 0) {
		return Result{}, fmt.Errorf("a load has 1 to %d connections, at least one target, and an end", maxConnections)
	}
	conns, err := dial(ctx, s.Targets, s.Connections, s.TLS)
	if err != nil {
		return Result{}, err
	}
	defer closeAll(conns)
	defer context.AfterFunc(ctx, func() { closeAll(conns) })()

	parts := make([]Result, len(conns))
	start := time.Now()
	end := start.Add(s.Duration)
	if s.Duration == 0 {
		end = start.Add(longest)
	}
	var next atomic.Uint64
	var work sync.WaitGroup
	for i, c := range conns {
		work.Go(func() { // ends with the window, or the requests, and the answer under way
			_ = c.SetDeadline(end.Add(graceTime)) // fails only where c is closed, as the next write does
			s.loop(c, s.numbers(uint64(i), &next), end, &parts[i])
		})
	}
	work.Wait()
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	sum := Join(parts...)
	sum.Window = s.Duration
	if s.Duration == 0 {
		sum.Window = time.Since(start)
	}
	return sum, nil
}

// numbers returns a function that returns the number of the next request of a connection, and
// whether there is one. Each connection has a range of its own. With Requests all connections
// share one range without gaps, and with Again they use the same numbers again and again.
func (s Single) numbers(connection uint64, next *atomic.Uint64) func() (uint64, bool) {
	if s.Again > 0 {
		n := connection * s.Again / uint64(s.Connections) // each begins elsewhere
		return func() (uint64, bool) {
			n++
			return s.First + n%s.Again, true
		}
	}
	if s.Duration == 0 {
		return func() (uint64, bool) {
			n := next.Add(1) - 1
			return s.First + n, n < s.Requests
		}
	}
	n := connection * votersPerConnection
	end := n + votersPerConnection
	return func() (uint64, bool) {
		n++
		return n - 1, n <= end
	}
}

func (s Single) request(host string) *request {
	if s.Definition != "" {
		return newCreation(host, s.Poll, s.Definition)
	}
	return newRequest(host, s.Poll, s.Polls > 0, s.Prefix, s.Selection)
}

// loop sends the requests of one connection, one after another.
func (s Single) loop(c net.Conn, number func() (uint64, bool), end time.Time, r *Result) {
	req := s.request(c.RemoteAddr().String())
	in := newAnswers(c)
	for {
		sent := time.Now()
		n, more := number()
		if !more || !sent.Before(end) {
			return
		}
		if _, err := c.Write(req.as(n, s.Polls)); err != nil {
			r.noteUnknown(1, fmt.Errorf("a request could not be sent: %w", err))
			return
		}
		status, body, err := in.next()
		if err != nil {
			r.noteUnknown(1, err)
			return
		}
		now := time.Now()
		r.samples = append(r.samples, sample{sent.UnixMicro(), uint32(now.Sub(sent).Microseconds())})
		switch {
		case status == http.StatusCreated && (s.Definition != "" || bytes.Contains(body, counted)):
		case status == http.StatusOK && (s.Definition != "" || bytes.Contains(body, replayed)):
			r.Replayed++
		case bytes.Contains(body, outcomeUnknown):
			r.noteUnknown(1, fmt.Errorf("status %d: %.300s", status, body))
			continue
		default:
			r.noteRefusal(fmt.Sprintf("status %d: %.300s", status, body))
			continue
		}
		r.Acknowledged++
		if now.Before(end) {
			r.InWindow++
		}
	}
}

// dialer opens one connection.
type dialer interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
}

// dial opens n connections, in turn to the targets. Under TLS their handshakes are over
// when it returns.
func dial(ctx context.Context, targets []string, n int, config *tls.Config) ([]net.Conn, error) {
	plain := &net.Dialer{Timeout: dialTimeout}
	var d dialer = plain
	if config != nil {
		d = &tls.Dialer{NetDialer: plain, Config: config}
	}
	conns := make([]net.Conn, 0, n)
	for i := range n {
		c, err := d.DialContext(ctx, "tcp", targets[i%len(targets)])
		if err != nil {
			closeAll(conns)
			return nil, fmt.Errorf("%s cannot be reached: %w", targets[i%len(targets)], err)
		}
		conns = append(conns, c)
	}
	return slices.Clip(conns), nil
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}
