package powercut

import (
	"context"
	"errors"
	"fmt"
	"os"

	"voted/faults/layer"
	"voted/faults/loopfs"
	"voted/harness/overlay"
)

// The kinds of cuts.
const (
	kindStore    = "store cuts"
	kindAll      = "whole-cluster cuts"
	kindOne      = "cuts of one node"
	kindTwo      = "cuts of two nodes"
	kindFounding = "cuts while founding"
	kindSnapshot = "cuts while a snapshot is written"
)

// New returns the layer.
func New() *layer.Layer {
	return &layer.Layer{
		ID: "L4", Title: "power cuts", Root: true, Tools: []string{"mkfs.ext4", "mount", "go"},
		Floors: []layer.Floor{
			{Kind: kindStore, CI: 300, Long: 3000},
			{Kind: kindAll, CI: 30, Long: 300},
			{Kind: kindOne, CI: 4, Long: 40},
			{Kind: kindTwo, CI: 4, Long: 40},
			{Kind: kindFounding, CI: 4, Long: 40},
			{Kind: kindSnapshot, CI: 5, Long: 50},
		},
		Run: run,
	}
}

// noFsync changes the product so that it does not sync what it appends.
func noFsync() overlay.Edit {
	return overlay.Edit{
		File: "internal/cluster/storage/journal/segment.go",
		Old:  "if err := s.file.sync(); err != nil {",
		New:  "if err := error(nil); err != nil {",
	}
}

func run(ctx context.Context, r *layer.Run) (err error) {
	defer func() { err = errors.Join(err, loopfs.Sweep(r.Dir)) }()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r.Say("cutting the power of stores")
	if err := storeCuts(ctx, r, self); err != nil {
		return fmt.Errorf("store cuts: %w", err)
	}
	if err := control(ctx, r); err != nil {
		return fmt.Errorf("the negative control: %w", err)
	}
	r.Say("cutting the power of clusters under load")
	return clusterCuts(ctx, r)
}

// controlStores bounds how many stores the negative control cuts: each loses something
// with a probability of much more than a half.
const controlStores = 10

// control cuts stores that do not fsync. One of them must lose something.
func control(ctx context.Context, r *layer.Run) error {
	self, err := r.ChangedSelf(ctx, "no-fsync", noFsync())
	if err != nil {
		return err
	}
	for n := range controlStores {
		broken, err := oneStore(ctx, r, self, "control", n, r.Rand(fmt.Sprint("control ", n)), false)
		if err != nil {
			return err
		}
		if broken != nil {
			r.Control("fsync off", true, broken.what)
			return nil
		}
	}
	r.Control("fsync off", false, fmt.Sprintf("%d stores without fsync lost nothing", controlStores))
	return nil
}
