package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"voted/internal/pause"

	"github.com/cenkalti/backoff/v5"
)

// Watch iterates over the results of a poll as they change. A broken stream is resumed
// at another endpoint; the log index of results never decreases. It ends without an
// error after the final results of a closed poll, and when ctx ends. It ends with an
// error after a refusal, or if nothing arrives within the client's deadline.
func (c *Client) Watch(ctx context.Context, poll string) iter.Seq2[Results, error] {
	return func(yield func(Results, error) bool) {
		w := watcher{client: c, yield: yield, alive: time.Now(), delays: fullJitter(c.retry)}
		if err := w.run(ctx, poll); err != nil && ctx.Err() == nil {
			yield(Results{}, err)
		}
	}
}

// watcher is one Watch over all its connections.
type watcher struct {
	client *Client
	yield  func(Results, error) bool
	lastID string
	last   uint64 // index of the newest results yielded
	any    bool   // some were
	alive  time.Time
	delays *backoff.ExponentialBackOff
}

var errStreamEnded = errors.New("the stream ended before the poll's final results")

// run reads one stream after another. It returns nil when the consumer needs no more.
func (w *watcher) run(ctx context.Context, poll string) error {
	c := w.client
	for {
		k := call{method: http.MethodGet, stream: true, mediaType: "text/event-stream"}
		if err := k.route("/v1/polls/", poll, "/results/stream"); err != nil {
			return err
		}
		k.header = c.header(nil, "text/event-stream", "")
		k.header["Cache-Control"] = []string{"no-store"}
		if w.lastID != "" {
			k.header["Last-Event-Id"] = []string{w.lastID}
		}
		c.authorize(k.header)
		meta, err := c.do(ctx, &k)
		if err != nil {
			return err
		}
		done, err := w.read(k.opened, meta)
		if k.opened.spoke {
			w.alive = time.Now()
			w.delays.Reset()
		}
		k.opened.close()
		var unreadable *UnreadableError
		if done || errors.As(err, &unreadable) {
			return err // the next stream would begin with the same results
		}
		// This node may be shutting down: the next connection goes to another one.
		c.nodes.leave(k.opened.ep)
		if time.Since(w.alive) > c.deadline {
			return &UnansweredError{
				Endpoints: c.Endpoints(), Attempts: meta.Attempts, Cause: err,
				Ended: "streams kept ending without any event",
			}
		}
		wait := w.delays.NextBackOff()
		c.retrying(ctx, &k, k.opened.ep, meta.Attempts, wait, err)
		if err := pause.For(ctx, wait); err != nil {
			return err
		}
	}
}

// read yields the events of one stream until it breaks. done: the consumer needs no
// more.
func (w *watcher) read(s *stream, meta Meta) (done bool, err error) {
	events := newEventReader(s)
	for {
		ev, err := events.next()
		if errors.Is(err, io.EOF) {
			err = errStreamEnded
		}
		if err != nil {
			return false, err
		}
		if ev.kind != "results" && ev.kind != "" {
			continue
		}
		var into resultsInto
		if err := into.decode(ev.data); err != nil {
			return false, &UnreadableError{Endpoint: s.ep.name, Status: meta.Status, Cause: fmt.Errorf("an event that is not results: %w", err)}
		}
		if into.Index == 0 {
			number, _, _ := strings.Cut(ev.id, "-")
			into.Index, _ = strconv.ParseUint(number, 10, 64)
		}
		final := into.State == StateClosed
		// After a resume another node may send known results again, or lag behind.
		// Results of another cluster that has replaced the first one are new.
		if w.any && into.Index <= w.last && !final && clusterOf(ev.id) == clusterOf(w.lastID) {
			continue
		}
		if ev.id != "" {
			w.lastID = ev.id
		}
		w.last, w.any = into.Index, true
		meta.Index = into.Index
		into.Meta = meta
		if !w.yield(into.Results, nil) || final {
			return true, nil
		}
	}
}

// event is one Server-Sent Event.
type event struct {
	kind, id string
	data     []byte
}

// eventReader reads Server-Sent Events (WHATWG HTML, section 9.2). Comments and unknown
// fields are skipped.
type eventReader struct{ r *bufio.Reader }

func newEventReader(r io.Reader) *eventReader { return &eventReader{bufio.NewReader(r)} }

func (e *eventReader) next() (event, error) {
	var ev event
	hasData := false
	for {
		line, err := readLine(e.r, maxEventBytes)
		if err != nil {
			return event{}, err // an event without its blank line is incomplete
		}
		if len(line) == 0 {
			if hasData {
				return ev, nil
			}
			ev = event{}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			ev.kind = string(value)
		case "id":
			ev.id = string(value)
		case "data":
			if hasData {
				ev.data = append(ev.data, '\n')
			}
			ev.data = append(ev.data, value...)
			hasData = true
			if len(ev.data) > maxEventBytes {
				return event{}, errTooLarge
			}
		}
	}
}

// readLine reads a line without its end. The slice is valid until the next read.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(long) > limit {
				return nil, errTooLarge
			}
			line, err = r.ReadSlice('\n')
			long = append(long, line...)
		}
		line = long
	}
	if err != nil {
		return line, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// clusterOf returns the cluster of an event, whose id is a log index and the cluster's
// id.
func clusterOf(id string) string {
	_, cluster, _ := strings.Cut(id, "-")
	return cluster
}
