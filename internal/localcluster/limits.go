package localcluster

import "time"

const (
	// maxNodes is what a block of ports has room for; seven is the most that
	// makes sense for a consensus group.
	maxNodes = 15
	// blockPorts is the size of the aligned blocks in which ports are chosen: one
	// guard, and two for each node.
	blockPorts = 2*maxNodes + 2
	// lowestPort keeps away from the ports of well-known services.
	lowestPort = 15000
	// blockTries bounds the search for free ports; with a third of all blocks
	// taken it fails once in 10^30.
	blockTries = 64
	// peerOffset lies between the API and the peer port of a node whose ports
	// were not chosen here, as between the defaults 8080 and 9080.
	peerOffset = 1000

	// stallLimit covers what a shared, busy disk may take for one call.
	stallLimit = 20 * time.Second
	// stopTimeout is how long Stop waits before it kills: longer than a node drains.
	stopTimeout = 15 * time.Second
	// probeTimeout bounds one look at a node; a paused one never answers.
	probeTimeout = time.Second
	// probeInterval is how often a node that is not ready is looked at again.
	probeInterval = 25 * time.Millisecond
	// tailLines is how much of a log an error quotes.
	tailLines = 8
	// tailBytes bounds what is read of a log for that.
	tailBytes = 64 << 10
)
