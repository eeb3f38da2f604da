package peer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"voted/internal/trace"
)

const (
	callPath = "/v1/peer/"
	// outcomeHeader says who answered: the handler (with an error), or the port itself,
	// without calling the handler. Without it and without status 200, something else
	// answered.
	outcomeHeader  = "Voted-Peer-Outcome"
	outcomeFailed  = "failed"
	outcomeRefused = "refused"
	// requestIDHeader carries the id of the client's request that caused a call. A
	// build that does not know it ignores it.
	requestIDHeader = "X-Request-Id"
)

func (p *Port) newServer() *http.Server {
	return &http.Server{
		Handler:           http.HandlerFunc(p.serve),
		ReadHeaderTimeout: p.options.Timeout,
		IdleTimeout:       serverIdle,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return p.ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, callerKey{}, c.(*conn))
		},
		ErrorLog: slog.NewLogLogger(p.options.Logger.Handler(), slog.LevelDebug),
	}
}

// serve answers one call.
func (p *Port) serve(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	// We set our own deadlines. The server's ReadTimeout would end the context of a
	// handler that takes longer.
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	_ = control.SetWriteDeadline(time.Now().Add(bodyTimeout))
	method, ok := methodOf(r.URL.Path)
	switch {
	case !ok || r.Method != http.MethodPost:
		refuse(w, http.StatusNotFound, "there is no such call")
		return
	case r.ContentLength < 0:
		refuse(w, http.StatusLengthRequired, "the length of the body is missing")
		return
	case r.ContentLength > p.options.MaxBody:
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", p.options.MaxBody))
		return
	}
	handler := p.handler.Load()
	if handler == nil {
		refuse(w, http.StatusServiceUnavailable, "this member is still starting")
		return
	}
	if err := p.mayCall(r.Context(), method, handler.open); err != nil {
		// A connection may be older than the moment when an end entered its cluster.
		// The next connection begins with what both ends know now.
		w.Header().Set("Connection", "close")
		refuse(w, http.StatusForbidden, err.Error())
		return
	}
	body, err := readBody(r.Body, r.ContentLength)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the body did not arrive whole")
		return
	}
	_ = control.SetReadDeadline(time.Time{})
	answer, err := handler.answer(trace.With(r.Context(), carriedBy(r)), method, body)
	_ = control.SetWriteDeadline(time.Now().Add(bodyTimeout))
	if err == nil && int64(len(answer)) > p.options.MaxBody {
		err = fmt.Errorf("the answer has %d bytes, more than %d", len(answer), p.options.MaxBody)
	}
	if err != nil {
		w.Header().Set(outcomeHeader, outcomeFailed)
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	h := w.Header()
	// Members know each other's formats and clocks; both fields would only cost time.
	h["Content-Type"] = nil
	h["Date"] = nil
	h["Content-Length"] = []string{strconv.Itoa(len(answer))}
	_, _ = w.Write(answer) // an error means that the caller is gone
}

// carriedBy reads which request caused a call.
func carriedBy(r *http.Request) (c trace.Carried) {
	if v := r.Header[requestIDHeader]; len(v) == 1 && trace.ValidID(v[0]) {
		c.ID = v[0]
	}
	c.Span = trace.Parent(r.Header)
	return c
}

// refuse answers without calling the handler.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set(outcomeHeader, outcomeRefused)
	http.Error(w, text, status)
}

// methodOf returns the method in a path: a word of lowercase letters, digits and
// hyphens.
func methodOf(path string) (string, bool) {
	if len(path) <= len(callPath) || path[:len(callPath)] != callPath {
		return "", false
	}
	method := path[len(callPath):]
	return method, isMethod(method)
}

func isMethod(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}

// readBody reads exactly n bytes.
func readBody(r io.Reader, n int64) ([]byte, error) {
	if n <= wholeBody {
		b := make([]byte, n)
		_, err := io.ReadFull(r, b)
		return b, err
	}
	var b bytes.Buffer
	b.Grow(wholeBody)
	got, err := io.Copy(&b, io.LimitReader(r, n))
	if err == nil && got != n {
		err = io.ErrUnexpectedEOF
	}
	return b.Bytes(), err
}
