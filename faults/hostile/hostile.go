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
	"voted/harness/overlay"
	"voted/harness/wire"
)

const inputs = "hostile inputs"

const (
	// httpShare is how many of a hundred inputs go to the first cluster, the others to the
	// second.
	httpShare = 75
	// workers is how many send at the same time, each on a connection of its own.
	workers = 12
	// loadRate is how many ballots a second honest clients cast meanwhile.
	loadRate = 150
	// batch is how many inputs one load sees before its books are closed.
	batch = 40_000
	// batchTime bounds the load of one batch.
	batchTime = 10 * time.Minute
	// controlInputs is how many inputs a negative control gets: enough to find its bug.
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
	if err := secured(ctx, r, trial{binary: binary, name: "secured", note: r.Violation}, public); err != nil {
		return err
	}
	if err := plain(ctx, r, trial{binary: binary, name: "plain", note: r.Violation}, total-public); err != nil {
		return err
	}
	if err := controlDecoder(ctx, r); err != nil {
		return err
	}
	if err := controlPages(ctx, r); err != nil {
		return err
	}
	return controlNames(ctx, r)
}

// findings counts what contradicts an oracle in a cluster with a planted bug.
type findings struct {
	n     atomic.Int64
	first atomic.Value
}

func (f *findings) note(oracle, format string, args ...any) {
	f.n.Add(1)
	f.first.CompareAndSwap(nil, oracle+": "+fmt.Sprintf(format, args...))
}

func (f *findings) conclude(r *layer.Run, bug string) {
	how, _ := f.first.Load().(string)
	r.Control(bug, f.n.Load() > 0, fmt.Sprintf("%d findings, the first: %.120s", f.n.Load(), how))
}

// controlDecoder plants a decoder that panics on a body that is not UTF-8.
func controlDecoder(ctx context.Context, r *layer.Run) error {
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
	var found findings
	if err := secured(ctx, r, trial{binary, "control-decoder", found.note, true}, controlInputs); err != nil {
		return err
	}
	found.conclude(r, "a decoder panics on text that is not UTF-8")
	return nil
}

// controlPages plants a node that checks neither the origin of a request nor the name that
// it is called by.
func controlPages(ctx context.Context, r *layer.Run) error {
	const file = "internal/api/browser.go"
	binary, err := r.Changed(ctx, "unsuspecting",
		overlay.Edit{File: file, Old: "isPreflight(r) || b.unsafe.Check(r) != nil", New: "isPreflight(r)"},
		overlay.Edit{File: file, Old: "b.hosts != nil && !b.hosts.Know(r.Host)", New: "b.hosts != nil && r.Host == `nobody`"})
	if err != nil {
		return err
	}
	var pages, names findings
	if err := secured(ctx, r, trial{binary, "control-pages", pages.note, true}, controlInputs); err != nil {
		return err
	}
	pages.conclude(r, "a node does not look whose page sends a request")
	if err := plain(ctx, r, trial{binary, "control-hosts", names.note, true}, controlInputs); err != nil {
		return err
	}
	names.conclude(r, "an open node answers to any name")
	return nil
}

// controlNames plants a node that takes each writing of a name for a voter of its own.
func controlNames(ctx context.Context, r *layer.Run) error {
	binary, err := r.Changed(ctx, "literal", overlay.Edit{
		File: "internal/voterid/voterid.go", Old: "id = norm.NFC.String(id)", New: "_ = norm.NFC",
	})
	if err != nil {
		return err
	}
	var found findings
	if err := secured(ctx, r, trial{binary, "control-names", found.note, true}, controlInputs); err != nil {
		return err
	}
	found.conclude(r, "a name in two writings is two voters")
	return nil
}

// noter is called with what contradicts an oracle.
type noter func(oracle, format string, args ...any)

// trial says what cluster inputs are sent to, and what is called with the findings.
type trial struct {
	binary, name string
	note         noter
	control      bool // a negative control: its books are not judged
}

// secured tries the public port and the TLS in front of the peer ports.
func secured(ctx context.Context, r *layer.Run, t trial, n int) error {
	dir := filepath.Join(r.Dir, t.name)
	secrets, err := newSecrets(dir)
	if err != nil {
		return err
	}
	args := append([]string{"--allow-origin", allowedOrigin}, secrets.args...)
	c, err := rig.Start(ctx, rig.Options{Dir: dir, Binary: t.binary, Secure: true, Args: func(int) []string { return args }})
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	b := &bench{trial: t, run: r, cluster: c, access: wire.Access{TLS: c.TLS(), Token: c.Token()}, secrets: secrets}
	if err := b.preparePolls(ctx); err != nil {
		return err
	}
	return b.rounds(ctx, n, func(w *worker) error {
		switch n := w.draw.IntN(100); {
		case n < 12:
			return w.handshake()
		case n < 20:
			return w.page()
		case n < 25:
			return w.name()
		}
		return w.request()
	})
}

