package poll

import "voted/internal/refusal"

// modelVoter is a voter's entry on a roll.
type modelVoter struct {
	weight  uint32
	on      bool
	changed uint64
}

func (m *model) enroll(c Enroll) verdict {
	v := verdict{poll: c.Poll, index: m.index}
	p := m.live(c.Poll)
	switch {
	case p == nil:
		v.code = refusal.PollNotFound
		return v
	case p.def.Eligibility != OnRoll:
		v.code = refusal.RollNotFound
		return v
	}
	var r RollResult
	for i, l := range c.Lines {
		was, known := p.roll[l.Key]
		_, voted := p.last()[l.Key]
		code := refusal.None
		switch {
		case was.on && was.weight == l.Weight:
			r.Unchanged++
			continue
		case p.closedIndex != 0:
			code = refusal.PollClosed
		case l.Weight < 1 || l.Weight > 1_000_000:
			code = refusal.MalformedRequest
		case known && was.changed > c.Since:
			code = refusal.Superseded
		case voted && was.weight != l.Weight:
			code = refusal.AlreadyVoted
		}
		if code != refusal.None {
			r.Refused = append(r.Refused, RollRefusal{uint32(i), code})
			continue
		}
		if was.on {
			r.Changed++
			m.rollNews(p).changed++
		} else {
			r.Added++
			m.rollNews(p).added++
		}
		p.roll[l.Key] = modelVoter{l.Weight, true, m.index}
		m.touch(p)
	}
	v.roll = verdictOf(Result{Roll: &r}).roll
	return v
}

func (m *model) drop(c Drop) verdict {
	v := verdict{poll: c.Poll, index: m.index}
	p := m.live(c.Poll)
	if p == nil {
		v.code = refusal.PollNotFound
		return v
	}
	was, known := p.roll[c.Key]
	switch {
	case p.def.Eligibility != OnRoll:
		v.code = refusal.RollNotFound
	case known && !was.on:
	case p.closedIndex != 0:
		v.code = refusal.PollClosed
	case known && was.changed > c.Since:
		v.code = refusal.Superseded
	default:
		p.roll[c.Key] = modelVoter{was.weight, false, m.index}
		m.touch(p)
		m.rollNews(p).dropped++
	}
	return v
}

// turnout counts voters one by one.
func (p *modelPoll) turnout() (t Turnout) {
	last := p.last()
	for _, c := range last {
		t.Voted++
		t.VotedWeight += uint64(c.weight)
	}
	for key, v := range p.roll {
		if _, voted := last[key]; v.on || voted {
			t.Eligible++
			t.EligibleWeight += uint64(v.weight)
		}
	}
	return t
}
