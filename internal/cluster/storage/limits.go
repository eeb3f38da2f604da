package storage

import "time"

const (
	// DefaultStallLimit is far above a healthy fsync (milliseconds), and below what clients wait for an answer, so that
	// a leader whose disk hangs makes room for another while they still wait.
	DefaultStallLimit = 2 * time.Second
	// DefaultLogCache covers what a follower lags behind in ordinary work: several batches.
	DefaultLogCache = 32

	// lockWait bounds the wait for another process that has the directory: long enough for one that is just exiting.
	lockWait = time.Second
	// snapshotsKept is two, so that a reader of the last one is not cut off by the next.
	snapshotsKept = 2
	// deleteChunk bounds one delete transaction: with entries of 1 MiB it frees 128 Ki pages, well below the stall limit.
	deleteChunk = 512
	// stallTicks is how many ticks of the clock make up the stall limit. A process that was stopped (SIGSTOP, a suspended
	// machine) sees one late tick when it goes on, not a stall.
	stallTicks = 8
	// maxTreeDepth bounds the walk through the log file: a B+tree of 4 KiB pages with 8-byte keys reaches 10^9 entries at
	// depth 6; a deeper one is a cycle.
	maxTreeDepth = 32
	// pageWindow is how much of a page run is read at once when its structure is checked.
	pageWindow = 64 << 10

	dirMode = 0o750

	// The names inside the directory.
	logFile     = "raft.db"
	markFile    = "raft.mark"
	snapshotDir = "snapshots"
	newFileGlob = "raft.db.new-*"

	// valuePrefix keeps the member's own values apart from raft's keys.
	valuePrefix = "member/"
)
