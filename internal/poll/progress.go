package poll

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"voted/internal/refusal"
)

// Progress is the command that tells how far endpoints are served, one entry of the log for
// all that moved. It is a merge: reports that come twice, late or in another order make the
// same endpoints, and a cursor never falls. Endpoints that are gone are passed over.
type Progress struct{ Moves []Move }

// Move is what a deliverer reports of one endpoint. It tells all that came since the last
// report that is known to be applied, so that a report which is lost loses nothing.
//
// Revision is the endpoint's revision at which this was found out. After a change of the
// endpoint a report of an earlier revision no longer verifies or disables it and says nothing
// about failures, and if it has dead letters, its cursor is not taken: they were given up at
// another URL. So a deliverer that sees a new revision begins again at the endpoint's Cursor.
type Move struct {
	Endpoint uint64 // its number
	Revision uint32
	// Cursor, Last, DeadEver and FailingSince are what the endpoint's fields are to be. They
	// belong together: those with the highest cursor stay. DeadEver counts Dead too.
	Cursor, Last uint64
	DeadEver     uint64
	FailingSince int64
	Dead         []DeadLetter // up to Cursor
	Done         []Redone
	Verified     bool // a ping to the URL was answered
	Disable      EndpointReason
}

// Redeliver is the command that has events sent once more: those with these numbers, or all
// that the endpoint asks for after a number. They are kept and settled: what is not settled
// yet comes by itself.
type Redeliver struct {
	ID string
	Ask
	Events []uint64
	All    bool   // instead of Events
	After  uint64 // with All
}

func (c Progress) apply(s *State) Result  { return s.progress(c) }
func (c Redeliver) apply(s *State) Result { return s.redeliver(c) }

// progress merges each move into its endpoint.
func (s *State) progress(c Progress) Result {
	cloned := false
	for n := range c.Moves {
		m := &c.Moves[n]
		i, ok := s.endpoints.number(m.Endpoint)
		if !ok || m.Cursor > s.journal.newest {
			continue
		}
		e, dead, changed := s.endpoints.all[i].merged(m, s.endpoints.deadLimit())
		if !changed {
			continue
		}
		if !cloned { // once, however many move
			s.endpoints.all, cloned = slices.Clone(s.endpoints.all), true
		}
		stopped := e.State == EndpointStopped && s.endpoints.all[i].State != EndpointStopped
		s.endpoints.all[i] = e
		s.foldEndpoint(e, dead, m.Done)
		if stopped {
			s.happened(EndpointDisabled, nil, e.Number, uint64(e.Reason))
		}
	}
	return Result{Index: s.index}
}

// merged returns the endpoint with what a move says, and the dead letters that are new.
func (e *Endpoint) merged(m *Move, limit int) (out *Endpoint, dead []DeadLetter, changed bool) {
	n := *e
	current := m.Revision == e.Revision
	if current || len(m.Dead) == 0 {
		n.advance(m, current)
	}
	if current {
		dead = n.bury(m, limit)
		n.judge(m)
	}
	settled := n.settle(m.Done)
	changed = len(dead) > 0 || settled || n.position() != e.position() || n.State != e.State || n.Reason != e.Reason
	return &n, dead, changed
}

// position is what belongs to a cursor.
type position struct {
	cursor, last, deadEver uint64
	failing                int64
}

func (e *Endpoint) position() position {
	return position{e.Cursor, e.Last, e.DeadEver, e.FailingSince}
}

// advance takes the position with the higher cursor. Of two with one cursor it takes the
// higher numbers, and the earlier failure.
func (e *Endpoint) advance(m *Move, current bool) {
	failing := min(max(m.FailingSince, 0), maxTime)
	if !current {
		failing = 0
	}
	last := min(m.Last, m.Cursor)
	switch {
	case m.Cursor < e.Cursor:
	case m.Cursor > e.Cursor:
		e.Cursor, e.Last, e.DeadEver, e.FailingSince = m.Cursor, last, m.DeadEver, failing
	default:
		e.Last, e.DeadEver = max(e.Last, last), max(e.DeadEver, m.DeadEver)
		if e.FailingSince == 0 || failing != 0 && failing < e.FailingSince {
			e.FailingSince = failing
		}
	}
}

// bury adds dead letters, and returns those that are new. Of two about one event the earlier
// one stays. If there are too many, the oldest events go.
func (e *Endpoint) bury(m *Move, limit int) (added []DeadLetter) {
	all := e.Dead
	for _, d := range m.Dead {
		if d.Number == 0 || d.Number > m.Cursor {
			continue
		}
		d.At, d.Redelivered = min(max(d.At, 0), maxTime), false
		at, there := slices.BinarySearchFunc(all, d.Number, DeadLetter.compareNumber)
		switch {
		case !there:
			all = slices.Insert(slices.Clip(all), at, d)
		case d.before(all[at]):
			d.Redelivered = all[at].Redelivered
			all = slices.Clone(all)
			all[at] = d
		default:
			continue
		}
		added = append(added, d)
	}
	if over := len(all) - limit; over > 0 {
		all = slices.Clone(all[over:])
		added = slices.DeleteFunc(added, func(d DeadLetter) bool { return d.Number < all[0].Number })
	}
	e.Dead = all
	return added
}

func (d DeadLetter) compareNumber(number uint64) int { return cmp.Compare(d.Number, number) }

