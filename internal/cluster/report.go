package cluster

import (
	"context"
	"encoding/hex"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/survey"
)

// report is what this member reports of itself to the others.
func (n *Node) report() survey.Report {
	o := n.opts
	s := survey.Report{
		ID: o.ID, API: o.API, Version: o.Version, FormatLevel: o.FormatLevel, Now: n.clock.now(),
	}
	n.members.Report(&s)
	s.Free, s.Low = n.space()
	if o.Backups != nil {
		var b survey.Backups
		b.Last, b.Failed, b.Late = o.Backups.Fares(time.Now())
		s.Backups = &b
	}
	if o.StaleFiles != nil {
		s.Stale = o.StaleFiles()
	}
	if o.CertificateEnds != nil {
		s.CertificateEnds = o.CertificateEnds()
	}
	if o.Forked != nil {
		s.ForkedLogs = o.Forked()
	}
	if o.Webhooks != nil {
		w := o.Webhooks()
		s.Webhooks = &w
	}
	if !n.isStarted() {
		return s
	}
	leader := n.leaders.Now()
	s.Member, s.Term, s.LastIndex = true, n.replica.Term(), n.replica.Position().Last
	s.Leader, s.LinkAlive = leader.ID, leader.Self || o.Network.Alive(leader.Addr)
	if !leader.Self {
		s.Unheard = n.replica.Unheard()
	}
	n.fsm.Read(func(st *poll.State) {
		digest := st.Digest()
		s.Applied, s.Digest, s.Clock = st.Index(), hex.EncodeToString(digest[:]), st.Clock()
		s.Commit = st.Shift()
	})
	s.Commit += n.replica.Position().Commit
	if o.Rates != nil {
		rates := o.Rates()
		s.Rates = &rates
	}
	s.Checkpoints = n.fsm.Checkpoints()
	return s
}

// survey looks at every member of the newest membership.
func (n *Node) survey(ctx context.Context) survey.Look {
	return n.lookout.Look(ctx, n.replica.Members(), n.report)
}

// inspection is a look, with what this member knows besides.
func (n *Node) inspection(look survey.Look) *survey.Inspection {
	x := &survey.Inspection{Self: n.opts.ID, ClusterID: n.ClusterID(), Leader: n.Leader(), Look: look, Absences: n.absent(), Now: time.Now()}
	n.fsm.Read(func(s *poll.State) { x.FormatLevel, x.Endpoints = s.Level(), s.Endpoints() })
	return x
}

// Status asks every member.
func (n *Node) Status(ctx context.Context) (survey.Status, error) {
	if !n.isStarted() {
		return survey.Status{}, refusal.New(refusal.Unavailable, "This node waits to enter its cluster; its log says for whom.")
	}
	s := n.inspection(n.survey(ctx)).Status()
	s.Term, s.Index = n.replica.Term(), n.fsm.Index()
	return s, nil
}
