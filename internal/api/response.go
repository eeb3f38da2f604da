package api

import (
	"net/http"
	"strconv"
	"time"

	"voted/internal/moment"
	"voted/internal/refusal"
	"voted/internal/trace"
)

// response is the answer to one request. One goroutine at a time uses it: the request's,
// or the answering one of a bulk upload.
type response struct {
	http.ResponseWriter
	h  *Handler
	id string // of the request
	// ctx is the request's context, and carries its id to the other members. It must not
	// change while the request is served.
	ctx      trace.Context
	began    time.Time
	endpoint *endpoint
	client   string // name of the sender's credential; empty without authentication
	meter    *meter
	index    uint64 // log index the answer saw; 0: what the node has applied
	status   int    // 0 until the header is written
	written  int64  // bytes of body

	session *session // of a request that lasts; nil without authentication

	values [5]string // of headers that only this response has
	used   uint8     // of values

	foreign    bool  // a page of another, allowed origin sends the request
	known      bool  // the sender may learn what this node knows
	retryAfter int32 // seconds of Retry-After; 0: chosen as for all others
}

// value returns a header's value in memory of the response's own.
func (w *response) value(s string) []string {
	if int(w.used) == len(w.values) {
		return []string{s}
	}
	w.values[w.used] = s
	w.used++
	return w.values[w.used-1 : w.used : w.used]
}

// Values that many responses share; they must not be changed.
var (
	nosniff = []string{"nosniff"}
	noStore = []string{"no-store"}
	yes     = []string{"true"}

	firstVersion = []string{`"1"`}

	typeJSON    = []string{mediaJSON}
	typeProblem = []string{mediaProblem}
	typeText    = []string{mediaText + "; charset=utf-8"}
)

// The media types of bodies.
const (
	mediaJSON       = "application/json"
	mediaMergePatch = "application/merge-patch+json"
	mediaProblem    = "application/problem+json"
	mediaNDJSON     = "application/x-ndjson"
	mediaCSV        = "text/csv"
	mediaText       = "text/plain"
	mediaEvents     = "text/event-stream"
	mediaYAML       = "application/yaml"
)

// begin sets what every response has.
func (w *response) begin() {
	header := w.Header()
	header["X-Content-Type-Options"] = nosniff
	header["X-Request-Id"] = w.value(w.id)
}

// identify names the node, and lets the header name the log index that the answer
// reflects. With authentication, call it only once the sender is known: a log index would
// show strangers when ballots come in.
func (w *response) identify() {
	w.known = true
	header := w.Header()
	header["Voted-Node"] = w.h.node
	if leader := w.h.leader(); leader != nil {
		header["Voted-Leader"] = leader
	}
}

// leader returns the value of Voted-Leader, shared by the responses until it changes; nil
// if no leader is known.
func (h *Handler) leader() []string {
	id := h.cluster.Leader()
	if id == "" {
		return nil
	}
	if known := h.lastLeader.Load(); known != nil && (*known)[0] == id {
		return *known
	}
	now := []string{id}
	h.lastLeader.Store(&now)
	return now
}

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	if w.known {
		index := w.index
		if index == 0 {
			index = w.h.cluster.Index()
		}
		w.Header()["Voted-Index"] = w.value(strconv.FormatUint(index, 10))
	}
	if w.endpoint.lasts { // the server's own timeout was lifted; what comes in pieces gives new time for each
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // recorders in tests have none
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	w.written += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// saw notes that the answer reflects a log index. That of a forwarded request may be
// ahead of what this node has applied.
func (w *response) saw(index uint64) {
	w.index = max(index, w.h.cluster.Index())
}

// send writes a whole body.
func (w *response) send(status int, mediaType []string, body []byte) {
	header := w.Header()
	header["Content-Type"] = mediaType
	header["Content-Length"] = w.value(strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone away gets nothing
}

// tag sets the ETag of a version or revision.
func (w *response) tag(version uint32) {
	if version == 1 {
		w.Header()["Etag"] = firstVersion
		return
	}
	w.Header()["Etag"] = w.value(`"` + strconv.FormatUint(uint64(version), 10) + `"`)
}

// appendTime appends a time in milliseconds since the Unix epoch.
func appendTime(b []byte, ms int64) []byte { return moment.AppendText(b, ms) }

// problem answers with a refusal; a second answer is never written over a first.
func (w *response) problem(e *refusal.Error) {
	if w.status != 0 {
		return
	}
	writeProblem(w, e)
}
