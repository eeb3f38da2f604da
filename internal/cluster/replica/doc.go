// Package replica is one member's raft: its log and snapshots, what it knows of the
// membership, who leads, and proposing. Only this package, peer, storage and fsm import
// hashicorp/raft. Its types appear outside only in Store and Network, which those
// packages implement.
//
// A Replica is made by New, which reads the member's data from the disk. Found or Enter
// makes it part of a cluster, Start runs raft, and Close ends all that Start began. It
// passes each decided membership to its owner (Options.OnMembership), and answers
// questions from memory.
package replica
