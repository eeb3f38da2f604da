package storage

import "time"

const (
	// DefaultStallLimit is far above a healthy fsync (milliseconds) and below what
	// clients wait for an answer. So if a leader's disk hangs, another member can lead
	// while they still wait.
	DefaultStallLimit = 2 * time.Second
	// DefaultLogCache covers the lag of a follower in ordinary work: several batches.
	DefaultLogCache = 32

	// lockWait bounds the wait for another process that uses the directory: long enough
	// for one that is just exiting.
	lockWait = time.Second
	// snapshotsKept is two, so that a new snapshot does not remove the last one while
	// it is read.
	snapshotsKept = 2
	// stallTicks is how many clock ticks make up the stall limit. A process that was
	// stopped (SIGSTOP, a suspended machine) sees one late tick when it continues,
	// which is no stall.
	stallTicks = 8
	// makingPatience is how many stall limits a call may take that makes a segment: one
	// writes megabytes where an append writes a few sectors, and no ballot waits for it yet.
	makingPatience = 4
	// maxTreeDepth bounds the walk through the log file. A B+tree of 4 KiB pages with
	// 8-byte keys reaches 10^9 entries at depth 6; a deeper one is a cycle.
	maxTreeDepth = 32
	// pageWindow is how much of a page run is read at once when its structure is checked.
	pageWindow = 64 << 10

	dirMode = 0o750

	// The names inside the directory.
	valuesFile  = "raft.db"
	logDir      = "log"
	markFile    = "raft.mark"
	snapshotDir = "snapshots"
	newFileGlob = "raft.db.new-*"

	// valuePrefix separates the member's own values from raft's keys. Stores with their
	// entries in raft.db have oldPrefix; see carryOver.
	valuePrefix, oldPrefix = "value/", "member/"
)
