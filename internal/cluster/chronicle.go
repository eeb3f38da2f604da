package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"voted/internal/cluster/replica"
	"voted/internal/history"
	"voted/internal/survey"
)

// note passes an event on, if anybody wants to know.
func (n *Node) note(e history.Event) {
	if n.opts.Note != nil {
		n.opts.Note(e)
	}
}

const (
	// recentBallots is how long ago the last ballot may have been for the pause of a failover
	// to mean anything: without traffic there is none.
	recentBallots = 10 * time.Second
	// firstBallotWait is how long a first ballot after a change of leader is waited for.
	firstBallotWait = time.Minute
)

// chronicleLeaders notes who stops to lead, who leads instead, and how long the cluster
// counted nothing in between.
func (n *Node) chronicleLeaders() {
	var lost struct {
		id     string
		at     time.Time
		ballot int64 // n.lastBallots then
	}
	was := replica.Leadership{}
	for n.ctx.Err() == nil {
		now := n.leaders.Now()
		if now.ID != was.ID {
			if was.ID != "" {
				lost.id, lost.at, lost.ballot = was.ID, time.Now(), n.lastBallots.Load()
				n.note(history.Event{At: lost.at, Kind: history.LeaderLost, Member: was.ID, Text: was.ID + " no longer leads."})
			}
			if now.ID != "" {
				n.noteLeader(now.ID, lost.id, lost.at)
				if recent := lost.at.Add(-recentBallots).UnixNano(); lost.id != "" && lost.ballot > recent {
					n.goTask(func() { n.noteFirstBallot(now.ID, lost.ballot) })
				}
			}
			was = now
		}
		select {
		case <-now.Context.Done():
		case <-n.ctx.Done():
		}
	}
}

func (n *Node) noteLeader(id, before string, lost time.Time) {
	e := history.Event{At: time.Now(), Kind: history.LeaderElected, Member: id, Term: n.replica.Term()}
	e.Text = fmt.Sprintf("%s leads, in term %d.", id, e.Term)
	if before != "" {
		took := e.At.Sub(lost)
		e.Took = millis(took)
		e.Text = fmt.Sprintf("%s leads, in term %d, %s after %s no longer did.", id, e.Term, inWords(took), before)
	}
	n.note(e)
}

// noteFirstBallot waits for the first ballot under a new leader. before is when the last one
// under the old leader was applied here. What it measures includes the moment that this
// goroutine needs to run.
func (n *Node) noteFirstBallot(leader string, before int64) {
	ctx, cancel := context.WithTimeout(n.ctx, firstBallotWait)
	defer cancel()
	// The context of a leadership also ends where the same member goes on to lead, so the member's id is compared.
	for index := n.fsm.Index(); n.leaders.Now().ID == leader; index = n.fsm.Index() {
		if first := n.lastBallots.Load(); first > before {
			pause := time.Duration(first - before)
			n.note(history.Event{
				At: time.Unix(0, first), Kind: history.FirstBallot, Member: leader, Took: millis(pause),
				Text: fmt.Sprintf("The first ballots under %s were counted %s after the last ones before.", leader, inWords(pause)),
			})
			return
		}
		if n.fsm.WaitApplied(ctx, index+1) != nil {
			return
		}
	}
}

// inWords writes a pause as people read it.
func inWords(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// chronicle notes what changes between two looks at the cluster: the membership, and what is
// wrong. It belongs to the goroutine that looks.
type chronicle struct {
	note     func(history.Event)
	members  map[string]bool // by id: whether it votes; nil before the first look
	findings map[survey.Subject]string
}

func (c *chronicle) look(x *survey.Inspection, members []replica.Server) {
	c.compareMembers(members)
	now := map[survey.Subject]string{}
	for _, f := range x.Findings() {
		key := survey.Subject{Kind: f.Kind, Member: f.Member}
		if now[key] = f.Text; c.findings[key] == "" {
			c.note(history.Event{At: x.Now, Kind: history.FindingBegan, Member: f.Member, Text: f.Text})
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(c.findings), survey.Subject.Compare) {
		if _, still := now[key]; !still {
			c.note(history.Event{At: x.Now, Kind: history.FindingOver, Member: key.Member, Text: x.Over(key)})
		}
	}
	c.findings = now
}

func (c *chronicle) compareMembers(members []replica.Server) {
	now := map[string]bool{}
	for _, m := range members {
		now[m.ID] = m.Votes
		voted, known := c.members[m.ID]
		switch {
		case c.members == nil:
		case !known:
			c.note(history.Event{Kind: history.MemberAdded, Member: m.ID, Text: m.ID + " was added to the cluster."})
		case m.Votes && !voted:
			c.note(history.Event{Kind: history.MemberVotes, Member: m.ID, Text: m.ID + " has caught up and votes now."})
		}
	}
	for id := range c.members {
		if _, still := now[id]; !still {
			c.note(history.Event{Kind: history.MemberRemoved, Member: id, Text: id + " was removed from the cluster."})
		}
	}
	c.members = now
}
