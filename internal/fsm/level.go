package fsm

import (
	"fmt"

	"voted/internal/poll"
)

// A format level names everything that may be in the log and in snapshots: the kinds of
// command, and the content of snapshots. Members report up to which level they can
// read. The leader raises the cluster's own level (poll.Raise, in the log) once every
// member of the configuration can read the new one, and only then proposes what needs
// it. So a build never meets what it cannot read while it belongs to a cluster.
//
// If you add a kind of command, or content of snapshots, add a level: a number here and
// an entry in kindLevels. New content of snapshots is a section of its own that commands of
// the level alone can fill, and that is left out where it is empty.
const (
	levelFirst    = poll.FirstLevel    // where every cluster begins
	levelCounting = poll.CountingLevel // settings of a count and methods in definitions
	levelEvents   = poll.EventsLevel   // the journal of events
	levelSchedule = poll.ScheduleLevel // scheduled commands
	levelWebhook  = poll.WebhookLevel  // endpoints of webhooks, and alarms

	// Level 3, poll.PresentationLevel, is of definitions alone: LevelOf asks them.

	levelNewest = levelWebhook
)

// kindLevels is the level from which a kind may be used. A kind that is missing here
// does not exist.
var kindLevels = [256]uint32{
	kindBallots:      levelFirst,
	kindCreate:       levelFirst,
	kindPatch:        levelFirst,
	kindClose:        levelFirst,
	kindDelete:       levelFirst,
	kindTick:         levelFirst,
	kindEnroll:       levelFirst,
	kindDrop:         levelFirst,
	kindRaise:        levelFirst,
	kindRestore:      levelFirst,
	kindIssueToken:   levelFirst,
	kindRedeemToken:  levelFirst,
	kindRevokeTokens: levelFirst,
	kindDrawLot:      levelCounting,
	kindSchedule:     levelSchedule,
	kindUnschedule:   levelSchedule,

	kindPutEndpoint:   levelWebhook,
	kindPatchEndpoint: levelWebhook,
	kindDropEndpoint:  levelWebhook,
	kindRotateKey:     levelWebhook,
	kindProgress:      levelWebhook,
	kindRedeliver:     levelWebhook,
	kindAlarm:         levelWebhook,
}

// Reads returns the highest format level that this build reads.
func Reads() uint32 { return levelNewest }

// ReadUpTo makes f read up to another level than its build, for tests of clusters with
// several builds. It must be called before the first Apply or Restore.
func (f *FSM) ReadUpTo(level uint32) { f.reads = level }

// beyond refuses a raise to a level that this member does not read. What the raise
// allows may come at any time, so the member should stop now.
func (f *FSM) beyond(c poll.Command) error {
	if r, ok := c.(poll.Raise); ok && r.Level > f.reads {
		return fmt.Errorf("the cluster uses format level %d and this build reads up to %d; upgrade voted", r.Level, f.reads)
	}
	return nil
}

// LevelOf returns the level that a cluster must have for a command.
func LevelOf(c poll.Command) uint32 {
	kind, _ := encodePayload(c)
	if scheduled, ok := c.(poll.Schedule); ok {
		return max(levelOfKind(kind), LevelOf(scheduled.Do))
	}
	if create, ok := c.(poll.Create); ok {
		return max(levelOfKind(kind), create.Definition.Level())
	}
	return levelOfKind(kind)
}

func levelOfKind(kind byte) uint32 { return kindLevels[kind] }
