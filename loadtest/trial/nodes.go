package trial

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"voted/internal/localcluster"
	"voted/loadtest/wire"
)

// nodes is the cluster under test.
type nodes struct {
	cluster   *localcluster.Cluster // nil: an existing one
	network   network               // nil: members are not cut off from each other
	how       string                // the same in words
	endpoints []string
	access    wire.Access   // of the endpoints
	exits     chan error    // nodes that ended by themselves
	started   chan struct{} // closed once cluster is set, or never will be
}

const (
	// lowestPort and highestPort bound the ports that are chosen: above those of
	// well-known services, below those that the kernel gives to outgoing connections.
	lowestPort, highestPort = 16000, 29000
	// peerOffset is where a node's peer port lies above its API port, and
	// proxyOffset where the proxy in front of it does.
	peerOffset, proxyOffset = 1000, 2000
	portTries               = 64
)

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

// proxied puts a proxy in front of each peer port and lets the members know each
// other by the proxies' addresses.
func (n *nodes) proxied(o *localcluster.Options) error {
	base, err := freePorts(o.Nodes)
	if err != nil {
		return err
	}
	var listen, targets, members []string
	for i := range o.Nodes {
		listen = append(listen, loopback(base+proxyOffset+i))
		targets = append(targets, loopback(base+peerOffset+i))
		members = append(members, fmt.Sprintf("n%d=%s", i+1, listen[i]))
	}
	peers, err := wire.NewPeers(listen, targets, func(i int) int {
		<-n.started // a node may dial before Start has returned
		if n.cluster == nil {
			return 0
		}
		return n.cluster.Nodes[i].Pid()
	})
	if err != nil {
		return err
	}
	n.network = peers
	o.BasePort = base
	o.Args = func(i int) []string {
		// The last --cluster on a command line is the one that counts.
		return []string{"--cluster", strings.Join(members, ","), "--advertise-peer", listen[i]}
	}
	return nil
}

// freePorts finds a base from which all ports of a proxied cluster are free.
func freePorts(count int) (int, error) {
	for range portTries {
		base := lowestPort + rand.IntN(highestPort-lowestPort-proxyOffset-count)
		free := true
		for i := range count {
			for _, port := range []int{base + i, base + peerOffset + i, base + proxyOffset + i} {
				l, err := net.Listen("tcp", loopback(port))
				if err != nil {
					free = false
					continue
				}
				_ = l.Close()
			}
		}
		if free {
			return base, nil
		}
	}
	return 0, errors.New("no free ports were found on loopback; stop what uses those from 16000 to 29000")
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

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
}
