package frame

import (
	"bytes"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
)

// Call is a request of a page to the API.
type Call struct {
	Method string      // GET if empty
	Path   string      // escaped, with its query
	Header http.Header // may be nil; the credential and the request's id are added
	Body   []byte      // JSON, unless Header has a Content-Type
	Stream io.Reader   // the body, if it is not held in memory; Body is then not used
	// As is the credential to call with; nil: that of the request's cookie, see [Frame.Credential].
	As *string
}

// Answer is the API's answer to a call.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Into decodes the answer's JSON. Members that v does not have are left out.
func (a *Answer) Into(v any) error { return json.Unmarshal(a.Body, v) }

// Ask sends a call to the API within the process, in the name of whoever sent r, and returns its answer. The error is a
// [*Problem] if the API refuses. Each call counts as a request of its own where rates are limited.
func (f *Frame) Ask(r *http.Request, c Call) (*Answer, error) {
	record := &recorder{header: http.Header{}}
	f.api.ServeHTTP(record, f.request(r, c))
	a := &Answer{Status: record.status, Header: record.header, Body: record.body.Bytes()}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	if a.Status >= http.StatusBadRequest {
		return nil, problemOf(a)
	}
	return a, nil
}

// Pass sends a call to the API and lets it answer the client directly: for streams and downloads. If the API refuses,
// nothing is written, and the error is a [*Problem]. Headers of the answer that are set before the call are kept unless
// the API sets them too; it varies with what either says. A HEAD is a HEAD for the API too: it ends where a GET streams.
func (f *Frame) Pass(w http.ResponseWriter, r *http.Request, c Call) error {
	if c.Method == "" && r.Method == http.MethodHead {
		c.Method = http.MethodHead
	}
	out := &passed{ResponseWriter: w}
	f.api.ServeHTTP(out, f.request(r, c))
	out.WriteHeader(http.StatusOK) // the API may have set headers only
	if out.refused == nil {
		return nil
	}
	refused := out.refused
	return problemOf(&Answer{Status: refused.status, Header: refused.header, Body: refused.body.Bytes()})
}

// Rendered returns r for a call for a stream, which [Frame.Pass] lets through: the node calls render once for all who watch
// the same in this form, however many they are. See the type Rendered.
func (f *Frame) Rendered(r *http.Request, name string, render func(data []byte) ([]byte, error)) *http.Request {
	if f.rendered == nil {
		return r
	}
	return r.WithContext(f.rendered(r.Context(), name, render))
}

// carried are the headers of a page's request that the API gets as they are.
var carried = []string{"Traceparent", "Tracestate"}

// request makes the API's request. It bears nothing of the browser's: no cookie, no origin, no language.
func (f *Frame) request(r *http.Request, c Call) *http.Request {
	method := c.Method
	if method == "" {
		method = http.MethodGet
	}
	body := c.Stream
	if body == nil && c.Body != nil {
		body = bytes.NewReader(c.Body)
	}
	in, err := http.NewRequestWithContext(r.Context(), method, c.Path, body)
	if err != nil {
		panic("frame: a call cannot be made: " + err.Error()) // its path is ours
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.Host, in.RemoteAddr, in.TLS, in.RequestURI = r.Host, r.RemoteAddr, r.TLS, c.Path
	for name, values := range c.Header {
		in.Header[name] = values
	}
	if (c.Body != nil || c.Stream != nil) && in.Header["Content-Type"] == nil {
		in.Header["Content-Type"] = []string{"application/json"}
	}
	for _, name := range carried {
		if v := r.Header[name]; v != nil {
			in.Header[name] = v
		}
	}
	in.Header["X-Request-Id"] = []string{RequestID(r)}
	credential := c.As
	if credential == nil {
		own := f.Credential(r)
		credential = &own
	}
	if *credential != "" && !f.Open() {
		in.Header["Authorization"] = []string{"Bearer " + *credential}
	}
	return in
}

// recorder keeps an answer in memory. The API bounds the answers that are not streams.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

// passed lets an answer through to the client, and keeps a refusal back.
type passed struct {
	http.ResponseWriter
	header  http.Header // the API's, until it is known whether the answer is a refusal
	begun   bool
	refused *recorder
}

// Header implements http.ResponseWriter.
func (p *passed) Header() http.Header {
	if p.begun {
		return p.ResponseWriter.Header()
	}
	if p.header == nil {
		p.header = http.Header{}
	}
	return p.header
}

// WriteHeader implements http.ResponseWriter.
func (p *passed) WriteHeader(status int) {
	if p.begun || p.refused != nil {
		return
	}
	if status >= http.StatusBadRequest {
		p.refused = &recorder{header: p.Header(), status: status}
		return
	}
	out := p.ResponseWriter.Header()
	for name, values := range p.header {
		if name == "Vary" {
			values = append(out["Vary"], values...)
		}
		out[name] = values
	}
	p.begun = true
	p.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (p *passed) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	if p.refused != nil {
		return p.refused.body.Write(b)
	}
	return p.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find the connection.
func (p *passed) Unwrap() http.ResponseWriter { return p.ResponseWriter }
