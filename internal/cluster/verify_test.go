package cluster_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"voted/internal/cluster"
)

var errUnsound = errors.New("the log is not what was written")

// TestAStoreThatIsNotSoundIsNotServed restores a snapshot while the check is under
// way, and lets the check fail after that.
func TestAStoreThatIsNotSoundIsNotServed(t *testing.T) {
	t.Parallel()
	for name, withSnapshot := range map[string]bool{"from the log": false, "from a snapshot": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given a member with something to lose
			store := make(chan cluster.Store, 1)
			c := newTestClusterWith(t, 1, func(_ string, o *cluster.Options) {
				if o.SnapshotEvery = 1 << 40; withSnapshot {
					o.SnapshotEvery = 4
				}
				store <- o.Store
			})
			for n := range 12 {
				createPoll(t, c.nodes["n1"], "p"+strconv.Itoa(n))
			}
			snapshots := (<-store).Snapshots()
			for deadline := time.Now().Add(20 * time.Second); withSnapshot; time.Sleep(20 * time.Millisecond) {
				if all, err := snapshots.List(); err != nil || time.Now().After(deadline) {
					t.Fatalf("no snapshot was made: %v", err)
				} else if len(all) > 0 {
					break
				}
			}
			c.stop("n1")
			// when it starts again and the check fails
			opened := make(chan *cluster.Node, 1)
			c.start("n1", c.servers[0].Addr, func(o *cluster.Options) {
				o.Verify = func() error {
					n := <-opened
					for deadline := time.Now().Add(20 * time.Second); withSnapshot && n.Index() == 0; time.Sleep(time.Millisecond) {
						if time.Now().After(deadline) {
							return errors.New("the snapshot was not restored meanwhile")
						}
					}
					return errUnsound
				}
			})
			n := c.nodes["n1"]
			opened <- n
			// then it stops, for that reason, and never led
			select {
			case <-n.Failed():
			case <-time.After(20 * time.Second):
				t.Fatal("it goes on")
			}
			if !errors.Is(n.Failure(), errUnsound) || n.Leader() != "" {
				t.Errorf("it failed with %v, and knew the leader %q", n.Failure(), n.Leader())
			}
		})
	}
}
