package simtest

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/cluster/peer"
)

// What goes on in a process that is gone writes to a private copy of its disk, and may
// take entries for durable there. If others heard of that, they would commit what no disk
// has.
func TestAProcessThatIsGoneSendsNoRaftMessage(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]bool{"it runs": false, "it is gone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// Given two processes, of which one may have crashed.
				n := newNetwork(newDice(1, "network"))
				defer n.busy.Wait()
				defer n.end()
				from, to := n.listen("n1", "n1.sim:7000"), n.listen("n2", "n2.sim:7000")
				for _, p := range []*port{from, to} {
					p.cluster, p.raftOpen = "c", true
				}
				if gone {
					from.crash()
				}
				heard := make(chan raft.RPC, 1)
				go func() {
					select {
					case rpc := <-to.transport.Consumer():
						heard <- rpc
						rpc.Respond(&raft.AppendEntriesResponse{Success: true}, nil)
					case <-to.transport.ctx.Done():
					}
				}()
				// When it sends entries, then the other hears of it only if it runs.
				err := from.transport.AppendEntries("n2", "n2.sim:7000", &raft.AppendEntriesRequest{Term: 1}, new(raft.AppendEntriesResponse))
				time.Sleep(exchangeTimeout)
				if errors.Is(err, raft.ErrTransportShutdown) != gone || len(heard) == 0 != gone {
					t.Errorf("it got %v, and the other heard %d messages", err, len(heard))
				}
			})
		})
	}
}

// If a duplicate arrived although its caller's error says that nothing was sent, that
// would be a fault of the simulation, not of the product.
func TestOnlyWhatMayHaveBeenDoneComesLate(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name   string
		method string
		answer answer
		want   bool
	}{
		{"the connection was refused", "propose", answer{err: fmt.Errorf("%w: refused", peer.ErrNotSent)}, false},
		{"the connection broke", "propose", answer{err: errBroken}, true},
		{"the leader did it", "propose", answer{body: []byte{0}}, true},
		{"it was not the leader", "propose", answer{body: []byte{1}}, false},
		{"it was too busy", "execute", answer{body: []byte{2}}, false},
		{"a question was answered", "status", answer{body: []byte{1}}, true},
	} {
		if got := mayBeDone(x.method, x.answer); got != x.want {
			t.Errorf("%s: %t", x.name, got)
		}
	}
}
