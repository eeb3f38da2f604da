package closedloop

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Single is a load of one ballot a request.
type Single struct {
	Targets     []string // host:port; the connections are dealt out to them in turn
	Connections int
	Duration    time.Duration
	Poll        string
	Prefix      string // of the voters' ids; a number follows, each used once
	Selection   string // an option of the poll
}

// Run dials all connections, then measures. An error means that there is nothing
// to measure; refusals and broken connections stand in the result. ctx ends it at
// once, with ctx's error.
func (s Single) Run(ctx context.Context) (Result, error) {
	if s.Connections < 1 || s.Connections > maxConnections || len(s.Targets) == 0 {
		return Result{}, fmt.Errorf("a load has 1 to %d connections and at least one target", maxConnections)
	}
	conns, err := dial(ctx, s.Targets, s.Connections)
	if err != nil {
		return Result{}, err
	}
	defer closeAll(conns)
	defer context.AfterFunc(ctx, func() { closeAll(conns) })()

	parts := make([]Result, len(conns))
	start := time.Now()
	end := start.Add(s.Duration)
	var work sync.WaitGroup
	for i, c := range conns {
		work.Go(func() { // ends with the window and the answer under way
			_ = c.SetDeadline(end.Add(graceTime)) // fails only where c is closed, as the next write does
			s.loop(c, uint64(i)*votersPerConnection, end, &parts[i])
		})
	}
	work.Wait()
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	sum := Join(parts...)
	sum.Window = s.Duration
	return sum, nil
}

// loop is one connection's clients, one after another.
func (s Single) loop(c net.Conn, voter uint64, end time.Time, r *Result) {
	r.latencies = make([]uint32, 0, 1024)
	req := newRequest(c.RemoteAddr().String(), s.Poll, s.Prefix, s.Selection)
	in := newAnswers(c)
	for last := voter + votersPerConnection; voter < last; voter++ {
		sent := time.Now()
		if !sent.Before(end) {
			return
		}
		if _, err := c.Write(req.as(voter)); err != nil {
			r.noteUnknown(1, fmt.Errorf("a request could not be sent: %w", err))
			return
		}
		status, body, err := in.next()
		if err != nil {
			r.noteUnknown(1, err)
			return
		}
		now := time.Now()
		r.latencies = append(r.latencies, uint32(now.Sub(sent).Microseconds()))
		switch {
		case status == http.StatusCreated && bytes.Contains(body, counted):
		case status == http.StatusOK && bytes.Contains(body, replayed):
			r.Replayed++
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

// dial opens n connections, in turn to the targets.
func dial(ctx context.Context, targets []string, n int) ([]net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
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
