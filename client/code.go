package client

// Code names why the service refused a request. A Code is an error, so that it can be
// matched:
//
//	if errors.Is(err, client.CodeAlreadyVoted) { … }
type Code string

// The codes a request can be refused with.
const (
	CodePollNotFound          Code = "poll_not_found"
	CodeBallotNotFound        Code = "ballot_not_found"
	CodePollExists            Code = "poll_exists"
	CodeAlreadyVoted          Code = "already_voted"
	CodeSuperseded            Code = "superseded"
	CodeVersionMismatch       Code = "version_mismatch"
	CodePollNotOpen           Code = "poll_not_open"
	CodePollClosed            Code = "poll_closed"
	CodePollFull              Code = "poll_full"
	CodeResultsHidden         Code = "results_hidden"
	CodeInvalidBallot         Code = "invalid_ballot"
	CodeInvalidPoll           Code = "invalid_poll"
	CodeMalformedRequest      Code = "malformed_request"
	CodeIdempotencyKeyMissing Code = "idempotency_key_missing"
	CodeIdempotencyKeyReused  Code = "idempotency_key_reused"
	CodeUnauthenticated       Code = "unauthenticated"
	CodeForbidden             Code = "forbidden"
	CodeNotEligible           Code = "not_eligible"
	CodePayloadTooLarge       Code = "payload_too_large"
	CodeUnsupportedMediaType  Code = "unsupported_media_type"
	CodeTooManyRequests       Code = "too_many_requests"
	CodeUnavailable           Code = "unavailable"
	CodeOutcomeUnknown        Code = "outcome_unknown"
	CodeStorageFull           Code = "storage_full"

	// These belong to routes and conventions rather than to ballots.
	CodePollNotClosed      Code = "poll_not_closed"
	CodeNotAcceptable      Code = "not_acceptable"
	CodeNotFound           Code = "not_found"
	CodeMethodNotAllowed   Code = "method_not_allowed"
	CodeMemberExists       Code = "member_exists"
	CodeMemberNotFound     Code = "member_not_found"
	CodeQuorumAtRisk       Code = "quorum_at_risk"
	CodeInternal           Code = "internal"
	CodeRollNotFound       Code = "roll_not_found"
	CodeVoterNotFound      Code = "voter_not_found"
	CodeConfirmationNeeded Code = "confirmation_needed"
	CodeInvalidBackup      Code = "invalid_backup"
	CodeCrossOrigin        Code = "cross_origin"
	CodeMisdirected        Code = "misdirected"
	CodeInvalidVoter       Code = "invalid_voter"
	CodeUpgradePending     Code = "upgrade_pending"
	CodeLotDrawn           Code = "lot_drawn"
	CodeProofPending       Code = "proof_pending"
	CodeEventsGone         Code = "events_gone"
	CodeScheduleExists     Code = "schedule_exists"
	CodeInvalidSchedule    Code = "invalid_schedule"
	CodeScheduleNotFound   Code = "schedule_not_found"
	CodeWebhookNotFound    Code = "webhook_not_found"
	CodeWebhookExists      Code = "webhook_exists"
	CodeInvalidWebhook     Code = "invalid_webhook"
	CodeWebhooksOff        Code = "webhooks_off"
)

// allCodes is what Codes returns; short answers get their codes from it without
// allocating.
var allCodes = [...]Code{
	CodePollNotFound, CodeBallotNotFound, CodePollExists, CodeAlreadyVoted, CodeSuperseded,
	CodeVersionMismatch, CodePollNotOpen, CodePollClosed, CodePollFull, CodeResultsHidden,
	CodeInvalidBallot, CodeInvalidPoll, CodeMalformedRequest, CodeIdempotencyKeyMissing,
	CodeIdempotencyKeyReused, CodeUnauthenticated, CodeForbidden, CodeNotEligible,
	CodePayloadTooLarge, CodeUnsupportedMediaType, CodeTooManyRequests, CodeUnavailable,
	CodeOutcomeUnknown, CodeStorageFull, CodePollNotClosed, CodeNotAcceptable, CodeNotFound,
	CodeMethodNotAllowed, CodeMemberExists, CodeMemberNotFound, CodeQuorumAtRisk, CodeInternal,
	CodeRollNotFound, CodeVoterNotFound, CodeConfirmationNeeded, CodeInvalidBackup,
	CodeCrossOrigin, CodeMisdirected, CodeInvalidVoter, CodeUpgradePending, CodeLotDrawn,
	CodeProofPending, CodeEventsGone,
	CodeScheduleExists, CodeInvalidSchedule, CodeScheduleNotFound,
	CodeWebhookNotFound, CodeWebhookExists, CodeInvalidWebhook, CodeWebhooksOff,
}

// Codes returns every code known to this client. A newer service may send others.
func Codes() []Code { return append([]Code(nil), allCodes[:]...) }

// Error implements error, so that a Code can be a target of errors.Is.
func (c Code) Error() string { return string(c) }

// codeOf returns the code that b names.
func codeOf(b []byte) Code {
	for _, c := range allCodes {
		if string(c) == string(b) {
			return c
		}
	}
	return Code(b)
}

// transient reports whether the code says that the same request may succeed
// later, whatever the status it came with.
func (c Code) transient() bool {
	return c == CodeUnavailable || c == CodeOutcomeUnknown || c == CodeTooManyRequests || c == CodeUpgradePending || c == CodeProofPending
}
