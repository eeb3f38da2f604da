package poll

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"voted/internal/refusal"
)

// The limits of alarms.
const (
	// MaxAlarms bounds how many alarms are remembered, those that are over included.
	MaxAlarms = 1024
	// MaxAlarmSays bounds the sentence of one, in bytes.
	MaxAlarmSays = 256
	// AlarmPause is how long after a change of an alarm the next one counts, in milliseconds
	// of the replicated clock: a finding that comes and goes must not fill the journal.
	AlarmPause int64 = 60_000
)

// Alarm is the command that says that something is wrong in the cluster, or no longer is. It
// changes nothing if the alarm is on, or off, already, and within AlarmPause of the last
// change of the same alarm. So whoever reports compares with State.AlarmOn again later.
type Alarm struct {
	Kind   string // lower-case letters and _, as in findings of the cluster's status
	Member string // that it is about, "" if it is about the cluster
	On     bool
	Says   string // a sentence for people
}

func (c Alarm) apply(s *State) Result { return s.alarm(c) }

// AlarmNote is an alarm that began or ended. It is immutable.
type AlarmNote struct {
	Alarm
	Number uint64 // from 1
	At     int64  // the replicated clock
}

// alarmTable holds the newest notes in their order, and those of all alarms that are on. Its
// slice is never changed in place: views hold it.
type alarmTable struct {
	all  []*AlarmNote
	last uint64 // number of the newest one
}

// latest returns the last note of an alarm, nil if there is none.
func (t *alarmTable) latest(kind, member string) *AlarmNote {
	for _, n := range slices.Backward(t.all) {
		if n.Kind == kind && n.Member == member {
			return n
		}
	}
	return nil
}

// alarm notes that an alarm began or ended.
func (s *State) alarm(c Alarm) Result {
	t := &s.alarms
	before := t.latest(c.Kind, c.Member)
	switch {
	case !c.valid():
		return s.fail("", refusal.Of(refusal.MalformedRequest))
	case before == nil && !c.On, before != nil && (before.On == c.On || s.clock < before.At+AlarmPause):
		return Result{Index: s.index}
	case !t.roomFor(&c):
		return s.fail("", refusal.Of(refusal.TooManyRequests))
	}
	n := &AlarmNote{Alarm: c, Number: t.last + 1, At: s.clock}
	t.last = n.Number
	t.all = append(t.all, n) // beyond what views see
	s.fold(foldAlarm, c.Kind, n.append(nil))
	kind := AlarmOver
	if c.On {
		kind = AlarmRaised
	}
	s.happened(kind, nil, n.Number, 0)
	return Result{Index: s.index}
}

// valid reports whether the state takes the alarm.
func (c *Alarm) valid() bool {
	other := func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }
	return c.Kind != "" && len(c.Kind) <= MaxIDBytes && !strings.ContainsFunc(c.Kind, other) &&
		(c.Member == "" || ValidID(c.Member)) && len(c.Says) <= MaxAlarmSays && utf8.ValidString(c.Says)
}

// roomFor makes room for a note: the oldest one goes that is not of another alarm which is on.
// It reports whether there is room; for the end of an alarm there is.
func (t *alarmTable) roomFor(c *Alarm) bool {
	if len(t.all) < MaxAlarms {
		return true
	}
	i := slices.IndexFunc(t.all, func(n *AlarmNote) bool {
		return !n.On || n.Kind == c.Kind && n.Member == c.Member || t.latest(n.Kind, n.Member) != n
	})
	if i < 0 {
		return false
	}
	t.all = slices.Delete(slices.Clone(t.all), i, i+1)
	return true
}

// AlarmOn reports whether an alarm is on, and when it last changed; 0 if it never did.
func (s *State) AlarmOn(kind, member string) (on bool, at int64) {
	if n := s.alarms.latest(kind, member); n != nil {
		return n.On, n.At
	}
	return false, 0
}

// Alarms returns the alarms that are on, in the order in which they began.
func (s *State) Alarms() (on []*AlarmNote) {
	for _, n := range s.alarms.all {
		if n.On && s.alarms.latest(n.Kind, n.Member) == n {
			on = append(on, n)
		}
	}
	return on
}

// AlarmNumber returns the note with a number; ok is false if it is no longer remembered.
func (s *State) AlarmNumber(number uint64) (n *AlarmNote, ok bool) {
	i := slices.IndexFunc(s.alarms.all, func(n *AlarmNote) bool { return n.Number == number })
	if i < 0 {
		return nil, false
	}
	return s.alarms.all[i], true
}

var errAlarms = errors.New("alarms: an entry is not valid")

func (n *AlarmNote) append(b []byte) []byte {
	b = binary.AppendUvarint(binary.AppendUvarint(b, n.Number), uint64(n.At))
	b = append(b, boolByte(n.On))
	return appendString(appendString(appendString(b, n.Kind), n.Member), n.Says)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// HasAlarms reports whether there is anything that AppendAlarms would write.
func (v *View) HasAlarms() bool { return v.alarms.last > 0 }

// AppendAlarms appends the encoding of the view's alarms: the number of the newest note, and
// the notes.
func (v *View) AppendAlarms(b []byte) []byte {
	b = binary.AppendUvarint(binary.AppendUvarint(b, v.alarms.last), uint64(len(v.alarms.all)))
	for _, n := range v.alarms.all {
		b = n.append(b)
	}
	return b
}

// Alarms loads what View.AppendAlarms wrote.
func (l *Loader) Alarms(raw []byte) error {
	c, t := NewCursor(raw), &l.state.alarms
	t.last = c.Bounded(1<<63 - 1)
	before := uint64(0)
	for range c.Bounded(MaxAlarms) {
		n := &AlarmNote{Number: c.Bounded(t.last), At: int64(c.Bounded(maxTime))}
		n.On, n.Kind, n.Member, n.Says = c.Byte() == 1, c.String(), c.String(), c.String()
		if c.Err() != nil || n.Number <= before || !n.valid() {
			return errAlarms
		}
		before = n.Number
		t.all = append(t.all, n)
	}
	if c.Err() != nil || c.Len() != 0 {
		return errAlarms
	}
	return nil
}
