// Package probe asks a cluster from outside whether it counts exactly once: it casts ballots whose count it knows.
package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"voted/client"
)

// Result is how a round ended.
type Result string

const (
	OK     Result = "ok"
	Late   Result = "late"   // right, but slower than it may be
	Failed Result = "failed" // no answer, or one that says nothing about the count
	Wrong  Result = "wrong"  // a ballot was lost, counted twice or changed
)

// Results are all of them.
var Results = []Result{OK, Late, Failed, Wrong}

// Options are those of the poll that is probed.
var Options = []string{"even", "odd"}

// mostOpen bounds how many ballots wait to be sent again after an outage.
const mostOpen = 100

// Node is one node's API; *client.Client is one.
type Node interface {
	Cast(ctx context.Context, poll, voter string, b client.Ballot) (client.Receipt, error)
	Results(ctx context.Context, poll string, c client.Consistency) (client.Results, error)
}

// Lie is what a cluster that counts exactly once never says.
type Lie struct{ what string }

func (l *Lie) Error() string { return l.what }

// Prober is one poll, and the ledger of what must be counted in it. No other ballots may be cast in the poll.
type Prober struct {
	Nodes []Node
	Poll  string
	Late  time.Duration // a round that takes longer is late

	rounds  int
	settled map[string]int64 // ballots with a receipt, by option
	open    []ballot         // sent, or to be sent; whether they count is not known
}

type ballot struct{ voter, option string }

// Round casts a ballot at one node and again at the next, and holds the count at a third to the ledger. A ballot whose
// outcome is unknown is sent again in later rounds, until it has a receipt. The error says why the result is not OK.
func (p *Prober) Round(ctx context.Context) (Result, error) {
	began := time.Now()
	if len(p.open) < mostOpen {
		n := p.rounds
		p.open = append(p.open, ballot{fmt.Sprintf("probe-%d", n), Options[n%len(Options)]})
	}
	err := errors.Join(p.settle(ctx), p.compare(ctx))
	p.rounds++
	var lie *Lie
	took := time.Since(began)
	switch {
	case errors.As(err, &lie):
		return Wrong, err
	case err != nil:
		return Failed, err
	case took > p.Late:
		return Late, fmt.Errorf("it took %s", took.Round(time.Millisecond))
	}
	return OK, nil
}

// at is the node that is so many after this round's first.
func (p *Prober) at(further int) Node { return p.Nodes[(p.rounds+further)%len(p.Nodes)] }

// settle gets a receipt for each open ballot, the oldest first, and the same one again from another node.
func (p *Prober) settle(ctx context.Context) error {
	for len(p.open) > 0 {
		b := p.open[0]
		first, err := p.at(0).Cast(ctx, p.Poll, b.voter, client.Choose(b.option))
		if err != nil {
			return judge(err)
		}
		p.open = p.open[1:]
		if p.settled == nil {
			p.settled = map[string]int64{}
		}
		p.settled[b.option]++
		again, err := p.at(1).Cast(ctx, p.Poll, b.voter, client.Choose(b.option))
		if err != nil {
			return judge(err)
		}
		if first.Ballot != again.Ballot || first.Version != again.Version || first.Index != again.Index || !first.CastAt.Equal(again.CastAt) {
			return &Lie{fmt.Sprintf("the same ballot has two receipts: record %d at index %d, and record %d at index %d", first.Ballot, first.Index, again.Ballot, again.Index)}
		}
	}
	return nil
}

// compare holds the count to the ledger: each settled ballot counts once, each open one at most once.
func (p *Prober) compare(ctx context.Context) error {
	r, err := p.at(2).Results(ctx, p.Poll, client.Linearizable)
	if err != nil {
		return judge(err)
	}
	votes := map[string]int64{}
	for _, o := range r.Options {
		votes[o.ID] = int64(o.Votes)
	}
	var all, allOpen int64
	for _, option := range Options {
		settled, open := p.settled[option], int64(0)
		for _, b := range p.open {
			if b.option == option {
				open++
			}
		}
		all, allOpen = all+settled, allOpen+open
		if !within(votes[option], settled, open) {
			return &Lie{fmt.Sprintf("%s has %d votes, and must have %s", option, votes[option], bounds(settled, open))}
		}
	}
	if !within(int64(r.Ballots), all, allOpen) {
		return &Lie{fmt.Sprintf("%d ballots are counted, and must be %s", r.Ballots, bounds(all, allOpen))}
	}
	return nil
}

func within(counted, settled, open int64) bool { return settled <= counted && counted <= settled+open }

func bounds(settled, open int64) string {
	if open == 0 {
		return fmt.Sprint(settled)
	}
	return fmt.Sprintf("%d to %d", settled, settled+open)
}

// judge makes a Lie of a refusal that no ballot of a prober can get.
func judge(err error) error {
	switch {
	case errors.Is(err, client.CodeAlreadyVoted):
		return &Lie{"a ballot that was sent once is refused as the voter's second: " + err.Error()}
	case errors.Is(err, client.CodePollNotFound):
		return &Lie{"the poll that was created is gone: " + err.Error()}
	}
	return err
}
