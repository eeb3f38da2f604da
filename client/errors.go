package client

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrOutcomeUnknown matches, with errors.Is, every error after which the write may or
// may not have been applied. Send exactly the same request again: that is safe, and its
// answer shows what happened.
var ErrOutcomeUnknown = errors.New("the outcome is unknown; send the same request again: that is safe, and its answer shows the outcome")

// FieldError is one thing that is wrong with one field of a request.
type FieldError struct {
	Field  string `json:"field"`  // place in the body, for example options[2].id or scores["ann"]
	Detail string `json:"detail"` // a sentence that says what to do
}

// Error is an answer that refuses a request (RFC 9457 problem details). Match
// its code with errors.Is(err, client.CodeAlreadyVoted).
type Error struct {
	// Status is the HTTP status; 0 if the client refused to send the request.
	Status int
	// Code is the service's; empty if something else answered, such as a proxy.
	Code Code
	// Reason says which case of the code it is, for example "poll_deleted" of
	// CodePollExists; empty if there is only one.
	Reason string
	// Title and Detail are sentences for people.
	Title, Detail string
	// Retryable says that the same request may succeed later.
	Retryable bool
	// RequestID is the request's id in the node's log.
	RequestID string
	// RetryAfter is how long the service asks the client to wait; 0 if it does not.
	RetryAfter time.Duration
	// Fields are the errors of single fields.
	Fields []FieldError
	// Version is the current version (from ETag) of the ballot or poll concerned; 0 if
	// there is none.
	Version uint64
	// Oldest and Newest are the numbers of the events that are kept, with CodeEventsGone.
	Oldest, Newest uint64
	// Endpoint is the one that answered; Node is the node's own name.
	Endpoint, Node string
}

// Error returns a sentence with the code, the detail and the fields.
func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.Code != "":
		b.WriteString(string(e.Code))
	case e.Title != "":
		b.WriteString(e.Title)
	default:
		fmt.Fprintf(&b, "status %d", e.Status)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	} else if e.Code != "" && e.Title != "" {
		b.WriteString(": " + e.Title)
	}
	for _, f := range e.Fields {
		b.WriteString("; " + f.Field + ": " + f.Detail)
	}
	if e.RequestID != "" {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	return b.String()
}

// Is matches the error's Code, and ErrOutcomeUnknown.
func (e *Error) Is(target error) bool {
	if c, ok := target.(Code); ok {
		return c == e.Code
	}
	return target == ErrOutcomeUnknown && e.Code == CodeOutcomeUnknown
}

// refused makes the error of a request that is not worth sending.
func refused(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// UnreadableError says that a node carried the request out, but this client does not
// understand the answer. Do not ask again: the answer would be the same.
type UnreadableError struct {
	// Endpoint answered with this Status.
	Endpoint string
	Status   int
	// Cause is what could not be read.
	Cause error
}

// Error says that the request was carried out.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s carried the request out (status %d), but this client cannot read the answer: %v; use a newer client", e.Endpoint, e.Status, e.Cause)
}

// Unwrap returns the cause.
func (e *UnreadableError) Unwrap() error { return e.Cause }

// UnansweredError says that a call ended without a final answer: its deadline
// passed, it was cancelled, or no retry was left.
type UnansweredError struct {
	// Endpoints were tried, in the order of their first try.
	Endpoints []string
	// Attempts counts the tries.
	Attempts int
	// Unknown is true if the request changes something and a try may have reached a
	// node. Then errors.Is(err, ErrOutcomeUnknown) holds.
	Unknown bool
	// Ended says why there was no other try, for example "the deadline passed".
	Ended string
	// Cause is the failure of the last try: an *Error or a transport's error.
	Cause error
	// Context is the context's error if it ended the call, else nil.
	Context error
}

// Error names the endpoints, the last cause, and what is known about the outcome.
func (e *UnansweredError) Error() string {
	var b strings.Builder
	if len(e.Endpoints) == 0 {
		b.WriteString("no request was sent to any node")
	} else {
		b.WriteString("no node answered at " + strings.Join(e.Endpoints, ", "))
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	tries := "tries"
	if e.Attempts == 1 {
		tries = "try"
	}
	fmt.Fprintf(&b, " (%s after %d %s", e.Ended, e.Attempts, tries)
	if e.Unknown {
		b.WriteString("; " + ErrOutcomeUnknown.Error())
	}
	b.WriteByte(')')
	return b.String()
}

// Is matches ErrOutcomeUnknown if the outcome is unknown.
func (e *UnansweredError) Is(target error) bool { return target == ErrOutcomeUnknown && e.Unknown }

// Unwrap returns the last cause and the context's error.
func (e *UnansweredError) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Cause, e.Context} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}
