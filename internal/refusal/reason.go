package refusal

import "fmt"

// Reason distinguishes the uses of one code, where the request alone does not show which
// it is. The numbers travel between members; they are never reused.
type Reason uint8

// The reasons. Usual means that the code has no further reason.
const (
	Usual                   Reason = iota
	PollDeleted                    // the id was that of a poll that was deleted
	PollInUse                      // a backup has another poll than this cluster under the id Subject
	PollThere                      // the poll was to be new, and is there at revision Version
	PollAbsent                     // the poll was to be there at some revision, and is not
	KeyOfDeletedPoll               // the Idempotency-Key made the poll Subject, which was deleted
	KeysFull                       // too many Idempotency-Keys are remembered
	PatchedTooOften                // the poll was changed too often of late
	TokensFull                     // too many join tokens are remembered
	TokenUnfit                     // a join token is for one member id, and lives for a limited time
	TokenUnclaimed                 // the member that shows a join token does not name itself and its disk
	TokenUnknown                   // the join token is not known, or was withdrawn
	TokenOfAnother                 // the join token is for another member
	TokenUsed                      // the join token was used
	TokenExpired                   // the join token has expired
	RestoreInterrupted             // another restore began, or this one paused for too long
	BackupTooFarAhead              // the log index of the backup is greater than any can be
	BackupTooNew                   // the backup uses formats that this cluster does not use yet
	LotUnused                      // the poll does not decide ties by lot
	LotIncomplete                  // the lot does not have each option of the poll once
	ProfileAfterClose              // what a secret poll's ballots choose is shown once it has closed
	ProfileOnly                    // single ballots of a poll that discloses its profile
	ScheduleFull                   // too many scheduled commands are remembered
	ScheduleOver                   // the scheduled command Subject was carried out
	WebhookDropped                 // the request made, or changed, a webhook that was deleted since
	WebhooksFull                   // there are as many webhooks as there may be
	RedeliveriesFull               // too many redeliveries wait
	WebhooksChangedTooOften        // too many requests about webhooks are remembered
	reasonCount
)

// reasons has the code that each reason belongs to, and its name in logs.
var reasons = [reasonCount]struct {
	code Code
	name string
}{
	Usual:              {None, ""},
	PollDeleted:        {PollExists, "poll_deleted"},
	PollInUse:          {PollExists, "poll_in_use"},
	PollThere:          {VersionMismatch, "poll_there"},
	PollAbsent:         {VersionMismatch, "poll_absent"},
	KeyOfDeletedPoll:   {PollNotFound, "key_of_deleted_poll"},
	KeysFull:           {TooManyRequests, "keys_full"},
	PatchedTooOften:    {TooManyRequests, "patched_too_often"},
	TokensFull:         {TooManyRequests, "tokens_full"},
	TokenUnfit:         {MalformedRequest, "token_unfit"},
	TokenUnclaimed:     {MalformedRequest, "token_unclaimed"},
	TokenUnknown:       {Forbidden, "token_unknown"},
	TokenOfAnother:     {Forbidden, "token_of_another"},
	TokenUsed:          {Forbidden, "token_used"},
	TokenExpired:       {Forbidden, "token_expired"},
	RestoreInterrupted: {Unavailable, "restore_interrupted"},
	BackupTooFarAhead:  {InvalidBackup, "backup_too_far_ahead"},
	BackupTooNew:       {InvalidBackup, "backup_too_new"},
	LotUnused:          {InvalidPoll, "lot_unused"},
	LotIncomplete:      {InvalidPoll, "lot_incomplete"},
	ProfileAfterClose:  {PollNotClosed, "profile_after_close"},
	ProfileOnly:        {Forbidden, "profile_only"},
	ScheduleFull:       {TooManyRequests, "schedule_full"},
	ScheduleOver:       {ScheduleExists, "schedule_over"},
	WebhookDropped:     {WebhookNotFound, "webhook_dropped"},
	WebhooksFull:       {TooManyRequests, "webhooks_full"},
	RedeliveriesFull:   {TooManyRequests, "redeliveries_full"},

	WebhooksChangedTooOften: {TooManyRequests, "webhooks_changed_too_often"},
}

// Code returns the code that the reason belongs to; None for Usual and for a reason of a
// later version.
func (r Reason) Code() Code {
	if r < reasonCount {
		return reasons[r].code
	}
	return None
}

// String returns the reason as logs show it.
func (r Reason) String() string {
	if r < reasonCount {
		return reasons[r].name
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// Reasons returns every reason but Usual, in the order of their numbers.
func Reasons() []Reason {
	all := make([]Reason, 0, reasonCount-1)
	for r := Usual + 1; r < reasonCount; r++ {
		all = append(all, r)
	}
	return all
}
