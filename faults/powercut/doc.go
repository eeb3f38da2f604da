// Package powercut is layer L4: the power fails.
//
// Each node has an ext4 file system of its own on a loop device. A cut is ext4's own
// shutdown (EXT4_IOC_SHUTDOWN without flushing its journal): from then on nothing reaches
// the disk, as when the plug is pulled. Then the processes are killed, the file system is
// mounted again, which replays its journal, and everything is started again. What was
// acknowledged must be there.
//
// Store cuts work on a member's store alone. A helper process appends, truncates, votes
// and writes snapshots as raft does, and prints what the store has acknowledged. Cluster
// cuts work on three nodes under load from HTTP clients: on one, two or all of them at
// once, at any moment of a run, while the cluster is founded, and while a snapshot is
// written. The load test's ledger judges.
//
// The negative control is a store that does not fsync. It must lose something.
package powercut
