package fault

import (
	"context"
	"errors"
	"fmt"
)

// follower draws a node that does not lead.
func (x *Injector) follower(leader int, draw uint64) (int, error) {
	n := len(x.Cluster.Nodes)
	if n == 1 {
		return 0, errors.New("a cluster of one node has no follower")
	}
	return (leader + 1 + int(draw%uint64(n-1))) % n, nil
}

// links breaks what lies between the members, holds it so, and mends it.
func (x *Injector) links(ctx context.Context, e Event, i int, draw uint64) error {
	if x.Network == nil {
		return errors.New("members cannot be cut off from each other here")
	}
	hit := []string{e.Target}
	var act func() error
	switch e.Kind {
	case OneWay:
		inwards := draw%2 == 0
		e.Detail = "its messages to the others are lost"
		if inwards {
			e.Detail = "messages to it are lost"
		}
		act = func() error { return x.Network.Isolate(i, inwards, !inwards) }
	case Bridge:
		other, err := x.follower(i, draw)
		if err != nil {
			return err
		}
		e.Target = x.Cluster.Nodes[other].ID
		hit[0] = e.Target
		e.Detail = "it and the leader do not hear each other"
		act = func() error { return x.Network.CutPair(i, other) }
	case Bandwidth:
		hit = nil // it goes on, slowly
		act = func() error { return x.Network.Throttle(i) }
	case Delay:
		hit = nil
		act = func() error { return x.Network.Delay(i) }
	default:
		act = func() error { return x.Network.Isolate(i, true, true) }
	}
	x.Meter.Begin(e, hit...)
	if err := act(); err != nil {
		return fmt.Errorf("the links of node %s could not be broken: %w", e.Target, err)
	}
	sleep(ctx, x.Pace.Hold)
	if err := x.Network.Mend(); err != nil {
		return fmt.Errorf("the links of node %s could not be mended: %w", e.Target, err)
	}
	return nil
}
