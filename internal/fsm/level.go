package fsm

import (
	"fmt"
	"strconv"

	"voted/internal/poll"
)

// A format level stands for all that may be in the log and in snapshots: the kinds of
// command, and what snapshots hold. Members tell each other up to which level they
// read; the leader raises the cluster's own level (poll.Raise, in the log) once every
// member of the configuration has said that it reads it, and only then proposes what
// needs it. So a build never meets what it cannot read while it belongs to a cluster.
//
// Whoever adds a kind of command, or something that snapshots hold, adds a level: a
// number here, an entry in kindLevels, and where it is about a snapshot a look at
// poll.View.Level before it is written.
const (
	levelFirst   = poll.FirstLevel   // all kinds up to drop
	levelRaise   = 2                 // raise, and snapshots that hold the level
	levelRestore = poll.RestoreLevel // the steps of a restore, and snapshots that remember one
	levelToken   = 4                 // join tokens, in commands and snapshots

	levelNewest = levelToken
)

// kindLevels is the level from which a kind may be used. A kind that is not here does
// not exist.
var kindLevels = [256]uint32{
	kindBallots: levelFirst, kindCreate: levelFirst, kindPatch: levelFirst, kindClose: levelFirst, kindDelete: levelFirst,
	kindTick: levelFirst, kindEnroll: levelFirst, kindDrop: levelFirst,
	kindRaise:      levelRaise,
	kindRestore:    levelRestore,
	kindIssueToken: levelToken, kindRedeemToken: levelToken, kindRevokeTokens: levelToken,
}

// otherReads makes a build that reads other levels than it does, for the tests of
// clusters of several builds:
//
//	go build -ldflags '-X voted/internal/fsm.otherReads=1' ./cmd/voted
var otherReads string

// Reads returns the highest format level that this build reads.
func Reads() uint32 {
	if n, err := strconv.ParseUint(otherReads, 10, 32); err == nil && n > 0 {
		return uint32(n)
	}
	return levelNewest
}

// beyond refuses a raise to a level that this build does not read: what the raise allows
// may come at any time, and a member had better stop now than then.
func beyond(c poll.Command) error {
	if r, ok := c.(poll.Raise); ok && r.Level > Reads() {
		return fmt.Errorf("the cluster uses format level %d and this build reads up to %d; upgrade voted", r.Level, Reads())
	}
	return nil
}

// LevelOf returns the level that a cluster must have for a command.
func LevelOf(c poll.Command) uint32 {
	kind, _ := encodePayload(c)
	return levelOfKind(kind)
}

func levelOfKind(kind byte) uint32 { return kindLevels[kind] }
