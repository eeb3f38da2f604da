package poll

import "fmt"

// Code names why a request was refused. The set is closed: it is the contract
// with clients, and internal/api maps every member to an HTTP status.
// The numbers travel between members; they are never reused.
type Code uint8

// The codes. CodeNone means that nothing was refused.
const (
	CodeNone Code = iota
	CodePollNotFound
	CodeBallotNotFound
	CodePollExists
	CodeAlreadyVoted
	CodeSuperseded
	CodeVersionMismatch
	CodePollNotOpen
	CodePollClosed
	CodePollNotClosed
	CodePollFull
	CodeResultsHidden
	CodeInvalidBallot
	CodeInvalidPoll
	CodeMalformedRequest
	CodeIdempotencyKeyMissing
	CodeIdempotencyKeyReused
	CodeUnauthenticated
	CodeForbidden
	CodeNotEligible
	CodePayloadTooLarge
	CodeUnsupportedMediaType
	CodeNotAcceptable
	CodeNotFound
	CodeMethodNotAllowed
	CodeMemberExists
	CodeMemberNotFound
	CodeQuorumAtRisk
	CodeTooManyRequests
	CodeUnavailable
	CodeOutcomeUnknown
	CodeStorageFull
	CodeInternal
	CodeRollNotFound
	CodeVoterNotFound
	CodeConfirmationNeeded
	CodeInvalidBackup
	codeCount
)

var codeNames = [codeCount]string{
	CodeNone:                  "",
	CodePollNotFound:          "poll_not_found",
	CodeBallotNotFound:        "ballot_not_found",
	CodePollExists:            "poll_exists",
	CodeAlreadyVoted:          "already_voted",
	CodeSuperseded:            "superseded",
	CodeVersionMismatch:       "version_mismatch",
	CodePollNotOpen:           "poll_not_open",
	CodePollClosed:            "poll_closed",
	CodePollNotClosed:         "poll_not_closed",
	CodePollFull:              "poll_full",
	CodeResultsHidden:         "results_hidden",
	CodeInvalidBallot:         "invalid_ballot",
	CodeInvalidPoll:           "invalid_poll",
	CodeMalformedRequest:      "malformed_request",
	CodeIdempotencyKeyMissing: "idempotency_key_missing",
	CodeIdempotencyKeyReused:  "idempotency_key_reused",
	CodeUnauthenticated:       "unauthenticated",
	CodeForbidden:             "forbidden",
	CodeNotEligible:           "not_eligible",
	CodePayloadTooLarge:       "payload_too_large",
	CodeUnsupportedMediaType:  "unsupported_media_type",
	CodeNotAcceptable:         "not_acceptable",
	CodeNotFound:              "not_found",
	CodeMethodNotAllowed:      "method_not_allowed",
	CodeMemberExists:          "member_exists",
	CodeMemberNotFound:        "member_not_found",
	CodeQuorumAtRisk:          "quorum_at_risk",
	CodeTooManyRequests:       "too_many_requests",
	CodeUnavailable:           "unavailable",
	CodeOutcomeUnknown:        "outcome_unknown",
	CodeStorageFull:           "storage_full",
	CodeInternal:              "internal",
	CodeRollNotFound:          "roll_not_found",
	CodeVoterNotFound:         "voter_not_found",
	CodeConfirmationNeeded:    "confirmation_needed",
	CodeInvalidBackup:         "invalid_backup",
}

// String returns the code as clients see it, for example "already_voted".
func (c Code) String() string {
	if c < codeCount {
		return codeNames[c]
	}
	return fmt.Sprintf("code(%d)", uint8(c))
}

// Codes returns every code that can refuse a request, in the order of their numbers.
func Codes() []Code {
	all := make([]Code, 0, codeCount-1)
	for c := CodeNone + 1; c < codeCount; c++ {
		all = append(all, c)
	}
	return all
}

// FieldError is one thing that is wrong with one field of a request.
type FieldError struct {
	Field  string // JSON path, for example "options[2].id"
	Detail string // a sentence that says what to do
}

// Error is a refusal. Detail is a sentence for the person who sent the request.
type Error struct {
	Code   Code
	Detail string
	Fields []FieldError
	// Version is the current version of the ballot or poll concerned, where
	// the refusal is about versions; zero otherwise.
	Version uint32
	// Cause is logged, never shown to clients.
	Cause error
}

// Error implements error.
func (e *Error) Error() string {
	msg := e.Code.String()
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

// Refuse makes an Error with a formatted detail.
func Refuse(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Detail: fmt.Sprintf(format, args...)}
}
