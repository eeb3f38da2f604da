package poll

// rollPause is how long after its first change a roll's event comes, in milliseconds of
// the replicated clock: an upload of a million voters is one event, or a few.
const rollPause int64 = 10_000

// rollNews is how much a roll has changed since its last event.
type rollNews struct {
	poll                    uint32 // its number
	due                     int64
	added, changed, dropped uint32
}

// rollChanged returns what to count a change of the poll's roll in.
func (s *State) rollChanged(p *Poll) *rollNews {
	switch {
	case s.level < EventsLevel:
		return &rollNews{}
	case p.news == nil:
		p.news = &rollNews{poll: p.number, due: s.clock + rollPause}
		s.rolls = append(s.rolls, p.news)
	}
	return p.news
}

// tellRolls makes the events of the rolls whose time has come.
func (s *State) tellRolls() {
	for len(s.rolls) > 0 && s.rolls[0].due <= s.clock {
		r, p := s.rolls[0], s.order[s.rolls[0].poll]
		s.rolls[0], s.rolls = nil, s.rolls[1:]
		p.news = nil
		s.happened(RollChanged, p, uint64(r.added), uint64(r.changed)<<32|uint64(r.dropped))
	}
}

// changedRolls loads the end of what View.AppendJournal wrote.
func (l *Loader) changedRolls(c *Cursor) error {
	s := l.state
	last := s.clock
	for range c.Bounded(uint64(len(s.order))) {
		r := &rollNews{poll: uint32(c.Bounded(noPoll)), due: int64(c.Bounded(uint64(s.clock + rollPause)))}
		r.added, r.changed, r.dropped = uint32(c.Bounded(1<<32-1)), uint32(c.Bounded(1<<32-1)), uint32(c.Bounded(1<<32-1))
		if c.Err() != nil || int(r.poll) >= len(s.order) || r.due < last || s.order[r.poll].news != nil {
			return errJournal
		}
		if p := s.order[r.poll]; !p.deleted {
			p.news = r
		}
		s.rolls = append(s.rolls, r)
		last = r.due
	}
	return nil
}
