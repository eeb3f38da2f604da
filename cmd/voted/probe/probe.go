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

const (
	// patience is how long one node is waited for at first, as a share of what is late: a round in which one of them
	// hangs is in time. It doubles whenever none has answered.
	patience = 4
	// pause is waited once no node has answered, before the first is asked again.
	pause = 50 * time.Millisecond
)

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
	order   []int            // nodes, the next one to be asked first
	away    []int            // those that did not answer in this round
	settled map[string]int64 // ballots with a receipt, by option
	open    []ballot         // sent, or to be sent; whether they count is not known
}

type ballot struct{ voter, option string }

// AtOneNode makes a client that leaves it to the prober to ask another node.
func AtOneNode() client.Option { return client.WithRetryPolicy(client.RetryPolicy{MaxAttempts: 1}) }

// Round casts a ballot at one node and again at the next, and holds the count at a third to the ledger. A node that does
// not answer is passed over, as clients do it, until the context ends. A ballot whose outcome is unknown then is sent again
// in later rounds, until it has a receipt. The error says why the result is not OK.
func (p *Prober) Round(ctx context.Context) (Result, error) {
	began := time.Now()
	p.order, p.away = nil, nil
	for i := range p.Nodes {
		p.order = append(p.order, (p.rounds+i)%len(p.Nodes))
	}
	if len(p.open) < mostOpen {
		n := p.rounds
		p.open = append(p.open, ballot{fmt.Sprintf("probe-%d", n), Options[n%len(Options)]})
	}
	err := p.settle(ctx)
	if ctx.Err() == nil { // otherwise nothing more can be asked
		err = errors.Join(err, p.compare(ctx))
	}
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

// ask asks one node after the other until one answers, and puts it behind the others.
func (p *Prober) ask(ctx context.Context, f func(context.Context, Node) error) error {
	for wait := p.Late / patience; ; {
		if len(p.order) == 0 {
			p.order, p.away, wait = p.away, nil, 2*wait
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
		n := p.order[0]
		p.order = p.order[1:]
		within, cancel := context.WithTimeout(ctx, wait)
		err := f(within, p.Nodes[n])
		cancel()
		if !passes(err) {
			p.order = append(p.order, n)
			return judge(err)
		}
		p.away = append(p.away, n)
		if ctx.Err() != nil {
			return err
		}
	}
}

// passes reports whether another node may answer what this one did not.
func passes(err error) bool {
	var refused *client.Error
	if errors.As(err, &refused) {
		return refused.Retryable
	}
	var unanswered *client.UnansweredError
	return errors.As(err, &unanswered) || errors.Is(err, client.ErrOutcomeUnknown) || errors.Is(err, context.DeadlineExceeded)
}

// settle gets a receipt for each open ballot, the oldest first, and the same one again from another node.
func (p *Prober) settle(ctx context.Context) error {
	for len(p.open) > 0 {
		b := p.open[0]
		first, err := p.cast(ctx, b)
		if err != nil {
			return err
		}
		p.open = p.open[1:]
		if p.settled == nil {
			p.settled = map[string]int64{}
		}
		p.settled[b.option]++
		again, err := p.cast(ctx, b)
		if err != nil {
			return err
		}
		if first.Ballot != again.Ballot || first.Version != again.Version || first.Index != again.Index || !first.CastAt.Equal(again.CastAt) {
			return &Lie{fmt.Sprintf("the same ballot has two receipts: record %d at index %d, and record %d at index %d", first.Ballot, first.Index, again.Ballot, again.Index)}
		}
	}
	return nil
}

func (p *Prober) cast(ctx context.Context, b ballot) (r client.Receipt, err error) {
	err = p.ask(ctx, func(ctx context.Context, at Node) (err error) {
		r, err = at.Cast(ctx, p.Poll, b.voter, client.Choose(b.option))
		return err
	})
	return r, err
}

// compare holds the count to the ledger: each settled ballot counts once, each open one at most once.
func (p *Prober) compare(ctx context.Context) error {
	var r client.Results
	err := p.ask(ctx, func(ctx context.Context, at Node) (err error) {
		r, err = at.Results(ctx, p.Poll, client.Linearizable)
		return err
	})
	if err != nil {
		return err
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
