package api

import (
	"strconv"
	"strings"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// sender is how a ballot comes in, which decides the words of its refusal.
type sender uint8

const (
	alone  sender = iota // a request of its own
	inBulk               // a line of many
)

// version writes a ballot's version as the sender must send it.
func (s sender) version(n uint32) string {
	if s == inBulk {
		return `"if_version":` + strconv.FormatUint(uint64(n), 10)
	}
	return `If-Match: "` + strconv.FormatUint(uint64(n), 10) + `"`
}

// versionName is the name of a version without its number.
func (s sender) versionName() string { return [...]string{alone: "If-Match", inBulk: "if_version"}[s] }

// refusal returns the sentence for a ballot that the rules refuse. version is that of the
// voter's current ballot, 0 if the refusal is not about versions.
func (s sender) refusal(code refusal.Code, version uint32) string {
	switch code {
	case refusal.AlreadyVoted:
		return "This voter has a different ballot in the box. To replace it, where the poll allows that, send " + s.version(version) + " with the new one."
	case refusal.VersionMismatch:
		return "The version in " + s.versionName() + " is not the voter's current one; read the current ballot, then decide whether to replace it."
	}
	return ballotRefusals[code]
}

// refuse makes the refusal of a ballot.
func (s sender) refuse(o poll.Outcome) *refusal.Error {
	e := o.Err()
	e.Detail = s.refusal(e.Code, e.Version)
	return e
}

// ballotRefusals are the sentences about ballots that are the same for all senders.
var ballotRefusals = map[refusal.Code]string{
	refusal.PollNotFound:  "There is no poll with this id.",
	refusal.PollNotOpen:   "The poll has not opened yet; cast the ballot after it opens.",
	refusal.PollClosed:    "The poll has closed; this ballot was not counted.",
	refusal.NotEligible:   "This voter is not on the poll's roll; the ballot was not counted.",
	refusal.PollFull:      "The poll has reached its maximum number of ballots; this ballot was not counted.",
	refusal.StorageFull:   "The disks of too many members are nearly full; the ballot was not counted. Send it again when the operators have made space.",
	refusal.InvalidBallot: "The ballot does not follow the poll's rules.",
	refusal.Superseded:    "This ballot was counted, and the same voter has since replaced it; the newer ballot stands.",
}

// rollRefusals are the sentences about one line of a roll.
var rollRefusals = map[refusal.Code]string{
	refusal.PollClosed:       "The poll has closed; its roll can no longer be changed.",
	refusal.MalformedRequest: "A weight is a whole number from 1 to " + strconv.Itoa(poll.MaxWeight) + ".",
	refusal.Superseded:       "This voter's entry was changed after this upload began, or stands earlier in it with another weight; look at it before changing it again.",
	refusal.AlreadyVoted:     "This voter has voted; the weight of a ballot that has been counted cannot change.",
	refusal.PollFull:         "The roll has as many entries as it can hold.",
}

// sentence returns a refusal's sentence: its own Detail, if it has one, and otherwise
// that of its reason or its code.
func sentence(e *refusal.Error) string {
	if e.Detail != "" {
		return e.Detail
	}
	said, ok := reasonSentences[e.Reason]
	if !ok {
		said = codeSentences[e.Code]
	}
	if !strings.Contains(said, "{") {
		return said
	}
	return strings.NewReplacer("{subject}", e.Subject, "{version}", strconv.FormatUint(uint64(e.Version), 10)).Replace(said)
}

// reasonSentences has the sentence for each reason. A test proves the table total.
// {subject} and {version} stand for those of the refusal.
var reasonSentences = map[refusal.Reason]string{
	refusal.PollDeleted:             "A poll of this id was deleted; its id is not used again. Choose another id.",
	refusal.PollInUse:               "The poll {subject} in the backup is another one than the poll of that id here, for which ballots may be under way. Restore into an empty cluster instead.",
	refusal.PollThere:               "The poll is there already, at revision {version}; read it, then decide.",
	refusal.PollAbsent:              "The poll is not there; to create it, leave If-Match out.",
	refusal.KeyOfDeletedPoll:        "This Idempotency-Key made the poll {subject}, which was deleted since; send a fresh key to create another poll.",
	refusal.KeysFull:                "Too many Idempotency-Keys are in use; create the poll under an id of your own with PUT.",
	refusal.PatchedTooOften:         "The poll was changed too often in the last ten minutes; wait before changing it again.",
	refusal.TokensFull:              "As many join tokens are remembered as there may be; wait until the first of them expires.",
	refusal.TokenUnfit:              "A join token is for one member id, and lives for up to 7 days.",
	refusal.RestoreInterrupted:      "Another restore began meanwhile, or this one paused for too long; nothing was changed. Start it again.",
	refusal.BackupTooFarAhead:       "The backup's log index is greater than any that a cluster reaches.",
	refusal.LotUnused:               `The poll does not decide ties by lot: its definition does not say "tie_break":"lot".`,
	refusal.LotIncomplete:           "A lot names each option of the poll once; a seed has 1 to 1,024 bytes.",
	refusal.ScheduleFull:            "As many commands are scheduled or remembered as there may be, or their definitions are too large; send the request itself when its time has come.",
	refusal.ScheduleOver:            "It was carried out and cannot be called off any more; read it to see what came of it.",
	refusal.WebhookDropped:          "The request was carried out, and the webhook was deleted since; send a new request to make it again.",
	refusal.WebhooksFull:            "There are as many webhooks as there may be, or their definitions are too large together; delete one that is no longer used.",
	refusal.RedeliveriesFull:        "As many events wait to be sent again as may wait; send the request again later, or name fewer events.",
	refusal.WebhooksChangedTooOften: "Webhooks were changed too often in the last minutes; send the request again after the time in Retry-After.",
	refusal.ProfileOnly:             `The poll discloses how many ballots hold each choice, and no single ones; a poll whose definition says "disclosure":"ballots" does.`,
	refusal.ProfileAfterClose:       "What the ballots of this secret poll choose is shown once the poll has closed; until then its results say how it stands.",
	refusal.BackupTooNew:            "The backup is of a newer format than this cluster uses. It uses newer ones once all members read them: upgrade all, and start those that are down.",
}

// codeSentences has the sentence for each code, for refusals without a reason and
// requests that are no ballots. A test proves the table total.
var codeSentences = map[refusal.Code]string{
	refusal.PollNotFound:          "There is no poll with this id; list the polls with GET /v1/polls.",
	refusal.BallotNotFound:        "This voter has no ballot in the poll.",
	refusal.PollExists:            "A different poll has this id; choose another id, or read that poll.",
	refusal.AlreadyVoted:          "This voter has voted, so this can no longer be changed.",
	refusal.Superseded:            "This was changed while the request was under way; look at it, then decide whether to send it again.",
	refusal.VersionMismatch:       "The poll is at revision {version}, not at the one in If-Match; read it again, then decide.",
	refusal.PollNotOpen:           "The poll has not opened yet; wait until it opens.",
	refusal.PollClosed:            "The poll has closed and can no longer be changed.",
	refusal.PollNotClosed:         "The poll is not closed; close it before deleting it.",
	refusal.PollFull:              "The poll has as many entries as it can hold.",
	refusal.ResultsHidden:         "The poll shows its results after it has closed.",
	refusal.InvalidBallot:         "The ballot does not follow the poll's rules.",
	refusal.InvalidPoll:           "The poll's definition cannot be used.",
	refusal.MalformedRequest:      "The request cannot be understood; see the description of this route in /openapi.yaml.",
	refusal.IdempotencyKeyMissing: "Send an Idempotency-Key that is new for each poll, so that a retry makes no second one; or choose an id and use PUT.",
	refusal.IdempotencyKeyReused:  "This Idempotency-Key came with a different request before; use a fresh key for each request.",
	refusal.Unauthenticated:       "Send a credential that this node knows.",
	refusal.Forbidden:             "This credential does not allow the request; use another one.",
	refusal.NotEligible:           "This voter is not on the poll's roll.",
	refusal.PayloadTooLarge:       "The request is larger than this route takes; send less at once.",
	refusal.UnsupportedMediaType:  "Send the body in a media type that this route takes; /openapi.yaml lists them.",
	refusal.NotAcceptable:         "Accept a media type that this route answers with; /openapi.yaml lists them.",
	refusal.NotFound:              "No route has this path; GET /openapi.yaml lists them all.",
	refusal.MethodNotAllowed:      "This path does not take the method; Allow lists those that it takes.",
	refusal.MemberExists:          "The cluster has such a member already; remove that one first.",
	refusal.MemberNotFound:        "The cluster has no such member; list the members with GET /v1/cluster.",
	refusal.QuorumAtRisk:          "The change would leave too few voting members running; start or add members first.",
	refusal.TooManyRequests:       "This node takes no more for the moment; send the request again after the time in Retry-After.",
	refusal.Unavailable:           "The cluster cannot carry this out now; nothing was applied. Send the request again.",
	refusal.OutcomeUnknown:        "The cluster did not confirm in time whether this was applied. Send the same request again: it is applied at most once.",
	refusal.StorageFull:           "The disks of too many members are nearly full; nothing was applied. Send the request again when the operators have made space.",
	refusal.Internal:              "Something went wrong on this node; its log says more under the request_id.",
	refusal.RollNotFound:          `The poll has no roll: anyone may vote. A poll gets one when it is created with "eligibility":"roll".`,
	refusal.VoterNotFound:         "The poll's roll does not name this voter.",
	refusal.ConfirmationNeeded:    "A restore drops what the cluster holds now: {subject}. Confirm it with exactly these words; they change while ballots come in, so stop those first.",
	refusal.InvalidBackup:         "The backup cannot be restored.",
	refusal.CrossOrigin:           "A page of another origin sent this request, and nothing was done.",
	refusal.Misdirected:           "The node does not go by the name in Host; call it by one of its own.",
	refusal.InvalidVoter:          "This cannot be the id of a voter.",
	refusal.LotDrawn:              "Another lot was drawn for this poll, and it stands; read the poll to see it.",
	refusal.ProofPending:          "The members have not signed the log so far yet; what was counted is counted. Send the request again in a second.",
	refusal.ScheduleExists:        "Another command was scheduled under this id; choose another id, or read that one.",
	refusal.InvalidSchedule:       "The command cannot be scheduled.",
	refusal.ScheduleNotFound:      "Nothing is scheduled under this id, or it was over more than 30 days ago; list what is with GET /v1/schedule.",
	refusal.WebhookNotFound:       "There is no webhook with this id; list them with GET /v1/webhooks.",
	refusal.WebhookExists:         "There is a webhook with this id and another definition. Choose another id, or change that one: send its ETag in If-Match, or use PATCH.",
	refusal.InvalidWebhook:        "The webhook cannot be defined like this.",
	refusal.WebhooksOff:           "This node has no key to sign with: it was started without --webhook-key. Start all nodes with the same key file, which voted webhook key makes.",
	refusal.EventsGone:            "The events after that one are no longer kept, or it is of another cluster. Read the polls as they stand, then go on after the number before \"oldest\".",
	refusal.UpgradePending:        "Some member of the cluster cannot read this yet; nothing was applied. Send the request again when all members have been upgraded.",
}