// plain tries the decoders behind the peer ports, and calls the public ports by names that
// are not the nodes' own.
func plain(ctx context.Context, r *layer.Run, t trial, n int) error {
	c, err := rig.Start(ctx, rig.Options{Dir: filepath.Join(r.Dir, t.name), Binary: t.binary})
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	b := &bench{trial: t, run: r, cluster: c}
	if err := b.preparePolls(ctx); err != nil {
		return err
	}
	return b.rounds(ctx, n, func(w *worker) error {
		switch n := w.draw.IntN(100); {
		case n < 23:
			return w.garbage()
		case n < 31:
			return w.rebound()
		}
		return w.call()
	})
}

// bench is a cluster that runs and gets inputs.
type bench struct {
	trial
	run       *layer.Run
	cluster   *rig.Cluster
	access    wire.Access
	secrets   *secrets // nil without TLS
	clusterID string   // for greetings at a peer port without TLS; "" under TLS
}

// rounds sends n inputs in batches, each beside a load whose books are closed after it.
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
	load, err := rig.Begin(ctx, b.cluster.Endpoints(), b.run.Seed+uint64(round), rig.LoadOptions{
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
	v, err := load.Judge(ctx, b.run.Dir)
	if err != nil {
		return err
	}
	if !b.control {
		b.run.Acknowledged(v.Acknowledged)
		rig.Report(b.run, v, "hostile input during an honest load")
	}
	return nil
}

// loadTime is about how long the honest load goes on while size inputs are sent.
func (b *bench) loadTime(size int) time.Duration {
	return min(batchTime, max(2*time.Second, time.Duration(size)*time.Second/2500))
}

func (b *bench) work(ctx context.Context, round, i int, left *atomic.Int64, send func(w *worker) error) error {
	w := &worker{bench: b, draw: rand.New(rand.NewPCG(b.run.Seed, uint64(round)<<16|uint64(i)<<8|uint64(len(b.name)))), node: i % len(b.cluster.Nodes)}
	defer w.hangUp()
	for ctx.Err() == nil && left.Add(-1) >= 0 {
		if err := send(w); err != nil {
			return err
		}
		if !b.control {
			b.run.Inputs(1)
			b.run.Fault(inputs)
		}
	}
	return ctx.Err()
}

// size is what one node takes of the machine.
type size struct{ residentKiB, goroutines int }

const (
	// maxGrowthKiB is by how much a node may grow during a batch. Most of it is the
	// collector's head-room.
	maxGrowthKiB = 400 << 10
	// maxMoreGoroutines is how many more a node may have after a batch, for connections that
	// it has not closed yet.
	maxMoreGoroutines = 400
	// calmTime is how long a node may take to free what it held for inputs.
	calmTime = 40 * time.Second
)

func (b *bench) sizes(ctx context.Context) []size {
	all := make([]size, len(b.cluster.Nodes))
	for i, n := range b.cluster.Nodes {
		all[i] = size{residentKiB: rig.ResidentKiB(n.Pid()), goroutines: rig.Goroutines(ctx, n, b.access)}
	}
	return all
}

// inspect looks at the nodes after a batch, and notes what must not be (O8).
func (b *bench) inspect(ctx context.Context, before []size) {
	for i, n := range b.cluster.Nodes {
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
			time.Sleep(200 * time.Millisecond) // the node closes idle connections after a time limit
			now.goroutines = rig.Goroutines(ctx, n, b.access)
		}
		if now.goroutines > before[i].goroutines+maxMoreGoroutines {
			b.note("O8", "node %s has %d goroutines after the inputs, %d before", n.ID, now.goroutines, before[i].goroutines)
		}
		if now.residentKiB > before[i].residentKiB+maxGrowthKiB {
			b.note("O8", "node %s takes %d KiB after the inputs, %d before", n.ID, now.residentKiB, before[i].residentKiB)
		}
		b.run.Worst("largest node, MiB", float64(now.residentKiB>>10))
	}
}
