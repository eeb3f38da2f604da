package resources

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"voted/faults/layer"
	"voted/faults/rig"
	"voted/loadtest/overlay"
	"voted/loadtest/wire"
)

// The kinds.
const (
	descriptors = "64 file descriptors"
	memory      = "memory limit"
	processor   = "a tenth of a processor"
	idle        = "10,000 idle connections"
	slow        = "slow senders"
)

const (
	// stressTime is how long one node is short of something, loadTime the load around it.
	stressTime = 16 * time.Second
	loadTime   = stressTime + 6*time.Second
	leadIn     = 2 * time.Second
	loadRate   = 300
	// resumeBound is how long the other nodes may acknowledge nothing (O6).
	resumeBound = 15 * time.Second
	// calmTime is within what time a node must have given back what it held (O8):
	// longer than it lets a connection stand that says nothing.
	calmTime = 40 * time.Second
	// maxMoreGoroutines and maxMoreKiB are what may remain: idle connections of honest
	// clients, and the collector's head-room.
	maxMoreGoroutines = 300
	maxMoreKiB        = 300 << 10
)

// New returns the layer.
func New() *layer.Layer {
	l := &layer.Layer{ID: "L8", Title: "resource limits", Root: true, Run: run}
	for _, k := range []string{descriptors, memory, processor, idle, slow} {
		l.Floors = append(l.Floors, layer.Floor{Kind: k, CI: 1, Long: 60})
	}
	return l
}

// stress makes a node short of something until the returned function is called.
type stress func(ctx context.Context, c *rig.Cluster, node int) (undo func() error, err error)

var stresses = []struct {
	kind   string
	leader bool // it is the leader that is hit
	start  stress
}{
	{descriptors, false, fewDescriptors},
	{memory, false, littleMemory},
	{processor, true, littleProcessor},
	{idle, true, idleConnections},
	{slow, false, slowSenders},
}

func run(ctx context.Context, r *layer.Run) (err error) {
	binary, err := r.Binary(ctx)
	if err != nil {
		return err
	}
	c, err := rig.Start(ctx, rig.Options{Dir: filepath.Join(r.Dir, "cluster"), Binary: binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	for round := 0; ; round++ {
		done := true
		for _, s := range stresses {
			if r.Made()[s.kind] >= r.Floor(s.kind) {
				continue
			}
			done = false
			if err := one(ctx, r, c, round, s.kind, s.leader, s.start); err != nil {
				return fmt.Errorf("%s: %w", s.kind, err)
			}
		}
		if done {
			break
		}
	}
	return control(ctx, r)
}

// pulse is the longest time without an acknowledgement.
type pulse struct {
	mu      sync.Mutex
	last    time.Time
	longest time.Duration
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if !p.last.IsZero() {
		p.longest = max(p.longest, now.Sub(p.last))
	}
	p.last = now
}

func one(ctx context.Context, r *layer.Run, c *rig.Cluster, round int, kind string, leader bool, start stress) error {
	lead, err := c.Leader(ctx)
	if err != nil {
		return err
	}
	node := lead
	if !leader {
		node = (lead + 1) % len(c.Nodes)
	}
	victim := c.Nodes[node]
	r.Say("%s, at %s", kind, victim.ID)
	goroutines, resident := rig.Goroutines(ctx, victim, wire.Access{}), rig.ResidentKiB(victim.Pid())
	var others pulse
	load, err := rig.Begin(ctx, c.Endpoints(), r.Seed+uint64(round), rig.LoadOptions{
		Name: fmt.Sprintf("r%d-%d", round, len(r.Made())), Rate: loadRate, Duration: loadTime,
		Acknowledged: func(n string) {
			if n != victim.ID {
				others.beat()
			}
		},
	})
	if err != nil {
		return err
	}
	defer load.End()
	if err := wait(ctx, leadIn); err != nil {
		return err
	}
	undo, err := start(ctx, c, node)
	if err != nil {
		return err
	}
	err = errors.Join(wait(ctx, stressTime), undo())
	switch {
	case errors.Is(err, errServed):
		r.Violation("O8", "%s at %s: %v", kind, victim.ID, err)
	case err != nil:
		return err
	}
	if !victim.Running() {
		r.Count("nodes that ended for want of something", 1)
		if err := victim.Restart(); err != nil {
			return err
		}
	}
	if err := errors.Join(load.Wait(ctx), c.Ready(ctx)); err != nil {
		return err
	}
	r.Worst("longest time without an acknowledgement by the others, ms, "+kind, float64(others.longest.Milliseconds()))
	if others.longest > resumeBound {
		r.Violation("O6", "%s at %s: the others acknowledged nothing for %v", kind, victim.ID, others.longest)
	}
	calm(ctx, r, c, node, kind, goroutines, resident)
	v, err := load.Judge(ctx, r.Dir)
	if err != nil {
		return err
	}
	rig.Report(r, v, kind)
	r.Acknowledged(v.Acknowledged)
	r.Fault(kind)
	return nil
}

// calm waits until a node has given back what it held (O8).
func calm(ctx context.Context, r *layer.Run, c *rig.Cluster, node int, kind string, goroutines, resident int) {
	n := c.Nodes[node]
	now := rig.Goroutines(ctx, n, wire.Access{})
	for deadline := time.Now().Add(calmTime); now > goroutines+maxMoreGoroutines && time.Now().Before(deadline) && ctx.Err() == nil; {
		_ = wait(ctx, 200*time.Millisecond) // the loop sees that ctx has ended
		now = rig.Goroutines(ctx, n, wire.Access{})
	}
	if now > goroutines+maxMoreGoroutines {
		r.Violation("O8", "%s: node %s has %d goroutines afterwards, %d before", kind, n.ID, now, goroutines)
	}
	if kib := rig.ResidentKiB(n.Pid()); kib > resident+maxMoreKiB {
		r.Violation("O8", "%s: node %s takes %d KiB afterwards, %d before", kind, n.ID, kib, resident)
	}
}

// control plants a node that waits for slow senders as long as they like.
func control(ctx context.Context, r *layer.Run) (err error) {
	binary, err := r.Changed(ctx, "patient", overlay.Edit{
		File: "internal/server/public.go",
		Old:  "ReadHeaderTimeout: headerTimeout, ReadTimeout: transferTimeout + s.opts.RequestTimeout,",
		New:  "",
	}, overlay.Edit{
		File: "internal/server/public.go",
		Old:  "IdleTimeout: idleTimeout,", New: "ReadHeaderTimeout: headerTimeout * 1000,",
	})
	if err != nil {
		return err
	}
	c, err := rig.Start(ctx, rig.Options{Dir: filepath.Join(r.Dir, "control"), Binary: binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	undo, err := slowSenders(ctx, c, 0)
	if err != nil {
		return err
	}
	if err := wait(ctx, stressTime); err != nil {
		return errors.Join(err, undo())
	}
	left := undo()
	r.Control("a node waits for slow senders as long as they like", errors.Is(left, errServed), fmt.Sprint(left))
	return nil
}

// wait lets time pass: what is tested here is a state that lasts.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
