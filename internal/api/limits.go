package api

import (
	"time"

	"voted/internal/poll"
)

// The limits of requests. They bound what one client can make a member hold.
const (
	// maxBallotBytes has room for a ranking of poll.MaxOptions ids of the
	// longest kind, pretty-printed.
	maxBallotBytes = 128 << 10
	// maxDefinitionBytes has room for poll.MaxOptions options with long titles.
	maxDefinitionBytes = 4 << 20
	// maxPatchBytes has room for the longest title, every byte escaped.
	maxPatchBytes = 16 << 10
	// maxMemberBytes has room for a member's id and address.
	maxMemberBytes = 4 << 10
	// maxEmptyBytes bounds the body where none is expected: "{}" and blanks.
	maxEmptyBytes = 16

	// maxLineBytes bounds a bulk line: a ballot, and a voter id fully escaped.
	maxLineBytes = maxBallotBytes + 8*poll.MaxVoterBytes
	// maxRollLineBytes bounds a line of a roll: a voter id fully escaped, and room.
	maxRollLineBytes = 8*poll.MaxVoterBytes + 1024
	// maxChunkBallots is how many bulk ballots are cast together: enough that
	// the cost of a commit disappears, little enough for one log entry.
	maxChunkBallots = 16384
	// maxChunkBytes bounds the lines of a chunk, for polls with long ballots.
	maxChunkBytes = 4 << 20
	// bulkReadBytes is how much of a bulk body is taken from the network at once.
	bulkReadBytes = 256 << 10

	// maxPageSize bounds the list of polls, defaultPageSize is where none is asked.
	maxPageSize     = 1000
	defaultPageSize = 100
	// maxCachedTallies bounds the ranked tallies that are kept.
	maxCachedTallies = 256
	// maxRenderedSelections bounds the rendered ballots an export remembers.
	maxRenderedSelections = 4096
	// maxWaitSeconds is the longest Prefer: wait that is looked at, an hour: more
	// cannot shorten any timeout.
	maxWaitSeconds = 3600
)

// The defaults of Options and the pace of streams.
const (
	defaultRequestTimeout = 10 * time.Second
	defaultMaxStreams     = 10_000
	defaultMaxBulk        = 64
	// streamPace is the least time between two events of one stream.
	streamPace = 250 * time.Millisecond
	// streamHeartbeat keeps proxies from closing a quiet stream.
	streamHeartbeat = 15 * time.Second
	// streamRetryMillis is how long a browser waits before it connects again.
	streamRetryMillis = 2000
	// writeTimeout is how long a client may take to accept what is written to a
	// stream; after that it is given up, or it would hold its memory for ever.
	writeTimeout = 30 * time.Second
	// bulkIdleTimeout is how long a bulk sender may stay silent.
	bulkIdleTimeout = 2 * time.Minute
	// maxRetryAfterSeconds spreads retries: Retry-After is from 1 to this.
	maxRetryAfterSeconds = 3
)
