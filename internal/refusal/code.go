// Package refusal has the closed set of codes with which a request is refused, and the
// error that carries one, from the state machine to the client. It is pure.
package refusal

import "fmt"

// Code names why a request was refused. The set is closed: it is the contract
// with clients, and internal/api maps every member to an HTTP status.
// The numbers travel between members; they are never reused.
type Code uint8

// The codes. None means that nothing was refused.
const (
	None Code = iota
	PollNotFound
	BallotNotFound
	PollExists
	AlreadyVoted
	Superseded
	VersionMismatch
	PollNotOpen
	PollClosed
	PollNotClosed
	PollFull
	ResultsHidden
	InvalidBallot
	InvalidPoll
	MalformedRequest
	IdempotencyKeyMissing
	IdempotencyKeyReused
	Unauthenticated
	Forbidden
	NotEligible
	PayloadTooLarge
	UnsupportedMediaType
	NotAcceptable
	NotFound
	MethodNotAllowed
	MemberExists
	MemberNotFound
	QuorumAtRisk
	TooManyRequests
	Unavailable
	OutcomeUnknown
	StorageFull
	Internal
	RollNotFound
	VoterNotFound
	ConfirmationNeeded
	InvalidBackup
	CrossOrigin
	Misdirected
	InvalidVoter
	UpgradePending
	LotDrawn
	ProofPending
	EventsGone
	ScheduleExists
	InvalidSchedule
	ScheduleNotFound
	WebhookNotFound
	WebhookExists
	InvalidWebhook
	WebhooksOff
	codeCount
)

var codeNames = [codeCount]string{
	None:                  "",
	PollNotFound:          "poll_not_found",
	BallotNotFound:        "ballot_not_found",
	PollExists:            "poll_exists",
	AlreadyVoted:          "already_voted",
	Superseded:            "superseded",
	VersionMismatch:       "version_mismatch",
	PollNotOpen:           "poll_not_open",
	PollClosed:            "poll_closed",
	PollNotClosed:         "poll_not_closed",
	PollFull:              "poll_full",
	ResultsHidden:         "results_hidden",
	InvalidBallot:         "invalid_ballot",
	InvalidPoll:           "invalid_poll",
	MalformedRequest:      "malformed_request",
	IdempotencyKeyMissing: "idempotency_key_missing",
	IdempotencyKeyReused:  "idempotency_key_reused",
	Unauthenticated:       "unauthenticated",
	Forbidden:             "forbidden",
	NotEligible:           "not_eligible",
	PayloadTooLarge:       "payload_too_large",
	UnsupportedMediaType:  "unsupported_media_type",
	NotAcceptable:         "not_acceptable",
	NotFound:              "not_found",
	MethodNotAllowed:      "method_not_allowed",
	MemberExists:          "member_exists",
	MemberNotFound:        "member_not_found",
	QuorumAtRisk:          "quorum_at_risk",
	TooManyRequests:       "too_many_requests",
	Unavailable:           "unavailable",
	OutcomeUnknown:        "outcome_unknown",
	StorageFull:           "storage_full",
	Internal:              "internal",
	RollNotFound:          "roll_not_found",
	VoterNotFound:         "voter_not_found",
	ConfirmationNeeded:    "confirmation_needed",
	InvalidBackup:         "invalid_backup",
	CrossOrigin:           "cross_origin",
	Misdirected:           "misdirected",
	InvalidVoter:          "invalid_voter",
	UpgradePending:        "upgrade_pending",
	LotDrawn:              "lot_drawn",
	ProofPending:          "proof_pending",
	EventsGone:            "events_gone",
	ScheduleExists:        "schedule_exists",
	InvalidSchedule:       "invalid_schedule",
	ScheduleNotFound:      "schedule_not_found",
	WebhookNotFound:       "webhook_not_found",
	WebhookExists:         "webhook_exists",
	InvalidWebhook:        "invalid_webhook",
	WebhooksOff:           "webhooks_off",
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
	for c := None + 1; c < codeCount; c++ {
		all = append(all, c)
	}
	return all
}
