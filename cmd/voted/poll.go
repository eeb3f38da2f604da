package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"voted/client"
	"voted/cmd/voted/display"
)

type pollCommands struct {
	Create pollCreate `cmd:"" help:"Create a poll."`
	Show   pollShow   `cmd:"" help:"Show one poll."`
	List   pollList   `cmd:"" help:"List the polls."`
	Close  pollClose  `cmd:"" help:"Close a poll now."`
	Delete pollDelete `cmd:"" help:"Drop the ballots of a closed poll."`
}

type pollCreate struct {
	connection
	ID      string   `arg:"" optional:"" help:"Id of the poll, unless --file has one."`
	Options []string `arg:"" optional:"" name:"option" help:"What can be chosen: ID, or ID=TITLE."`

	File          string    `help:"Take the definition from this JSON file; - is the standard input. Flags change what they name." placeholder:"FILE"`
	Title         string    `help:"Title of the poll."`
	Method        string    `help:"plurality, approval, score, star, borda, irv, stv, schulze or ranked_pairs (default plurality)." placeholder:"METHOD"`
	MinSelections *int      `help:"Least number of options on a ballot; 0 allows blank ones." placeholder:"N"`
	MaxSelections int       `help:"Greatest number of options on a ballot." placeholder:"N"`
	MaxScore      int       `help:"Highest score, where there are scores." placeholder:"N"`
	Revote        string    `help:"never, or until_close: voters may replace their ballots (default never)." placeholder:"WHEN"`
	ShowResults   string    `help:"live or after_close (default live)." placeholder:"WHEN"`
	Secrecy       string    `help:"secret, or open: exports name the voters (default secret)." placeholder:"HOW"`
	OpensAt       time.Time `help:"When it opens, such as 2026-12-01T08:00:00Z (default at once)." placeholder:"TIME"`
	ClosesAt      time.Time `help:"When it closes by itself." placeholder:"TIME"`
	MaxBallots    uint64    `help:"Greatest number of voters." placeholder:"N"`
	Eligibility   string    `help:"anyone, or roll: only those whom a roll names, each with their weight (default anyone)." placeholder:"WHO"`
	Quorum        uint64    `help:"How many must vote for the result to bind." placeholder:"N"`
}

func (pollCreate) Help() string {
	return `The same definition again changes nothing.

    voted poll create lunch pizza sushi salad
    voted poll create board ann="Ann Smith" bo="Bo Lee" --method irv --closes-at 2026-12-02T20:00:00Z
    voted poll create --file board.json`
}

func (c *pollCreate) definition() (client.Definition, error) {
	var d client.Definition
	if c.File != "" {
		if err := readDefinition(c.File, &d); err != nil {
			return d, err
		}
	}
	if c.ID != "" {
		d.ID = c.ID
	}
	if len(c.Options) > 0 {
		d.Options = nil
	}
	for _, o := range c.Options {
		id, title, titled := strings.Cut(o, "=")
		if !titled {
			title = id
		}
		d.Options = append(d.Options, client.PollOption{ID: id, Title: title})
	}
	set(&d.Title, c.Title)
	set(&d.Method, client.Method(c.Method))
	set(&d.MinSelections, c.MinSelections)
	set(&d.MaxSelections, c.MaxSelections)
	set(&d.MaxScore, c.MaxScore)
	set(&d.Revote, c.Revote)
	set(&d.Results, c.ShowResults)
	set(&d.Secrecy, c.Secrecy)
	set(&d.OpensAt, c.OpensAt)
	set(&d.ClosesAt, c.ClosesAt)
	set(&d.MaxBallots, c.MaxBallots)
	set(&d.Eligibility, c.Eligibility)
	set(&d.Quorum, c.Quorum)
	switch {
	case d.ID == "":
		return d, usagef("the poll needs an id: `voted poll create lunch pizza sushi`")
	case len(d.Options) < 2:
		return d, usagef("a poll needs two options or more: `voted poll create %s pizza sushi`", d.ID)
	}
	return d, nil
}

// set changes a setting that was named.
func set[T comparable](to *T, v T) {
	var zero T
	if v != zero {
		*to = v
	}
}

func readDefinition(name string, into *client.Definition) error {
	file, err := openInput(name)
	if err != nil {
		return err
	}
	defer file.Close()
	d := json.NewDecoder(file)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return usagef("%s is not the definition of a poll: %w", name, err)
	}
	return nil
}

// openInput opens a file, or the standard input for "-".
func openInput(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fileProblem(name, err)
	}
	return file, nil
}

// Run creates the poll and shows it.
func (c *pollCreate) Run(s *session) error {
	d, err := c.definition()
	if err != nil {
		return err
	}
	return c.onPoll(s, func(ctx context.Context, cl *client.Client) (client.Poll, error) { return cl.CreatePoll(ctx, d) })
}

type pollShow struct {
	connection
	Poll string `arg:"" help:"Id of the poll."`
}

func (pollShow) Help() string { return "Example:\n\n    voted poll show lunch" }

