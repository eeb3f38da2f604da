package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/usage"
)

type resultsCommand struct {
	connection
	Poll   string `arg:"" help:"Id of the poll."`
	Watch  bool   `help:"Keep showing it as it changes, until the poll closes." short:"w" xor:"form"`
	Stale  bool   `help:"Take what the node knows, without asking the leader." xor:"freshness"`
	Format string `help:"${resultFormats} instead of a table. csv has the rounds, else the pairs, else the votes; rctab is JSON; report is plain text." placeholder:"FORMAT" xor:"form"`
}

func (resultsCommand) Help() string {
	return `Examples:

    voted results lunch
    voted results lunch --watch
    voted results lunch --json
    voted results council --format report
    voted results council --format rctab > summary.json`
}

// Run shows the tally.
func (c *resultsCommand) Run(s *session) error {
	if f := client.ResultsFormat(c.Format); f != "" && !slices.Contains(client.ResultsFormats(), f) {
		return usage.Errorf("--format %q is not known; give one of %s", c.Format, joined(client.ResultsFormats(), ", "))
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	if c.Watch {
		var p client.Poll
		if !c.JSON { // the titles are for people
			if p, err = cl.Poll(s.ctx, c.Poll); err != nil {
				return err
			}
		}
		return c.watch(s, cl, p)
	}
	consistency := client.Linearizable
	if c.Stale {
		consistency = client.Stale
	}
	if f := client.ResultsFormat(c.Format); f != "" && f != client.ResultsJSON {
		_, err := cl.ResultsAs(s.ctx, c.Poll, consistency, f, s.stdout.Data())
		return otherFormat(err)
	}
	r, err := cl.Results(s.ctx, c.Poll, consistency)
	if err != nil {
		return err
	}
	if c.JSON || c.Format != "" {
		if c.Stale { // the answer itself does not contain its age
			s.stderr.Para(display.Dim, staleness(r.Meta))
		}
		return printJSON(s, r.Raw)
	}
	p, err := c.titled(s, cl)
	if err != nil {
		return err
	}
	s.stdout.Results(r, p.Title, display.TitlesOf(p.Definition))
	if c.Stale {
		s.stdout.Linef("")
		s.stdout.Para(display.Dim, staleness(r.Meta))
	}
	return nil
}

// titlesWithin is how long stale results wait for the titles, which only a leader confirms.
const titlesWithin = 2 * time.Second

// titled returns the poll for its titles. Without a leader, stale results are shown with
// the ids only.
func (c *resultsCommand) titled(s *session, cl *client.Client) (client.Poll, error) {
	if !c.Stale {
		return cl.Poll(s.ctx, c.Poll)
	}
	ctx, cancel := context.WithTimeout(s.ctx, titlesWithin)
	defer cancel()
	p, err := cl.Poll(ctx, c.Poll)
	if unanswered := new(client.UnansweredError); errors.As(err, &unanswered) && s.ctx.Err() == nil {
		return client.Poll{}, nil
	}
	return p, err
}

// staleness returns a sentence on how old a node's results may be.
func staleness(m client.Meta) string {
	return fmt.Sprintf("as node %s has it, without asking the leader; it last knew itself up to date %s ago", m.Node, display.Duration(m.Age))
}

// footer is how many lines are below a live view.
const footer = 2

// watch shows every change: in place on a terminal, one after the other elsewhere.
func (c *resultsCommand) watch(s *session, cl *client.Client, p client.Poll) error {
	var screen *display.Screen
	if s.stdout.Terminal && !c.JSON {
		screen = s.stdout.Screen()
	}
	first := true
	for r, err := range cl.Watch(s.ctx, c.Poll) {
		switch {
		case err != nil:
			return err
		case c.JSON:
			if err := printJSON(s, r.Raw); err != nil {
				return err
			}
			continue
		}
		draw := func(o *display.Output) {
			o.Less(footer).Results(r, p.Title, display.TitlesOf(p.Definition))
			if screen != nil && r.State != client.StateClosed {
				o.Linef("")
				o.Linef("%s", o.Paint(display.Dim, "live from "+r.Meta.Node+" · Ctrl-C ends"))
			}
		}
		if screen != nil {
			screen.Draw(draw)
			continue
		}
		if !first {
			s.stdout.Linef("")
		}
		draw(s.stdout)
		first = false
	}
	return nil
}
