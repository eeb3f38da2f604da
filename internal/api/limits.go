package api

import (
	"time"

	"voted/internal/ballotjson"
)

// The limits of requests. They bound what one client can make a member hold.
const (
	maxBallotBytes = ballotjson.MaxBytes
	// maxDefinitionBytes has room for poll.MaxOptions options with long titles and
	// descriptions.
	maxDefinitionBytes = 4 << 20
	// maxPatchBytes has room for the longest title, every byte escaped.
	maxPatchBytes = 16 << 10
	// maxWebhookBytes has room for the longest URL, every byte escaped, 16 ids of polls and 64 of
	// events.
	maxWebhookBytes = 32 << 10
	// maxMemberBytes has room for a member's id and address.
	maxMemberBytes = 4 << 10
	// maxEmptyBytes bounds the body if none is expected: "{}" and blanks.
	maxEmptyBytes = 16

	// maxLineBytes bounds a bulk line.
	maxLineBytes = ballotjson.MaxLineBytes
	// maxChunkBallots is how many bulk ballots are cast together: enough that
	// the cost of a commit disappears, little enough for one log entry.
	maxChunkBallots = 16384
	// maxChunkBytes bounds the lines of a chunk, for polls with long ballots.
	maxChunkBytes = 4 << 20
	// bulkReadBytes is how much of a bulk body is taken from the network at once.
	bulkReadBytes = 256 << 10

	// bulkWriteBytes is how much is written at once: a sender must be able to read it within
	// bulkStall, even over a slow line.
	bulkWriteBytes = 64 << 10
	// maxListedRefusals bounds the refused lines in the summary of a bulk upload.
	maxListedRefusals = 100

	// maxProofs bounds the lines of a request for proofs, which are all made before the first
	// is sent: 20 MiB of answers. maxProofsBytes has room for the longest ids of so many voters.
	maxProofs      = 10_000
	maxProofsBytes = 4 << 20

	// maxPageSize bounds a page of the list of polls; defaultPageSize is used if the request
	// names none.
	maxPageSize     = 1000
	defaultPageSize = 100
	// maxPageBytes bounds a page, too: definitions may have megabytes. Each page has at
	// least one poll, however large.
	maxPageBytes = 4 << 20
	// maxCachedTallies bounds the tallies that are kept.
	maxCachedTallies = 256
	// maxCachedTallyBytes bounds the memory that they take: the comparisons of a thousand
	// options are 8 MiB, and tens of them as JSON. The last one is kept whatever it takes.
	maxCachedTallyBytes = 64 << 20
	// maxTalliesAtOnce bounds the tallies of methods that are not additive that are being
	// made at a time: they are work for a processor, which ballots need too.
	maxTalliesAtOnce = 2
	// maxRepeatedPolls bounds the polls whose repetitions are counted; of further ones none are.
	// maxSums bounds the polls whose sums over all members are remembered.
	maxRepeatedPolls = 10_000
	maxSums          = 1000
	// maxRenderedSelections bounds the rendered ballots an export remembers.
	maxRenderedSelections = 4096
	// maxWaitSeconds is the longest Prefer: wait that counts, an hour: a longer one cannot
	// shorten any timeout.
	maxWaitSeconds = 3600
)

// The defaults of Options and the pace of streams.
const (
	defaultRequestTimeout = 10 * time.Second
	defaultMaxStreams     = 10_000
	defaultMaxBulk        = 64
	// streamPace is the least time between two events of one stream, and between two looks at
	// its poll. Audiences beyond smallAudience are told every fourth time, beyond largeAudience
	// every eighth: 10,000 streams then take 5,000 writes a second.
	streamPace    = 250 * time.Millisecond
	smallAudience = 100
	largeAudience = 2000
	// ringGroup streams are woken at once; after ringPause, of which their writes take about
	// a quarter of one processor, come the next.
	ringGroup = 64
	ringPause = 4 * time.Millisecond
	// streamHeartbeat keeps proxies from closing a quiet stream.
	streamHeartbeat = 15 * time.Second
	// sessionCheck is how soon a stream ends after its sender's credential has ended.
	sessionCheck = time.Second
	// minStreamRetry and maxStreamRetry bound how long a browser waits before it connects
	// again. Each draws its own time: thousands lose their node at one moment.
	minStreamRetry = time.Second
	maxStreamRetry = 5 * time.Second
	// repeatsEvery is how often the members are asked for a poll's repetitions at most, and
	// repeatsTimeout how long they have to answer.
	repeatsEvery   = time.Second
	repeatsTimeout = time.Second
	// holdersEvery is how often the members are asked whether they have applied an entry, and
	// holdersKept how long an answer is used if it shows that all have: what is applied stays
	// so, and a member that has gone away since is shown as a holder for that long. For newer
	// and newer entries they are asked once in holdersGap at most.
	holdersEvery = 500 * time.Millisecond
	holdersKept  = 5 * time.Second
	holdersGap   = 50 * time.Millisecond
	// defaultOverlap is for how long the key before signs too, unless a rotation says.
	defaultOverlap = 24 * time.Hour
	// clusterPace is how often those who watch the cluster are sent an event, and clusterTail
	// how much of the history is in each.
	clusterPace = time.Second
	clusterTail = 10 * time.Second
	// writeTimeout is how long a client may take to accept data of a stream; after that the
	// stream is closed, or it would hold its memory forever.
	writeTimeout = 30 * time.Second
	// bulkStall is how long a bulk sender may leave answers unread while it sends. After
	// that it gets no more answers until it has sent everything.
	bulkStall = 3 * time.Second
	// bulkIdleTimeout is how long a bulk sender may stay silent.
	bulkIdleTimeout = 2 * time.Minute
	// maxRetryAfterSeconds spreads retries: Retry-After is from 1 to this number.
	maxRetryAfterSeconds = 3
)
