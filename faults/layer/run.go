package layer

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"voted/harness/overlay"
)

// maxViolations bounds how many violations a report holds; all are counted.
const maxViolations = 200

// Progress shows how a run goes on. It must be safe for concurrent use.
type Progress interface {
	// Say shows a line.
	Say(format string, args ...any)
	// Show shows how many faults of a kind a layer has made. It may leave most calls out.
	Show(layer, kind string, made, floor int)
}

// Run is one run of a layer. Its methods are safe for concurrent use.
type Run struct {
	Seed uint64
	// Dir is the layer's own directory. It is kept if something was violated or failed.
	Dir string

	layer    *Layer
	scale    Scale
	progress Progress
	builds   *Builds

	mu     sync.Mutex
	report Report // guarded by mu
}

// NewRun prepares a run of l in dir, which it makes if it is missing.
func NewRun(l *Layer, scale Scale, seed uint64, dir string, b *Builds, progress Progress) (*Run, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("the directory of layer %s cannot be made; choose another --out: %w", l.ID, err)
	}
	return &Run{Seed: seed, Dir: dir, layer: l, scale: scale, progress: progress, builds: b, report: Report{
		Layer: l.ID, Title: l.Title, Seed: seed, Faults: map[string]int{}, Figures: map[string]float64{}, Controls: []Control{},
	}}, nil
}

// Do runs the layer and returns its report, also after an error.
func (r *Run) Do(ctx context.Context) *Report {
	start := time.Now()
	if why := r.layer.Missing(); why != "" {
		r.Skip("layer "+r.layer.ID, why)
	} else if err := r.layer.Run(ctx, r); err != nil {
		r.report.Error = err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Seconds = time.Since(start).Seconds()
	for _, f := range r.layer.Floors {
		r.report.Floors = append(r.report.Floors, Reached{f.Kind, r.scale.Of(f), r.report.Faults[f.Kind]})
	}
	if !r.report.Violated() && r.report.Error == "" {
		_ = os.RemoveAll(r.Dir) // no one needs it; what stays only takes space
	}
	return &r.report
}

// Floor returns how many faults of a kind the run must make. It panics if the layer has no
// floor of that kind.
func (r *Run) Floor(kind string) int {
	for _, f := range r.layer.Floors {
		if f.Kind == kind {
			return r.scale.Of(f)
		}
	}
	panic("layer " + r.layer.ID + " names no floor for " + kind)
}

// Rand returns a source of randomness for a purpose. It draws the same for the same seed.
func (r *Run) Rand(purpose string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(r.layer.ID + "/" + purpose))
	return rand.New(rand.NewPCG(r.Seed, h.Sum64()))
}

// Say shows a line about the run.
func (r *Run) Say(format string, args ...any) {
	r.progress.Say(r.layer.ID+" "+format, args...)
}

// Fault counts one fault that was made and judged.
func (r *Run) Fault(kind string) { r.Faults(kind, 1) }

// Faults counts n such faults.
func (r *Run) Faults(kind string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Faults[kind] += n
	made, floor := r.report.Faults[kind], 0
	for _, f := range r.layer.Floors {
		if f.Kind == kind {
			floor = r.scale.Of(f)
		}
	}
	r.progress.Show(r.layer.ID, kind, made, floor)
}

// Made returns how many faults were made so far, by kind.
func (r *Run) Made() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.report.Faults)
}

// Acknowledged counts ballots (or entries) that were acknowledged, and looked for afterwards.
func (r *Run) Acknowledged(n uint64) { r.add(&r.report.Acknowledged, n) }

// Inputs counts hostile inputs.
func (r *Run) Inputs(n uint64) { r.add(&r.report.Inputs, n) }

func (r *Run) add(to *uint64, n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*to += n
}

// Lost reports acknowledged ballots that are gone (O1).
func (r *Run) Lost(n uint64, format string, args ...any) {
	r.add(&r.report.Lost, n)
	r.Violation("O1", format, args...)
}

// DoubleCounted reports voters who were counted more than once (O2).
func (r *Run) DoubleCounted(n uint64, format string, args ...any) {
	r.add(&r.report.DoubleCounted, n)
	r.Violation("O2", format, args...)
}

// Violation reports that an oracle (O1 to O8) was contradicted.
func (r *Run) Violation(oracle, format string, args ...any) {
	text := oracle + ": " + fmt.Sprintf(format, args...)
	r.mu.Lock()
	r.report.ViolationCount++
	if len(r.report.Violations) < maxViolations {
		r.report.Violations = append(r.report.Violations, text)
	}
	r.mu.Unlock()
	r.Say("VIOLATION %s", text)
}

// Control reports a negative control: whether it was caught, and by what.
func (r *Run) Control(name string, caught bool, how string) {
	if line, _, more := strings.Cut(how, "\n"); more {
		how = line + " …"
	}
	r.mu.Lock()
	r.report.Controls = append(r.report.Controls, Control{name, caught, how})
	r.mu.Unlock()
	if !caught {
		r.Say("the negative control %q was NOT caught (%s)", name, how)
	}
}

// Skip reports what the run cannot do, and why.
func (r *Run) Skip(what, why string) {
	r.mu.Lock()
	r.report.Skipped = append(r.report.Skipped, Skipped{what, why})
	r.mu.Unlock()
	r.Say("skipped: %s, because %s", what, why)
}

// Worst keeps the largest value of a figure. The name ends with the unit.
func (r *Run) Worst(name string, value float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Figures[name] = max(r.report.Figures[name], value)
}

// Count adds to a figure.
func (r *Run) Count(name string, n float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Figures[name] += n
}

// Binary returns the path of a node's binary without edits. It is built once for all layers.
func (r *Run) Binary(ctx context.Context) (string, error) {
	return r.builds.get(ctx, "voted", overlay.Node)
}

// Changed returns the path of a node's binary with edits to the source, for a negative control.
func (r *Run) Changed(ctx context.Context, name string, edits ...overlay.Edit) (string, error) {
	return r.builds.get(ctx, name, overlay.Node, edits...)
}

// ChangedSelf returns the path of this command with edits to the source. Its helper
// processes then use the changed product.
func (r *Run) ChangedSelf(ctx context.Context, name string, edits ...overlay.Edit) (string, error) {
	return r.builds.get(ctx, "self-"+name, self, edits...)
}

// self is the folder of this command, for its helper processes.
const self = "faults"

// Builds are the binaries of a run, each built once.
type Builds struct {
	dir   string
	given string // a binary that the caller named; "": it is built
	mu    sync.Mutex
	paths map[string]string // by name; guarded by mu
}

// NewBuilds keeps binaries in dir. given, if not empty, is the binary without edits.
func NewBuilds(dir, given string) *Builds {
	return &Builds{dir: dir, given: given, paths: map[string]string{}}
}

func (b *Builds) get(ctx context.Context, name, folder string, edits ...overlay.Edit) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.given != "" && len(edits) == 0 {
		return b.given, nil
	}
	if path, ok := b.paths[name]; ok {
		return path, nil
	}
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path, err := overlay.Build(ctx, dir, folder, edits...)
	if err == nil {
		b.paths[name] = path
	}
	return path, err
}
