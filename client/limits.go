package client

import "time"

// The limits and defaults of the client, each with its reason.
const (
	// defaultAttemptTimeout bounds one try at one node. It is short enough that a
	// node which was stopped rather than killed costs seconds, not the whole call.
	defaultAttemptTimeout = 3 * time.Second
	// defaultDeadline bounds a call whose context has no deadline. It covers
	// several elections and a restart of a node.
	defaultDeadline = 30 * time.Second
	// nodeHold is how long a node holds a request by default (--request-timeout in the
	// contract). A longer "Prefer: wait" changes nothing.
	nodeHold = 10 * time.Second
	// waitSlack is the time between the node's limit and the client's, so that the
	// node's 503 arrives and the outcome is known.
	waitSlack = 500 * time.Millisecond

	// defaultBaseDelay is the bound of the first full-jitter delay. It is short,
	// because another node can answer at once.
	defaultBaseDelay = 25 * time.Millisecond
	// defaultMaxDelay bounds the jitter, about the length of a slow election.
	defaultMaxDelay = 2 * time.Second

	// defaultBudgetRatio: retries are at most a fifth of the calls …
	defaultBudgetRatio = 0.2
	// defaultBudgetPerSecond: … and at least ten a second, for quiet clients.
	defaultBudgetPerSecond = 10
	// defaultBudgetBurst is how many unused retries are saved. When a node breaks,
	// every call on its connections fails at the same moment, and each needs one retry.
	defaultBudgetBurst = 1000

	// defaultBreakerFailures is how many failures in a row open a breaker.
	defaultBreakerFailures = 5
	// defaultBreakerCooldown is how long an open breaker keeps calls away.
	defaultBreakerCooldown = time.Second

	// defaultHedgeQuantile is the one of the paper: about as many calls wait longer as the
	// budget covers.
	defaultHedgeQuantile = 0.95
	// defaultHedgeDelay is more than a commit on a disk takes, and little for a person.
	defaultHedgeDelay = 50 * time.Millisecond
	// hedgeColdDelay is the least delay while fewer than hedgeSamples latencies are known.
	// It covers connecting with TLS to a node far away.
	hedgeColdDelay = 250 * time.Millisecond
	hedgeSamples   = 20
	// hedgeOvertakenDelay is the longest delay at an endpoint that is silent while another
	// one answers later calls. Where calls take longer than that as a rule, silence alone
	// shows little.
	hedgeOvertakenDelay = 250 * time.Millisecond
	// defaultHedgeRatio: hedges add at most a twentieth to the load …
	defaultHedgeRatio = 0.05
	// defaultHedgeBurst: … and this many more, for clients that make few calls.
	defaultHedgeBurst = 20

	// defaultConnections is how many idle connections are kept to each node. With fewer
	// than there are concurrent callers, these reconnect all the time.
	defaultConnections = 512
	// dialTimeout bounds connecting; the nodes are near.
	dialTimeout = 2 * time.Second
	// idleConnTimeout closes connections that are no longer needed.
	idleConnTimeout = 90 * time.Second

	// rollBatch is how many entries of a roll go out in one request: enough to make the
	// cost of a round trip small, few enough to send again as a whole.
	rollBatch = 16384
	// maxAnswerBytes bounds an answer held in memory. The largest is the
	// pairwise matrix of a poll with 1,024 options.
	maxAnswerBytes = 64 << 20
	// maxProblemBytes bounds how much of a refusal is read.
	maxProblemBytes = 1 << 20
	// maxPooledBytes keeps large buffers, which are rare, out of the pool.
	maxPooledBytes = 64 << 10

	// maxIDBytes is the contract's bound for ids of polls and options.
	maxIDBytes = 64

	// maxUnansweredLines bounds the ballots of a bulk stream that were sent and have no
	// answer yet. They are kept, to be sent again.
	maxUnansweredLines = 64 << 10
	// maxUnansweredBytes bounds the same in bytes.
	maxUnansweredBytes = 16 << 20
	// bulkChunkBytes is the unit in which lines are kept and freed.
	bulkChunkBytes = 64 << 10
	// maxLineBytes bounds one line of an answer or of an export.
	maxLineBytes = 1 << 20
	// maxEventBytes bounds one event of a results stream.
	maxEventBytes = maxAnswerBytes
	// streamSilence is how long a stream may be silent. It is longer than a node holds
	// ballots during an election, and than the interval of heartbeats.
	streamSilence = 30 * time.Second
)
