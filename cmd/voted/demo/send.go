package demo

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"voted/client"
)

// sender works through a schedule on many connections at once.
type sender struct {
	client   *client.Client
	poll     string
	schedule *schedule
	ledger   *ledger
	ballots  []client.Ballot // by type

	next  atomic.Int64
	marks map[int64]chan struct{} // closed when that request is taken up
	over  chan struct{}           // closed when all are answered
}

func newSender(c *client.Client, poll string, s *schedule, l *ledger, types []ballotType) *sender {
	out := &sender{client: c, poll: poll, schedule: s, ledger: l, marks: map[int64]chan struct{}{}, over: make(chan struct{})}
	for _, t := range types {
		out.ballots = append(out.ballots, client.RankTiers(t.Ranking...))
	}
	for _, share := range []float64{killAt, restartAt} {
		out.marks[s.mark(share)] = make(chan struct{})
	}
	return out
}

// reached returns a channel that is closed once a share has been taken up.
func (s *sender) reached(share float64) <-chan struct{} { return s.marks[s.schedule.mark(share)] }

// run sends everything on a number of connections. Two requests of one voter next to each
// other are sent at the same time, by two connections.
func (s *sender) run(ctx context.Context, connections int) {
	defer close(s.over)
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() { // a connection; ends with the schedule or with ctx
			for ctx.Err() == nil {
				i := s.next.Add(1) - 1
				if i >= int64(len(s.schedule.requests)) {
					return
				}
				if mark := s.marks[i]; mark != nil {
					close(mark)
				}
				s.send(ctx, s.schedule.requests[i])
			}
		})
	}
	wg.Wait()
}

func (s *sender) send(ctx context.Context, voter uint32) {
	began := time.Now()
	r, err := s.client.Cast(ctx, s.poll, voterID(voter), s.ballots[s.schedule.votes[voter]])
	if err != nil && ctx.Err() != nil {
		return // it was cancelled, so there is no answer
	}
	s.ledger.record(voter, began, r, err)
}

// done is the share of the schedule that has been taken up.
func (s *sender) done() float64 {
	n := len(s.schedule.requests)
	return float64(min(s.next.Load(), int64(n))) / float64(n)
}
