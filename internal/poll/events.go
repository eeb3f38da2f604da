package poll

import "strconv"

// EventKind is what an event says. The numbers are in snapshots; they are never reused.
type EventKind uint8

// The kinds, and what their two numbers are.
const (
	PollCreated      EventKind = iota + 1 // revision
	PollUpdated                           // revision
	PollOpened                            // revision
	PollClosed                            // voters, records
	PollDeleted                           // revision
	PollMilestone                         // voters
	QuorumMet                             // voters
	LotDrawn                              // revision
	BallotsFiled                          // first and last record, 32 bits each; voters
	RollChanged                           // added; changed and dropped, 32 bits each
	StateRestored                         // none; about no poll
	TaskRun                               // number of the scheduled command; code of its refusal, or 0
	TaskCalledOff                         // number of the scheduled command
	AlarmRaised                           // number of the note; about no poll
	AlarmOver                             // number of the note; about no poll
	EndpointDisabled                      // number of the endpoint; EndpointReason; about no poll
	eventKinds
)

var eventNames = [eventKinds]string{
	PollCreated:   "poll.created",
	PollUpdated:   "poll.updated",
	PollOpened:    "poll.opened",
	PollClosed:    "poll.closed",
	PollDeleted:   "poll.deleted",
	PollMilestone: "poll.milestone",
	QuorumMet:     "poll.quorum_met",
	LotDrawn:      "poll.lot_drawn",
	BallotsFiled:  "ballots.counted",
	RollChanged:   "roll.changed",
	StateRestored: "cluster.restored",
	TaskRun:       "schedule.done",
	TaskCalledOff: "schedule.cancelled",

	AlarmRaised:      "cluster.alarm",
	AlarmOver:        "cluster.recovered",
	EndpointDisabled: "webhook.disabled",
}

// String returns the kind as clients see it.
func (k EventKind) String() string {
	if k.known() {
		return eventNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// EventKinds returns all kinds.
func EventKinds() (all []EventKind) {
	for k := EventKind(1); k < eventKinds; k++ {
		all = append(all, k)
	}
	return all
}

func (k EventKind) known() bool { return 0 < k && k < eventKinds }

// fits reports whether events of the kind may be about a poll, or about none. A scheduled
// command may be about a poll that is not there.
func (k EventKind) fits(about bool) bool {
	switch k {
	case TaskRun, TaskCalledOff:
		return true
	case StateRestored, AlarmRaised, AlarmOver, EndpointDisabled:
		return !about
	default:
		return about
	}
}

// Event is one thing that happened, as the journal has it.
type Event struct {
	Number uint64 // from 1, without a gap
	Index  uint64 // log index of the entry that made it
	At     int64  // the replicated clock, milliseconds since the Unix epoch
	Kind   EventKind
	Poll   string // its id, "" if the event is about no poll
	A, B   uint64 // by kind
}

// Events returns up to limit events with numbers above after that match, and the number at
// which the caller goes on: all up to it have been looked at. It looks at maxScan events
// at most. ok is false if events above after are no longer kept, or if after is not there
// yet: the events that the caller knows are then those of another past.
func (s *State) Events(after uint64, limit int, match func(EventKind, string) bool) (page []Event, seen uint64, ok bool) {
	j := &s.journal
	if after > j.newest || after+1 < j.oldest() {
		return nil, after, false
	}
	last := min(j.newest, after+maxScan)
	for n := after + 1; n <= last; n++ {
		e := s.shown(n)
		if !match(e.Kind, e.Poll) {
			continue
		}
		if len(page) == limit {
			return page, n - 1, true
		}
		page = append(page, e)
	}
	return page, last, true
}

func (s *State) shown(number uint64) Event {
	e := s.journal.slot(number)
	shown := Event{Number: number, Index: e.index, At: e.at, Kind: e.kind, A: e.a, B: e.b}
	if e.poll != noPoll {
		shown.Poll = s.order[e.poll].rules.ID
	}
	return shown
}

// EventSpan returns the numbers of the oldest event that is kept and of the newest one. If
// none is kept, oldest is the number of the next one.
func (s *State) EventSpan() (oldest, newest uint64) { return s.journal.oldest(), s.journal.newest }

// blockRecords is how many records make a block of the box: each full one is an event.
const blockRecords = 1024

// filed makes the events of a record that was appended, unless the poll hides how many
// there are.
func (p *Poll) filed(s *State) {
	if p.box.n%blockRecords == 0 && p.rules.Results == ResultsLive {
		p.file(s, p.box.n-blockRecords+1)
	}
}

// joined makes the events of a voter's first ballot, unless the poll hides how many there
// are.
func (p *Poll) joined(s *State) {
	n := p.ballots()
	if p.rules.Results != ResultsLive {
		return
	}
	if milestone(n) {
		s.happened(PollMilestone, p, n, 0)
	}
	if n == p.rules.Quorum {
		s.happened(QuorumMet, p, n, 0)
	}
}

// milestone reports whether n is 1, 2 or 5 times a power of ten.
func milestone(n uint64) bool {
	for n >= 10 && n%10 == 0 {
		n /= 10
	}
	return n == 1 || n == 2 || n == 5
}

// fileRest makes the event of the records that fill no block, when the poll closes; of all
// records, if the poll hid how many there were.
func (p *Poll) fileRest(s *State) {
	first := p.box.n/blockRecords*blockRecords + 1
	if p.rules.Results != ResultsLive {
		first = 1
	}
	if first <= p.box.n {
		p.file(s, first)
	}
}

// file makes the event of the records from first to the last one.
func (p *Poll) file(s *State, first uint32) {
	s.happened(BallotsFiled, p, uint64(first)<<32|uint64(p.box.n), p.ballots())
}

// FirstBallots returns how many of the records from first to last are their voters' first
// ones; ok is false if the box does not have these records as they were at a log index,
// since a backup from before was restored.
func (c *Capture) FirstBallots(first, last uint32, index uint64) (n uint64, ok bool) {
	if last > c.box.n || first < 1 || c.box.record(last).Index > index {
		return 0, false
	}
	for ; first <= last; first++ {
		if c.box.record(first).Supersedes == 0 {
			n++
		}
	}
	return n, true
}

// tellOpen makes the event of a poll that is open now and was not before; one that a patch
// made a scheduled poll again may open again.
func (s *State) tellOpen(p *Poll) {
	open := p.phase(s.clock) == Opened
	if open && !p.opened {
		s.happened(PollOpened, p, uint64(p.revision), 0)
	}
	p.opened = open
}
