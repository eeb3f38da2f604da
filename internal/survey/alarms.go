package survey

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"voted/internal/poll"
)

const (
	// alarmLooks is in how many looks in a row a finding must be there, or not be there, before
	// an alarm begins or ends. A member that is started again is no alarm, nor is one slow look.
	alarmLooks = 10
	// alarmsPerLook bounds how many alarms one look may lead to.
	alarmsPerLook = 8
)

// Subject is what makes a finding the same one in the next look: its sentence changes with
// time.
type Subject struct{ Kind, Member string }

// Compare orders subjects by member, then by kind.
func (s Subject) Compare(other Subject) int {
	return cmp.Or(cmp.Compare(s.Member, other.Member), cmp.Compare(s.Kind, other.Kind))
}

// Told is what the replicated state holds of alarms; *poll.State is one.
type Told interface {
	AlarmOn(kind, member string) (on bool, at int64)
	Alarms() []*poll.AlarmNote
}

// Watch follows findings and alarms over the looks of one leader. The zero value has seen
// none, as a new leader has.
type Watch struct {
	differ map[Subject]int // in how many looks in a row a finding and its alarm did not agree
}

// Due returns the alarms to begin and to end after a look. clock is the replicated clock. It
// compares what is found with what is told, so it does not matter who told it, or whether a
// command arrived: what is told already, or not yet, is found out at the next look.
func (w *Watch) Due(x *Inspection, told Told, clock int64) (due []poll.Alarm) {
	found := map[Subject]string{}
	for _, f := range x.Findings() {
		found[Subject{f.Kind, f.Member}] = f.Text
	}
	differ := map[Subject]int{}
	for _, s := range subjects(found, told) {
		text, holds := found[s]
		on, at := told.AlarmOn(s.Kind, s.Member)
		if on == holds {
			continue
		}
		differ[s] = w.differ[s] + 1
		if differ[s] < alarmLooks || at != 0 && clock < at+poll.AlarmPause || len(due) == alarmsPerLook {
			continue
		}
		if !holds {
			text = x.Over(s)
		}
		due = append(due, poll.Alarm{Kind: s.Kind, Member: s.Member, On: holds, Says: shortened(text)})
		delete(differ, s) // a command that is refused or lost does not come again at once
	}
	w.differ = differ
	return due
}

// subjects are all of which there is a finding or an alarm, in an order that does not change.
func subjects(found map[Subject]string, told Told) []Subject {
	all := slices.Collect(maps.Keys(found))
	for _, n := range told.Alarms() {
		all = append(all, Subject{n.Kind, n.Member})
	}
	slices.SortFunc(all, Subject.Compare)
	return slices.Compact(all)
}

// shortened cuts a text, at the end of a word, to what an alarm may say.
func shortened(text string) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) <= poll.MaxAlarmSays {
		return text
	}
	const more = " …"
	text = strings.ToValidUTF8(text[:poll.MaxAlarmSays-len(more)], "")
	if end := strings.LastIndexByte(text, ' '); end > 0 {
		text = text[:end]
	}
	return text + more
}

// ended says what is so once a finding no longer holds; %s is its member.
var ended = map[string]string{
	"no_leader": "A member leads again.", "away": "%s answers again.", "unheard": "%s can be talked to again.",
	"foreign": "%s is where the membership has it again.", "moving": "%s is found at its address.", "lagging": "%s has caught up.",
	"clock_off": "The clock of %s is right again.", "disk_low": "%s has space on its disk again.",
	"storage_full": "Enough members have space on their disks again.", "digest_differs": "%s no longer differs.",
	"digest_dispute": "The members agree again.", "format_behind": "%s reads the formats that the others read.",
	"backup_old": "%s makes backups again.", "file_stale": "%s has read its files again.",
	"certificate_ends": "The certificates of %s are good for longer.", "log_forked": "%s signs its logs again.",
	"two_processes": "One process alone runs as %s.", "webhook_key": "%s has the key file for webhooks that most members have.",
	"webhooks_withheld": "Nothing keeps %s from delivering webhooks.", "webhooks_behind": "Webhooks are served in time again.",
	"webhook_disabled": "No webhook is disabled.", "webhook_dead": "There is no event that a webhook did not take.",
}

// Over says that a finding no longer holds. A member that has left the cluster takes its
// findings with it.
func (x *Inspection) Over(s Subject) string {
	says := ended[s.Kind]
	switch {
	case s.Member != "" && !slices.ContainsFunc(x.Look, func(m Sighting) bool { return m.ID == s.Member }):
		return fmt.Sprintf("%s is no longer a member.", s.Member)
	case says == "":
		return strings.TrimSpace(fmt.Sprintf("It is over: %s %s", s.Kind, s.Member)) + "."
	case strings.Contains(says, "%s"):
		return fmt.Sprintf(says, s.Member)
	}
	return says
}
