package localcluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
)

// ports are the API and peer ports of each node.
type ports struct {
	api, peer []int
	// guard is held while the cluster lives. Whoever else chooses ports with
	// this package, in any process, leaves the block alone while it is.
	guard net.Listener
}

func (p *ports) release() {
	if p.guard != nil {
		p.guard.Close()
	}
}

// portsFrom lays out ports from a base that the caller names.
func portsFrom(base, nodes int) (*ports, error) {
	p := &ports{}
	for i := range nodes {
		p.api = append(p.api, base+i)
		p.peer = append(p.peer, base+peerOffset+i)
	}
	if last := p.peer[nodes-1]; last > 65535 {
		return nil, fmt.Errorf("ports up to %d are needed, and there are none beyond 65535; choose a port below %d", last, 65536-peerOffset-nodes)
	}
	return p, nil
}

// fixedPorts lays out ports from a base, and makes sure that they are free here.
func fixedPorts(base, nodes int) (*ports, error) {
	p, err := portsFrom(base, nodes)
	if err != nil {
		return nil, err
	}
	for _, port := range append(p.api, p.peer...) {
		if err := probe(port); err != nil {
			return nil, fmt.Errorf("port %d is taken by another program; stop that, or choose another port: %w", port, err)
		}
	}
	return p, nil
}

// choosePorts finds a block of free ports below the ephemeral range.
func choosePorts(nodes int) (*ports, error) {
	blocks := (ephemeralLow() - lowestPort) / blockPorts
	var last error
	for range blockTries {
		p, err := claim(lowestPort+rand.IntN(blocks)*blockPorts, nodes)
		if err == nil {
			return p, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no free ports were found on loopback: %w", last)
}

func claim(first, nodes int) (*ports, error) {
	guard, err := net.Listen("tcp", loopback(first))
	if err != nil {
		return nil, err
	}
	p := &ports{guard: guard}
	for i := range nodes {
		p.api = append(p.api, first+1+i)
		p.peer = append(p.peer, first+1+nodes+i)
	}
	for _, port := range append(p.api, p.peer...) {
		if err := probe(port); err != nil {
			p.release()
			return nil, err
		}
	}
	return p, nil
}

// probe tells whether a port can be bound.
func probe(port int) error {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			return op.Err
		}
		return err
	}
	return l.Close()
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// ephemeralLow returns the lowest port that the kernel gives to outgoing
// connections.
func ephemeralLow() int {
	data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		data = nil // not Linux, or hidden: take what Linux has by default
	}
	return parseRange(string(data))
}

// parseRange reads "low high". Where it says nothing usable, or leaves no room
// for a good choice, the answer is Linux's default, which also lies below what
// other systems use (49152, RFC 6335, section 6).
func parseRange(s string) int {
	const byDefault = 32768
	fields := strings.Fields(s)
	if len(fields) != 2 {
		return byDefault
	}
	low, err := strconv.Atoi(fields[0])
	if err != nil || low < lowestPort+blockTries*blockPorts {
		return byDefault
	}
	return low
}
