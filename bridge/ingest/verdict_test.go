package ingest

import (
	"testing"
	"time"

	"voted/client"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// The table of docs/bridge.md, a row each.
func TestWhatBecomesOfAMessageIsDecidedByItsAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		r    refusal
		want verdict
	}{
		{"a late duplicate of a ballot that was replaced", refusal{code: client.CodeSuperseded}, verdict{settled, 0, "superseded"}},
		{"a revote that overtook its ballot", refusal{code: client.CodeVersionMismatch, deliveries: 1}, verdict{waiting, 100 * time.Millisecond, "waiting"}},
		{"and again", refusal{code: client.CodeVersionMismatch, deliveries: 4}, verdict{waiting, 800 * time.Millisecond, "waiting"}},
		{"and very often", refusal{code: client.CodeVersionMismatch, deliveries: 1 << 40}, verdict{waiting, 30 * time.Second, "waiting"}},
		{"and to the end of the window", refusal{code: client.CodeVersionMismatch, since: noon.Add(-10*time.Minute + 1)}, verdict{waiting, 100 * time.Millisecond, "waiting"}},
		{"and for all of it", refusal{code: client.CodeVersionMismatch, since: noon.Add(-10 * time.Minute)}, verdict{dead, 0, "dead"}},
		{"a poll that is not there yet", refusal{code: client.CodePollNotFound, deliveries: 2}, verdict{waiting, 200 * time.Millisecond, "waiting"}},
		{"a poll that never comes", refusal{code: client.CodePollNotFound, since: noon.Add(-time.Hour)}, verdict{dead, 0, "dead"}},
		{"a poll that opens in two minutes", refusal{code: client.CodePollNotOpen, opens: noon.Add(2 * time.Minute)}, verdict{waiting, 2 * time.Minute, "waiting"}},
		{"a poll that opens in a week", refusal{code: client.CodePollNotOpen, opens: noon.Add(7 * 24 * time.Hour)}, verdict{waiting, 5 * time.Minute, "waiting"}},
		{"a poll that opens in a week, for a day already", refusal{code: client.CodePollNotOpen, since: noon.Add(-24 * time.Hour), opens: noon.Add(6 * 24 * time.Hour)}, verdict{waiting, 5 * time.Minute, "waiting"}},
		{"a poll that opens about now", refusal{code: client.CodePollNotOpen, deliveries: 1, opens: noon}, verdict{waiting, 100 * time.Millisecond, "waiting"}},
		{"a poll that must have opened", refusal{code: client.CodePollNotOpen, since: noon.Add(-24 * time.Hour), opens: noon.Add(-10 * time.Minute)}, verdict{dead, 0, "dead"}},
		{"a poll whose opening is not known", refusal{code: client.CodePollNotOpen, since: noon.Add(-10 * time.Minute)}, verdict{dead, 0, "dead"}},
		{"another ballot of the voter", refusal{code: client.CodeAlreadyVoted}, verdict{dead, 0, "dead"}},
		{"too late", refusal{code: client.CodePollClosed}, verdict{dead, 0, "dead"}},
		{"a full poll", refusal{code: client.CodePollFull}, verdict{dead, 0, "dead"}},
		{"not on the roll", refusal{code: client.CodeNotEligible}, verdict{dead, 0, "dead"}},
		{"against the poll's rules", refusal{code: client.CodeInvalidBallot}, verdict{dead, 0, "dead"}},
		{"no ballot", refusal{code: client.CodeMalformedRequest}, verdict{dead, 0, "dead"}},
		{"no voter", refusal{code: client.CodeInvalidVoter}, verdict{dead, 0, "dead"}},
		{"too long", refusal{code: client.CodePayloadTooLarge}, verdict{dead, 0, "dead"}},
		{"no leader", refusal{code: client.CodeUnavailable}, verdict{suspended, 0, "returned"}},
		{"nobody knows", refusal{code: client.CodeOutcomeUnknown, since: noon.Add(-time.Hour)}, verdict{suspended, 0, "returned"}},
		{"too many", refusal{code: client.CodeTooManyRequests}, verdict{suspended, 0, "returned"}},
		{"disks are full", refusal{code: client.CodeStorageFull}, verdict{suspended, 0, "returned"}},
		{"a fault of a node", refusal{code: client.CodeInternal}, verdict{suspended, 0, "returned"}},
		{"an upgrade", refusal{code: client.CodeUpgradePending}, verdict{suspended, 0, "returned"}},
		{"a token that nobody knows", refusal{code: client.CodeUnauthenticated}, verdict{locked, 0, "returned"}},
		{"a token of another role", refusal{code: client.CodeForbidden}, verdict{locked, 0, "returned"}},
		{"a code of a newer service", refusal{code: "novel", deliveries: 1}, verdict{waiting, 100 * time.Millisecond, "waiting"}},
		{"and for the whole window", refusal{code: "novel", since: noon.Add(-10 * time.Minute)}, verdict{dead, 0, "dead"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.r.window = 10 * time.Minute
			if c.r.since.IsZero() {
				c.r.since = noon
			}
			if got := judge(c.r, noon); got != c.want {
				t.Errorf("%+v", got)
			}
		})
	}
}

// foreign are the codes that no ballot is answered with.
var foreign = map[client.Code]bool{
	client.CodeBallotNotFound: true, client.CodePollExists: true, client.CodeResultsHidden: true, client.CodeInvalidPoll: true,
	client.CodeIdempotencyKeyMissing: true, client.CodeIdempotencyKeyReused: true, client.CodeUnsupportedMediaType: true,
	client.CodePollNotClosed: true, client.CodeNotAcceptable: true, client.CodeNotFound: true, client.CodeMethodNotAllowed: true,
	client.CodeMemberExists: true, client.CodeMemberNotFound: true, client.CodeQuorumAtRisk: true, client.CodeRollNotFound: true,
	client.CodeVoterNotFound: true, client.CodeConfirmationNeeded: true, client.CodeInvalidBackup: true, client.CodeCrossOrigin: true,
	client.CodeMisdirected: true, client.CodeLotDrawn: true, client.CodeProofPending: true, client.CodeEventsGone: true,
	client.CodeScheduleExists: true, client.CodeInvalidSchedule: true, client.CodeScheduleNotFound: true,
}

func TestEveryCodeOfABallotHasAFate(t *testing.T) {
	t.Parallel()
	known := map[client.Code]bool{"": true}
	for _, code := range client.Codes() {
		known[code] = true
		if _, has := fates[code]; has && foreign[code] {
			t.Errorf("%s is of no ballot and has a fate", code)
		}
	}
	for code := range fates {
		if !known[code] {
			t.Errorf("the service has no code %q", code)
		}
	}
	// No code may be taken for "counted" because it was forgotten.
	for _, code := range client.Codes() {
		if v := judge(refusal{code: code, since: noon, window: time.Minute}, noon); v.fate == settled && code != client.CodeSuperseded {
			t.Errorf("%s is acknowledged", code)
		}
	}
}
