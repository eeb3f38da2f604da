package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"sync"

	"voted/internal/refusal"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// bodyBuffer holds a body, and the reader that bounds it.
type bodyBuffer struct {
	bytes.Buffer
	bound io.LimitedReader
}

// bodies keeps buffers of small bodies for the next request.
var bodies = sync.Pool{New: func() any { return new(bodyBuffer) }}

// maxKeptBody is up to which size a buffer is kept: one large definition must not stay in
// memory forever.
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
	return refusal.New(refusal.PayloadTooLarge, "This route takes bodies of up to %d bytes.", limit)
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
	var refused *refusal.Error
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	wrong := func(place jsontext.Pointer, detail string) {
		e.Fields = []refusal.FieldError{{Field: placeOf(place), Detail: detail}}
	}
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, json.ErrUnknownName):
		errors.As(err, &semantic)
		wrong(semantic.JSONPointer, "This name is not known here; leave it out, or correct its spelling.")
	case errors.As(err, &semantic):
		wrong(semantic.JSONPointer, wanted(semantic.GoType))
	case errors.Is(err, jsontext.ErrDuplicateName):
		errors.As(err, &syntactic)
		wrong(syntactic.JSONPointer, "This name stands here twice; keep one.")
	case errors.As(err, &syntactic):
		e.Detail = "The body is not valid JSON in UTF-8, or something follows it; see byte " + itoa(syntactic.ByteOffset) + "."
	}
	return e
}

// misplaced refuses the value at a place in a body.
func misplaced(place jsontext.Pointer, detail string) *refusal.Error {
	e := malformed("The body is not the JSON that this route takes.")
	e.Fields = []refusal.FieldError{{Field: placeOf(place), Detail: detail}}
	return e
}

// wanted says which type of value is needed.
func wanted(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "A value of another type is needed here."
	}
	switch kind := t.Kind(); {
	case kind == reflect.String:
		return "It must be a string."
	case kind == reflect.Bool:
		return "It must be true or false."
	case kind == reflect.Slice:
		return "It must be an array."
	case kind == reflect.Struct || kind == reflect.Map:
		return "It must be an object."
	case reflect.Uint <= kind && kind <= reflect.Uint64:
		return "It must be a whole number, 0 or more, that is not too large."
	case reflect.Int <= kind && kind <= reflect.Int64:
		return "It must be a whole number that is not too large."
	}
	return "A value of another type is needed here."
}

// noBody checks that a request has no body that would be ignored. An empty object is
// allowed: many clients send one with every POST.
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

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
