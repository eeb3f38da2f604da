// Package powercut is layer L4: the power fails.
//
// Each node has an ext4 file system of its own on a loop device. A cut is ext4's own
// shutdown (EXT4_IOC_SHUTDOWN without flushing the log): from then on nothing reaches
// the disk, as when the plug is pulled. Then the processes are killed, the file system
// is mounted again, which replays its journal, and everything is started anew. What
// was acknowledged must be there.
//
// Store cuts work on a member's store alone, in a helper process that appends,
// truncates, votes and writes snapshots as raft does, and says on its standard output
// what the store has acknowledged. Cluster cuts work on three nodes under load from
// HTTP clients: one, two or all of them at once, at any moment of a run, while the
// cluster is founded, and while snapshots are written; the load test's ledger judges.
//
// The negative control is a store that does not fsync. It must lose something.
package powercut
