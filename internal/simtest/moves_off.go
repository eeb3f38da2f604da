//go:build race

package simtest

// moveWeight is 0 under the race detector: raft 1.7.3 writes a member's address under a
// lock and reads the id next to it without the lock (replication.go,
// updateLastAppended). The id that is written is the same, so nothing goes wrong, but
// the detector reports it.
const moveWeight = 0
