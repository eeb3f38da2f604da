package trial

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"voted/client"
	"voted/internal/usage"
	"voted/loadtest/fault"
)

const (
	// rehearsalTerms is how many leaders a rehearsal has. So many make its term higher than
	// that of a cluster that has just been founded, so that its logs win elections.
	rehearsalTerms = 12
	// rehearsalBallots is how many ballots are cast in it. Their voters also vote in the
	// load, for other options.
	rehearsalBallots = 60
)

// rehearses reports whether the run needs the directories of a rehearsal.
func (o *Options) rehearses() bool {
	for _, w := range o.Faults {
		if w.Kind == fault.Foreign {
			return true
		}
	}
	return false
}

// rehearsal returns the folder of the members' directories of the rehearsal.
func (o *Options) rehearsal() string { return filepath.Join(o.Out, "cluster", "rehearsal") }

// rehearse casts ballots in the cluster that has just been founded and makes its leader
// change, then puts its directories aside and founds another cluster with the same ids and
// addresses.
func (t *Trial) rehearse(ctx context.Context) error {
	t.screen.Say("holding a rehearsal, whose directories are kept aside")
	if err := t.createPolls(ctx); err != nil {
		return err
	}
	c, err := client.New(t.nodes.endpoints, t.nodes.access.Options()...)
	if err != nil {
		return usage.Mark(err)
	}
	defer c.Close()
	for i := range uint64(rehearsalBallots) {
		v := t.plan.Vote(i)
		p := t.plan.Poll(v.Poll)
		if _, err := c.Cast(ctx, p.Definition.ID, v.Voter, p.Ballot(v.Other)); err != nil {
			return fmt.Errorf("a ballot of the rehearsal was not counted: %w", err)
		}
	}
	for range rehearsalTerms {
		if _, err := t.nodes.cluster.Leader(ctx); err != nil {
			return err
		}
		// If one fails there is a term less at most, and fewer terms are enough.
		_ = c.TransferLeadership(ctx, "")
	}
	return t.putAside(ctx)
}

// putAside stops all nodes in order, moves their directories away and starts them again.
func (t *Trial) putAside(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if err := os.MkdirAll(t.rehearsal(), 0o755); err != nil {
		return fmt.Errorf("there is no directory for the rehearsal: %w", err)
	}
	nodes := t.nodes.cluster.Nodes
	for _, n := range nodes {
		if err := n.Terminate(); err != nil {
			return err
		}
	}
	for _, n := range nodes {
		if err := n.Wait(ctx); err != nil {
			return err
		}
		if err := os.Rename(n.DataDir, filepath.Join(t.rehearsal(), n.ID)); err != nil {
			return fmt.Errorf("the directory of the rehearsal cannot be put aside: %w", err)
		}
	}
	for _, n := range nodes {
		if err := n.Restart(); err != nil {
			return err
		}
	}
	return t.nodes.cluster.WaitReady(ctx)
}

// unexpected returns what the faults have shown that is wrong apart from ballots: a member
// that had to be refused was not.
func (t *Trial) unexpected() (found []string) {
	for _, e := range t.meter.Events() {
		if e.Failed != "" {
			found = append(found, fmt.Sprintf("%s at %s: %s", e.Kind, e.At.Round(time.Millisecond), e.Failed))
		}
	}
	return found
}
