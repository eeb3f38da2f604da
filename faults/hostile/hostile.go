package hostile

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"voted/faults/layer"
	"voted/faults/rig"
	"voted/loadtest/overlay"
	"voted/loadtest/wire"
)

const inputs = "hostile inputs"

const (
	// httpShare of the inputs go to the public port, as a part of a hundred; the
	// others to the peer ports.
	httpShare = 75
	// workers send at once, each on a connection of its own.
	workers = 12
	// loadRate is what honest clients cast meanwhile, ballots a second.
	loadRate = 150
	// batch is how many inputs are sent before the books are closed.
	batch = 40_000
	// batchTime bounds the load of one batch.
	batchTime = 10 * time.Minute
	// controlInputs must be enough to find a planted bug.
	controlInputs = 6_000
)

// New returns the layer.
func New() *layer.Layer {
	return &layer.Layer{
		ID: "L9", Title: "hostile input on both ports",
		Floors: []layer.Floor{{Kind: inputs, CI: 200_000, Long: 1_000_000}},
		Run:    run,
	}
}

func run(ctx context.Context, r *layer.Run) error {
	binary, err := r.Binary(ctx)
	if err != nil {
		return err
	}
	total := r.Floor(inputs)
	public := total * httpShare / 100
	if err := secured(ctx, r, binary, public, nil); err != nil {
		return err
	}
	if err := plain(ctx, r, binary, total-public); err != nil {
		return err
	}
	return control(ctx, r)
}

// control plants a decoder that panics on a body that is not UTF-8.
func control(ctx context.Context, r *layer.Run) error {
	binary, err := r.Changed(ctx, "panicking", overlay.Edit{
		File: "internal/api/decode.go",
		Old:  "import (\n", New: "import (\n\t\"unicode/utf8\"\n",
	}, overlay.Edit{
		File: "internal/api/decode.go",
		Old:  "	return use(b.Bytes())\n",
		New:  "	if !utf8.Valid(b.Bytes()) {\n		panic(\"planted\")\n	}\n	return use(b.Bytes())\n",
	})
	if err != nil {
		return err
	}
	var found atomic.Int64
	var first atomic.Value
	note := func(oracle, format string, args ...any) {
		found.Add(1)
		first.CompareAndSwap(nil, oracle+": "+fmt.Sprintf(format, args...))
	}
	if err := secured(ctx, r, binary, controlInputs, note); err != nil {
		return err
	}
	how, _ := first.Load().(string)
	r.Control("a decoder panics on text that is not UTF-8", found.Load() > 0, fmt.Sprintf("%d findings, the first: %.120s", found.Load(), how))
	return nil
}

// noter hears what contradicts an oracle.
type noter func(oracle, format string, args ...any)

// secured tries the public port and the TLS in front of the peer ports. A control
// notes for itself what is found.
func secured(ctx context.Context, r *layer.Run, binary string, n int, control noter) error {
	note, name := noter(r.Violation), "secured"
	if control != nil {
		note, name = control, "control"
	}
	dir := filepath.Join(r.Dir, name)
	secrets, err := newSecrets(dir)
	if err != nil {
		return err
	}
	c, err := rig.Start(ctx, rig.Options{Dir: dir, Binary: binary, Secure: true, Args: func(int) []string { return secrets.args }})
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	access := wire.Access{TLS: c.TLS(), Token: c.Token()}
	b := &bench{r: r, c: c, access: access, note: note, secrets: secrets, name: name, control: control != nil}
	if err := b.preparePolls(ctx); err != nil {
		return err
	}
	return b.rounds(ctx, n, func(w *worker) error {
		if w.draw.IntN(100) < 12 {
			return w.handshake()
		}
		return w.request()
	})
}

// plain tries the decoders behind the peer ports.
func plain(ctx context.Context, r *layer.Run, binary string, n int) error {
	c, err := rig.Start(ctx, rig.Options{Dir: filepath.Join(r.Dir, "plain"), Binary: binary})
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	b := &bench{r: r, c: c, note: r.Violation, name: "plain"}
	if err := b.preparePolls(ctx); err != nil {
		return err
	}
	return b.rounds(ctx, n, func(w *worker) error {
		if w.draw.IntN(100) < 25 {
			return w.garbage()
		}
		return w.call()
	})
}

// bench is one cluster that inputs are sent to.
type bench struct {
	r       *layer.Run
	c       *rig.Cluster
	access  wire.Access
	note    noter
	secrets *secrets // nil: the cluster speaks plainly
	name    string
	control bool // its books say nothing
}

