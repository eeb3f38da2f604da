package main

import (
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"voted/client"
)

func TestAPlanHasDuplicatesRevotesAndPoisonInARandomOrder(t *testing.T) {
	t.Parallel()
	p := newPlan(1000, 7)
	seen, poison := map[string]int{}, map[string]int{}
	for _, s := range p.stream {
		seen[s.poll+s.body]++
		if s.poison != "" {
			poison[s.poison]++
		}
	}
	twice := 0
	for _, n := range seen {
		twice += n - 1
	}
	if len(p.voters) != 1000 || p.revotes != 100 || twice != 1100/3 || len(p.stream) != 1100+1100/3+4 {
		t.Errorf("%d voters, %d revotes, %d twice, %d in all", len(p.voters), p.revotes, twice, len(p.stream))
	}
	if !maps.Equal(poison, p.poison) || len(poison) != 4 {
		t.Errorf("%v", poison)
	}
	if again := newPlan(1000, 7); !slices.Equal(again.stream, p.stream) {
		t.Error("the same seed makes another stream")
	}
	if other := newPlan(1000, 8); slices.Equal(other.stream, p.stream) {
		t.Error("another seed makes the same stream")
	}
}

// exported is an export of these ballots.
func exported(ballots ...client.ExportedBallot) iter.Seq2[client.ExportedBallot, error] {
	return func(yield func(client.ExportedBallot, error) bool) {
		for _, b := range ballots {
			if !yield(b, nil) {
				return
			}
		}
	}
}

func of(voter, option string, version uint64) client.ExportedBallot {
	return client.ExportedBallot{Voter: voter, Ballot: client.Choose(option), Version: version}
}

func TestTheBoxIsExactOrItsDifferencesAreNamed(t *testing.T) {
	t.Parallel()
	want := map[string]expected{"a": {"ann", 1}, "b": {"bo", 2}}
	for _, c := range []struct {
		says string
		lost int
		box  []client.ExportedBallot
	}{
		{"", 0, []client.ExportedBallot{of("a", "ann", 1), of("b", "bo", 2)}},
		{"the ballot of b is lost", 1, []client.ExportedBallot{of("a", "ann", 1)}},
		{"a has two ballots", 0, []client.ExportedBallot{of("a", "ann", 1), of("a", "ann", 1), of("b", "bo", 2)}},
		{"x has a ballot, and sent none that counts", 0, []client.ExportedBallot{of("a", "ann", 1), of("b", "bo", 2), of("x", "bo", 1)}},
		{`b has version 1 for ["ann"], and must have version 2 for bo`, 1, []client.ExportedBallot{of("a", "ann", 1), of("b", "ann", 1)}},
		{`a has version 1 for ["bo"], and must have version 1 for ann`, 1, []client.ExportedBallot{of("a", "bo", 1), of("b", "bo", 2)}},
	} {
		v := &verdict{}
		if err := v.compareBox(exported(c.box...), want); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(v.differences, "; "); got != c.says || v.lost != c.lost {
			t.Errorf("%q, %d lost; it must be %q, %d", got, v.lost, c.says, c.lost)
		}
	}
	broken := func(yield func(client.ExportedBallot, error) bool) {
		yield(client.ExportedBallot{}, io.ErrUnexpectedEOF)
	}
	if err := (&verdict{}).compareBox(broken, want); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an export that breaks off: %v", err)
	}
}

func TestTheTallyIsComparedToo(t *testing.T) {
	t.Parallel()
	v := &verdict{}
	r := client.Results{Options: []client.OptionResult{{ID: "ann", Votes: 2}, {ID: "bo", Votes: 1}}}
	v.compareTally(r, map[string]expected{"a": {"ann", 1}, "b": {"bo", 2}})
	if got := strings.Join(v.differences, "; "); got != "ann has 2 votes, and must have 1" {
		t.Errorf("%q", got)
	}
}

// A real cluster of three processes, a real broker and two bridges: all but the broker are killed.
func TestBridgesAndALeaderAreKilledAndEveryBallotCountsOnce(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	code := run(t.Context(), []string{"-voters", "4000", "-kills", "3", "-leaders", "1", "-limit", "8m"}, &out, &out)
	if code != 0 || !strings.Contains(out.String(), "EXACT  4,000 voters, 4,000 ballots") || strings.Count(out.String(), "SIGKILL") != 4 {
		t.Errorf("exit code %d:\n%s", code, out.String())
	}
}
