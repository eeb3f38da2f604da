package refusal

import "fmt"

// FieldError is one thing that is wrong with one field of a request.
type FieldError struct {
	Field  string // place in the request's body, for example options[2].id or scores["ann"]
	Detail string // a sentence that says what to do
}

// Error is a refusal. Code, Reason and the values are why. The sentence for the person
// who sent the request is made where the answer is written, because it depends on the way
// in which the request came: see internal/api and cmd/voted.
type Error struct {
	Code   Code
	Reason Reason
	// Subject is what the reason is about, for example the id of a poll.
	Subject string
	// Detail is a sentence that says more than the values can, "" if they say everything.
	Detail string
	Fields []FieldError
	// Version is the current version of the ballot or poll concerned, if the refusal is
	// about versions; zero otherwise.
	Version uint32
	// RetryAfter is when the same request may succeed, in milliseconds from now; zero if
	// that is not known.
	RetryAfter int64
	// Oldest and Newest are the numbers of the events that are kept, if the refusal is about
	// events; zero otherwise.
	Oldest, Newest uint64
	// Cause is logged, never shown to clients.
	Cause error
}

// Error implements error.
func (e *Error) Error() string {
	msg := e.Code.String()
	if e.Reason != Usual {
		msg += " (" + e.Reason.String() + ")"
	}
	if e.Subject != "" {
		msg += " " + e.Subject
	}
	if e.Detail != "" {
		msg += ": " + e.Detail
	}
	for _, f := range e.Fields {
		msg += "; " + f.Field + ": " + f.Detail
	}
	if e.Cause != nil {
		msg += ": " + e.Cause.Error()
	}
	return msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an Error with a formatted detail.
func New(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Detail: fmt.Sprintf(format, args...)}
}

// Of makes the Error of a code that needs no reason and no sentence.
func Of(c Code) *Error { return &Error{Code: c} }

// For makes the Error of a reason, with the code that it belongs to.
func For(r Reason) *Error { return &Error{Code: r.Code(), Reason: r} }
