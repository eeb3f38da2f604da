package simtest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// If the answer says that a ballot is not counted, it must not be. This also holds if
// the member has tried more than once: the answer to the first attempt was lost, the
// second reached a member that no longer leads, and then the client's time was up.
func TestABallotCalledUnavailableIsNeverCounted(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		faults := append(Failovers(seed, 20*time.Second), Fault{Kind: FaultStorm, At: 100 * time.Millisecond, For: 20 * time.Second})
		s := Scenario{Options: []Option{Seed(seed)}, Workload: Standard(20 * time.Second), Faults: faults}
		o := Play(t, s)
		if len(o.Violations) > 0 {
			complain(t, s, seed, o)
			return
		}
		t.Logf("%v", o.Report)
	}
}

// The same, step by step.
func TestAnAttemptWhoseAnswerWasLostIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		attempts := map[string]int{} // by member; guarded by mu
		first := func(addr string) bool {
			mu.Lock()
			defer mu.Unlock()
			attempts[addr]++
			return attempts[addr] == 1
		}
		losing := func(c *Cluster) {
			c.settings.networkBug = func(p *port) callerFunc {
				return func(ctx context.Context, addr, method string, body []byte) ([]byte, error) {
					if method != "propose" {
						return p.call(ctx, addr, method, body)
					}
					if !first(p.addr) {
						return append([]byte{1}, "this member does not lead"...), nil
					}
					if _, err := p.call(ctx, addr, method, body); err != nil {
						return nil, err
					}
					return nil, errBroken
				}
			}
		}
		c := New(Seed(1), losing)
		defer c.Close()
		o := &office{c: c, w: Standard(time.Second), cast: castSettled}
		o.create(newDice(1, "founding"), true)
		leader := c.leader()
		for _, p := range c.living() {
			if p == leader {
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			_, err := p.node.Cast(ctx, &poll.Ballot{Poll: "p1", Key: key(p.member.id), Selections: []byte{1}})
			cancel()
			var refused *refusal.Error
			if !errors.As(err, &refused) || refused.Code != refusal.OutcomeUnknown {
				leader.node.Read(func(s *poll.State) {
					if _, missing := s.Receipt("p1", key(p.member.id)); missing != nil {
						t.Errorf("the leader does not have the ballot of %s: %v", p.member.id, missing)
					}
				})
				t.Errorf("%s has its ballot in the log and says: %v", p.member.id, err)
			}
		}
	})
}
