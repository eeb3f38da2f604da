package frame

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// Problem is the API's refusal of a call (RFC 9457), or a page's own in the same form.
type Problem struct {
	Status    int     `json:"status"`
	Code      string  `json:"code"` // one of the API's codes
	Title     string  `json:"title"`
	Detail    string  `json:"detail"`
	Reason    string  `json:"reason"`
	Retryable bool    `json:"retryable"`
	Fields    []Field `json:"errors"`

	RetryAfter int    `json:"-"` // seconds; 0: none is named
	Tag        string `json:"-"` // the ETag: the current version or revision
	body       []byte // as the API wrote it; nil if a page refuses
}

// Field is what is wrong with one member of a body.
type Field struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error implements error.
func (p *Problem) Error() string { return "refused: " + p.Code }

// Is reports whether an error is a problem with one of the codes.
func Is(err error, codes ...string) bool {
	var p *Problem
	if !errors.As(err, &p) {
		return false
	}
	for _, code := range codes {
		if p.Code == code {
			return true
		}
	}
	return false
}

func problemOf(a *Answer) *Problem {
	p := &Problem{}
	if err := json.Unmarshal(a.Body, p); err != nil || p.Code == "" {
		p = &Problem{Code: "internal"}
	}
	p.Status, p.body = a.Status, a.Body
	p.Tag = a.Header.Get("Etag")
	p.RetryAfter, _ = strconv.Atoi(a.Header.Get("Retry-After"))
	return p
}

// WantsPage reports whether a client would rather have a page than JSON: browsers that go to an address do.
func WantsPage(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "text/html")
}

// Fail answers with an error: with a page in the visitor's language, or for scripts with the problem as JSON. An error
// that is no [*Problem] is logged, and shown without detail. What the handler has said of its own answer, that it is a file
// or that caches may keep it, does not hold for this one. If the answer has begun, the connection is cut off, so that
// the part that was sent does not look complete.
func (f *Frame) Fail(w http.ResponseWriter, r *http.Request, err error) {
	if out, ok := w.(*watched); ok && out.status != 0 {
		f.log.Error("page broke off", "request_id", RequestID(r), "error", err)
		panic(http.ErrAbortHandler)
	}
	var p *Problem
	if !errors.As(err, &p) {
		f.log.Error("page failed", "request_id", RequestID(r), "error", err)
		p = &Problem{Status: http.StatusInternalServerError, Code: "internal"}
	}
	w.Header().Del("Content-Disposition")
	w.Header().Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Tag != "" {
		w.Header().Set("Etag", p.Tag)
	}
	if !WantsPage(r) {
		f.failJSON(w, r, p)
		return
	}
	if p.Code == "unauthenticated" && r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/vote/") {
		_ = SeeOther(w, r, "/signin?next="+url.QueryEscape(r.URL.RequestURI()))
		return
	}
	page := Page{Template: "problem", Status: p.Status, Data: problemPage{Problem: p, Key: f.words.keyOf(p.Code)}}
	if r.Method == http.MethodGet && p.RetryAfter > 0 {
		page.Refresh = p.RetryAfter // a page that only shows something tries again by itself
	}
	if show := f.own.Show(w, r, page); show != nil {
		f.log.Error("page failed", "request_id", RequestID(r), "error", show)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// problemPage is what the page of a problem shows.
type problemPage struct {
	*Problem
	Key string // of its words
}

// keyOf is the key of a code's words; a code of a newer member has those of internal.
func (c *catalogue) keyOf(code string) string {
	if key := "code." + code; c.languages[0].Has(key + ".title") {
		return key
	}
	return "code.internal"
}

func (f *Frame) failJSON(w http.ResponseWriter, r *http.Request, p *Problem) {
	body := p.body
	if body == nil {
		var err error
		body, err = json.Marshal(map[string]any{
			"type": "/problems/" + p.Code, "title": Words(r).Text(f.words.keyOf(p.Code) + ".title"), "status": p.Status,
			"code": p.Code, "retryable": p.Retryable, "request_id": RequestID(r),
		}, json.Deterministic(true))
		if err != nil {
			panic("frame: a problem cannot be written: " + err.Error())
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // a client that has gone away gets nothing
}
