package frame

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"voted/internal/trace"
)

// Group is a part of the pages that an operator turns on or off.
type Group string

// The groups. Common pages are there whenever any others are.
const (
	Common  Group = "common"  // the first page, sign-in, help
	Vote    Group = "vote"    // for voters
	Results Group = "results" // for the public
	Manage  Group = "manage"  // for organisers
	Console Group = "console" // for operators
)

// Groups are the groups that can be turned on one by one.
func Groups() []Group { return []Group{Vote, Results, Manage, Console} }

// Serve answers a request for a page. It writes an answer and returns nil, or writes nothing and returns an error,
// from which the frame makes a page: see [Frame.Fail].
type Serve func(w http.ResponseWriter, r *http.Request) error

// Route is one page, or one action of a page.
type Route struct {
	Pattern string // method and path, as http.ServeMux takes them: "GET /vote/{poll}"
	Group   Group
	Serve   Serve
	// Background marks requests that a page sends by itself, and answers that caches may keep. They do not keep a session
	// alive.
	Background bool
}

// visit is what the frame knows of a request.
type visit struct {
	id    string // of the request
	lang  *Language
	began time.Time
}

type visitKey struct{}

// visitOf returns the visit of a request that came through Handler.
func visitOf(r *http.Request) *visit {
	v, _ := r.Context().Value(visitKey{}).(*visit)
	if v == nil {
		panic("frame: the request did not come through Frame.Handler")
	}
	return v
}

// RequestID returns the id of a request, which the API and the log name too.
func RequestID(r *http.Request) string { return visitOf(r).id }

// Words returns the language of a request.
func Words(r *http.Request) *Language { return visitOf(r).lang }

// Add notes that a route is served, for links to it. Call it before the first request.
func (f *Frame) Add(route Route) { f.served[route.Pattern] = true }

// Serves reports whether the node has the route.
func (f *Frame) Serves(pattern string) bool { return f.served[pattern] }

// Handler returns the handler of a route.
func (f *Frame) Handler(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{id: f.requestID(r), lang: f.words.choose(w, r), began: time.Now()}
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		out := &watched{ResponseWriter: w}
		begin(out.Header(), v)
		if !route.Background {
			f.keepSession(out, r)
		}
		if err := route.Serve(out, r); err != nil {
			f.Fail(out, r, err)
		}
		if f.log.Enabled(r.Context(), slog.LevelDebug) { // the path is not logged: it names polls, and a form names voters
			f.log.Debug("page", "request_id", v.id, "route", route.Pattern, "status", out.status, "took", time.Since(v.began))
		}
	})
}

// requestID takes over the client's id of a request if it is fit for a log.
func (f *Frame) requestID(r *http.Request) string {
	if v := r.Header["X-Request-Id"]; len(v) == 1 && trace.ValidID(v[0]) {
		return v[0]
	}
	return f.ids.Next()
}

// watched is an answer that knows whether it has begun.
type watched struct {
	http.ResponseWriter
	status int // 0: it has not
}

// WriteHeader implements http.ResponseWriter.
func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *watched) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find the connection.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// SeeOther sends the browser on to a path of this node, with GET.
func SeeOther(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// Local returns a path of this node to go on to, or otherwise if path leads, or could be read as if it led, elsewhere.
func Local(path, otherwise string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return otherwise
	}
	return path
}

// maxFormBytes has room for a ballot with a mark for each of 1,024 options.
const maxFormBytes = 256 << 10

// Form reads the form that a page sent, of at most 256 KiB. Its error is for [Frame.Fail].
func (f *Frame) Form(w http.ResponseWriter, r *http.Request) error {
	return f.FormUpTo(w, r, maxFormBytes)
}

// FormUpTo is Form with a limit in bytes.
func (f *Frame) FormUpTo(w http.ResponseWriter, r *http.Request, limit int64) error {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &Problem{Status: http.StatusRequestEntityTooLarge, Code: "payload_too_large"}
	case err != nil || r.PostForm == nil:
		return &Problem{Status: http.StatusBadRequest, Code: "malformed_request"}
	}
	return nil
}
