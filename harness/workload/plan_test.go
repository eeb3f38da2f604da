package workload

import (
	"reflect"
	"testing"
)

func plan(t *testing.T, seed uint64) *Plan {
	t.Helper()
	p, err := New(Options{Seed: seed, Polls: 6, Duplicates: 0.3, Prefix: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheSameSeedMakesTheSameVotes(t *testing.T) {
	t.Parallel()
	a, b, c := plan(t, 1), plan(t, 1), plan(t, 2)
	differ := 0
	for n := range uint64(1000) {
		if !reflect.DeepEqual(a.Vote(n), b.Vote(n)) {
			t.Fatalf("vote %d is %+v, and %+v with the same seed", n, a.Vote(n), b.Vote(n))
		}
		if !reflect.DeepEqual(a.Vote(n), c.Vote(n)) {
			differ++
		}
	}
	if differ < 500 {
		t.Errorf("another seed changed only %d of 1000 votes", differ)
	}
}

func TestTheSharesThatTheOptionsSetAreKept(t *testing.T) {
	t.Parallel()
	p := plan(t, 3)
	const n = 20_000
	kinds, again := map[Kind]int{}, 0
	for i := range uint64(n) {
		v := p.Vote(i)
		if len(v.Again) > 0 {
			again++
		}
		for _, k := range v.Again {
			kinds[k]++
		}
		if v.First == v.Other || v.First == v.Replacement || v.Other == v.Replacement {
			t.Fatalf("vote %+v makes one choice twice", v)
		}
		if number, ok := p.NumberOf(v.Poll, v.Voter); !ok || number != i {
			t.Fatalf("voter %s of poll %d is vote %d, not %d", v.Voter, v.Poll, i, number)
		}
		if v.Replaces && !p.Poll(v.Poll).Revotes() {
			t.Fatalf("vote %+v replaces where that is not allowed", v)
		}
	}
	if again < n*28/100 || again > n*32/100 {
		t.Errorf("%d of %d ballots are sent again, want 30 %%", again, n)
	}
	for _, k := range []Kind{Immediate, Concurrent, OtherNode, AfterFailover, AfterRestart, Conflict} {
		if kinds[k] == 0 {
			t.Errorf("no duplicate of kind %s was planned", k)
		}
	}
}

func TestAVoterWhoIsNotInThePlanHasNoVote(t *testing.T) {
	t.Parallel()
	for _, voter := range []string{"", "v", "w1", "v-1", "v01", "v1 ", "v99999999999999999999"} {
		if n, ok := plan(t, 1).NumberOf(0, voter); ok {
			t.Errorf("voter %q has vote %d, want none", voter, n)
		}
	}
}

func TestTheTallyOfEveryMethodAddsUpItsBallots(t *testing.T) {
	t.Parallel()
	p := plan(t, 1)
	for i := range 4 {
		poll := p.Poll(i)
		weights := make([]uint64, poll.Choices())
		for c := range weights {
			weights[c] = 1
			if n, ok := poll.ChoiceOf(poll.Ballot(uint8(c))); !ok || n != uint8(c) {
				t.Errorf("%s: the ballot of choice %d is read as choice %d", poll.Definition.Method, c, n)
			}
		}
		sum := uint64(0)
		for _, n := range poll.Tally(weights) {
			sum += n
		}
		// One vote or first preference each; approvals: 4 options in half of 16 sets.
		if want := map[int]uint64{0: 4, 1: 32, 2: 24}[i]; want != 0 && sum != want {
			t.Errorf("%s: the options have %d together, want %d", poll.Definition.Method, sum, want)
		}
	}
}

func TestKindsKeepTheirNames(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds() {
		text, err := k.MarshalText()
		var back Kind
		if err != nil || back.UnmarshalText(text) != nil || back != k {
			t.Errorf("kind %v is written %q and read as %v", k, text, back)
		}
	}
}
