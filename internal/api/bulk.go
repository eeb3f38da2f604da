package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"voted/internal/lines"
	"voted/internal/poll"
	"voted/internal/refusal"
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
	answer, err := negotiate(r, mediaNDJSON, mediaJSON)
	if err != nil {
		return err
	}
	if err := contentType(r, mediaNDJSON); err != nil {
		return err
	}
	if !h.bulks.take() {
		return refusal.New(refusal.TooManyRequests, "This node takes all the bulk uploads it can; try another one, or wait.")
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
	if answer == mediaJSON {
		u.summary = &bulkSummary{Poll: id}
	}
	if err := u.control.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	defer u.release()
	u.run(&w.ctx)
	return u.refused
}

// answerBuffers keeps grown buffers of answers for the next upload.
var answerBuffers = sync.Pool{New: func() any { return new([]byte) }}

// release gives back the buffers that the next upload can use.
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
	timeout time.Duration // of a chunk
	gather  *gatherer
	answers []byte
	summary *bulkSummary // nil: each line is answered by a line
	next    int          // first line that is not answered
	// stalled fires when the sender has not read an answer for so long that both sides may
	// be waiting for each other; only send starts it.
	stalled *time.Timer
	// refusal is why nothing could be answered at all; it becomes the response.
	// Written by the answering goroutine before it ends.
	refused error
}

func newUpload(h *Handler, w *response, r *http.Request, rules *poll.Rules) *upload {
	return &upload{
		h: h, w: w, r: r, control: http.NewResponseController(w), rules: rules, timeout: h.timeFor(r), next: 1,
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
	u.gather.discarding = u.grant
	u.stalled = time.AfterFunc(time.Hour, u.gather.overrun)
	u.stalled.Stop()
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
	u.gather.read(lines.New(u.r.Body, bulkReadBytes, maxLineBytes, p.extend))
	p.end(false)
	<-answered
	if panicked != "" {
		panic(panicked) // on the request's goroutine it is logged and answered
	}
}

// patience is the read deadline of a sender.
type patience struct {
	control *http.ResponseController
	mu      sync.Mutex
	over    bool // guarded by mu: the deadline is no longer changed
}

// extend gives the sender new time.
func (p *patience) extend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		_ = p.control.SetReadDeadline(time.Now().Add(bulkIdleTimeout)) // recorders in tests have none
	}
}

// end makes a read under way return if interrupt is set. Once reading has ended by itself
// the connection is left alone: it may serve another request.
func (p *patience) end(interrupt bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over && interrupt {
		_ = p.control.SetReadDeadline(time.Unix(1, 0))
	}
	p.over = true
}

// rest lifts the deadline when the sender has sent everything: what follows may take any
// time.
func (p *patience) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.over = true
		_ = p.control.SetReadDeadline(time.Time{}) // recorders in tests have none
	}
}

// answer casts chunk after chunk and writes their answers in order. Chunks do not depend
// on one another once taken: several may be cast at the same time, if they are begun and
// answered in order.
func (u *upload) answer(ctx context.Context) {
	var c *chunk
	for {
		var state gathered
		c, state = u.gather.take(c)
		if c == nil {
			u.end(state)
			return
		}
		err := u.w.session.still(ctx)
		if err == nil {
			err = u.cast(ctx, c)
		}
		if err != nil {
			u.breakOff(err, c.firstLine)
			return
		}
		u.next = c.firstLine + len(c.lines)
		if u.summary != nil {
			u.count(c)
			continue
		}
		u.render(c)
		if !u.send(!u.gather.waiting()) {
			return
		}
	}
}

// cast decides the ballots of a chunk within the time of one request.
func (u *upload) cast(ctx context.Context, c *chunk) error {
	ctx, cancel := context.WithTimeout(ctx, u.timeout)
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
		return inTime(err, refusal.OutcomeUnknown)
	}
	if len(outcomes) != len(c.ballots) {
		return errors.New("the cluster answered another number of ballots than it was given")
	}
	c.outcomes = outcomes
	return nil
}

// send writes what has been rendered; flush: nothing more will come soon.
func (u *upload) send(flush bool) bool {
	u.begin()
	defer u.stalled.Stop()
	var err error
	for rest := u.answers; err == nil && len(rest) > 0; {
		piece := rest[:min(len(rest), bulkWriteBytes)]
		rest = rest[len(piece):]
		u.grant()
		u.stalled.Reset(u.h.stall)
		_, err = u.w.Write(piece)
	}
	u.answers = u.answers[:0]
	if err == nil && flush {
		u.grant()
		err = u.control.Flush()
	}
	return err == nil || errors.Is(err, http.ErrNotSupported)
}

// grant gives the sender new time to take what is written.
func (u *upload) grant() {
	_ = u.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // recorders in tests have none
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
	if state.overrun {
		u.breakOff(refusal.New(refusal.Unavailable, "The answers were not read while lines were sent, so both sides waited for each other. "+
			"Send the lines from here on again, and read answers meanwhile; or ask for a summary with Accept: application/json."), u.next)
		u.gather.awaitEnd()
		return
	}
	if u.h.draining.Err() != nil && !state.complete {
		u.breakOff(refusal.New(refusal.Unavailable, "This node is shutting down; go on at another one."), state.lines+1)
		return
	}
	if !state.complete {
		u.breakOff(malformed("The request body could not be read to its end."), state.lines+1)
		return
	}
	if u.summary != nil {
		u.refused = u.sendSummary(state.lines)
		return
	}
	u.begin()
}

// breakOff ends the stream early with a line that says why, and from which line the
// sender goes on. If nothing has been answered yet, the whole response says it.
func (u *upload) breakOff(err error, line int) {
	if u.w.status == 0 {
		u.refused = err
		return
	}
	var refused *refusal.Error
	if !errors.As(err, &refused) {
		u.h.log.Error("bulk upload failed", "request_id", u.w.id, "error", err)
		refused = &refusal.Error{Code: refusal.Internal, Detail: "Something went wrong here; nothing is known about the lines from here on."}
	}
	u.answers = appendBreak(u.answers, refused, line)
	u.send(true)
}
