// Package cluster is one member's life in the raft cluster: how it starts, takes
// ballots in, gets them to the leader, reads, and leaves.
//
// The way of a ballot:
//
//	Cast ─► ingress ─► submitter ─► (peer port) ─► proposer ─► raft ─► fsm.FSM
//	         batches     finds the leader,          one entry     applies on
//	                     and the next one           of many       every member
//
// A batch whose outcome is unknown — the leader died, was cut off, or handed over —
// is submitted again, to whoever leads then, until its deadline. That is safe
// because ballots are idempotent; it is why clients see a failover as latency.
//
// Raft's nodes are members here; a voter is a person.
package cluster
