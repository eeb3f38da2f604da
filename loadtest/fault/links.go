package fault

import (
	"context"
	"errors"
	"fmt"

	"voted/internal/pause"
)

// follower draws a node that does not lead.
func (inj *Injector) follower(leader int, draw uint64) (int, error) {
	n := len(inj.Cluster.Nodes)
	if n == 1 {
		return 0, errors.New("a cluster of one node has no follower")
	}
	return (leader + 1 + int(draw%uint64(n-1))) % n, nil
}

// links cuts or slows the links of members, waits for the fault's time, and mends them.
func (inj *Injector) links(ctx context.Context, e Event, i int, draw uint64) error {
	if inj.Network == nil {
		return errors.New("this run has nothing between the members that could cut them off from each other")
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
		act = func() error { return inj.Network.Isolate(i, inwards, !inwards) }
	case Bridge:
		other, err := inj.follower(i, draw)
		if err != nil {
			return err
		}
		e.Target = inj.Cluster.Nodes[other].ID
		hit[0] = e.Target
		e.Detail = "messages between it and the leader are lost"
		act = func() error { return inj.Network.CutPair(i, other) }
	case Bandwidth:
		hit = nil // the leader goes on, slowly
		act = func() error { return inj.Network.Throttle(i) }
	case Delay:
		hit = nil
		act = func() error { return inj.Network.Delay(i) }
	default:
		act = func() error { return inj.Network.Isolate(i, true, true) }
	}
	inj.Meter.Begin(e, hit...)
	if err := act(); err != nil {
		return fmt.Errorf("the links of node %s could not be broken: %w", e.Target, err)
	}
	_ = pause.For(ctx, inj.Pace.Hold) // even if ctx ends early, the fault is undone
	if err := inj.Network.Mend(); err != nil {
		return fmt.Errorf("the links of node %s could not be mended: %w", e.Target, err)
	}
	return nil
}
