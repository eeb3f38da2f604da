package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"voted/client"
	"voted/cmd/voted/display"
)

type clusterCommands struct {
	Status clusterStatus `cmd:"" help:"Who is in the cluster, who leads, who is well."`
	Add    clusterAdd    `cmd:"" help:"Let a node in."`
	Token  clusterToken  `cmd:"" help:"Make a token that lets a node in once, or withdraw it."`
	Remove clusterRemove `cmd:"" help:"Take a member out."`
	Lead   clusterLead   `cmd:"" help:"Hand leadership over."`

	RestartCheck clusterRestartCheck `cmd:"" help:"Whether a member may be restarted now."`
}

type clusterStatus struct{ connection }

func (clusterStatus) Help() string {
	return "Says in words what is wrong and what to do. Exit code 1 where anything is.\n\n    voted cluster status"
}

// Run shows the members.
func (c *clusterStatus) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	status, err := cl.Cluster(s.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(s, status.Raw)
	} else {
		showCluster(s.stdout, status)
	}
	if err == nil && !wholesome(status) {
		err = errSaid
	}
	return err
}

func wholesome(status client.ClusterStatus) bool {
	for _, m := range status.Members {
		if !m.Healthy {
			return false
		}
	}
	return status.Leader != "" && len(status.Findings) == 0
}

func showCluster(o *display.Output, status client.ClusterStatus) {
	leader := o.Paint(display.Bold, "leader "+status.Leader)
	if status.Leader == "" {
		leader = o.Paint(display.Bad, "no leader")
	}
	o.Lead(leader, fmt.Sprintf(" · term %d · log index %s · quorum %d · %s", status.Term, display.Int(status.Index), status.Quorum, losses(status)))
	o.Linef("cluster %s", status.ClusterID)
	o.Linef("")
	t := display.Table{Columns: []display.Column{
		{Title: "MEMBER"}, {Title: "STATE"}, {Title: "HEALTH"}, {Title: "APPLIED", Right: true}, {Title: "API"}, {Title: "PEER"}, // not shortened: a part of an address is useless
	}}
	extras := extrasOf(status)
	for _, x := range extras {
		t.Columns = append(t.Columns, display.Column{Title: x.title})
	}
	for _, m := range status.Members {
		row := memberRow(m)
		for _, x := range extras {
			row = append(row, display.Cell{Text: x.of(m)})
		}
		t.Row(row...)
	}
	t.Write(o)
	if len(status.Findings) == 0 {
		return
	}
	o.Linef("")
	for _, f := range status.Findings {
		o.Lead(o.Paint(display.Bad, "!"), " "+f.Text)
	}
	o.Lead("", status.Summary)
}

// extra is a column that is shown only where it says something.
type extra struct {
	title string
	of    func(client.Member) string
}

func extrasOf(status client.ClusterStatus) (all []extra) {
	if slices.ContainsFunc(status.Members, func(m client.Member) bool { return m.Role != "voter" }) {
		all = append(all, extra{"ROLE", func(m client.Member) string { return m.Role }})
	}
	if severalVersions(status) {
		all = append(all, extra{"VERSION", func(m client.Member) string { return m.Version }})
	}
	if slices.ContainsFunc(status.Members, func(m client.Member) bool { return len(m.WebhookAllow) > 0 }) {
		all = append(all, extra{"WEBHOOKS MAY GO TO", func(m client.Member) string { return strings.Join(m.WebhookAllow, " ") }})
	}
	return all
}

// severalVersions reports whether the members run different versions; a member that is
// down has none.
func severalVersions(status client.ClusterStatus) bool {
	seen := ""
	for _, m := range status.Members {
		if m.Version != "" && seen != "" && m.Version != seen {
			return true
		}
		seen = max(seen, m.Version)
	}
	return false
}

func memberRow(m client.Member) []display.Cell {
	health := display.Cell{Text: "ok", Style: display.Green}
	if !m.Healthy {
		health = display.Cell{Text: "not ok", Style: display.Bad}
	}
	state := display.Cell{Text: m.State}
	switch m.State {
	case "leader":
		state.Style = display.Bold
	case "unreachable":
		state.Style = display.Bad
	}
	return []display.Cell{
		{Text: m.ID, Style: display.Bold}, state, health, {Text: display.Int(m.AppliedIndex)}, {Text: m.API}, {Text: m.Peer},
	}
}

