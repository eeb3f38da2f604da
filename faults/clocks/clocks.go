package clocks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"voted/client"
	"voted/faults/layer"
	"voted/faults/rig"
	"voted/harness/overlay"
	"voted/internal/pause"
)

const jumps = "clock jumps"

const (
	// rest is how long a clock keeps its time before the next jump.
	rest = 1200 * time.Millisecond
	// A clock that strobes jumps to and fro so many times, at this interval.
	strobeEvery = 150 * time.Millisecond
	strobes     = 5
	// jumpsPerRound is how many jumps one load sees before its books are closed.
	jumpsPerRound = 20
	loadRate      = 300
	// lead and lag are how long before and after a poll's closing time ballots are cast.
	lead, lag = 1500 * time.Millisecond, 2500 * time.Millisecond
)

// New returns the layer.
func New() *layer.Layer {
	return &layer.Layer{
		ID: "L7", Title: "clocks", Tools: []string{"go"}, Run: run,
		Floors: []layer.Floor{{Kind: jumps, CI: 20, Long: 100}},
	}
}

func run(ctx context.Context, r *layer.Run) error {
	binary, err := jumping(ctx, r, "jumping")
	if err != nil {
		return err
	}
	t, err := open(ctx, r, binary, "cluster")
	if err != nil {
		return err
	}
	err = t.rounds(ctx)
	if err := errors.Join(err, t.cluster.Stop()); err != nil {
		return err
	}
	return control(ctx, r)
}

// control plants a leader that stamps ballots by its own clock alone.
func control(ctx context.Context, r *layer.Run) error {
	binary, err := jumping(ctx, r, "own-clock", ownClock)
	if err != nil {
		return err
	}
	t, err := open(ctx, r, binary, "control")
	if err != nil {
		return err
	}
	found := 0
	t.note = func(string, string, ...any) { found++ }
	lead, err := t.cluster.Leader(ctx)
	if err == nil {
		err = t.closing(ctx, func(ctx context.Context) error { return t.jump(ctx, lead, time.Hour) })
	}
	r.Control("a leader stamps by its own clock", found > 0, fmt.Sprintf("%d findings", found))
	return errors.Join(err, t.cluster.Stop())
}

// trial is one cluster whose clocks jump.
type trial struct {
	run     *layer.Run
	cluster *rig.Cluster
	clocks  string                                   // directory of the files that clocks are set by
	note    func(oracle, format string, args ...any) // of what contradicts an oracle
	wrong   int                                      // the node whose clock is wrong; -1: none
	polls   int
}

