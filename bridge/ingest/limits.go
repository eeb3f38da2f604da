package ingest

import "time"

// The limits of a bridge, each with its reason.
const (
	// maxMessageBytes is the longest line of the bulk route.
	maxMessageBytes = 130 << 10
	// maxDetailBytes is what a dead letter says at most about what is wrong with its message, which may be quoted in it
	// and longer than a broker's headers can be.
	maxDetailBytes = 1 << 10
	// batchMessages are fetched and cast together: enough to make a round trip cheap, few enough to send again.
	batchMessages = 1000
	// fetchWait is how long a fetch waits for that many: people vote one by one.
	fetchWait = 50 * time.Millisecond
	// maxUploads is how many bulk uploads a node takes (docs/api.md).
	maxUploads = 64
	// batchTimeout bounds the casting of a batch. The client gives up before, after 30 s without progress.
	batchTimeout = time.Minute
	// drainTimeout is how long answers are awaited when the bridge is told to end.
	drainTimeout = 10 * time.Second
	// storeTimeout bounds the storing of a batch's letters, and each look at the lag.
	storeTimeout = 10 * time.Second
	// lagEvery is how often the lag is looked at.
	lagEvery = 5 * time.Second

	// firstPause is the first pause of a message that must wait, and of a bridge that cannot cast; it doubles.
	firstPause = 100 * time.Millisecond
	// longestPause bounds both, so that a cluster that is back is noticed within it.
	longestPause = 30 * time.Second
	// longestEarly bounds the wait for a poll that opens later: its definition can be changed meanwhile.
	longestEarly = 5 * time.Minute
	// fetchPause is the pause after a fetch that failed.
	fetchPause = time.Second
	// probeMessages are fetched at once while the cluster does not take ballots: few, as all of them may come
	// again.
	probeMessages = 100

	// MaxPollBytes is the longest id of a poll.
	MaxPollBytes = 64
	// MaxInFlight is how many messages a bridge works on at once, if it is not told otherwise.
	MaxInFlight = 10_000
	// ReorderWindow is how long a message waits for what it needs, if the bridge is not told otherwise.
	ReorderWindow = 10 * time.Minute
)
