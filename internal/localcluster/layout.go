package localcluster

import (
	"fmt"
	"sync"

	"voted/internal/ports"
)

// layout is the API and peer ports of each node.
type layout struct {
	api, peer []int
	block     *ports.Block // nil if the caller gave the ports

	mu      sync.Mutex
	further []int        // guarded by mu; other peer ports, nil before others is called
	second  *ports.Block // guarded by mu; that of further; nil if there is none
}

func (l *layout) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range []*ports.Block{l.block, l.second} {
		if b != nil {
			b.Release()
		}
	}
}

// others returns another peer port for each node. If the nodes run in a Place, any port is
// free there.
func (l *layout) others(placed bool) ([]int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.further != nil {
		return l.further, nil
	}
	var further []int
	if l.block != nil {
		second, err := ports.Claim(len(l.peer))
		if err != nil {
			return nil, err
		}
		l.second = second
		for i := range l.peer {
			further = append(further, second.First+i)
		}
	} else {
		for _, port := range l.api {
			port += otherOffset
			if !placed {
				if err := ports.Probe(port); err != nil {
					return nil, fmt.Errorf("port %d is taken by another program; stop that, or choose another port: %w", port, err)
				}
			}
			further = append(further, port)
		}
	}
	l.further = further
	return further, nil
}

// layoutFrom lays out ports from a base that the caller gives.
func layoutFrom(base, nodes int) (*layout, error) {
	l := &layout{}
	for i := range nodes {
		l.api = append(l.api, base+i)
		l.peer = append(l.peer, base+peerOffset+i)
	}
	if last := l.peer[nodes-1]; last > 65535 {
		return nil, fmt.Errorf("ports up to %d are needed, and there are none beyond 65535; choose a port below %d", last, 65536-peerOffset-nodes)
	}
	return l, nil
}

// fixedLayout lays out ports from a base, and makes sure that they are free here.
func fixedLayout(base, nodes int) (*layout, error) {
	l, err := layoutFrom(base, nodes)
	if err != nil {
		return nil, err
	}
	for _, port := range append(l.api, l.peer...) {
		if err := ports.Probe(port); err != nil {
			return nil, fmt.Errorf("port %d is taken by another program; stop that, or choose another port: %w", port, err)
		}
	}
	return l, nil
}

// chosenLayout finds free ports.
func chosenLayout(nodes int) (*layout, error) {
	block, err := ports.Claim(2 * nodes)
	if err != nil {
		return nil, err
	}
	l := &layout{block: block}
	for i := range nodes {
		l.api = append(l.api, block.First+i)
		l.peer = append(l.peer, block.First+nodes+i)
	}
	return l, nil
}
