package scale

import "time"

const (
	nodes = 3
	// blockBallots is the number of ballots in one bulk request.
	blockBallots = 100_000
	// pollStreams is the number of bulk requests at the same time where each holds
	// the few ballots of one poll; a node serves 64.
	pollStreams = 150
	// startTimeout, settleTimeout and catchUpTimeout bound what is waited for.
	startTimeout   = 2 * time.Minute
	settleTimeout  = time.Minute
	catchUpTimeout = 10 * time.Minute
	// snapshotTimeout bounds the load under which a snapshot is waited for.
	snapshotTimeout = 2 * time.Minute
	// settleEvery is how often memory is looked at until it stays the same. A change of
	// restShare, or of restBytes if that is more, does not count.
	settleEvery = time.Second
	restShare   = 0.005
	restBytes   = 1 << 20
	// watchEvery is how often a node's directory is looked at for a snapshot under
	// way, and how often a node is asked for its state.
	watchEvery = 10 * time.Millisecond
	askEvery   = 20 * time.Millisecond
	// reads is the number of times that results are read for a median.
	reads = 21
	// headRate is how many ballots a second are cast while the delay of heads is measured, and
	// headEvery how often a node is asked for its newest head.
	headRate  = 1000
	headEvery = 10 * time.Millisecond
	// proofs is the number of proofs that are read for a median.
	proofs = 1000
	// logName begins the names of the logs.
	logName = "bench.example"
	// listPage is the page size of the listing that is measured.
	listPage = 100
	// maxPolls and maxVoters are bounded by the digits of the numbers in requests, and by the
	// memory of an ordinary machine.
	maxPolls  = 10_000_000
	maxVoters = 200_000_000
	// maxSeconds bounds a phase, maxConnections the sockets of this process, and
	// maxStreams is what one node serves at the same time.
	maxSeconds     = 600
	maxConnections = 5000
	maxStreams     = 64
)