func losses(status client.ClusterStatus) string {
	if status.CanLose <= 0 {
		return "can lose none"
	}
	return fmt.Sprintf("can lose %d more", status.CanLose)
}

type clusterAdd struct {
	connection
	ID   string `arg:"" help:"Id of the new member."`
	Peer string `arg:"" help:"Its peer address." placeholder:"HOST:PORT"`
}

func (clusterAdd) Help() string {
	return "The node must run with --join. It gets a vote once it has caught up.\n\n    voted cluster add n4 10.0.0.4:9080"
}

// Run adds the member.
func (c *clusterAdd) Run(s *session) error {
	return c.change(s, func(cl *client.Client, _ client.ClusterStatus) (string, error) {
		return "member " + c.ID + " is in; it gets a vote once it has caught up", cl.AddMember(s.ctx, c.ID, c.Peer)
	})
}

type clusterRemove struct {
	connection
	ID string `arg:"" help:"Id of the member."`
}

func (clusterRemove) Help() string {
	return "Refused where too few members would be left alive.\n\n    voted cluster remove n2"
}

// Run removes the member. An id that no member has is an error: it may be mistyped.
func (c *clusterRemove) Run(s *session) error {
	return c.change(s, func(cl *client.Client, now client.ClusterStatus) (string, error) {
		if !isMember(now, c.ID) {
			return "", noMember(c.ID)
		}
		return "member " + c.ID + " is out; stop its process, and empty its directory before it joins again", cl.RemoveMember(s.ctx, c.ID)
	})
}

type clusterLead struct {
	connection
	ID string `arg:"" optional:"" help:"Id of the member that is to lead; by default any other one."`
}

func (clusterLead) Help() string { return "Example:\n\n    voted cluster lead n2" }

// Run hands leadership over.
func (c *clusterLead) Run(s *session) error {
	return c.change(s, func(cl *client.Client, now client.ClusterStatus) (string, error) {
		switch {
		case c.ID != "" && !isMember(now, c.ID):
			return "", noMember(c.ID)
		case c.ID != "" && c.ID == now.Leader:
			return c.ID + " leads already; nothing was changed", nil
		case isAway(now, c.ID):
			return "", fmt.Errorf("member %s does not answer and so cannot lead, and nothing was changed; start it, or name another member", c.ID)
		}
		if err := cl.TransferLeadership(s.ctx, c.ID); err != nil {
			return "", err
		}
		awaitLeader(s.ctx, cl)
		return "leadership was handed over", nil
	})
}

// newLeaderWithin is how long a node may take to know the new leader after a hand-over: it
// learns that with the next heartbeat.
const newLeaderWithin = 3 * time.Second

// awaitLeader waits until the node that answers knows a leader again: its status before
// that would look like an outage.
func awaitLeader(ctx context.Context, cl *client.Client) {
	ctx, cancel := context.WithTimeout(ctx, newLeaderWithin)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		if status, err := cl.Cluster(ctx); err == nil && status.Leader != "" {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

func isMember(status client.ClusterStatus, id string) bool {
	return slices.ContainsFunc(status.Members, func(m client.Member) bool { return m.ID == id })
}

// isAway reports whether a member does not answer the node that was asked.
func isAway(status client.ClusterStatus, id string) bool {
	return slices.ContainsFunc(status.Members, func(m client.Member) bool { return m.ID == id && m.State == "unreachable" })
}

func noMember(id string) error {
	return fmt.Errorf("there is no member %s, and nothing was changed; see who there is with `voted cluster status`", id)
}

// change makes a change to the cluster and shows the cluster's status after it. f makes
// the change and returns the sentence that says what was done.
func (c *connection) change(s *session, f func(*client.Client, client.ClusterStatus) (string, error)) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	status, err := cl.Cluster(s.ctx)
	if err != nil {
		return err
	}
	done, err := f(cl, status)
	if err != nil {
		return err
	}
	if status, err = cl.Cluster(s.ctx); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, status.Raw)
	}
	s.stdout.Linef("%s", done)
	s.stdout.Linef("")
	showCluster(s.stdout, status)
	return nil
}
