package scale

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"voted/bench/closedloop"
	"voted/client"
	"voted/internal/thousands"
	"voted/proof"
)

// Proofs is what the logs do that prove what was counted.
type Proofs struct {
	Heads HeadDelay `json:"heads"`
	// Provable is how long after the last answer of the bulk load every node had a signed head
	// of all ballots.
	Provable float64 `json:"provable_seconds"`
	// Proof is how long a proof takes to get over the API at full size. Each was checked.
	Proof Reading `json:"proof"`
}

// HeadDelay is how long after a ballot's answer every node had a signed head that covers it.
type HeadDelay struct {
	Ballots int     `json:"ballots"`
	Rate    float64 `json:"per_second"`
	P50     float64 `json:"p50_seconds"`
	P99     float64 `json:"p99_seconds"`
	Max     float64 `json:"max_seconds"`
}

// answered is a ballot of the open loop: its number in the log, and when it was answered.
type answered struct {
	number uint64
	at     time.Time
}

// headDelays casts single ballots at a constant rate, and measures how long each is without a
// head at every node.
func (r *rig) headDelays(ctx context.Context) error {
	const poll = "heads"
	if err := r.makePoll(ctx, poll); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.length()+catchUpTimeout)
	defer cancel()
	w, err := r.watchHeads(ctx, poll)
	if err != nil {
		return err
	}
	defer w.stop()
	ballots, err := r.openLoop(ctx, poll, int(r.length().Seconds()*headRate))
	if err != nil {
		return err
	}
	delays, err := w.delays(ctx, ballots)
	if err != nil {
		return err
	}
	n := len(delays)
	d := HeadDelay{
		Ballots: n, Rate: headRate,
		P50: delays[n/2].Seconds(), P99: delays[n*99/100].Seconds(), Max: delays[n-1].Seconds(),
	}
	r.report.Proofs.Heads = d
	r.options.Say("%s ballots a second: p99 %.2f s until every node has a head that covers a ballot, %.2f s at most", thousands.Int(headRate), d.P99, d.Max)
	return nil
}

// openLoop casts ballots, each at its time, whether those before it are answered or not.
func (r *rig) openLoop(ctx context.Context, poll string, n int) ([]answered, error) {
	prefix := r.prefix()
	all, errs := make([]answered, n), make([]error, n)
	var casting sync.WaitGroup
	tick := time.NewTicker(time.Second / headRate)
	defer tick.Stop()
	for i := range n {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		casting.Go(func() {
			receipt, err := r.client.Cast(ctx, poll, fmt.Sprintf("%s%d", prefix, i), client.Ballot{Selections: []string{"a"}})
			all[i], errs[i] = answered{receipt.Ballot, time.Now()}, err
		})
	}
	casting.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("ballots at a constant rate: %w", err)
	}
	r.book.acknowledged += uint64(n)
	return all, nil
}

// seen is when a node first had a head of a size.
type seen struct {
	size uint64
	at   time.Time
}

// headWatch looks at the newest head of one poll at every node.
type headWatch struct {
	rig     *rig
	poll    string
	policy  *proof.Policy
	nodes   []*client.Client
	cancel  context.CancelFunc
	looking sync.WaitGroup

	mu   sync.Mutex
	seen [][]seen // by node; guarded by mu
	err  error    // guarded by mu
}

func (r *rig) watchHeads(ctx context.Context, poll string) (*headWatch, error) {
	policy, err := r.cluster.Policy(poll, "1")
	if err != nil {
		return nil, err
	}
	w := &headWatch{rig: r, poll: poll, policy: policy, seen: make([][]seen, len(r.cluster.Nodes))}
	ctx, w.cancel = context.WithCancel(ctx)
	for i, n := range r.cluster.Nodes {
		c, err := client.New([]string{n.URL}, client.WithRetryPolicy(client.RetryPolicy{MaxAttempts: 1, BreakerFailures: math.MaxInt}))
		if err != nil {
			w.stop()
			return nil, err
		}
		w.nodes = append(w.nodes, c)
		w.looking.Go(func() { w.look(ctx, i, c) })
	}
	return w, nil
}

func (w *headWatch) stop() {
	w.cancel()
	w.looking.Wait()
	for _, c := range w.nodes {
		c.Close()
	}
}

