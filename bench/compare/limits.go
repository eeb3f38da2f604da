package compare

import "time"

const (
	// nodes is the size of every replicated system compared.
	nodes = 3
	// benchLog begins the names of the logs of the system proofs.
	benchLog = "bench.example"
	// idleWebhooks is how many webhooks the system hooks has.
	idleWebhooks = 1000
	// startTimeout bounds the start of one server: PostgreSQL's first start of a
	// standby copies a whole cluster.
	startTimeout = time.Minute
	// stopTimeout is how long a server may take to end in order.
	stopTimeout = 15 * time.Second
	// probeTimeout and probeInterval are for looking whether a server is up.
	probeTimeout  = time.Second
	probeInterval = 50 * time.Millisecond
	// phaseGrace is how long a phase may take on top of its seconds: for connecting hundreds
	// of clients, for the last answers, and for counting.
	phaseGrace = 3 * time.Minute
	// quietTimeout is how long a phase waits until the system of the phase before is idle.
	// The processors count as idle if they were busy for less than quietShare of quietSample.
	quietTimeout = 3 * time.Second
	quietSample  = 200 * time.Millisecond
	quietShare   = 0.15
	// tailBytes is how much of a server's output is kept for error messages.
	tailBytes = 4 << 10
	// blockBallots is the number of ballots in one bulk request of voted, and
	// batchRows that in one statement of PostgreSQL, near where it is fastest.
	blockBallots = 100_000
	batchRows    = 10_000
	// replayVoters is how many voters have voted before their ballots are cast again.
	replayVoters = 100_000
	// maxSeconds, maxRounds bound a comparison to a day.
	maxSeconds = 600
	maxRounds  = 50
)

const (
	// maxClients is how many connections PostgreSQL is set up for, less some that it needs
	// itself.
	maxClients = 560
	// maxStreams is how many streams one node of voted serves at the same time.
	maxStreams = 64
)