// rounds sends n inputs, in batches with books of their own.
func (b *bench) rounds(ctx context.Context, n int, send func(w *worker) error) error {
	for round := 0; n > 0; round++ {
		size := min(n, batch)
		n -= size
		if err := b.round(ctx, round, size, send); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) round(ctx context.Context, round, size int, send func(w *worker) error) error {
	loading, stop := context.WithCancel(ctx)
	defer stop()
	name := fmt.Sprint("kept-", b.name, "-", round)
	load, err := rig.Begin(ctx, b.c.Endpoints(), b.r.Seed+uint64(round), rig.LoadOptions{
		Name: name, Rate: loadRate, Duration: b.loadTime(size), Access: b.access,
	})
	if err != nil {
		return err
	}
	defer load.End()
	before := b.sizes(ctx)
	var left atomic.Int64
	left.Store(int64(size))
	errs := make([]error, workers)
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() { errs[i] = b.work(loading, round, i, &left, send) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := load.Wait(ctx); err != nil {
		return err
	}
	b.inspect(ctx, before)
	v, err := load.Judge(ctx, b.r.Dir)
	if err != nil {
		return err
	}
	if !b.control {
		b.r.Acknowledged(v.Acknowledged)
		rig.Report(b.r, v, "hostile input beside an honest load")
	}
	return nil
}

// loadTime is for about how long the honest load goes on beside size inputs.
func (b *bench) loadTime(size int) time.Duration {
	return min(batchTime, max(2*time.Second, time.Duration(size)*time.Second/2500))
}

func (b *bench) work(ctx context.Context, round, i int, left *atomic.Int64, send func(w *worker) error) error {
	w := &worker{bench: b, draw: rand.New(rand.NewPCG(b.r.Seed, uint64(round)<<16|uint64(i)<<8|uint64(len(b.name)))), node: i % len(b.c.Nodes)}
	defer w.hangUp()
	for ctx.Err() == nil && left.Add(-1) >= 0 {
		if err := send(w); err != nil {
			return err
		}
		if !b.control {
			b.r.Inputs(1)
			b.r.Fault(inputs)
		}
	}
	return ctx.Err()
}

// size is what one node takes.
type size struct{ residentKiB, goroutines int }

const (
	// maxGrowthKiB is by how much a node may grow during a batch, most of it by the
	// collector's head-room.
	maxGrowthKiB = 400 << 10
	// maxMoreGoroutines may be left by connections that the node has not given up yet.
	maxMoreGoroutines = 400
	// calmTime is within what time a node must have let go of what was sent to it.
	calmTime = 40 * time.Second
)

func (b *bench) sizes(ctx context.Context) []size {
	all := make([]size, len(b.c.Nodes))
	for i, n := range b.c.Nodes {
		all[i] = size{residentKiB: rig.ResidentKiB(n.Pid()), goroutines: rig.Goroutines(ctx, n, b.access)}
	}
	return all
}

// inspect looks at the nodes after a batch (O8).
func (b *bench) inspect(ctx context.Context, before []size) {
	for i, n := range b.c.Nodes {
		if !n.Running() {
			b.note("O8", "node %s ended: %s", n.ID, n.LogTail())
			continue
		}
		if text, err := os.ReadFile(n.LogPath); err == nil {
			if at := strings.Index(string(text), "panic"); at >= 0 {
				b.note("O8", "node %s panicked: %.300s", n.ID, text[at:])
			}
		}
		now := size{residentKiB: rig.ResidentKiB(n.Pid()), goroutines: rig.Goroutines(ctx, n, b.access)}
		for deadline := time.Now().Add(calmTime); now.goroutines > before[i].goroutines+maxMoreGoroutines && time.Now().Before(deadline) && ctx.Err() == nil; {
			time.Sleep(200 * time.Millisecond) // idle connections end by a deadline of the node's
			now.goroutines = rig.Goroutines(ctx, n, b.access)
		}
		if now.goroutines > before[i].goroutines+maxMoreGoroutines {
			b.note("O8", "node %s has %d goroutines after the inputs, %d before", n.ID, now.goroutines, before[i].goroutines)
		}
		if now.residentKiB > before[i].residentKiB+maxGrowthKiB {
			b.note("O8", "node %s takes %d KiB after the inputs, %d before", n.ID, now.residentKiB, before[i].residentKiB)
		}
		b.r.Worst("largest node, MiB", float64(now.residentKiB>>10))
	}
}