// before orders two reports that gave up one event.
func (d DeadLetter) before(o DeadLetter) bool {
	return cmp.Or(cmp.Compare(d.At, o.At), cmp.Compare(d.Status, o.Status), cmp.Compare(d.Fault, o.Fault)) < 0
}

// judge enables an endpoint that answered a ping, and disables one that was given up.
func (e *Endpoint) judge(m *Move) {
	switch {
	case m.Disable.Disables() && (e.State == EndpointVerifying || e.State == EndpointEnabled):
		e.State, e.Reason, e.Verified = EndpointStopped, m.Disable, false
	case m.Disable.Disables() && e.State == EndpointStopped:
		e.Reason = min(e.Reason, m.Disable)
	case m.Verified && e.State == EndpointVerifying:
		e.State, e.Verified = EndpointEnabled, true
	}
}

// settle removes redeliveries that are done, and marks the dead letters that were delivered
// now. It reports whether there was anything to do.
func (e *Endpoint) settle(done []Redone) (changed bool) {
	for _, d := range done {
		if i := slices.Index(e.Again, d.Redelivery); i >= 0 {
			e.Again = slices.Delete(slices.Clone(e.Again), i, i+1)
			changed = true
		}
		at, dead := slices.BinarySearchFunc(e.Dead, d.Number, DeadLetter.compareNumber)
		if d.Delivered && dead && !e.Dead[at].Redelivered {
			e.Dead = slices.Clone(e.Dead)
			e.Dead[at].Redelivered = true
			changed = true
		}
	}
	return changed
}

// trimDead drops the oldest dead letters where another endpoint leaves less room for them.
func (s *State) trimDead() {
	limit := s.endpoints.deadLimit()
	for i, e := range s.endpoints.all {
		if over := len(e.Dead) - limit; over > 0 {
			fewer := *e
			fewer.Dead = slices.Clone(e.Dead[over:])
			s.endpoints.all[i] = &fewer // newEndpoint has made a new slice
		}
	}
}

// redeliver notes which events are to be sent once more; nothing, if one of them cannot be.
func (s *State) redeliver(c Redeliver) Result {
	if r, seen := s.recall(c.Ask); seen {
		return r
	}
	i := s.endpoints.find(c.ID)
	if i < 0 {
		return s.fail("", refusal.Of(refusal.WebhookNotFound))
	}
	e := *s.endpoints.all[i]
	wanted, err := s.wanted(&e, c)
	if err == nil {
		err = s.roomToRemember()
	}
	if err != nil {
		return s.fail("", err)
	}
	again := slices.Clone(e.Again)
	for _, number := range wanted {
		if at, there := slices.BinarySearchFunc(again, number, Redelivery.compareNumber); !there {
			again = slices.Insert(again, at, Redelivery{number, s.index})
		}
	}
	added := len(again) - len(e.Again)
	if len(again) > MaxRedeliveries || added > 0 && s.endpoints.redeliveries()+added > maxAllRedeliveries {
		return s.fail("", refusal.For(refusal.RedeliveriesFull))
	}
	if added > 0 {
		e.Again = again
		s.endpoints.set(i, &e)
		s.foldEndpoint(&e, nil, nil)
	}
	return s.remembered(c.Ask, e.Number)
}

func (d Redelivery) compareNumber(number uint64) int { return cmp.Compare(d.Number, number) }

// redeliveries returns how many wait at all endpoints.
func (t *endpointTable) redeliveries() (n int) {
	for _, e := range t.all {
		n += len(e.Again)
	}
	return n
}

// wanted returns the numbers of the events that are to be sent again. More than may ever wait
// are unfit, not to be asked for later.
func (s *State) wanted(e *Endpoint, c Redeliver) (numbers []uint64, err *refusal.Error) {
	oldest, _ := s.EventSpan()
	if c.All {
		for n := max(min(c.After, e.Cursor)+1, oldest); n <= e.Cursor; n++ {
			if !e.Wants(s.shown(n)) {
				continue
			}
			if numbers = append(numbers, n); len(numbers) > MaxRedeliveries {
				return nil, unfitWebhook("after", fmt.Sprintf("More than %d events come after it, which is as many as may wait. Name a later one, or some events.", MaxRedeliveries))
			}
		}
		return numbers, nil
	}
	if len(c.Events) > MaxRedeliveries {
		return nil, unfitWebhook("events", fmt.Sprintf("Name at most %d events.", MaxRedeliveries))
	}
	for i, n := range c.Events {
		switch {
		case n < oldest:
			return nil, unfitWebhook(Item("events", i), "It is no longer kept.")
		case n > e.Cursor:
			return nil, unfitWebhook(Item("events", i), "It has not been delivered for the first time yet; it comes by itself.")
		case !e.Wants(s.shown(n)):
			return nil, unfitWebhook(Item("events", i), "The webhook does not ask for events like this one.")
		}
	}
	return c.Events, nil
}

// foldEndpoint makes the digest cover an endpoint that changed: all of it but its dead
// letters, of which only the new ones are given, and the redeliveries that were reported.
func (s *State) foldEndpoint(e *Endpoint, dead []DeadLetter, done []Redone) {
	b := e.append(nil)
	b = binary.AppendUvarint(b, uint64(len(e.Dead)))
	b = appendDead(b, dead)
	b = appendRedone(b, done)
	s.fold(foldEndpointChanged, e.ID, b)
}
