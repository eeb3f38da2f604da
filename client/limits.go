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
	// nodeHold is how long a node holds a request by itself, the contract's
	// --request-timeout; beyond it "Prefer: wait" says nothing new.
	nodeHold = 10 * time.Second
	// waitSlack is left between a node giving up and this side giving up, so
	// that its 503 arrives and the outcome is known.
	waitSlack = 500 * time.Millisecond

	// defaultBaseDelay is the bound of the first full-jitter delay. Another node
	// answers at once, so the first retry is quick.
	defaultBaseDelay = 25 * time.Millisecond
	// defaultMaxDelay bounds the jitter, about the length of a slow election.
	defaultMaxDelay = 2 * time.Second

	// defaultBudgetRatio: retries are at most a fifth of the calls …
	defaultBudgetRatio = 0.2
	// defaultBudgetPerSecond: … and at least ten a second, for quiet clients.
	defaultBudgetPerSecond = 10
	// defaultBudgetBurst is what can be saved up. One broken node fails every
	// call on its connections at the same moment; each needs one retry.
	defaultBudgetBurst = 1000

	// defaultBreakerFailures is how many failures in a row open a breaker.
	defaultBreakerFailures = 5
	// defaultBreakerCooldown is how long an open breaker keeps calls away.
	defaultBreakerCooldown = time.Second

	// defaultConnections is how many idle connections are kept to each node. A
	// smaller number than the callers makes them reconnect all the time.
	defaultConnections = 512
	// dialTimeout bounds connecting; the nodes are near.
	dialTimeout = 2 * time.Second
	// idleConnTimeout closes connections that nobody needs any more.
	idleConnTimeout = 90 * time.Second

	// rollBatch is how many entries of a roll go out in one request: enough that a
	// round trip disappears, few enough to be sent again whole.
	rollBatch = 16384
	// maxAnswerBytes bounds an answer held in memory. The largest is the
	// pairwise matrix of a poll with 1,024 options.
	maxAnswerBytes = 64 << 20
	// maxProblemBytes bounds what is read of a refusal.
	maxProblemBytes = 1 << 20
	// maxPooledBytes keeps rare large buffers out of the pool.
	maxPooledBytes = 64 << 10

	// maxVoterBytes is the contract's bound of voter ids.
	maxVoterBytes = 256

	// maxUnansweredLines bounds the ballots of a bulk stream that were sent and
	// not answered yet: they are kept, to be sent again.
	maxUnansweredLines = 64 << 10
	// maxUnansweredBytes bounds the same in bytes.
	maxUnansweredBytes = 16 << 20
	// bulkChunkBytes is the unit in which lines are kept and freed.
	bulkChunkBytes = 64 << 10
	// maxLineBytes bounds one line of an answer or of an export.
	maxLineBytes = 1 << 20
	// maxEventBytes bounds one event of a results stream.
	maxEventBytes = maxAnswerBytes
	// streamSilence is how long a stream may say nothing: longer than a node
	// holds ballots through an election, and than the stream's heartbeats.
	streamSilence = 30 * time.Second
)
