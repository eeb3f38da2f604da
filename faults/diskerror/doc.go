// Package diskerror is layer L6: a disk that fails, fills up, turns read-only, slows
// down or hangs, under one of three nodes, the leader or a follower, while clients
// cast ballots.
//
// Each node has an ext4 file system of its own on a loop device. Errors and delays of
// fsync are made by strace, which steps between the node and the kernel; a full disk
// by a file of the test's own; read-only by ext4's own reaction to an error; a hang by
// freezing the file system. The member must stop by itself and say which directory,
// where its disk fails; it must go on, where the disk is merely slow. The others must
// acknowledge ballots again within 10 seconds. When the disk is well again the member
// is started again, and everything acknowledged is on every node.
//
// The negative controls are a node that goes on after an error, and one that waits for
// its disk for ever.
package diskerror
