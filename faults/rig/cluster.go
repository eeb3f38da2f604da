package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"voted/client"
	"voted/faults/loopfs"
	"voted/internal/localcluster"
)

const (
	nodes = 3
	// readyTime bounds how long a cluster may take to be ready on a busy machine.
	readyTime = time.Minute
	// stopTime is how long nodes may take to end in order before they are killed.
	stopTime = 5 * time.Second
)

// Options say what cluster to start.
type Options struct {
	Dir       string // made if missing, removed by Stop
	Binary    string
	Mebibytes int64 // size of each node's own file system; 0: none, plain directories
	// Args are further arguments of `voted serve`, by node from 0.
	Args func(node int) []string
	Env  []string // added to the nodes' environment
	// StallLimit is the nodes' --stall-limit, for layers that let disks hang. The default
	// is what a disk that the nodes share may take.
	StallLimit time.Duration
	// Secure puts API and peer ports under TLS, with a token that may do everything.
	Secure bool
}

// Cluster is three nodes. With Options.Mebibytes each is on a disk of its own.
type Cluster struct {
	*localcluster.Cluster
	Disks []*loopfs.FS // by node; none if Mebibytes is 0
	dir   string
}

// Start makes the disks and starts the nodes, without waiting until they are ready.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	c := &Cluster{dir: o.Dir}
	for i := range nodes {
		if o.Mebibytes == 0 {
			break
		}
		disk, err := loopfs.Make(o.Dir, fmt.Sprint("n", i+1), o.Mebibytes)
		if err != nil {
			return nil, errors.Join(err, c.Stop())
		}
		c.Disks = append(c.Disks, disk)
	}
	var err error
	c.Cluster, err = localcluster.Start(ctx, localcluster.Options{
		Binary: o.Binary, Nodes: nodes, Dir: o.Dir, Args: o.Args, Env: o.Env, Secure: o.Secure, StopTimeout: stopTime, StallLimit: o.StallLimit,
	})
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// Ready waits until all nodes are ready.
func (c *Cluster) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	return c.WaitReady(ctx)
}

// Stop ends the nodes and removes their data and disks.
func (c *Cluster) Stop() error {
	var errs []error
	for _, d := range c.Disks {
		errs = append(errs, d.Thaw()) // a process that hangs cannot end
	}
	if c.Cluster != nil {
		_ = c.Cluster.Stop() // a node that had to be killed is gone as well
	}
	for _, d := range c.Disks {
		errs = append(errs, d.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.RemoveAll(c.dir)
}

// Cut cuts the power of some nodes at the same time. Each disk is cut before its process is
// killed, so that the process can write nothing more.
func (c *Cluster) Cut(victims []int) error {
	errs := make([]error, len(victims))
	var all sync.WaitGroup
	for k, i := range victims {
		all.Go(func() {
			errs[k] = c.Disks[i].Cut()
			c.Kill(i)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// Kill kills a node and returns when its process has ended. It may have ended by itself.
func (c *Cluster) Kill(i int) {
	if c.Nodes[i].Kill() != nil {
		<-c.Nodes[i].Exited()
	}
}

// PowerOn mounts the disks of nodes that were cut and starts them.
func (c *Cluster) PowerOn(victims []int) error {
	for _, i := range victims {
		if err := c.Disks[i].PowerOn(); err != nil {
			return err
		}
	}
	for _, i := range victims {
		if err := c.Nodes[i].Restart(); err != nil {
			return err
		}
	}
	return nil
}

// Leader waits for a node that leads and returns its position. It fails if ctx ends first.
func (c *Cluster) Leader(ctx context.Context) (int, error) {
	api, err := client.New(c.Endpoints())
	if err != nil {
		return 0, err
	}
	defer api.Close()
	for {
		for i, n := range c.Nodes {
			if !n.Running() {
				continue
			}
			if s, err := api.ClusterAt(ctx, n.URL); err == nil && s.Leader == n.ID {
				return i, nil
			}
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("no node leads: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// KeepLogs copies the logs of the nodes to dir, to explain a violation.
func (c *Cluster) KeepLogs(dir string) {
	_ = os.MkdirAll(dir, 0o755) // a log that cannot be kept is left out
	for _, n := range c.Nodes {
		if text, err := os.ReadFile(n.LogPath); err == nil {
			_ = os.WriteFile(filepath.Join(dir, filepath.Base(n.LogPath)), text, 0o644)
		}
	}
}
