package main

import (
	"time"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/usage"
)

type scheduleCommands struct {
	Create scheduleCreate `cmd:"" help:"Create a poll at a time."`
	Patch  schedulePatch  `cmd:"" help:"Change a poll's title or times at a time."`
	Close  scheduleClose  `cmd:"" help:"Close a poll at a time."`
	Delete scheduleDelete `cmd:"" help:"Delete a closed poll at a time."`
	Lot    scheduleLot    `cmd:"" help:"Draw a closed poll's lot by a seed at a time."`
	Show   scheduleShow   `cmd:"" help:"Show a scheduled command, and what came of it."`
	List   scheduleList   `cmd:"" help:"List what is scheduled, and what came of it."`
	Cancel scheduleCancel `cmd:"" help:"Call off what has not been carried out yet."`
}

// scheduling are the flags of what schedules a command.
type scheduling struct {
	connection
	ID string `arg:"" name:"id" help:"An id of your choice for what is scheduled: the same again changes nothing."`
	At string `required:"" help:"When: local time such as '2026-12-02 20:00', 20:00, +2h, or with its zone 2026-12-02T20:00:00Z." placeholder:"TIME"`
}

// schedule sends what is to be carried out, and shows it.
func (c *scheduling) schedule(s *session, what client.Scheduled) error {
	at, err := c.clock().Parse(c.At)
	if err != nil {
		return usage.Errorf("--at: %w", err)
	}
	what.At = at
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	t, err := cl.Schedule(s.ctx, c.ID, what)
	if err != nil {
		return err
	}
	return c.showTasks(s, t.Raw, t)
}

type scheduleCreate struct {
	scheduling
	File string `arg:"" help:"File with the poll's definition as JSON, with its id; - is the standard input." placeholder:"FILE"`
}

func (scheduleCreate) Help() string {
	return "Example:\n\n    voted schedule create monday poll.json --at '2026-12-07 08:00'"
}

// Run schedules the creation.
func (c *scheduleCreate) Run(s *session) error {
	d, err := readDefinition(c.File)
	if err != nil {
		return err
	}
	if d.ID == "" {
		return usage.Errorf("the definition in %s needs an \"id\": a poll that comes later is created under it", c.File)
	}
	return c.schedule(s, client.Scheduled{Create: &d})
}

type schedulePatch struct {
	scheduling
	Poll     string  `arg:"" help:"Id of the poll."`
	Title    *string `help:"Its title from then on." placeholder:"TEXT"`
	OpensAt  string  `help:"When it opens from then on." placeholder:"TIME"`
	ClosesAt string  `help:"When it closes from then on." placeholder:"TIME"`
}

func (schedulePatch) Help() string {
	return "Example:\n\n    voted schedule patch extend board --at '2026-12-02 19:00' --closes-at '2026-12-02 22:00'"
}

// Run schedules the change.
func (c *schedulePatch) Run(s *session) error {
	p := client.ScheduledPatch{Poll: c.Poll, Patch: client.Patch{Title: c.Title}}
	for _, f := range []struct {
		name, text string
		to         **time.Time
	}{{"opens-at", c.OpensAt, &p.OpensAt}, {"closes-at", c.ClosesAt, &p.ClosesAt}} {
		if f.text == "" {
			continue
		}
		at, err := c.clock().Parse(f.text)
		if err != nil {
			return usage.Errorf("--%s: %w", f.name, err)
		}
		*f.to = &at
	}
	if p.Title == nil && p.OpensAt == nil && p.ClosesAt == nil {
		return usage.Errorf("say what changes: --title, --opens-at or --closes-at")
	}
	return c.schedule(s, client.Scheduled{Patch: &p})
}

type scheduleClose struct {
	scheduling
	Poll string `arg:"" help:"Id of the poll."`
}

func (scheduleClose) Help() string {
	return "Example:\n\n    voted schedule close lunch-ends lunch --at 12:30"
}

// Run schedules the closing.
func (c *scheduleClose) Run(s *session) error {
	return c.schedule(s, client.Scheduled{Close: c.Poll})
}

type scheduleDelete struct {
	scheduling
	Poll string `arg:"" help:"Id of the poll."`
}

func (scheduleDelete) Help() string {
	return "Its ballots are dropped forever then; a poll that is not closed then stays.\n\n    voted schedule delete forget-lunch lunch --at '2027-01-01 00:00'"
}

// Run schedules the deletion.
func (c *scheduleDelete) Run(s *session) error {
	return c.schedule(s, client.Scheduled{Delete: c.Poll})
}

type scheduleLot struct {
	scheduling
	Poll string `arg:"" help:"Id of the poll."`
	Seed string `arg:"" help:"The options are ordered by the SHA-256 of it and their id."`
}

func (scheduleLot) Help() string {
	return "Polls close before what is scheduled for the same time.\n\n    voted schedule lot draw council '4 8 15 16 23 42' --at '2026-12-02 20:00'"
}

// Run schedules the lot.
func (c *scheduleLot) Run(s *session) error {
	return c.schedule(s, client.Scheduled{Lot: &client.ScheduledLot{Poll: c.Poll, Seed: c.Seed}})
}

type scheduleShow struct {
	connection
	ID string `arg:"" name:"id" help:"Id of what is scheduled."`
}

func (scheduleShow) Help() string { return "Example:\n\n    voted schedule show lunch-ends" }

// Run shows one.
func (c *scheduleShow) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	t, err := cl.Scheduled(s.ctx, c.ID)
	if err != nil {
		return err
	}
	return c.showTasks(s, t.Raw, t)
}

type scheduleList struct {
	connection
}

func (scheduleList) Help() string { return "Example:\n\n    voted schedule list" }

// Run lists all.
func (c *scheduleList) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	all, err := cl.ScheduleList(s.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		for _, t := range all {
			if err := printJSON(s, t.Raw); err != nil {
				return err
			}
		}
		return nil
	}
	return c.showTasks(s, nil, all...)
}

type scheduleCancel struct {
	connection
	ID string `arg:"" name:"id" help:"Id of what is scheduled."`
}

func (scheduleCancel) Help() string {
	return "The id stays taken for 30 days, so that a late copy of the request brings nothing back.\n\n    voted schedule cancel lunch-ends"
}

// Run calls it off.
func (c *scheduleCancel) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.Unschedule(s.ctx, c.ID); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, map[string]string{"cancelled": c.ID})
	}
	s.stdout.Linef("%s is called off", c.ID)
	return nil
}

// showTasks writes a table, or the JSON of one.
func (c *connection) showTasks(s *session, raw any, all ...client.Task) error {
	if c.JSON {
		return printJSON(s, raw)
	}
	now := c.clock()
	t := display.Table{Columns: []display.Column{{Title: "id"}, {Title: "does"}, {Title: "poll"}, {Title: "at"}, {Title: "state"}, {Title: ""}}}
	for _, k := range all {
		style := map[string]display.Style{"done": display.Green, "refused": display.Red, "pending": display.Yellow}[k.State]
		said := k.Detail
		if k.State == "done" {
			said = "at " + now.Show(k.EndedAt)
		}
		t.Row(display.Cell{Text: k.ID}, display.Cell{Text: k.Action}, display.Cell{Text: k.Poll},
			display.Cell{Text: now.Show(k.At)}, display.Cell{Text: k.State, Style: style}, display.Cell{Text: said, Style: display.Dim})
	}
	t.Write(s.stdout)
	return nil
}
