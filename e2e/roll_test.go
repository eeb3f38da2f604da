package e2e

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"testing"
	"time"

	"voted/client"
)

// weightOf is the weight of the i-th member of the roll.
func weightOf(i int) uint32 { return uint32(1 + i%7) }

// members yields a roll of n lines, and signals when it reaches line mark.
func members(n, mark int, marked chan<- struct{}) iter.Seq[client.RollEntry] {
	return func(yield func(client.RollEntry) bool) {
		for i := range n {
			if i == mark {
				close(marked)
			}
			if !yield(client.RollEntry{Voter: fmt.Sprintf("m-%d", i), Weight: weightOf(i)}) {
				return
			}
		}
	}
}

func TestARollOfAHundredThousandIsExactThroughAFailoverDuringItsUpload(t *testing.T) {
	t.Parallel()
	const size, voting = 100_000, 20_000
	c := start(t, "--snapshot-every", "8") // a returning member gets the roll from a snapshot
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "members", Eligibility: client.OnRoll, Quorum: voting})

	// Given an upload during which the leader is killed …
	victim := leaderOf(t, c)
	marked, killed := make(chan struct{}), make(chan error, 1)
	go func() {
		<-marked
		killed <- victim.Kill()
	}()
	began := time.Now()
	sum, err := all.LoadRoll(t.Context(), "members", members(size, size/2, marked), func(r client.RollRefusal) { t.Errorf("refused: %+v", r) })
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	if err := victim.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	if sum.Lines != size || sum.Added+sum.Unchanged != size || sum.Changed+sum.Refused != 0 {
		t.Errorf("the upload sums up to %+v", sum)
	}
	// … every voter is on the roll once, also when it is loaded again.
	sum, err = all.LoadRoll(t.Context(), "members", members(size, -1, nil), nil)
	if err != nil || sum.Unchanged != size {
		t.Errorf("loaded again it sums up to %+v, %v", sum, err)
	}
	// When a voter is dropped and others, on the roll or not, vote …
	if err := all.DropVoter(t.Context(), "members", "m-0"); err != nil {
		t.Fatal(err)
	}
	votes, refused := map[string]uint64{}, 0
	weight := uint64(0)
	ballots := func(yield func(client.BulkBallot) bool) {
		for i := range voting + 1 {
			if !yield(client.BulkBallot{Voter: fmt.Sprintf("m-%d", i), Ballot: client.Choose(candidates[i%3])}) {
				return
			}
			if i%100 == 0 && !yield(client.BulkBallot{Voter: fmt.Sprintf("stranger-%d", i), Ballot: client.Choose("ann")}) {
				return
			}
		}
	}
	for a, err := range all.CastMany(t.Context(), "members", ballots) {
		switch {
		case err != nil:
			t.Fatal(err)
		case a.Err() != nil && errors.Is(a.Err(), client.CodeNotEligible):
			refused++
		case a.Err() != nil:
			t.Errorf("%s: %v", a.Voter, a.Err())
		}
	}
	for i := 1; i <= voting; i++ {
		votes[candidates[i%3]] += uint64(weightOf(i))
		weight += uint64(weightOf(i))
	}
	if refused != voting/100+1+1 {
		t.Errorf("%d were refused as not eligible, want the strangers and who was dropped", refused)
	}
	if _, err := all.ClosePoll(t.Context(), "members"); err != nil {
		t.Fatal(err)
	}
	// … every node counts the weights exactly.
	eligible := uint64(0)
	for i := 1; i < size; i++ {
		eligible += uint64(weightOf(i))
	}
	want := client.Turnout{Eligible: size - 1, EligibleWeight: eligible, Voted: voting, VotedWeight: weight}
	for _, n := range c.Nodes {
		r, err := dial(t, n.URL).Results(t.Context(), "members", client.Linearizable)
		if err != nil {
			t.Fatalf("%s: %v", n.ID, err)
		}
		if r.Turnout == nil || *r.Turnout != want || r.Ballots != voting || r.Weight != weight || r.Quorum == nil || r.Quorum.Met == nil || !*r.Quorum.Met {
			t.Errorf("%s: %s, want turnout %+v", n.ID, r.Raw, want)
		}
		for _, o := range r.Options {
			if uint64(o.Votes) != votes[o.ID] {
				t.Errorf("%s counts %v for %s, want %d", n.ID, o.Votes, o.ID, votes[o.ID])
			}
		}
		// … and so does an auditor who has only its ballots.
		recounted := map[string]uint64{}
		for b, err := range dial(t, n.URL).AuditBallots(t.Context(), "members") {
			if err != nil {
				t.Fatalf("%s: %v", n.ID, err)
			}
			recounted[b.Ballot.Selections[0]] += b.Weight
		}
		if !maps.Equal(recounted, votes) {
			t.Errorf("the ballots of %s add up to %v, want %v", n.ID, recounted, votes)
		}
	}
	checkDigests(t, c)
	t.Logf("%d lines through a failover in %v (%.0f a second)", size, took.Round(time.Millisecond), size/took.Seconds())
}
