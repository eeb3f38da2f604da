// Package fsm makes package poll's State a raft finite state machine: it owns the
// state's lock, and it owns the bytes — of commands in the log, of frames of
// ballots between members, and of snapshots.
//
// Every format has a number and a checksum. Numbers are never reused; golden files
// of every released format stay in testdata. A committed command that cannot be
// read panics: a member that halts is better than one that diverges.
package fsm
