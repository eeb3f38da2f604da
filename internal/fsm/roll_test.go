package fsm

import (
	"slices"
	"testing"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// rolled is a poll with a roll.
func rolled(id string) poll.Definition {
	d := definition(id, "plurality")
	d.Eligibility, d.Quorum, d.Revote = poll.OnRoll, 2, poll.RevoteUntilClose
	return d
}

func lineOf(voter string, weight uint32) poll.RollLine {
	return poll.RollLine{Key: keyOf(voter), Weight: weight}
}

// rollLog is like smallLog, for rolls, with everything that can happen to one. It must
// not change either.
func rollLog() [][]byte {
	salt := poll.Salt{1, 2, 3}
	drop := func(voter string, since uint64) poll.Drop {
		return poll.Drop{Poll: "members", Since: since, Key: keyOf(voter)}
	}
	return [][]byte{
		AppendCommand(nil, 1000, poll.Create{Definition: rolled("members"), Salt: salt}),
		AppendCommand(nil, 1100, poll.Enroll{Poll: "members", Since: 1, Lines: []poll.RollLine{lineOf("v1", 1), lineOf("v2", 3), lineOf("v3", 1000), lineOf("v4", 0)}}),
		AppendBallots(nil, 1200, sealed(ballotOf("members", "v1", 0, 0), ballotOf("members", "v2", 0, 1), ballotOf("members", "v9", 0, 1))),
		AppendCommand(nil, 1300, poll.Enroll{Poll: "members", Since: 2, Lines: []poll.RollLine{lineOf("v1", 1), lineOf("v2", 4), lineOf("v3", 7)}}),
		AppendCommand(nil, 1400, drop("v2", 4)),
		AppendCommand(nil, 1400, drop("v9", 4)),
		AppendCommand(nil, 1400, drop("v3", 1)),
		AppendBallots(nil, 1500, sealed(ballotOf("members", "v2", 1, 0), ballotOf("members", "v3", 0, 2), ballotOf("members", "v1", 1, 2))),
		AppendCommand(nil, 1600, poll.Enroll{Poll: "members", Since: 1, Lines: []poll.RollLine{lineOf("v2", 3), lineOf("v9", 1)}}),
	}
}

// wholeLog is what can happen at the first level, to polls with a roll and without, and to join
// tokens.
func wholeLog() [][]byte { return slices.Concat(smallLog(), rollLog(), tokenLog()) }

// allLogs have together everything that can happen. Each is for a state of its own, because their
// times overlap.
func allLogs() map[string][][]byte {
	return map[string][][]byte{
		"the first level": wholeLog(), "the journal": journalLog(), "scheduled commands": scheduleLog(), "webhooks and alarms": endpointLog(),
	}
}

func TestGoldenRoll(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, rollLog())
	digest := digestOf(f)
	golden(t, "digest-roll", digest[:])
	back := restored(t, golden(t, "snapshot-roll", persist(t, f)))
	if err := sameState(t, f, back); err != nil {
		t.Error(err)
	}
	// The same log continues in the same way on both.
	next := [][]byte{
		AppendCommand(nil, 1700, poll.Enroll{Poll: "members", Since: 9, Lines: []poll.RollLine{lineOf("v2", 4), lineOf("v2", 3), lineOf("v9", 2)}}),
		AppendBallots(nil, 1800, sealed(ballotOf("members", "v2", 1, 0), ballotOf("members", "v9", 0, 2))),
	}
	a, b := applyFrom(f, 10, next), applyFrom(back, 10, next)
	if got := a[0].Result.Roll; got.Added != 2 || len(got.Refused) != 1 || got.Refused[0].Code != refusal.AlreadyVoted {
		t.Errorf("the roll answers %+v", got)
	}
	if a[1].Outcomes[0].Kind != poll.Replaced || a[1].Outcomes[1].Kind != poll.Counted {
		t.Errorf("who is on the roll again is answered %+v", a[1].Outcomes)
	}
	if err := sameState(t, f, back); err != nil || len(b) != 2 {
		t.Errorf("after a restore it went another way: %v", err)
	}
	var count poll.Count
	back.Read(func(s *poll.State) { count, _ = s.Count("members") })
	want := poll.Turnout{Eligible: 4, EligibleWeight: 1 + 3 + 7 + 2, Voted: 4, VotedWeight: 1 + 3 + 7 + 2}
	if count.Turnout != want || !count.QuorumMet() {
		t.Errorf("turnout %+v, want %+v", count.Turnout, want)
	}
	votes := count.Tabulate().Options
	if votes[0].Votes != 3 || votes[1].Votes != 0 || votes[2].Votes != 1+7+2 {
		t.Errorf("weighted votes are %+v", votes)
	}
}
