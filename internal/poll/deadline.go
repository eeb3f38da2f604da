package poll

import "container/heap"

// deadline is a time at which a poll opens or closes.
type deadline struct {
	at   int64
	poll *Poll
}

// deadlines is a heap, soonest first; polls by number where times are equal, so
// that all members close them in the same order.
type deadlines []deadline

func (d deadlines) Len() int { return len(d) }

func (d deadlines) Less(i, j int) bool {
	if d[i].at != d[j].at {
		return d[i].at < d[j].at
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

// schedule notes a poll's times. Times that a patch replaced stay in the heap and
// are ignored when they come up.
func (s *State) schedule(p *Poll) {
	for _, at := range []int64{p.rules.OpensAt, p.rules.ClosesAt} {
		if at > s.clock {
			heap.Push(&s.deadlines, deadline{at, p})
		}
	}
}

// keepTimes opens and closes the polls whose time has come.
func (s *State) keepTimes() {
	for len(s.deadlines) > 0 && s.deadlines[0].at <= s.clock {
		d := heap.Pop(&s.deadlines).(deadline)
		p := d.poll
		switch {
		case p.closedIndex != 0 || p.deleted:
		case p.rules.OpensAt == d.at:
			s.tellOpen(p)
		case p.rules.ClosesAt == d.at:
			s.close(p, d.at)
		}
	}
}

// NextDeadline returns the next time at which something happens by itself, 0 if there is
// none: a poll opens or closes, or a roll's event is due. The leader proposes a tick when
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