// look asks one node again and again, and notes each head that is larger than the one before.
func (w *headWatch) look(ctx context.Context, node int, c *client.Client) {
	tick := time.NewTicker(headEvery)
	defer tick.Stop()
	for {
		size, err := w.head(ctx, c)
		w.mu.Lock()
		switch known := w.seen[node]; {
		case ctx.Err() != nil:
		case err != nil:
			w.err = errors.Join(w.err, err)
		case len(known) == 0 || size > known[len(known)-1].size:
			w.seen[node] = append(known, seen{size, time.Now()})
		}
		w.mu.Unlock()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// head returns the size of a node's newest head, checked; 0 where it has none.
func (w *headWatch) head(ctx context.Context, c *client.Client) (uint64, error) {
	note, err := c.LogFile(ctx, w.poll, client.LogCheckpoint)
	var refused *client.Error
	if errors.As(err, &refused) && refused.Code == client.CodeProofPending {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("the newest head cannot be read: %w", err)
	}
	head, err := w.policy.Check(note)
	if err != nil {
		return 0, fmt.Errorf("a node serves a head that is not good: %w", err)
	}
	return head.Size, nil
}

// covered returns when a node first had a head of more than so many entries.
func (w *headWatch) covered(node int, number uint64) (at time.Time, ok bool) {
	known := w.seen[node]
	i, _ := slices.BinarySearchFunc(known, number, func(s seen, number uint64) int {
		if s.size > number {
			return 1
		}
		return -1
	})
	if i == len(known) {
		return at, false
	}
	return known[i].at, true
}

// everywhere returns when the last node first had a head that covers an entry, and waits for
// that.
func (w *headWatch) everywhere(ctx context.Context, number uint64) (time.Time, error) {
	tick := time.NewTicker(headEvery)
	defer tick.Stop()
	for {
		var last time.Time
		w.mu.Lock()
		all, err := true, w.err
		for node := range w.seen {
			at, ok := w.covered(node, number)
			all = all && ok
			if at.After(last) {
				last = at
			}
		}
		w.mu.Unlock()
		if err != nil || all {
			return last, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last, fmt.Errorf("no head covers entry %d of the log of %s: %w", number, w.poll, ctx.Err())
		}
	}
}

// delays returns, sorted, how long ballots were without a head.
func (w *headWatch) delays(ctx context.Context, ballots []answered) ([]time.Duration, error) {
	out := make([]time.Duration, len(ballots))
	for i, b := range ballots {
		at, err := w.everywhere(ctx, b.number)
		if err != nil {
			return nil, err
		}
		out[i] = max(0, at.Sub(b.at))
	}
	slices.Sort(out)
	return out, nil
}

// provable waits until every node has a head of all ballots of a poll, and notes how long after
// the end of the load that was.
func (r *rig) provable(ctx context.Context, poll string) error {
	ended := time.Now()
	tally, err := r.client.Results(ctx, poll, client.Linearizable)
	if err != nil {
		return fmt.Errorf("the ballots cannot be counted: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	w, err := r.watchHeads(ctx, poll)
	if err != nil {
		return err
	}
	defer w.stop()
	at, err := w.everywhere(ctx, tally.Ballots) // entry 0 is the definition
	if err != nil {
		return err
	}
	r.report.Proofs.Provable = max(0, at.Sub(ended)).Seconds()
	r.options.Say("%s ballots are provable at every node %.1f s after the last answer", thousands.Int(tally.Ballots), r.report.Proofs.Provable)
	return nil
}

// proving measures how long proofs of single ballots take, and checks each.
func (r *rig) proving(ctx context.Context, poll, prefix string, voters uint64) error {
	policy, err := r.cluster.Policy(poll, "1")
	if err != nil {
		return err
	}
	files, chosen := make([][]byte, proofs), make([]string, proofs)
	for i := range chosen {
		chosen[i] = prefix + closedloop.Number(rand.Uint64N(voters))
	}
	r.report.Proofs.Proof, err = r.timed(ctx, proofs, func(i int) (err error) {
		files[i], err = r.client.Proof(ctx, poll, chosen[i])
		return err
	})
	if err != nil {
		return fmt.Errorf("a proof cannot be read: %w", err)
	}
	for i, file := range files {
		p, err := proof.ParseReceipt(file)
		if err == nil {
			_, err = p.Check(policy)
		}
		if err == nil && (p.Voter != chosen[i] || p.Poll != poll) {
			err = fmt.Errorf("%w: it is of %q in %s", proof.ErrVoter, p.Voter, p.Poll)
		}
		if err != nil {
			return fmt.Errorf("%w: the proof for %s is not good: %w", ErrNotExact, chosen[i], err)
		}
	}
	p := r.report.Proofs.Proof
	r.options.Say("a proof: %.2f ms in the median of %d, %.2f ms at most; all are good", p.Median, proofs, p.Max)
	return nil
}
