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
	"voted/loadtest/overlay"
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

// controls are worse products, of which the same rounds must find something silent.
func controls(ctx context.Context, r *layer.Run, home string) error {
	for _, c := range []struct {
		name, kind string
		tries      int
		edit       overlay.Edit
	}{
		{"checksum off", kindFlip, 300, overlay.Edit{
			File: "internal/cluster/storage/checksum.go",
			Old:  "if sum != entrySum(&entry, entry.Extensions) {", New: "if false && sum != entrySum(&entry, entry.Extensions) {",
		}},
		{"mark off", kindStale, 30, overlay.Edit{
			File: "internal/cluster/storage/mark.go",
			Old:  "if err := m.compare(was, now); err != nil {", New: "if err := m.compare(was, now); false {",
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
		r.Control(c.name, !strings.HasPrefix(text, "0 "), fmt.Sprintf("of %d %s silent: %s", c.tries, c.kind, text))
	}
	return nil
}
