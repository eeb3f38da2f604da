package survey

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Shortage is what the members' disks allow.
type Shortage struct {
	Low    []string // members that are short of space
	Refuse bool     // the members that have space are too few to commit anything
	Best   Peer     // a voting member with space that could lead; zero: none
}

// Space decides what may be taken. An entry is committed by a majority of the voting
// members, so ballots are refused where fewer than that answer and have space.
func (l Look) Space() (s Shortage) {
	var roomy Look
	needed := false // whether a voting member is short
	for _, m := range l {
		switch {
		case m.Err != nil:
		case m.Report.Low:
			s.Low = append(s.Low, m.ID)
			needed = needed || m.Votes
		case m.Votes:
			roomy = append(roomy, m)
		}
	}
	s.Refuse = needed && len(roomy) < l.Turnout().Quorum()
	if len(roomy) > 0 {
		s.Best = slices.MinFunc(roomy, func(a, b Sighting) int {
			return cmp.Or(cmp.Compare(b.Report.LastIndex, a.Report.LastIndex), cmp.Compare(a.ID, b.ID))
		}).Peer
	}
	return s
}

// Sentence is the detail for a client whose request is refused.
func (s *Shortage) Sentence() string {
	return fmt.Sprintf("The disks of too many members are nearly full (%s), so nothing was changed. Free space there or enlarge the disks; the cluster goes on by itself. Closing and deleting polls is still possible.", strings.Join(s.Low, ", "))
}

// LackRoom names the members whose disks have no room for need bytes, each with what it
// has. extra counts as free on the disk of self. Members that do not answer, or do not
// report their space, do not count.
func (l Look) LackRoom(need uint64, self string, extra uint64) (without []string) {
	for _, m := range l {
		free := m.Report.Free
		if m.ID == self {
			free += extra
		}
		watched := m.Report.Free > 0 || m.Report.Low
		if m.Err == nil && watched && free < need {
			without = append(without, fmt.Sprintf("%s has %d", m.ID, free>>20))
		}
	}
	return without
}
