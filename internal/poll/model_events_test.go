package poll

import (
	"fmt"
	"slices"
)

// modelNews is a roll that has changed since its last event.
type modelNews struct {
	poll                    *modelPoll
	due                     int64
	added, changed, dropped uint64
}

// tell notes an event, with its number counted from the first one ever.
func (m *model) tell(kind EventKind, p *modelPoll, a, b uint64) {
	m.tellOf(kind, p.def.ID, a, b)
}

func (m *model) tellOf(kind EventKind, id string, a, b uint64) {
	if m.level < EventsLevel {
		return
	}
	m.events = append(m.events, Event{Number: uint64(len(m.events) + 1), Index: m.index, At: m.until, Kind: kind, Poll: id, A: a, B: b})
	m.changed = true
}

// modelDue is something that is due.
type modelDue struct {
	at   int64
	poll *modelPoll
	task *modelTask
}

// due returns what is due first up to a time: of equal times polls in their order, then
// scheduled commands in theirs.
func (m *model) due(until int64) (first modelDue) {
	first.at = until + 1
	for _, p := range m.polls {
		if p.deleted || p.closedIndex != 0 {
			continue
		}
		if at := p.def.OpensAt; !p.opened && at < first.at {
			first = modelDue{at: at, poll: p}
		}
		if at := p.def.ClosesAt; at != 0 && at < first.at {
			first = modelDue{at: at, poll: p}
		}
	}
	for _, k := range m.tasks {
		if k.state == TaskPending && k.At < first.at {
			first = modelDue{at: k.At, task: k}
		}
	}
	return first
}

// keepTimes lets happen what falls due until a time, the first thing first.
func (m *model) keepTimes(until int64) {
	m.until = until
	for {
		d := m.due(until)
		if d.at > until {
			break
		}
		m.clock = max(m.clock, d.at)
		switch {
		case d.task != nil:
			m.carryOut(d.task)
		case !d.poll.opened && d.poll.def.OpensAt == d.at:
			m.tellOpen(d.poll)
		default:
			m.close(d.poll, d.at)
		}
	}
	m.clock = until
	var rest []modelNews
	for _, r := range m.news {
		if r.due > m.clock {
			rest = append(rest, r)
			continue
		}
		m.tell(RollChanged, r.poll, r.added, r.changed<<32+r.dropped)
	}
	m.news = rest
}

func (m *model) tellOpen(p *modelPoll) {
	open := p.def.OpensAt <= m.clock
	if open && !p.opened {
		m.tell(PollOpened, p, uint64(p.revision), 0)
	}
	p.opened = open
}

// tellCast notes what a counted ballot brings about: few voters come to a poll here.
func (m *model) tellCast(p *modelPoll, first bool) {
	voters := len(p.last())
	if !first || p.def.Results != ResultsLive {
		return
	}
	if slices.Contains([]int{1, 2, 5, 10, 20, 50, 100, 200, 500}, voters) {
		m.tell(PollMilestone, p, uint64(voters), 0)
	}
	if p.def.Quorum == uint64(voters) {
		m.tell(QuorumMet, p, uint64(voters), 0)
	}
}

func (m *model) tellClosed(p *modelPoll) {
	if len(p.casts) > 0 {
		m.tell(BallotsFiled, p, 1<<32+uint64(len(p.casts)), uint64(len(p.last())))
	}
	m.tell(PollClosed, p, uint64(len(p.last())), uint64(len(p.casts)))
}

// rollNews returns what to count a change of the poll's roll in.
func (m *model) rollNews(p *modelPoll) *modelNews {
	if m.level < EventsLevel {
		return &modelNews{}
	}
	for i := range m.news {
		if m.news[i].poll == p {
			return &m.news[i]
		}
	}
	m.news = append(m.news, modelNews{poll: p, due: m.clock + 10_000})
	return &m.news[len(m.news)-1]
}

// checkEvents compares the journals of both states with the model's list.
func (w *twin) checkEvents() error {
	for name, s := range map[string]*State{"the state": w.state, "the second state": w.second} {
		var got []Event
		for seen, more := uint64(0), true; more; {
			page, next, ok := s.Events(seen, 7, func(EventKind, string) bool { return true })
			if !ok {
				return fmt.Errorf("%s does not have the events after %d", name, seen)
			}
			got, more, seen = append(got, page...), next > seen, next
		}
		if !slices.Equal(got, w.model.events) {
			return fmt.Errorf("%s tells\n%+v, the model\n%+v", name, got, w.model.events)
		}
	}
	for _, e := range w.model.events[w.told:] {
		w.seen["event "+e.Kind.String()]++
	}
	w.told = len(w.model.events)
	return nil
}
