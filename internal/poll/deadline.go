package poll

import "container/heap"

// deadline is a time at which a poll opens or closes, or a scheduled command is due.
type deadline struct {
	at   int64
	poll *Poll
	task uint64 // number of the scheduled command; 0: it is a poll's
}

// deadlines is a heap, soonest first. Where times are equal polls come by number, then
// scheduled commands in the order of scheduling: all members keep the same order, and a
// lot can be scheduled for the moment at which its poll closes.
type deadlines []deadline

func (d deadlines) Len() int { return len(d) }

func (d deadlines) Less(i, j int) bool {
	if d[i].at != d[j].at {
		return d[i].at < d[j].at
	}
	if d[i].task != 0 || d[j].task != 0 {
		return d[i].task < d[j].task
	}
	return d[i].poll.number < d[j].poll.number
}
func (d deadlines) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *deadlines) Push(x any)   { *d = append(*d, x.(deadline)) }

func (d *deadlines) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	(*d)[last] = deadline{}
	*d = (*d)[:last]
	return x
}

// schedule notes a poll's times that are not those it had; was is nil for a new poll. Times that a
// patch replaced stay in the heap and are ignored when they come up.
func (s *State) schedule(p *Poll, was *Rules) {
	if was == nil {
		was = &Rules{}
	}
	for _, t := range [...]struct{ at, before int64 }{{p.rules.OpensAt, was.OpensAt}, {p.rules.ClosesAt, was.ClosesAt}} {
		if t.at > s.clock && t.at != t.before {
			heap.Push(&s.deadlines, deadline{at: t.at, poll: p})
		}
	}
}

// keepTimes lets the clock go on to a time: on the way polls open and close and scheduled
// commands are carried out, each when the clock shows its time. So what comes of them does
// not depend on how late the entry is.
func (s *State) keepTimes(until int64) {
	s.until = until
	for len(s.deadlines) > 0 && s.deadlines[0].at <= until {
		d := heap.Pop(&s.deadlines).(deadline)
		s.clock = max(s.clock, d.at)
		p := d.poll
		switch {
		case d.task != 0:
			s.runTask(d.task)
		case p.closedIndex != 0 || p.deleted:
		case p.rules.OpensAt == d.at:
			s.tellOpen(p)
		case p.rules.ClosesAt == d.at:
			s.close(p, d.at)
			s.late = append(s.late, until-d.at)
		}
	}
	s.clock = until
}

// NextDeadline returns the next time at which something happens by itself, 0 if there is
// none: a poll opens or closes, or a scheduled command or a roll's event is due. The leader proposes a tick when
// it passes.
func (s *State) NextDeadline() int64 {
	var next int64
	if len(s.deadlines) > 0 {
		next = s.deadlines[0].at
	}
	if len(s.rolls) > 0 && (next == 0 || s.rolls[0].due < next) {
		next = s.rolls[0].due
	}
	return next
}
