package localcluster

import (
	"fmt"
	"net"
	"slices"
	"strconv"
)

// Flag returns the value that the node's next process gets for a flag of `voted serve`,
// "" if it does not get that flag. If the command line has it several times, the last one
// counts.
func (n *Node) Flag(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := lastOf(n.Args, name); i >= 0 {
		return n.Args[i+1]
	}
	return ""
}

// SetFlag gives the node's next process another value for a flag, such as another address
// or directory. The node's fields stay as they were at its first start.
func (n *Node) SetFlag(name, value string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.Args = slices.Clone(n.Args)
	if i := lastOf(n.Args, name); i >= 0 {
		n.Args[i+1] = value
		return
	}
	n.Args = append(n.Args, name, value)
}

// lastOf returns the last position of a flag that has a value, -1 if there is none.
func lastOf(args []string, name string) int {
	for i := len(args) - 2; i >= 0; i-- {
		if args[i] == name {
			return i
		}
	}
	return -1
}

// OtherPeers returns a second peer address for each node, on its host, that is free: the
// node may move there, and back. They are the same at each call.
func (c *Cluster) OtherPeers() ([]string, error) {
	others, err := c.layout.others(c.options.Place != nil)
	if err != nil {
		return nil, err
	}
	addrs := make([]string, len(others))
	for i, port := range others {
		host, _, err := net.SplitHostPort(c.Nodes[i].PeerAddr)
		if err != nil {
			return nil, fmt.Errorf("the peer address of node %s cannot be read: %w", c.Nodes[i].ID, err)
		}
		addrs[i] = net.JoinHostPort(host, strconv.Itoa(port))
	}
	return addrs, nil
}
