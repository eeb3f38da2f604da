package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"voted/client"
	"voted/internal/thousands"
)

// maxNamed is how many differences of a kind are named.
const maxNamed = 5

// verdict is what the box and the dead letters hold, against the plan.
type verdict struct {
	messages, voters, revotes int
	ballots, replaced         int
	letters                   map[string]int // dead ones, by code; one that was stored twice counts once
	lost                      int            // ballots and dead letters
	differences               []string
	killed, deposed           int
	took                      time.Duration
}

func (v *verdict) exact() bool { return len(v.differences) == 0 }

// differ notes a difference; of many of a kind only the first are named.
func (v *verdict) differ(n *int, format string, args ...any) {
	if *n++; *n <= maxNamed {
		v.differences = append(v.differences, fmt.Sprintf(format, args...))
	}
}

// check exports the box and reads the dead letters.
func (d *demonstration) check(ctx context.Context) (*verdict, error) {
	v := &verdict{
		messages: len(d.plan.stream), voters: len(d.plan.voters), revotes: d.plan.revotes,
		letters: map[string]int{}, killed: d.killed, deposed: d.deposed, took: d.took,
	}
	if err := d.cluster.WaitReady(ctx); err != nil {
		return nil, err
	}
	if err := v.compareBox(d.client.ExportBallots(ctx, poll), d.plan.voters); err != nil {
		return nil, err
	}
	result, err := d.client.Results(ctx, poll, client.Linearizable)
	if err != nil {
		return nil, err
	}
	v.compareTally(result, d.plan.voters)
	if err := v.readLetters(ctx, d.js); err != nil {
		return nil, err
	}
	for code := range mapsOf(d.plan.poison, v.letters) {
		if want, got := d.plan.poison[code], v.letters[code]; want != got {
			v.lost += max(0, want-got)
			v.differences = append(v.differences, fmt.Sprintf("%d dead letters are %s, and must be %d", got, code, want))
		}
	}
	return v, nil
}

// compareBox compares each ballot of an export with the plan.
func (v *verdict) compareBox(box func(func(client.ExportedBallot, error) bool), want map[string]expected) error {
	seen, foreign, twice, other, missing := map[string]bool{}, 0, 0, 0, 0
	for b, err := range box {
		if err != nil {
			return err
		}
		v.ballots++
		if b.Version > 1 {
			v.replaced++
		}
		e, known := want[b.Voter]
		switch {
		case !known:
			v.differ(&foreign, "%s has a ballot, and sent none that counts", b.Voter)
		case seen[b.Voter]:
			v.differ(&twice, "%s has two ballots", b.Voter)
		case b.Version != e.version || !slices.Equal(b.Ballot.Selections, []string{e.option}):
			v.differ(&other, "%s has version %d for %q, and must have version %d for %s", b.Voter, b.Version, b.Ballot.Selections, e.version, e.option)
			v.lost++
		}
		seen[b.Voter] = true
	}
	for voter := range want {
		if !seen[voter] {
			v.differ(&missing, "the ballot of %s is lost", voter)
			v.lost++
		}
	}
	for kind, n := range map[string]int{"ballots of nobody": foreign, "second ballots": twice, "ballots that are not the voter's last": other, "lost ballots": missing} {
		if n > maxNamed {
			v.differences = append(v.differences, fmt.Sprintf("%s: %s in all", kind, thousands.Int(n)))
		}
	}
	return nil
}

// compareTally compares the count.
func (v *verdict) compareTally(r client.Results, want map[string]expected) {
	votes := map[string]int{}
	for _, e := range want {
		votes[e.option]++
	}
	for _, o := range r.Options {
		if int(o.Votes) != votes[o.ID] {
			v.differences = append(v.differences, fmt.Sprintf("%s has %d votes, and must have %d", o.ID, int(o.Votes), votes[o.ID]))
		}
	}
}

// readLetters reads every dead letter that is stored.
func (v *verdict) readLetters(ctx context.Context, js jetstream.JetStream) error {
	stream, err := js.Stream(ctx, "DEAD")
	if err != nil {
		return err
	}
	state, seen := stream.CachedInfo().State, map[string]bool{}
	for n := state.FirstSeq; n <= state.LastSeq && state.Msgs > 0; n++ {
		m, err := stream.GetMsg(ctx, n)
		if err != nil {
			return err
		}
		if id := m.Header.Get("Voted-Message"); !seen[id] {
			seen[id] = true
			v.letters[m.Header.Get("Voted-Code")]++
		}
	}
	return nil
}

// mapsOf returns the keys of both.
func mapsOf(a, b map[string]int) map[string]int {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}

// print prints the table and the verdict.
func (v *verdict) print(w io.Writer) {
	letters := 0
	for _, n := range v.letters {
		letters += n
	}
	group := thousands.Int[int]
	for _, row := range [][2]string{
		{"messages", group(v.messages)},
		{"voters", group(v.voters)},
		{"ballots in the box", group(v.ballots)},
		{"of these replaced", group(v.replaced) + " of " + group(v.revotes)},
		{"dead letters", group(letters)},
		{"bridges killed", group(v.killed)},
		{"leaders killed", group(v.deposed)},
		{"messages/s", group(int(float64(v.messages) / v.took.Seconds()))},
	} {
		fmt.Fprintf(w, "  %-20s %s\n", row[0], row[1])
	}
	if v.exact() {
		fmt.Fprintf(w, "EXACT  %s voters, %s ballots: none lost, none counted twice. %.1f s\n", group(v.voters), group(v.ballots), v.took.Seconds())
		return
	}
	fmt.Fprintf(w, "NOT EXACT\n  %s\n", strings.Join(v.differences, "\n  "))
}
