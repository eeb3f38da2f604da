// Package diskerror is layer L6: a disk fails, fills up, becomes read-only, becomes slow
// or hangs while clients cast ballots. It is the disk of one of three nodes, the leader or
// a follower. In further rounds all three disks are full at once.
//
// Each node has an ext4 file system of its own on a loop device. strace makes errors and
// delays of fsync; it stands between the node and the kernel. A file of the test's own
// fills a disk. ext4's own reaction to an error makes the file system read-only. Freezing
// the file system lets it hang.
//
// The member must stop by itself and name its directory if its disk fails. It must go on
// if its disk is only slow. If its disk is full it may do either, and must report that it
// is short of space if it goes on. The others must acknowledge ballots again within 10
// seconds. Then the fault is undone and the member is started again, and everything that
// was acknowledged must be on every node.
//
// The negative controls are a node that goes on after an error, and one that waits for its
// disk forever.
package diskerror