func open(ctx context.Context, r *layer.Run, binary, name string) (*trial, error) {
	dir := filepath.Join(r.Dir, name)
	clocks := filepath.Join(r.Dir, name+"-clocks")
	if err := os.MkdirAll(clocks, 0o755); err != nil {
		return nil, err
	}
	c, err := rig.Start(ctx, rig.Options{Dir: dir, Binary: binary, Env: []string{directory + "=" + clocks}})
	if err != nil {
		return nil, err
	}
	if err := c.Ready(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return &trial{run: r, cluster: c, clocks: clocks, note: r.Violation, wrong: -1}, nil
}

// rounds makes clocks jump until the floor is reached.
func (t *trial) rounds(ctx context.Context) error {
	sizes := []time.Duration{time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour}
	draw := t.run.Rand("jumps")
	for round := 0; t.run.Made()[jumps] < t.run.Floor(jumps); round++ {
		load, err := rig.Begin(ctx, t.cluster.Endpoints(), t.run.Seed+uint64(round), rig.LoadOptions{
			Name: fmt.Sprint("load", round), Rate: loadRate, Duration: jumpsPerRound * rest,
		})
		if err != nil {
			return err
		}
		for n := 0; n < jumpsPerRound && t.run.Made()[jumps] < t.run.Floor(jumps) && err == nil; {
			err = t.closing(ctx, func(ctx context.Context) error {
				for range 3 {
					node := draw.IntN(len(t.cluster.Nodes))
					if lead, err := t.cluster.Leader(ctx); err == nil && draw.IntN(2) == 0 {
						node = lead // a leader's clock matters most
					}
					by := sizes[draw.IntN(len(sizes))]
					if draw.IntN(4) == 0 {
						err = t.strobe(ctx, node, by)
					} else {
						err = t.jump(ctx, node, by)
					}
					if err != nil {
						return err
					}
					n++
					t.run.Fault(jumps)
				}
				return nil
			})
		}
		if err := t.close(ctx, load, err); err != nil {
			return err
		}
	}
	return nil
}

// close waits for the load of a round and balances its books. err is that of the round.
func (t *trial) close(ctx context.Context, load *rig.Load, err error) error {
	defer load.End()
	if err = errors.Join(err, load.Wait(ctx)); err != nil {
		return err
	}
	v, err := load.Judge(ctx, t.run.Dir)
	if err != nil {
		return err
	}
	rig.Report(t.run, v, "jumping clocks")
	t.run.Acknowledged(v.Acknowledged)
	return nil
}

// jump makes the clock of one node wrong. One that is wrong already becomes right first.
func (t *trial) jump(ctx context.Context, node int, by time.Duration) error {
	if t.wrong >= 0 && t.wrong != node {
		if err := set(t.clocks, t.cluster.Nodes[t.wrong].Pid(), 0); err != nil {
			return err
		}
		// Two clocks would be wrong until that node has read its file.
		if err := pause.For(ctx, rest/2); err != nil {
			return err
		}
	}
	t.wrong = node
	if err := set(t.clocks, t.cluster.Nodes[node].Pid(), by); err != nil {
		return err
	}
	return pause.For(ctx, rest)
}

// strobe makes a clock jump to and fro.
func (t *trial) strobe(ctx context.Context, node int, by time.Duration) error {
	if err := t.jump(ctx, node, by); err != nil {
		return err
	}
	for i := range strobes {
		now := by
		if i%2 == 0 {
			now = -by
		}
		if err := set(t.clocks, t.cluster.Nodes[node].Pid(), now); err != nil {
			return err
		}
		if err := pause.For(ctx, strobeEvery); err != nil {
			return err
		}
	}
	return nil
}

// closing makes a poll that closes by time and lets clocks jump meanwhile. The poll must
// take ballots until its time, and none afterwards, at every node.
func (t *trial) closing(ctx context.Context, during func(context.Context) error) error {
	api, err := client.New(t.cluster.Endpoints())
	if err != nil {
		return err
	}
	defer api.Close()
	t.polls++
	id := fmt.Sprint("timed-", t.polls)
	at := time.Now().Add(time.Duration(6) * time.Second)
	later := fmt.Sprint("lasting-", t.polls)
	for name, closes := range map[string]time.Time{id: at, later: time.Now().Add(30 * time.Minute)} {
		if _, err := api.CreatePoll(ctx, client.Definition{ID: name, Options: client.Options("a", "b"), ClosesAt: closes}); err != nil {
			return fmt.Errorf("a poll that closes by time cannot be created: %w", err)
		}
	}
	if err := during(ctx); err != nil {
		return err
	}
	// A poll that closes in half an hour is still open, whatever a wrong clock says.
	if _, err := api.Cast(ctx, later, "v", client.Choose("a")); err != nil {
		t.note("O1", "a poll that closes in half an hour does not take a ballot: %v", err)
	}
	if until := time.Until(at); until > lead {
		if _, err := api.Cast(ctx, id, "early", client.Choose("a")); err != nil && time.Until(at) > lead/2 {
			t.note("O1", "a poll that closes in %v does not take a ballot: %v", until, err)
		}
	}
	if err := pause.For(ctx, time.Until(at.Add(lag))); err != nil {
		return err
	}
	_, err = api.Cast(ctx, id, "late", client.Choose("b"))
	if !errors.Is(err, client.CodePollClosed) {
		t.note("O3", "%v after its time a poll answers to a ballot: %v", time.Since(at).Round(time.Millisecond), err)
	}
	return nil
}

// ownClock is the planted bug.
var ownClock = overlay.Edit{
	File: "internal/cluster/clock.go",
	Old:  "	if now, ok := n.clock.read(); ok {\n", New: "	if now, ok := n.clock.now(), true; ok {\n",
}