// Run shows the poll.
func (c *pollShow) Run(s *session) error {
	return c.onPoll(s, func(ctx context.Context, cl *client.Client) (client.Poll, error) { return cl.Poll(ctx, c.Poll) })
}

type pollClose struct {
	connection
	Poll string `arg:"" help:"Id of the poll."`
}

func (pollClose) Help() string {
	return "No ballot is counted after it; one that was counted before is still confirmed.\n\n    voted poll close lunch"
}

// Run closes the poll and shows it.
func (c *pollClose) Run(s *session) error {
	return c.onPoll(s, func(ctx context.Context, cl *client.Client) (client.Poll, error) { return cl.ClosePoll(ctx, c.Poll) })
}

type pollDelete struct {
	connection
	Poll string `arg:"" help:"Id of the poll."`
}

func (pollDelete) Help() string {
	return "The id is not used again.\n\n    voted poll delete lunch"
}

// Run deletes the poll.
func (c *pollDelete) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.DeletePoll(s.ctx, c.Poll); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, map[string]string{"deleted": c.Poll})
	}
	s.stdout.Linef("poll %s is deleted", c.Poll)
	return nil
}

// onPoll calls f and shows the poll that it returns.
func (c *connection) onPoll(s *session, f func(context.Context, *client.Client) (client.Poll, error)) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	p, err := f(s.ctx, cl)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, p)
	}
	showPoll(s.stdout, p)
	return nil
}

type pollList struct {
	connection
	State string `help:"Only those that are scheduled, open or closed." enum:",scheduled,open,closed" default:"" placeholder:"STATE"`
}

func (pollList) Help() string { return "Example:\n\n    voted poll list --state open" }

// Run lists the polls; as JSON, one a line.
func (c *pollList) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	t := display.Table{Columns: []display.Column{
		{Title: "POLL"}, {Title: "TITLE", Flex: true}, {Title: "METHOD"}, {Title: "STATE"}, {Title: "BALLOTS", Right: true}, {Title: "CLOSES"},
	}}
	for p, err := range cl.Polls(s.ctx, client.PollsQuery{State: client.State(c.State)}) {
		if err != nil {
			return err
		}
		if c.JSON {
			if err := printJSON(s, p); err != nil {
				return err
			}
			continue
		}
		t.Row(display.Cell{Text: p.ID, Style: display.Bold}, display.Cell{Text: p.Title}, display.Cell{Text: string(p.Method)},
			stateCell(p.State), display.Cell{Text: ballotCount(p)}, display.Cell{Text: closing(p)})
	}
	switch {
	case c.JSON:
	case len(t.Rows) == 0:
		s.stdout.Linef("no polls; create one with `voted poll create lunch pizza sushi`")
	default:
		t.Write(s.stdout)
	}
	return nil
}

func showPoll(o *display.Output, p client.Poll) {
	title := p.Title
	if title == "" {
		title = p.ID
	}
	o.Linef("%s", o.Paint(display.Bold, title))
	t := display.Table{Bare: true, Indent: 2, Columns: make([]display.Column, 2)}
	add := func(name, value string) {
		if value != "" {
			t.Row(display.Cell{Text: name, Style: display.Dim}, display.Cell{Text: value})
		}
	}
	add("poll", p.ID)
	t.Row(display.Cell{Text: "state", Style: display.Dim}, stateCell(p.State))
	add("method", string(p.Method))
	add("ballots", ballotCount(p))
	add("opens", clock(p.OpensAt))
	add("closes", closing(p))
	add("revote", p.Revote)
	add("results", p.Results)
	add("secrecy", p.Secrecy)
	if p.MaxBallots > 0 {
		add("at most", display.Plural(int64(p.MaxBallots), "ballot"))
	}
	if p.Eligibility == client.OnRoll {
		add("voters", "those on its roll")
	}
	if p.Quorum > 0 {
		add("quorum", display.Plural(int64(p.Quorum), "voter"))
	}
	width := 0
	for _, option := range p.Options {
		width = max(width, len(option.ID))
	}
	for i, option := range p.Options {
		name := ""
		if i == 0 {
			name = "options"
		}
		text := option.ID
		if option.Title != "" && option.Title != option.ID {
			text = fmt.Sprintf("%-*s  %s", width, option.ID, option.Title)
		}
		t.Row(display.Cell{Text: name, Style: display.Dim}, display.Cell{Text: text})
	}
	t.Write(o)
}

func stateCell(s client.State) display.Cell {
	style := map[client.State]display.Style{client.StateOpen: display.Green, client.StateScheduled: display.Yellow}[s]
	return display.Cell{Text: string(s), Style: style}
}

func ballotCount(p client.Poll) string {
	if p.Ballots == nil {
		return "hidden"
	}
	return display.Int(*p.Ballots)
}

// closing says when the poll closes or closed.
func closing(p client.Poll) string {
	if !p.ClosedAt.IsZero() {
		return clock(p.ClosedAt)
	}
	return clock(p.ClosesAt)
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}
