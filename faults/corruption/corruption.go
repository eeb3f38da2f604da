package corruption

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"voted/faults/layer"
	"voted/faults/loopfs"
	"voted/harness/overlay"
)

// New returns the layer.
func New() *layer.Layer {
	return &layer.Layer{
		ID: "L5", Title: "corruption", Tools: []string{"go"},
		Floors: []layer.Floor{
			{Kind: kindFlip, CI: 2000, Long: 10_000},
			{Kind: kindZero, CI: 200, Long: 1000},
			{Kind: kindCut, CI: 100, Long: 500},
			{Kind: kindStale, CI: 50, Long: 250},
			{Kind: kindTorn, CI: 300, Long: 1500},
			{Kind: kindNode, CI: 12, Long: 60},
		},
		Run: run,
	}
}

func run(ctx context.Context, r *layer.Run) error {
	home, err := loopfs.Scratch(r.Dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	r.Say("damaging stores")
	if err := storeRounds(ctx, r, home); err != nil {
		return fmt.Errorf("stores: %w", err)
	}
	if err := controls(ctx, r, home); err != nil {
		return fmt.Errorf("negative controls: %w", err)
	}
	r.Say("damaging members")
	return memberRounds(ctx, r, home)
}

// controls plants bugs in the store. The rounds must then find silent damage.
func controls(ctx context.Context, r *layer.Run, home string) error {
	for _, c := range []struct {
		name, kind string
		tries      int
		edit       overlay.Edit
	}{
		{"checksum off", kindFlip, 300, overlay.Edit{
			File: "internal/cluster/storage/journal/sector.go",
			Old:  "order.Uint32(sector) == sumOf(seed, place, sector)", New: "true",
		}},
		{"mark off", kindStale, 30, overlay.Edit{
			File: "internal/cluster/storage/mark.go",
			Old:  "return was, m.compare(was, now)", New: "return was, nil",
		}},
	} {
		self, err := r.ChangedSelf(ctx, strings.ReplaceAll(c.name, " ", "-"), c.edit)
		if err != nil {
			return err
		}
		out, err := exec.CommandContext(ctx, self, FlipperCommand, filepath.Join(home, "control"), c.kind, strconv.Itoa(c.tries)).Output()
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		text := strings.TrimSpace(string(out))
		silent, _, _ := strings.Cut(text, " ")
		r.Control(c.name, silent != "0", fmt.Sprintf("%d %s; silent ones, and the first: %s", c.tries, c.kind, text))
	}
	return nil
}
