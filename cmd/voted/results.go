package main

import (
	"voted/client"
	"voted/cmd/voted/display"
)

type resultsCommand struct {
	connection
	Poll  string `arg:"" help:"Id of the poll."`
	Watch bool   `help:"Keep showing it as it changes, until the poll closes." short:"w"`
	Stale bool   `help:"Take what the node knows, without asking the leader." xor:"freshness"`
}

func (resultsCommand) Help() string {
	return `Examples:

    voted results lunch
    voted results lunch --watch
    voted results lunch --json`
}

// Run shows the tally.
func (c *resultsCommand) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	var p client.Poll
	if !c.JSON { // the titles are for people
		if p, err = cl.Poll(s.ctx, c.Poll); err != nil {
			return err
		}
	}
	if c.Watch {
		return c.watch(s, cl, p)
	}
	consistency := client.Linearizable
	if c.Stale {
		consistency = client.Stale
	}
	r, err := cl.Results(s.ctx, c.Poll, consistency)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, r.Raw)
	}
	s.stdout.Results(r, p.Title, display.TitlesOf(p.Definition))
	return nil
}

// watch shows every change: in place on a terminal, one below the other elsewhere.
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
			o.Results(r, p.Title, display.TitlesOf(p.Definition))
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
