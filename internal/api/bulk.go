package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"voted/internal/poll"
)

// castMany serves POST of many ballots: lines in, a line out for each, both
// streamed. This goroutine reads; another one casts and answers.
//
// Lines that arrive while a chunk is being cast gather in the next one, so a
// fast sender gets large chunks and a slow one prompt answers, without a timer.
func (h *Handler) castMany(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaNDJSON); err != nil {
		return err
	}
	if err := contentType(r, mediaNDJSON); err != nil {
		return err
	}
	if !h.bulks.take() {
		return poll.Refuse(poll.CodeTooManyRequests, "This node takes all the bulk uploads it can; try another one, or wait.")
	}
	defer h.bulks.give()
	ctx, cancel := h.deadline(w, r)
	rules, err := h.rules(ctx, id)
	cancel()
	if err != nil {
		return err
	}
	h.metrics.bulkUploads.Inc()
	defer h.metrics.bulkUploads.Dec()
	u := newUpload(h, w, r, rules)
	if err := u.control.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	defer u.release()
	u.run(&w.ctx)
	return u.refusal
}

// answerBuffers keeps grown buffers of answers for the next upload.
var answerBuffers = sync.Pool{New: func() any { return new([]byte) }}

// release gives back what the next upload can use.
func (u *upload) release() {
	u.gather.release()
	kept := u.answers[:0]
	answerBuffers.Put(&kept)
}

// upload is one bulk request.
type upload struct {
	h       *Handler
	w       *response // the answering goroutine's, once it runs
	r       *http.Request
	control *http.ResponseController
	rules   *poll.Rules
	gather  *gatherer
	answers []byte
	// refusal is why nothing could be answered at all; it becomes the response.
	// Written by the answering goroutine before it ends.
	refusal error
}

func newUpload(h *Handler, w *response, r *http.Request, rules *poll.Rules) *upload {
	return &upload{
		h: h, w: w, r: r, control: http.NewResponseController(w), rules: rules,
		gather: newGatherer(rules), answers: *answerBuffers.Get().(*[]byte),
	}
}

// run reads the body to its end or until answering ends, whichever is first.
func (u *upload) run(ctx context.Context) {
	p := &patience{control: u.control}
	// Reading stops at once when answering ends or the node drains.
	interrupt := func() {
		p.end(true)
		u.gather.stop()
	}
	defer context.AfterFunc(u.h.draining, interrupt)()
	answered := make(chan struct{})
	panicked := ""
	go func() {
		defer close(answered)
		defer interrupt()
		defer func() {
			if fault := recover(); fault != nil {
				panicked = fmt.Sprintf("%v\n%s", fault, debug.Stack())
			}
		}()
		u.answer(ctx)
	}()
	u.gather.read(newLineReader(u.r.Body, p.extend))
	p.end(false)
	<-answered
	if panicked != "" {
		panic(panicked) // on the request's goroutine it is logged and answered
	}
}

// patience is how long the sender is waited for.
type patience struct {
	control *http.ResponseController
	mu      sync.Mutex
	over    bool // guarded by mu: the deadline is not touched any more
}

// extend gives the sender new time.
func (p *patience) extend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		_ = p.control.SetReadDeadline(time.Now().Add(bulkIdleTimeout)) // recorders in tests have none
	}
}

// end makes a read under way return where it is to be interrupted. Once reading
// has ended by itself the connection is left alone: it may serve another request.
func (p *patience) end(interrupt bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over && interrupt {
		_ = p.control.SetReadDeadline(time.Unix(1, 0))
	}
	p.over = true
}

// rest waits for the sender no more, who has sent everything: what comes then may take
// as long as it does.
func (p *patience) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.over = true
		_ = p.control.SetReadDeadline(time.Time{}) // recorders in tests have none
	}
}

// answer casts chunk after chunk and writes their answers in order. Chunks are
// independent of one another once taken: more may be cast at a time, as long as
// they are begun and answered in order.
func (u *upload) answer(ctx context.Context) {
	var c *chunk
	for {
		var state gathered
		c, state = u.gather.take(c)
		if c == nil {
			u.end(state)
			return
		}
		if err := u.cast(ctx, c); err != nil {
			u.breakOff(err, c.firstLine)
			return
		}
		u.render(c)
		if !u.send(!u.gather.waiting()) {
			return
		}
	}
}

// cast decides the ballots of a chunk within the time of one request.
func (u *upload) cast(ctx context.Context, c *chunk) error {
	ctx, cancel := context.WithTimeout(ctx, u.h.timeout)
	defer cancel()
	if c.invalid {
		code, err := u.h.invalidCode(ctx, u.rules.ID)
		if err != nil {
			return err
		}
		c.invalidCode = code
	}
	if len(c.ballots) == 0 {
		return nil
	}
	outcomes, err := u.h.cluster.CastMany(ctx, c.ballots)
	if err != nil {
		return inTime(err, poll.CodeOutcomeUnknown)
	}
	if len(outcomes) != len(c.ballots) {
		return errors.New("the cluster answered another number of ballots than it was given")
	}
	c.outcomes = outcomes
	return nil
}

// send writes what has been rendered; flush says that nothing more is at hand.
func (u *upload) send(flush bool) bool {
	_ = u.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // recorders in tests have none
	u.begin()
	_, err := u.w.Write(u.answers)
	u.answers = u.answers[:0]
	if err == nil && flush {
		err = u.control.Flush()
	}
	return err == nil || errors.Is(err, http.ErrNotSupported)
}

func (u *upload) begin() {
	if u.w.status == 0 {
		header := u.w.Header()
		header.Set("Content-Type", mediaNDJSON)
		header["Cache-Control"] = noStore
		u.w.WriteHeader(http.StatusOK)
	}
}

// end finishes a stream whose lines have all been answered.
func (u *upload) end(state gathered) {
	if u.h.draining.Err() != nil && !state.complete {
		u.breakOff(poll.Refuse(poll.CodeUnavailable, "This node is shutting down; go on at another one."), state.lines+1)
		return
	}
	if !state.complete {
		u.breakOff(malformed("The request body could not be read to its end."), state.lines+1)
		return
	}
	u.begin()
}

// breakOff says why the stream ends early and from which line to go on. If
// nothing has been answered yet, the response as a whole says it.
func (u *upload) breakOff(err error, line int) {
	if u.w.status == 0 {
		u.refusal = err
		return
	}
	var refusal *poll.Error
	if !errors.As(err, &refusal) {
		u.h.log.Error("bulk upload failed", "request_id", u.w.id, "error", err)
		refusal = &poll.Error{Code: poll.CodeInternal, Detail: "Something went wrong here; nothing is known about the lines from here on."}
	}
	u.answers = appendBreak(u.answers, refusal, line)
	u.send(true)
}
