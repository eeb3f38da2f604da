package localcluster

import (
	"time"

	"voted/internal/ports"
)

const (
	// maxNodes is what a block of ports has room for, two for each; seven is the
	// most that makes sense for a consensus group.
	maxNodes = ports.Most / 2
	// peerOffset lies between the API and the peer port of a node whose ports
	// were not chosen here, as between the defaults 8080 and 9080.
	peerOffset = 1000
	// otherOffset lies between the API port of such a node and its other peer port.
	otherOffset = 3000

	// stallLimit is more than one call takes on a shared, busy disk.
	stallLimit = 20 * time.Second
	// stopTimeout is how long Stop waits before it kills: longer than a node drains.
	stopTimeout = 15 * time.Second
	// probeTimeout bounds one request to a node; a paused one never answers.
	probeTimeout = time.Second
	// probeInterval is the pause before a node that is not ready is asked again.
	probeInterval = 25 * time.Millisecond
	// tailLines is how much of a log an error quotes.
	tailLines = 8
	// tailBytes bounds what is read of a log for that.
	tailBytes = 64 << 10
)
