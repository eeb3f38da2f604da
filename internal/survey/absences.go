package survey

import "time"

// minVotingLeft is how many voting members must answer before the cluster removes one
// that is away: with three it can lose one more in the meantime; with fewer a removal
// gains nothing.
const minVotingLeft = 3

// Absences are since when members do not answer, by member.
type Absences map[string]time.Time

// After returns the absences after a look that was taken now.
func (a Absences) After(l Look, now time.Time) Absences {
	next := Absences{}
	for _, m := range l {
		if m.Err == nil {
			continue
		}
		next[m.ID] = now
		if since, known := a[m.ID]; known {
			next[m.ID] = since
		}
	}
	return next
}

// Dead returns a member that has been away for so long that it is to be removed, empty
// if there is none. The removal of a member that is away never makes the others' majority
// harder to reach; what must not happen is that a cluster shrinks to two or one because
// many are away at once.
func (l Look) Dead(a Absences, after time.Duration, now time.Time) (id string, away time.Duration) {
	if l.Turnout().Answering < minVotingLeft {
		return "", 0
	}
	for _, m := range l {
		since := a[m.ID]
		if m.Err == nil || since.IsZero() || now.Sub(since) < after {
			continue
		}
		if long := now.Sub(since); long > away {
			id, away = m.ID, long
		}
	}
	return id, away
}
