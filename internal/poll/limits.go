package poll

import "math"

// The limits of the core. Each is part of the rules: changing one changes what
// replicas accept, and so needs a new command format.
const (
	// MaxIDBytes bounds poll and option ids; every URL and entry has them.
	MaxIDBytes = 64
	// MaxVoterBytes bounds voter ids, so that hashing needs no allocation.
	MaxVoterBytes = 256
	// MaxTitleBytes bounds titles: definitions live in memory on every member.
	MaxTitleBytes = 1024
	// MaxDescriptionBytes bounds the description of a poll, and that of an option;
	// MaxDescriptionsBytes those of all options together.
	MaxDescriptionBytes  = 4 << 10
	MaxDescriptionsBytes = 256 << 10
	// MaxSeedBytes bounds the seed of a lot.
	MaxSeedBytes = 1024
	// MaxOptions bounds a poll's options; pairwise methods need its square.
	MaxOptions = 1024
	// MaxScore bounds the points of one option, so that 2^32 ballots of MaxWeight
	// cannot overflow a 64-bit sum.
	MaxScore = 1000
	// MaxRecords bounds a box: record numbers are 32 bits wide.
	MaxRecords = 1<<32 - 2
	// MaxWeight bounds a voter's weight, so that 2^32 ballots of MaxScore points
	// cannot overflow a 64-bit sum.
	MaxWeight = 1_000_000
	// MaxRollLines bounds one Enroll: about 100 KiB of the log, and a millisecond or
	// two of every member's time.
	MaxRollLines = 4096
	// MaxIdempotencyKeys bounds the table of remembered keys. At the limit new
	// keyed requests are refused until old keys expire; none is forgotten early.
	MaxIdempotencyKeys = 1 << 16
	// MaxKeyBytes bounds an Idempotency-Key.
	MaxKeyBytes = 255
	// IdempotencyTTL is how long a key is remembered, in milliseconds of the
	// replicated clock (24 hours).
	IdempotencyTTL int64 = 24 * 60 * 60 * 1000
	// maxRetrace is how many versions back a late duplicate is recognised by its selections.
	// Any older ballot counts as superseded: one voter must not be able to make every member
	// search a long chain.
	maxRetrace = 64
)

// All ballots of the largest poll, each with the highest weight and score, have a sum that
// fits an int64, or this does not compile. Rankings that are read as scores have up to
// MaxOptions points.
const _ = uint64(math.MaxInt64 - MaxRecords*MaxWeight*max(MaxScore, MaxOptions))
