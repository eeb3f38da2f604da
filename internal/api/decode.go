package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
)

// bodyBuffer holds a body, and what bounds the reading of it.
type bodyBuffer struct {
	bytes.Buffer
	bound io.LimitedReader
}

// bodies keeps buffers of small bodies for the next request.
var bodies = sync.Pool{New: func() any { return new(bodyBuffer) }}

// maxKeptBody is up to which size a buffer is kept: one large definition must
// not stay in memory for ever.
const maxKeptBody = 16 << 10

// withBody reads a body of up to limit bytes and lets use look at it; use must
// not keep it.
func withBody(w *response, r *http.Request, limit int64, use func(body []byte) error) error {
	b := bodies.Get().(*bodyBuffer)
	b.Reset()
	defer func() {
		if b.Cap() <= maxKeptBody {
			bodies.Put(b)
		}
	}()
	if err := readInto(b, w, r, limit); err != nil {
		return err
	}
	return use(b.Bytes())
}

func readInto(b *bodyBuffer, w *response, r *http.Request, limit int64) error {
	if r.ContentLength <= limit {
		b.bound = io.LimitedReader{R: r.Body, N: limit + 1}
		n, err := b.ReadFrom(&b.bound)
		b.bound.R = nil
		if err != nil {
			return malformed("The request body could not be read to its end.")
		}
		if n <= limit {
			return nil
		}
	}
	// The rest is not read: the connection ends with this answer.
	w.Header().Set("Connection", "close")
	return poll.Refuse(poll.CodePayloadTooLarge, "This route takes bodies of up to %d bytes.", limit)
}

// readJSON decodes a body strictly into v.
func readJSON(w *response, r *http.Request, limit int64, v any, mediaTypes ...string) error {
	if err := contentType(r, mediaTypes...); err != nil {
		return err
	}
	return withBody(w, r, limit, func(body []byte) error {
		if rest := bytes.TrimLeft(body, " \t\r\n"); len(rest) == 0 || rest[0] != '{' {
			return malformed("The body must be a JSON object.")
		}
		return unmarshal(body, v)
	})
}

// unmarshal decodes one JSON value and nothing else: unknown and duplicate names,
// names in other case, trailing data and invalid UTF-8 are refused.
func unmarshal(body []byte, v any) error {
	err := json.Unmarshal(body, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	e := malformed("The body is not the JSON that this route takes.")
	e.Cause = err
	var refusal *poll.Error
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, json.ErrUnknownName):
		errors.As(err, &semantic)
		e.Fields = []poll.FieldError{{Field: string(semantic.JSONPointer), Detail: "This name is not known here; leave it out, or correct its spelling."}}
	case errors.As(err, &semantic):
		e.Fields = []poll.FieldError{{Field: string(semantic.JSONPointer), Detail: "A value of another type is needed here."}}
	case errors.Is(err, jsontext.ErrDuplicateName):
		errors.As(err, &syntactic)
		e.Fields = []poll.FieldError{{Field: string(syntactic.JSONPointer), Detail: "This name stands here twice; keep one."}}
	case errors.As(err, &syntactic):
		e.Detail = "The body is not valid JSON in UTF-8, or something follows it; see byte " + itoa(syntactic.ByteOffset) + "."
	}
	return e
}

// noBody checks that a request brings nothing that would be ignored. An empty
// object is let pass: many clients send one with every POST.
func noBody(w *response, r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	return withBody(w, r, maxEmptyBytes, func(body []byte) error {
		if rest := bytes.TrimSpace(body); len(rest) == 0 || string(rest) == "{}" {
			return nil
		}
		return malformed("This request takes no body; leave it out.")
	})
}
