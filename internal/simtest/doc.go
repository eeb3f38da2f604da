// Package simtest runs whole clusters of voted in one process and in virtual time,
// breaks them in every way that a network, a disk, a clock and an operator can, and
// proves from the outside that every acknowledged ballot was counted exactly once.
//
//	workload ─► client ─► wire ─► API ─┐
//	   │  └────────────────────────────┴─► cluster.Node ─► store ─► disk    what is fsynced survives a crash
//	   ▼                                        │
//	history                                  network    delay, loss, duplicates, cuts, answers lost after the work
//
// Client, API and node are the product's, unmodified.
//
// Each run is in a bubble of testing/synctest: an hour passes as fast as the processors
// compute it, with the real timers of raft and of the product. Nothing in it may use a
// socket, because that would stop the bubble's clock.
//
// All decisions of the simulation come from the seed: the schedule of faults, the
// workload, the weather. But raft is not deterministic (a global source of random
// numbers, the order of select), and neither are the client's pauses. So a seed makes a
// failure likely again, but not certain; therefore a failure saves its whole history.
//
// # How a crash is made
//
// A process cannot be killed inside a process. At a crash, the member's port refuses
// everything from that instant, its clients are cut off, and its store writes to a
// private copy of the disk: nothing that happens later can be seen. The disk itself
// stays as it was fsynced. Only after a while, when raft has given up its leadership
// and answered all that was under way, the shell of the dead member is closed. There is
// a second reason for this delay: when raft shuts down, it forgets futures that it
// holds (hashicorp/raft #498), and a goroutine that waits for one would never leave the
// bubble. Once raft is cut off and quiet it holds none.
package simtest
