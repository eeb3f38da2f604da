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
	"voted/loadtest/overlay"
)

const jumps = "clock jumps"

const (
	// rest is how long a clock stays wrong before the next jump.
	rest = 1200 * time.Millisecond
	// strobeEvery and strobes make a clock jump to and fro.
	strobeEvery = 150 * time.Millisecond
	strobes     = 5
	// jumpsPerRound is how many jumps there are between two closings of the books.
	jumpsPerRound = 20
	loadRate      = 300
	// lead and lag are how much before and after its time a poll is asked.
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
	if err := errors.Join(err, t.c.Stop()); err != nil {
		return err
	}
	return control(ctx, r)
}

// control plants a leader that stamps by its own clock.
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
	lead, err := t.c.Leader(ctx)
	if err == nil {
		err = t.closing(ctx, func(ctx context.Context) error { return t.jump(ctx, lead, time.Hour) })
	}
	r.Control("a leader stamps by its own clock", found > 0, fmt.Sprintf("%d findings", found))
	return errors.Join(err, t.c.Stop())
}

// trial is one cluster whose clocks jump.
type trial struct {
	r      *layer.Run
	c      *rig.Cluster
	clocks string
	note   func(oracle, format string, args ...any)
	wrong  int // the node whose clock is off; -1: none
	polls  int
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
	return &trial{r: r, c: c, clocks: clocks, note: r.Violation, wrong: -1}, nil
}

// rounds jumps until the floor is reached.
func (t *trial) rounds(ctx context.Context) error {
	sizes := []time.Duration{time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour}
	draw := t.r.Rand("jumps")
	for round := 0; t.r.Made()[jumps] < t.r.Floor(jumps); round++ {
		load, err := rig.Begin(ctx, t.c.Endpoints(), t.r.Seed+uint64(round), rig.LoadOptions{
			Name: fmt.Sprint("load", round), Rate: loadRate, Duration: jumpsPerRound * rest,
		})
		if err != nil {
			return err
		}
		for n := 0; n < jumpsPerRound && t.r.Made()[jumps] < t.r.Floor(jumps) && err == nil; {
			err = t.closing(ctx, func(ctx context.Context) error {
				for range 3 {
					node := draw.IntN(len(t.c.Nodes))
					if lead, err := t.c.Leader(ctx); err == nil && draw.IntN(2) == 0 {
						node = lead // a wrong leader matters most
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
					t.r.Fault(jumps)
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

// close closes the books of a round.
func (t *trial) close(ctx context.Context, load *rig.Load, err error) error {
	defer load.End()
	if err = errors.Join(err, load.Wait(ctx)); err != nil {
		return err
	}
	v, err := load.Judge(ctx, t.r.Dir)
	if err != nil {
		return err
	}
	rig.Report(t.r, v, "jumping clocks")
	t.r.Acknowledged(v.Acknowledged)
	return nil
}

// jump makes one clock wrong, and that of before right again.
func (t *trial) jump(ctx context.Context, node int, by time.Duration) error {
	if t.wrong >= 0 && t.wrong != node {
		if err := set(t.clocks, t.c.Nodes[t.wrong].Pid(), 0); err != nil {
			return err
		}
		// Until the nodes have seen that, two clocks would be wrong.
		if err := wait(ctx, rest/2); err != nil {
			return err
		}
	}
	t.wrong = node
	if err := set(t.clocks, t.c.Nodes[node].Pid(), by); err != nil {
		return err
	}
	return wait(ctx, rest)
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
		if err := set(t.clocks, t.c.Nodes[node].Pid(), now); err != nil {
			return err
		}
		if err := wait(ctx, strobeEvery); err != nil {
			return err
		}
	}
	return nil
}

// closing lets a poll close by time while clocks jump, and asks before and after: it
// must take ballots until then, and none afterwards, whoever is asked.
func (t *trial) closing(ctx context.Context, during func(context.Context) error) error {
	api, err := client.New(t.c.Endpoints())
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
	// A poll that closes in half an hour is open, though a clock says that it is over.
	if _, err := api.Cast(ctx, later, "v", client.Choose("a")); err != nil {
		t.note("O1", "a poll that closes in half an hour does not take a ballot: %v", err)
	}
	if until := time.Until(at); until > lead {
		if _, err := api.Cast(ctx, id, "early", client.Choose("a")); err != nil && time.Until(at) > lead/2 {
			t.note("O1", "a poll that closes in %v does not take a ballot: %v", until, err)
		}
	}
	if err := wait(ctx, time.Until(at.Add(lag))); err != nil {
		return err
	}
	_, err = api.Cast(ctx, id, "late", client.Choose("b"))
	if !errors.Is(err, client.CodePollClosed) {
		t.note("O3", "%v after its time a poll answers to a ballot: %v", time.Since(at).Round(time.Millisecond), err)
	}
	return nil
}

// wait lets time pass, which is what this layer is about.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ownClock is the planted bug.
var ownClock = overlay.Edit{
	File: "internal/cluster/clock.go",
	Old:  "	if now, ok := n.clock.read(); ok {\n", New: "	if now, ok := n.clock.now(), true; ok {\n",
}
