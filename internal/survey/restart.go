package survey

import (
	"fmt"
	"slices"
	"strings"
)

// caughtUp is how many entries a member may lag and still count as well.
const caughtUp = 256

// RestartRisks returns why stopping a member for a moment would hurt now; nil: it would
// not.
func (x *Inspection) RestartRisks(id string) (risks []string) {
	at := slices.IndexFunc(x.Look, func(m Sighting) bool { return m.ID == id })
	if at < 0 || !x.Look[at].Votes || x.Look[at].Err != nil {
		return nil // nothing is lost with it
	}
	if x.Leader == "" {
		risks = append(risks, "no member leads at the moment")
	}
	well, unwell := x.Look.well(id)
	if t := x.Look.Turnout(); well < t.Quorum() {
		why := fmt.Sprintf("without %s only %d of %d voting members would be well, and %d are needed", id, well, t.Voting, t.Quorum())
		if unwell != nil {
			why += ": " + strings.Join(unwell, ", ")
		}
		risks = append(risks, why)
	}
	if digests := x.Look.Digests(); digests.Differ != nil || digests.Dispute != nil {
		risks = append(risks, "members' states differ, see voted cluster status")
	}
	return risks
}

// well counts the voting members, without one of them, that the cluster can rely on, and
// says what is wrong with the others.
func (l Look) well(without string) (well int, unwell []string) {
	furthest := l.furthest()
	for _, m := range l {
		switch {
		case !m.Votes || m.ID == without:
		case m.Obstacle != nil:
			unwell = append(unwell, m.ID+" cannot be talked to")
		case m.Err != nil:
			unwell = append(unwell, m.ID+" does not answer")
		case m.Report.Applied+caughtUp < furthest:
			unwell = append(unwell, fmt.Sprintf("%s is %d log entries behind", m.ID, furthest-m.Report.Applied))
		case m.Report.Low:
			unwell = append(unwell, m.ID+" is short of disk space")
		default:
			well++
		}
	}
	return well, unwell
}

// Promotable returns the members without a vote that answer, read formats of level and
// have caught up with index.
func (l Look) Promotable(index uint64, level uint32) (ready []Peer) {
	for _, m := range l {
		r := &m.Report
		if !m.Votes && m.Err == nil && r.Member && r.Applied > 0 && r.Applied+caughtUp >= index && r.FormatLevel >= level {
			ready = append(ready, m.Peer)
		}
	}
	return ready
}
