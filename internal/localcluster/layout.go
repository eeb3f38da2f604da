package localcluster

import (
	"fmt"

	"voted/internal/ports"
)

// layout is the API and peer ports of each node.
type layout struct {
	api, peer []int
	block     *ports.Block // nil where the caller named the ports
}

func (l *layout) release() {
	if l.block != nil {
		l.block.Release()
	}
}

// layoutFrom lays out ports from a base that the caller names.
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

// chosenLayout finds ports that nobody uses.
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
