package proofs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"voted/client"
	"voted/harness/ledger"
	"voted/harness/wire"
	"voted/internal/pause"
	"voted/proof"
)

// Options say of what proofs are taken.
type Options struct {
	Endpoints []string
	Access    wire.Access
	Out       string // the output directory of the run
	Polls     int
	// Voters is how many voters there will be in each poll, about.
	Voters uint64
	// Policy returns whose signatures count in a poll. It must not ask a node.
	Policy func(poll string) (*proof.Policy, error)
}

const (
	// sampleSize is how many ballots the sample has, about: enough that each failover meets some,
	// and few enough to cost the cluster nothing.
	sampleSize = 500
	// lookEvery is how often a node is asked for a proof that is not there yet, so that what is
	// measured is the cluster's delay and not the client's.
	lookEvery = 100 * time.Millisecond
	// patience is how long a proof is waited for.
	patience = 30 * time.Second
)

// Taker takes the proofs of one run.
type Taker struct {
	opts   Options
	every  uint64 // of so many voters of a poll one is in the sample
	client *client.Client
	ctx    context.Context
	stop   context.CancelFunc
	taking sync.WaitGroup

	mu      sync.Mutex
	by      map[uint64]*Ballot // by vote; guarded by mu
	loading bool               // guarded by mu
	err     error              // why proofs cannot be kept; guarded by mu
}

// New makes a taker, which takes proofs from Begin on. Close ends it.
func New(ctx context.Context, o Options) (*Taker, error) {
	c, err := client.New(o.Endpoints, append(o.Access.Options(), client.WithHedging(client.HedgePolicy{Off: true}), client.WithRetryPolicy(client.RetryPolicy{MaxAttempts: 1}))...)
	if err != nil {
		return nil, err
	}
	t := &Taker{opts: o, every: max(1, o.Voters*uint64(o.Polls)/sampleSize), client: c, by: map[uint64]*Ballot{}, loading: true}
	t.ctx, t.stop = context.WithCancel(ctx)
	return t, nil
}

// Close ends what is still asked for.
func (t *Taker) Close() {
	t.stop()
	t.taking.Wait()
	t.client.Close()
}

// Enter takes in the answer to a request. It may be called from any goroutine, and does not wait.
func (t *Taker) Enter(e *ledger.Entry) {
	if e.Vote/uint64(t.opts.Polls)%t.every != 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.by[e.Vote]
	if b == nil {
		b = &Ballot{Poll: e.Poll, Voter: e.Voter}
		t.by[e.Vote] = b
	}
	if e.Unknown {
		b.Unsure = true
	}
	if !e.Accepted() {
		return
	}
	b.Last = max(b.Last, e.Ballot)
	if b.First != 0 {
		return
	}
	b.First = e.Ballot
	if !t.loading {
		b.Missed = "it was acknowledged only after the load"
		return
	}
	answered := time.Now()
	t.taking.Go(func() { t.take(b, answered) })
}

// take gets the proof of a ballot that was just acknowledged.
func (t *Taker) take(b *Ballot, answered time.Time) {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	file, err := t.await(ctx, b)
	late := time.Since(answered)
	var failed error
	if err == nil {
		failed = keep(b.file(t.opts.Out, during), file)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = errors.Join(t.err, failed)
	if err != nil {
		b.Missed = err.Error()
		return
	}
	b.Late = max(float64(late.Microseconds())/1000, 0.001)
}

// await asks for a proof until it is there, whatever is broken meanwhile.
func (t *Taker) await(ctx context.Context, b *Ballot) (file []byte, err error) {
	for {
		if file, err = t.client.Proof(ctx, b.Poll, b.Voter); err == nil {
			return file, nil
		}
		if pause.For(ctx, lookEvery) != nil {
			return nil, err
		}
	}
}

// LoadOver says that no ballot is added to the sample any more.
func (t *Taker) LoadOver() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.loading = false
}

// Finish waits for the proofs that are asked for, takes all of them once more, from the nodes in
// turn, and writes the sample. It is called when nothing is sent and nothing is broken any more.
// Its error means that the sample is not whole, and shows nothing.
func (t *Taker) Finish(ctx context.Context) error {
	t.taking.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return t.err
	}
	all := t.sample()
	for i, endpoint := range t.opts.Endpoints {
		var part []*Ballot
		for n := i; n < len(all); n += len(t.opts.Endpoints) {
			part = append(part, &all[n])
		}
		if err := t.again(ctx, endpoint, part); err != nil {
			return err
		}
	}
	written := map[string]bool{}
	for i := range all {
		if poll := all[i].Poll; !written[poll] {
			written[poll] = true
			p, err := t.opts.Policy(poll)
			if err != nil {
				return err
			}
			if err := keep(policyFile(t.opts.Out, poll), []byte(p.String())); err != nil {
				return err
			}
		}
	}
	return saveSample(t.opts.Out, all)
}

// sample returns the ballots that were acknowledged, in an order of its own.
func (t *Taker) sample() (all []Ballot) {
	for _, b := range t.by {
		if b.First != 0 {
			all = append(all, *b)
		}
	}
	slices.SortFunc(all, func(a, b Ballot) int {
		return strings.Compare(a.Poll+"/"+a.Voter, b.Poll+"/"+b.Voter)
	})
	return all
}

// again takes proofs from one node.
func (t *Taker) again(ctx context.Context, endpoint string, ballots []*Ballot) error {
	c, err := client.New([]string{endpoint}, append(t.opts.Access.Options(), client.WithDeadline(patience))...)
	if err != nil {
		return err
	}
	defer c.Close()
	owes := ""
	for _, b := range ballots {
		// A node that has kept one waiting in vain is not waited for with each of the others.
		if owes != "" {
			b.Refused = owes
			continue
		}
		began := time.Now()
		file, err := c.Proof(ctx, b.Poll, b.Voter)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			b.Refused = err.Error()
			if time.Since(began) >= patience {
				owes = "not asked for, since the node gave out no proof of " + b.Poll + "/" + b.Voter + ": " + b.Refused
			}
			continue
		}
		if err := keep(b.file(t.opts.Out, after), file); err != nil {
			return err
		}
	}
	return nil
}
