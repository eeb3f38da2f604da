// Package fsm makes package poll's State a raft finite state machine. It owns the
// state's lock, and it owns the bytes: of commands in the log, of frames of ballots
// between members, and of snapshots.
//
// Every format has a number and a checksum. Numbers are never reused; golden files of
// every released format stay in testdata. A committed command that cannot be read halts
// the member (OnUnreadable), because a member that differs from the others would be
// worse. Frames of ballots are read before they are proposed. If one still ends in the
// middle, that is a bug and half of its entry is applied, so Apply panics.
package fsm
