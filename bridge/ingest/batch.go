package ingest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"voted/client"
)

// item is a message of a batch, on its way.
type item struct {
	Message
	ballot  client.BulkBallot
	answer  client.BulkAnswer
	refused *client.Error // why it was not counted; nil: it was, or superseded
	verdict verdict
	done    atomic.Bool // answered to the broker; Extend has nothing to do
}

// process casts a batch and answers the broker for each message. It returns when that is done.
func (b *Bridge) process(ctx context.Context, batch []Message) {
	b.metrics.inFlight.Add(float64(len(batch)))
	defer b.metrics.inFlight.Sub(float64(len(batch)))
	items := make([]*item, len(batch))
	var unreadable []*item
	polls := map[string][]*item{}
	for i, m := range batch {
		it := &item{Message: m}
		items[i] = it
		if m.Deliveries() > 1 {
			b.metrics.redelivered.Inc()
		}
		if it.ballot, it.refused = read(m); it.refused != nil {
			it.verdict = verdict{fate: dead, label: labelDead}
			unreadable = append(unreadable, it)
			continue
		}
		polls[m.Poll()] = append(polls[m.Poll()], it)
	}
	defer b.extend(items)()
	var wg sync.WaitGroup
	for poll, group := range polls {
		b.uploads <- struct{}{}
		wg.Go(func() {
			defer func() { <-b.uploads }()
			b.cast(ctx, poll, group)
			b.settle(group)
		})
	}
	b.settle(unreadable)
	wg.Wait()
}

// extend tells the broker, every third of its patience, that the messages are worked on, until stop is called.
func (b *Bridge) extend(items []*item) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() { // ends with its batch
		defer close(ended)
		t := time.NewTicker(b.o.Source.AckWait() / 3)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
			}
			for _, it := range items {
				if !it.done.Load() {
					_ = it.Extend() // where that is lost the message comes again, and is replayed
				}
			}
		}
	}()
	return func() { close(done); <-ended }
}

// cast casts the ballots of one poll and decides what becomes of their messages.
func (b *Bridge) cast(ctx context.Context, poll string, group []*item) {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	answered := 0
	for answer, err := range b.o.Cluster.CastMany(ctx, poll, ballots(group)) {
		if err != nil {
			b.broken(ctx, poll, group[answered:], err)
			return
		}
		b.answered(ctx, poll, group[answered], answer)
		answered++
	}
	if answered < len(group) {
		b.broken(ctx, poll, group[answered:], fmt.Errorf("the answers ended after %d of %d ballots", answered, len(group)))
	}
}

func ballots(group []*item) iter.Seq[client.BulkBallot] {
	return func(yield func(client.BulkBallot) bool) {
		for _, it := range group {
			if !yield(it.ballot) {
				return
			}
		}
	}
}

// answered decides by the answer to one ballot.
func (b *Bridge) answered(ctx context.Context, poll string, it *item, answer client.BulkAnswer) {
	it.answer = answer
	if answer.Code == "" {
		b.weather.good()
		b.state.Fault(partCluster, "")
		it.verdict = verdict{fate: settled, label: string(answer.Outcome)}
		return
	}
	it.refused = &client.Error{Status: statusOf(answer.Code), Code: answer.Code, Detail: answer.Detail}
	b.refuse(ctx, poll, it)
}

// broken decides for ballots without an answer of their own. Whether they count is not known, unless the poll is not
// there: that alone says something of each of them.
func (b *Bridge) broken(ctx context.Context, poll string, rest []*item, err error) {
	cause := &client.Error{Code: client.CodeOutcomeUnknown, Detail: err.Error()}
	var refused *client.Error
	if errors.As(err, &refused) {
		switch fates[refused.Code] {
		case suspended, locked:
			cause = refused
		case waiting:
			if refused.Code == client.CodePollNotFound {
				cause = refused
			}
		}
	}
	for _, it := range rest {
		it.refused = cause
		b.refuse(ctx, poll, it)
	}
}

// refuse decides for a ballot that was refused.
func (b *Bridge) refuse(ctx context.Context, poll string, it *item) {
	now, f := time.Now(), fateOf(it.refused.Code)
	r := refusal{code: it.refused.Code, deliveries: it.Deliveries(), since: now, window: b.o.ReorderWindow}
	if f == suspended || f == locked {
		it.verdict = judge(r, now)
		b.suspend(ctx, it)
		return
	}
	back := b.weather.good() // the cluster answered
	b.state.Fault(partCluster, "")
	if f == waiting {
		r.since = b.patience.first(it.ID(), now)
		if r.since.Before(back) { // while the cluster was away nothing could come of what it waits for
			r.since = back
		}
	}
	if r.code == client.CodePollNotOpen {
		r.opens = b.patience.opening(ctx, b.o.Cluster, poll)
	}
	it.verdict = judge(r, now)
}

// suspend lets the whole bridge pause, unless it only ends.
func (b *Bridge) suspend(ctx context.Context, it *item) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return // another bridge may have the message at once
	}
	it.verdict.pause = b.weather.bad(it.refused.RetryAfter)
	sentence := it.refused.Error()
	if it.verdict.fate == locked {
		sentence = "the bridge's credentials are not accepted; give it a token with the role gateway: " + sentence
	}
	if b.state.Fault(partCluster, sentence) {
		b.o.Log.Warn("the cluster takes no ballots; messages are kept by the broker", "error", sentence)
	}
}
