package trial

import (
	"context"
	"fmt"

	"voted/internal/localcluster"
	"voted/internal/usage"
	"voted/loadtest/fault"
	"voted/loadtest/netns"
)

// Isolation is how members are cut off from each other.
type Isolation string

// The ways. Auto takes Namespaces if they can be made, and Proxies otherwise.
const (
	Auto       Isolation = "auto"
	Namespaces Isolation = "namespaces" // packets are dropped between network namespaces
	Proxies    Isolation = "proxies"    // bytes are held back by proxies between the members
)

func (i Isolation) check() error {
	switch i {
	case "", Auto, Namespaces, Proxies:
		return nil
	}
	return usage.Errorf("--isolation is auto, namespaces or proxies, not %q", i)
}

// network is the links between the members.
type network interface {
	fault.Network
	Close()
}

// namespacePort is the API port of the first node in namespaces: there all ports are free.
const namespacePort = 8080

// isolate puts something between the members that can cut them off from each other.
func (n *nodes) isolate(ctx context.Context, way Isolation, o *localcluster.Options) error {
	why := "as --isolation says"
	if way != Proxies {
		spaces, err := netns.New(ctx, o.Nodes)
		switch {
		case err == nil:
			n.network, n.how = spaces, spaces.String()
			n.placed(spaces, o)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case way == Namespaces:
			return fmt.Errorf("the nodes cannot be put into network namespaces; leave --isolation to be auto: %w", err)
		}
		why = err.Error()
	}
	n.how = "proxies in front of the peer ports, which know by /proc/net/tcp who dialled (" + why + ")"
	o.Front = n.proxies
	return nil
}

// placed puts the nodes into namespaces.
func (n *nodes) placed(spaces *netns.Network, o *localcluster.Options) {
	o.Place, o.BasePort = spaces, namespacePort
}
