// Package cluster is one member of the cluster: how it starts, takes ballots, sends them
// to the leader, reads, and leaves. DESIGN.md describes the packages it is made of, and
// what each does.
//
// Raft's nodes are members here; a voter is a person.
package cluster
