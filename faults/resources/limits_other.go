//go:build !linux

package resources

import (
	"context"
	"errors"

	"voted/faults/rig"
)

var errSystem = errors.New("processes cannot be limited on this system")

func fewDescriptors(context.Context, *rig.Cluster, int) (func() error, error) { return nil, errSystem }

func littleMemory(context.Context, *rig.Cluster, int) (func() error, error) { return nil, errSystem }

func littleProcessor(context.Context, *rig.Cluster, int) (func() error, error) { return nil, errSystem }
