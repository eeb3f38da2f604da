package powercut

import (
	"context"
	"errors"
	"fmt"
	"os"

	"voted/faults/layer"
	"voted/faults/loopfs"
	"voted/loadtest/overlay"
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

// noFsync is the product with its fsyncs off.
func noFsync() overlay.Edit {
	return overlay.Edit{
		File: "internal/cluster/storage/bolt.go",
		Old:  "Path: path, BoltOptions: boltOptions(), MsgpackUseNewTimeFormat: true,",
		New:  "Path: path, BoltOptions: boltOptions(), MsgpackUseNewTimeFormat: true, NoSync: true,",
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

// controlStores is how many stores the negative control may take: each one loses
// something with a probability of much more than a half.
const controlStores = 10

// control cuts stores that do not fsync, and expects them to lose something.
func control(ctx context.Context, r *layer.Run) error {
	self, err := r.ChangedSelf(ctx, "no-fsync", noFsync())
	if err != nil {
		return err
	}
	for n := range controlStores {
		b, err := oneStore(ctx, r, self, "control", n, r.Rand(fmt.Sprint("control ", n)), false)
		if err != nil {
			return err
		}
		if b != nil {
			r.Control("fsync off", true, b.what)
			return nil
		}
	}
	r.Control("fsync off", false, fmt.Sprintf("%d stores without fsync lost nothing", controlStores))
	return nil
}
