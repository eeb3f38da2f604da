// Package simtest runs whole clusters of voted in one process and in virtual time,
// breaks them in every way that a network, a disk, a clock and an operator can, and
// proves from the outside that every acknowledged ballot counted exactly once.
//
//	workload ─► client ─► wire ─► API ─┐
//	   │  └────────────────────────────┴─► cluster.Node ─► store ─► disk    what is fsynced survives a crash
//	   ▼                                        │
//	history                                  network    delay, loss, duplicates, cuts, answers lost after the work
//
// Client, API and node are the product's, unmodified.
//
// Each run lives in a bubble of testing/synctest: an hour passes as fast as the
// processors compute it, and every timer of raft and of the product is real code.
// Nothing may touch a socket there, for that would stop the bubble's clock.
//
// Everything that the simulation itself decides comes from the seed: the schedule of
// faults, the workload, the weather. Raft is not deterministic (a global source of
// random numbers, the order of select), and neither are the client's pauses, so a seed
// makes a failure likely again, not certain; that is why a failure saves its whole
// history.
//
// # How a crash is made
//
// A process cannot be killed inside a process. At a crash, the member's port refuses
// from that instant on, its clients are cut off, and its store goes on writing to a
// private copy of the disk: nothing that happens later can be seen by anybody. The
// disk itself stays as it was fsynced. Only after a while, when raft has given up its
// leadership and answered all that was under way, is the shell of the dead member
// closed. That matters twice over: raft forgets futures that it holds when it shuts down
// (hashicorp/raft #498), and a goroutine that waits for one would never leave the
// bubble; once raft is cut off and quiet it holds none.
package simtest
