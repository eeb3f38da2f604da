package api

import (
	"context"
	"io"
	"net/http"
	"time"
)

// streaming are the paths whose requests take as long as they make progress. The
// server's timeouts must not end them: their handlers set a deadline for each step.
var streaming = map[string]bool{
	"/v1/polls/{poll}/ballots":        true,
	"/v1/polls/{poll}/audit":          true,
	"/v1/polls/{poll}/results/stream": true,
	"/v1/polls/{poll}/roll":           true,
	"/v1/events":                      true,
	"/v1/cluster/stream":              true,
	"/v1/backup":                      true,
	"/v1/restore":                     true,
}

const (
	// readBeforeClose is how much of a body net/http reads by itself before it closes the
	// connection of a request that was answered early.
	readBeforeClose = 256 << 10
	// maxDrainBytes and maxDrain bound what is read of a body after its request was refused.
	maxDrainBytes = 256 << 20
	maxDrain      = 10 * time.Second
)

// drainsAfter prepares a refusal for a sender that sends its whole body before it reads:
// if the connection closed too early, it would break, and the sender would never see the
// refusal. The caller must call drain once the refusal is written; it discards the rest
// of the body. There is nothing to drain for a sender that waits for 100 Continue, or in
// HTTP/2, where a stream may end without its body.
func (h *Handler) drainsAfter(w *response, r *http.Request) (drain func()) {
	nothing := func() {}
	large := r.ContentLength < 0 || r.ContentLength > readBeforeClose
	if w.status != 0 || !large || r.ProtoMajor != 1 || r.Header["Expect"] != nil || h.draining.Err() != nil {
		return nothing
	}
	control := http.NewResponseController(w)
	if control.EnableFullDuplex() != nil { // recorders in tests have none
		return nothing
	}
	w.Header().Set("Connection", "close")
	return func() {
		until := time.Now().Add(maxDrain)
		if control.SetWriteDeadline(until) != nil || control.Flush() != nil || control.SetReadDeadline(until) != nil {
			return // the sender has gone away
		}
		defer context.AfterFunc(h.draining, func() { _ = control.SetReadDeadline(time.Unix(1, 0)) })()
		_, _ = io.CopyN(io.Discard, r.Body, maxDrainBytes) // if it ends early, so does the connection
	}
}

// unbounded lifts the server's ReadTimeout and WriteTimeout from a request whose sender was
// let in. The first would also end the request's context, in the middle of an answer.
func unbounded(act action) action {
	return func(w *response, r *http.Request) error {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Time{}) // recorders in tests have none
		_ = control.SetWriteDeadline(time.Time{})
		return act(w, r)
	}
}
