package trial

import (
	"context"
	"fmt"
	"path/filepath"

	"voted/harness/wire"
	"voted/internal/localcluster"
	"voted/internal/ports"
)

// logName begins the names of the logs of a cluster that is started here.
const logName = "loadtest.example"

// nodes is the cluster under test.
type nodes struct {
	cluster   *localcluster.Cluster // nil: an existing one
	network   network               // nil: members are not cut off from each other
	how       string                // how members are cut off from each other, in words
	block     *ports.Block          // of the proxies; nil without them
	endpoints []string
	access    wire.Access   // how the endpoints are reached
	exits     chan error    // why nodes ended by themselves
	started   chan struct{} // closed once cluster is set, or never will be
}

// startNodes starts the cluster of the options, without waiting for it.
func startNodes(ctx context.Context, o *Options) (*nodes, error) {
	if len(o.Targets) > 0 {
		return &nodes{endpoints: o.endpoints(), access: o.Access}, nil
	}
	n := &nodes{exits: make(chan error, 64), started: make(chan struct{})}
	options := localcluster.Options{
		Binary: o.Binary, Nodes: o.Nodes, Dir: filepath.Join(o.Out, "cluster"), Secure: o.Secure,
		OnExit: func(_ *localcluster.Node, err error) {
			select {
			case n.exits <- err:
			default: // the first ones say enough
			}
		},
	}
	if o.proves() {
		options.LogName = logName
	}
	if o.partitions() {
		if err := n.isolate(ctx, o.Isolation, &options); err != nil {
			return nil, err
		}
	}
	c, err := localcluster.Start(ctx, options)
	n.cluster = c
	close(n.started)
	if err != nil {
		n.stop()
		return nil, fmt.Errorf("the cluster cannot be started: %w", err)
	}
	n.endpoints, n.access = c.Endpoints(), wire.Access{TLS: c.TLS(), Token: c.Token()}
	return n, nil
}

// proxies opens a proxy in front of each peer port, and returns their addresses.
func (n *nodes) proxies(peers []string) ([]string, error) {
	block, err := ports.Claim(len(peers))
	if err != nil {
		return nil, err
	}
	n.block = block
	front := block.Addrs(len(peers))
	p, err := wire.NewPeers(front, peers, func(i int) int {
		<-n.started // a node may dial before Start has returned
		if n.cluster == nil {
			return 0 // the cluster did not start
		}
		return n.cluster.Nodes[i].Pid()
	})
	if err != nil {
		return nil, err
	}
	n.network = p
	return front, nil
}

// stop ends everything that startNodes began.
func (n *nodes) stop() {
	if n.network != nil {
		_ = n.network.Mend() // so that nodes can leave in order
	}
	if n.cluster != nil {
		_ = n.cluster.Stop() // a node that had to be killed is gone as well
	}
	if n.network != nil {
		n.network.Close()
	}
	if n.block != nil {
		n.block.Release()
	}
}
