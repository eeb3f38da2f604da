package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"voted/faults/corruption"
	"voted/faults/layer"
	"voted/faults/loopfs"
	"voted/faults/powercut"
)

// The exit codes.
const (
	exitReached  = 0
	exitTool     = 1
	exitViolated = 3
	exitBelow    = 4
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] { // helper processes of the layers
		case powercut.WriterCommand:
			os.Exit(powercut.Writer(os.Args[2:], os.Stdout))
		case corruption.FlipperCommand:
			os.Exit(corruption.Flipper(os.Args[2:], os.Stdout))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commandLine is the whole grammar.
type commandLine struct {
	Layers []string `help:"Layers to run (${layers}); default: all." placeholder:"L4,…"`
	Floor  string   `help:"How many faults: ci, long, or a factor of the CI floors such as 3x or 0.1x." default:"ci"`
	Seed   uint64   `help:"Draws the faults; the same seed draws the same ones, as far as processes allow (0: any seed)." default:"0"`
	Out    string   `help:"Directory for faults.json, and for the data of what was violated." default:"faults-out" type:"path"`
	Binary string   `help:"A voted binary, instead of building one." type:"existingfile"`
}

// results is faults.json.
type results struct {
	Command string          `json:"command"`
	When    time.Time       `json:"when"`
	Go      string          `json:"go"`
	CPUs    int             `json:"cpus"`
	Seed    uint64          `json:"seed"`
	Floor   string          `json:"floor"`
	Layers  []*layer.Report `json:"layers"`
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commandLine
	help := false
	parser, err := kong.New(
		&c, kong.Name("faults"), kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Exit(func(int) { help = true }),
		kong.Vars{"layers": known()}, kong.DefaultEnvars("VOTED_FAULTS"),
		kong.Description("Breaks real nodes on purpose, and proves that nothing acknowledged is lost or counted twice.\n\n"+
			"Exit: 0 every floor reached without a violation, 3 a violation, 4 below a floor, 1 the tool failed.\n\n"+
			"Example: go run ./faults --layers L4,L5 --floor 0.1x --seed 7"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "faults:", err)
		return exitTool
	}
	_, err = parser.Parse(args)
	if help {
		return exitReached
	}
	code := exitTool
	if err == nil {
		code, err = c.run(ctx, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "faults:", err)
	}
	return code
}

func known() (ids string) {
	for i, l := range layers() {
		if i > 0 {
			ids += ", "
		}
		ids += l.ID + " " + l.Title
	}
	return ids
}

func (c *commandLine) run(ctx context.Context, stdout io.Writer) (int, error) {
	scale, err := layer.ParseScale(c.Floor)
	if err != nil {
		return exitTool, err
	}
	chosen, err := choose(c.Layers)
	if err != nil {
		return exitTool, err
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return exitTool, fmt.Errorf("the output directory cannot be made; choose another --out: %w", err)
	}
	binaries, err := os.MkdirTemp("", "voted-faults-")
	if err != nil {
		return exitTool, fmt.Errorf("the temporary directory for binaries cannot be made: %w", err)
	}
	defer os.RemoveAll(binaries)
	if c.Seed == 0 {
		c.Seed = rand.Uint64N(1_000_000_000) + 1
	}
	screen := newScreen(stdout)
	builds := layer.NewBuilds(binaries, c.Binary)
	all := results{
		Command: fmt.Sprintf("go run ./faults --floor %s --seed %d", c.Floor, c.Seed),
		When:    time.Now().UTC(), Go: runtime.Version(), CPUs: runtime.NumCPU(), Seed: c.Seed, Floor: c.Floor,
	}
	for _, l := range chosen {
		screen.Say("%s %s", l.ID, l.Title)
		dir := filepath.Join(c.Out, l.ID)
		// A run that was killed may have left mounted file systems there.
		if err := errors.Join(loopfs.Sweep(dir), os.RemoveAll(dir)); err != nil {
			return exitTool, fmt.Errorf("what an earlier run left in %s cannot be removed; choose another --out: %w", dir, err)
		}
		r, err := layer.NewRun(l, scale, c.Seed, dir, builds, screen)
		if err != nil {
			return exitTool, err
		}
		all.Layers = append(all.Layers, r.Do(ctx))
		// Saved after each layer, so that an interrupted run keeps the layers that are done.
		if err := save(filepath.Join(c.Out, "faults.json"), &all); err != nil {
			return exitTool, err
		}
	}
	screen.done()
	table(stdout, &all)
	return verdict(stdout, &all, c.Out), nil
}

func save(path string, all *results) error {
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("the results cannot be written to %s: %w", path, err)
	}
	return nil
}

// verdict prints the result of all layers together and returns the exit code. A violation
// counts more than a failure of the tool, because it was observed.
func verdict(w io.Writer, all *results, out string) int {
	violated, failed, below := false, false, false
	for _, r := range all.Layers {
		violated = violated || r.Violated()
		failed = failed || r.Error != ""
		below = below || r.Below()
	}
	switch {
	case violated:
		fmt.Fprintf(w, "\nVIOLATED: an oracle was contradicted, or a negative control was not caught. The data is in %s; to run it again: %s\n", out, all.Command)
		return exitViolated
	case failed:
		fmt.Fprintln(w, "\nFAILED: a layer could not be carried out; see its error above.")
		return exitTool
	case below:
		fmt.Fprintln(w, "\nBELOW A FLOOR: fewer faults were made than the floors of this run; nothing was violated.")
		return exitBelow
	}
	fmt.Fprintf(w, "\nHELD: every floor was reached without a violation. Counts are in %s.\n", filepath.Join(out, "faults.json"))
	return exitReached
}
