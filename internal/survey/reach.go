package survey

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// leaderless says what it means that this member knows no leader. It claims an outage
// only if so many voting members answer that the rest could not elect one.
func (x *Inspection) leaderless() string {
	for _, m := range x.Look {
		switch {
		case m.Err != nil || m.Report.Leader == "":
		case x.refused(x.Self):
			return fmt.Sprintf("This node counts nothing: the other members do not take it for %s, while %s says that %s leads. They go on; what follows says what to do.", x.Self, m.ID, m.Report.Leader)
		default:
			return fmt.Sprintf("This node has no contact with a leader and counts nothing, while %s says that %s leads. The others go on; repair the network between this node and %s.", m.ID, m.Report.Leader, m.Report.Leader)
		}
	}
	if x.Look.Turnout().Majority() {
		return "No member leads: nothing is counted until a majority of the voting members elects a leader, which takes a moment where they reach each other."
	}
	return x.cutOff()
}

// cutOff says that this member itself may be cut off.
func (x *Inspection) cutOff() string {
	t := x.Look.Turnout()
	return fmt.Sprintf("This node reaches no majority: %d of %d voting members answer it, and %d are needed. Ask another node: where the others reach each other they go on, and this one is cut off; otherwise nothing is counted until a majority runs.", t.Answering, t.Voting, t.Quorum())
}

// missing says what was found in place of a member that gave no report, and what to do.
// It advises a removal only if that is possible and helps.
func (x *Inspection) missing(m *Sighting) (kind, text string) {
	since := ""
	if at := x.Absences[m.ID]; !at.IsZero() {
		since = fmt.Sprintf(" since %s (%s)", at.UTC().Format(time.DateTime+"Z"), x.Now.Sub(at).Round(time.Second))
	}
	if o := m.Obstacle; o != nil {
		return o.finding(m.ID, x.Self, since)
	}
	if !x.Look.Turnout().Majority() {
		return "away", fmt.Sprintf("%s does not answer this node (%s)%s. Start it again if it is down; if it runs, repair the network between the two.", m.ID, x.Self, since)
	}
	return "away", fmt.Sprintf("%s does not answer%s. Start it again; if its machine is gone for good, replace it (voted cluster remove %s).", m.ID, since, m.ID)
}

// finding says what self found in the place of member id, and since when.
func (o *Obstacle) finding(id, self, since string) (kind, text string) {
	switch o.Kind {
	case OtherCluster:
		return "foreign", fmt.Sprintf("At %s, where %s should be, answers member %s of another cluster (%s). Its messages are refused. Stop it, and start %s there with its own data directory.", o.Addr, id, o.Member, o.Cluster, id)
	case OtherMember:
		return "unheard", fmt.Sprintf("At %s, where %s should be, answers member %s%s. Start each at its own address, and check --peer, --advertise-peer and --cluster of both.", o.Addr, id, o.Member, since)
	case Refuses:
		return "unheard", fmt.Sprintf("%s answers at %s and refuses what this node (%s) asks%s: %s.", id, o.Addr, self, since, o.Because)
	}
	return "unheard", fmt.Sprintf("%s answers at %s, and this node (%s) cannot talk to it%s: %s.", id, o.Addr, self, since, o.Because)
}

// refused reports whether id is this member, and the others do not accept it as that
// member.
func (x *Inspection) refused(id string) bool {
	at := slices.IndexFunc(x.Look, func(m Sighting) bool { return m.ID == id })
	return id == x.Self && at >= 0 && x.Look[at].Err == nil && x.Look[at].Report.MoveRefused
}

// moving says what has to happen until the membership names where a member is.
func (x *Inspection) moving(m *Sighting) string {
	var strangers []string
	for _, other := range x.Look {
		if o := other.Obstacle; o != nil && o.Kind == OtherCluster {
			strangers = append(strangers, o.Addr)
		}
	}
	majority := x.Look.Turnout().Majority()
	switch {
	case m.Report.MoveRefused:
		return "That is not changed while this stays so: " + m.Report.MoveWaits
	case len(strangers) > 0 && !majority:
		return fmt.Sprintf("That can be changed only by a majority of cluster %s, to which its data directory belongs, and at %s answers another cluster. If the directory is a copy, or from elsewhere, stop this node and start it on its own (--data).", x.ClusterID, strings.Join(strangers, ", "))
	case !majority:
		return "That is changed by itself once this node reaches a majority and somebody leads; its log says what it waits for."
	case x.Leader != "" && m.Report.MoveWaits != "":
		return "That is changed by itself; it waits for this: " + m.Report.MoveWaits
	}
	return "That is changed by itself once somebody leads; its log says what it waits for."
}
