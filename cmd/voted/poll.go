package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/usage"
)

type pollCommands struct {
	Create pollCreate `cmd:"" help:"Create a poll."`
	Show   pollShow   `cmd:"" help:"Show one poll."`
	Set    pollSet    `cmd:"" help:"Change the title or the times of a poll that is not closed."`
	List   pollList   `cmd:"" help:"List the polls."`
	Close  pollClose  `cmd:"" help:"Close a poll now."`
	Lot    pollLot    `cmd:"" help:"Enter the lot that decides the ties of a closed poll."`
	Delete pollDelete `cmd:"" help:"Drop the ballots of a closed poll."`
}

type pollCreate struct {
	connection
	ID      string   `arg:"" optional:"" help:"Id of the poll, unless --file has one."`
	Options []string `arg:"" optional:"" name:"option" help:"What can be chosen: a title, an id, or ID=TITLE."`

	File          string `help:"Take the definition from this JSON file; - is the standard input. Flags change what they name." placeholder:"FILE"`
	Title         string `help:"Title of the poll."`
	Method        string `help:"${methods} (default plurality)." placeholder:"METHOD"`
	MinSelections *int   `help:"Least number of options on a ballot; 0 allows blank ones." placeholder:"N"`
	MaxSelections *int   `help:"Greatest number of options on a ballot." placeholder:"N"`
	MaxScore      *int   `help:"Highest score, where there are scores." placeholder:"N"`
	Revote        string `help:"never, or until_close: voters may replace their ballots (default never)." placeholder:"WHEN"`
	ShowResults   string `help:"live or after_close (default live)." placeholder:"WHEN"`
	Secrecy       string `help:"secret, or open: exports name the voters (default secret)." placeholder:"HOW"`
	Disclosure    string `help:"What readers see of a secret poll's ballots: profile, how many hold each choice; or ballots, each with the key of its voter (default profile)." placeholder:"WHAT"`
	Receipt       string `help:"What a voter's proof of a secret poll shows: counted, that a ballot counts; or opened, its choice too (default counted)." placeholder:"WHAT"`
	Audience      string `help:"Who may see the results: roles, those with a credential that may; or anyone, everybody (default roles)." placeholder:"WHO"`
	OptionOrder   string `help:"Order of the options on ballots: listed; or shuffled, another one for each voter (default listed)." placeholder:"HOW"`
	Description   string `help:"What voters read about the poll; plain text, up to 4 KiB. Those of options stand in a --file." placeholder:"TEXT"`
	Contact       string `help:"Whom voters ask, such as an address." placeholder:"TEXT"`
	OpensAt       string `help:"When it opens: local time such as '2026-12-02 20:00', 20:00, +2h, or with its zone 2026-12-02T20:00:00Z (default at once)." placeholder:"TIME"`
	ClosesAt      string `help:"When it closes by itself (default only when told)." placeholder:"TIME"`
	MaxBallots    uint64 `help:"Greatest number of voters." placeholder:"N"`
	Eligibility   string `help:"anyone, or roll: only those whom a roll names, each with their weight (default anyone)." placeholder:"WHO"`
	Quorum        uint64 `help:"How many must vote for the result to bind." placeholder:"N"`

	Marking  string   `name:"ballots" help:"strict, or as_marked: as on paper, overvotes, skipped ranks and options at two ranks are taken, and counted by the rules (default strict)." placeholder:"HOW"`
	Seats    *int     `help:"How many options are elected (default 1)." placeholder:"N"`
	TieBreak string   `help:"What decides ties in the end: listed, the order of the options; lot, drawn beforehand with --rule lot=… or after the close; or report (default as the method does it)." placeholder:"WORD"`
	Rule     []string `help:"A rule of the method, such as until=two; repeatable. Options stand apart by commas: lot=bo,ann." placeholder:"NAME=VALUE" sep:"none"`
}

func (pollCreate) Help() string {
	return `The same definition again changes nothing. An option that is no id gets one made of it, which is shown.

    voted poll create lunch pizza "Thai food" salad
    voted poll create board ann="Ann Smith" bo="Bo Lee" --method irv --closes-at "2026-12-02 20:00"
    voted poll create council ann bo cy di --method approval --seats 2 --tie-break lot
    voted poll create town park pool --audience anyone --contact "Town hall, +1 555 0100"
    voted poll create --file board.json
    voted poll show board --json | voted poll create board-2 --file -`
}

func (c *pollCreate) definition() (client.Definition, error) {
	var d client.Definition
	if c.File != "" {
		var err error
		if d, err = readDefinition(c.File); err != nil {
			return d, err
		}
	}
	if c.ID != "" {
		d.ID = c.ID
	}
	if len(c.Options) > 0 {
		var err error
		if d.Options, err = optionsOf(c.Options); err != nil {
			return d, err
		}
	}
	set(&d.Title, c.Title)
	set(&d.Method, client.Method(c.Method))
	set(&d.MinSelections, c.MinSelections)
	set(&d.Revote, c.Revote)
	set(&d.Results, c.ShowResults)
	set(&d.Secrecy, c.Secrecy)
	set(&d.Disclosure, c.Disclosure)
	set(&d.Receipt, c.Receipt)
	set(&d.Audience, c.Audience)
	set(&d.OptionOrder, c.OptionOrder)
	set(&d.Description, c.Description)
	set(&d.Contact, c.Contact)
	set(&d.MaxBallots, c.MaxBallots)
	set(&d.Eligibility, c.Eligibility)
	set(&d.Quorum, c.Quorum)
	if err := positive("--max-selections", c.MaxSelections, &d.MaxSelections); err != nil {
		return d, err
	}
	if err := positive("--max-score", c.MaxScore, &d.MaxScore); err != nil {
		return d, err
	}
	if err := positive("--seats", c.Seats, &d.Seats); err != nil {
		return d, err
	}
	set(&d.Marking, c.Marking)
	set(&d.TieBreak, c.TieBreak)
	if err := setRules(&d, c.Rule); err != nil {
		return d, err
	}
	now := c.clock()
	for _, t := range []struct {
		flag, typed string
		into        *time.Time
	}{{"--opens-at", c.OpensAt, &d.OpensAt}, {"--closes-at", c.ClosesAt, &d.ClosesAt}} {
		if t.typed == "" {
			continue
		}
		at, err := now.Parse(t.typed)
		if err != nil {
			return d, usage.Errorf("%s: %w", t.flag, err)
		}
		*t.into = at
	}
	switch {
	case d.ID == "":
		return d, usage.Errorf("the poll needs an id: `voted poll create lunch pizza sushi`")
	case len(d.Options) < 2:
		return d, usage.Errorf("a poll needs two options or more: `voted poll create %s pizza sushi`", d.ID)
	}
	return d, nil
}

// optionsOf reads "Thai food", "thai" and "thai=Thai food".
func optionsOf(typed []string) ([]client.PollOption, error) {
	options := client.Options(typed...)
	for i, o := range typed {
		id, title, titled := strings.Cut(o, "=")
		switch {
		case !titled:
		case client.Options(id)[0].ID == "":
			return nil, usage.Errorf("option %q: what stands before the first = is no id; where a title has one, put an id before it, such as sum=%q", o, o)
		default:
			options[i] = client.PollOption{ID: id, Title: title}
		}
	}
	return options, nil
}

// positive sets a number that was given. It refuses 0: the API takes 0 for the default,
// which is another number.
func positive(name string, n, into *int) error {
	switch {
	case n == nil:
		return nil
	case *n < 1:
		return usage.Errorf("%s must be 1 or more; leave it out for what the method usually takes", name)
	}
	*into = *n
	return nil
}

// set changes a setting that was named.
func set[T comparable](to *T, v T) {
	var zero T
	if v != zero {
		*to = v
	}
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
	return c.onPoll(s, func(ctx context.Context, cl *client.Client) (client.Poll, error) {
		p, err := cl.CreatePoll(ctx, d)
		if err == nil && p.Secrecy == client.Secret && !c.JSON {
			s.stderr.Para(display.Dim, retriesTell)
		}
		return p, err
	})
}

// retriesTell is what whoever makes a secret poll should know of it.
const retriesTell = "A secret ballot is secret from those who cannot cast for its voter. Whoever can, or makes the voter do it, learns the choice by sending " +
	"one again: the same choice is answered as a repetition, another one is refused."

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

type pollLot struct {
	connection
	Poll  string   `arg:"" help:"Id of the poll."`
	Order []string `arg:"" optional:"" name:"option" help:"The id of each option, in the order in which they were drawn: earlier ones stay or win."`
	Seed  string   `help:"Make the order of this text instead: the options by the SHA-256 of the seed and their id." placeholder:"TEXT"`
}

func (pollLot) Help() string {
	return `For polls with --tie-break lot. It is entered once; the same lot again changes nothing.

    voted poll lot council cy ann di bo
    voted poll lot council --seed "4 8 15 16 23 42"`
}

// Run enters the lot and shows the poll.
func (c *pollLot) Run(s *session) error {
	if (len(c.Order) == 0) == (c.Seed == "") {
		return usage.Errorf("give the ids of all options in the order in which they were drawn, or a --seed: `voted poll lot %s cy ann bo`", c.Poll)
	}
	return c.onPoll(s, func(ctx context.Context, cl *client.Client) (client.Poll, error) {
		return cl.DrawLot(ctx, c.Poll, client.Lot{Order: c.Order, Seed: c.Seed})
	})
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
		return printJSON(s, p.Raw)
	}
	showPoll(s.stdout, p, c.clock())
	return nil
}

type pollList struct {
	connection
	State string `help:"Only those that are scheduled, open or closed." enum:",scheduled,open,closed" default:"" placeholder:"STATE"`
}

func (pollList) Help() string { return "Example:\n\n    voted poll list --state open" }

// Run lists the polls; as JSON, one a line. A poll that this program cannot read is
// reported, and the others are shown.
func (c *pollList) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	t := display.Table{Columns: []display.Column{
		{Title: "POLL"}, {Title: "TITLE", Flex: true}, {Title: "METHOD"}, {Title: "STATE"}, {Title: "BALLOTS", Right: true}, {Title: "CLOSES"},
	}}
	now := c.clock()
	var failed error
	for p, err := range cl.Polls(s.ctx, client.PollsQuery{State: client.State(c.State)}) {
		var unreadable *client.UnreadableError
		switch {
		case errors.As(err, &unreadable):
			complain(s.stderr, fmt.Errorf("a poll is left out that this program cannot read (%w); use a newer one", unreadable.Cause))
			failed = errSaid
		case err != nil:
			return err
		case c.JSON:
			if err := printJSON(s, p.Raw); err != nil {
				return err
			}
		default:
			t.Row(display.Cell{Text: p.ID, Style: display.Bold}, display.Cell{Text: p.Title}, display.Cell{Text: string(p.Method)},
				stateCell(p.State), display.Cell{Text: ballotCount(p)}, display.Cell{Text: closing(p, now)})
		}
	}
	switch {
	case c.JSON || failed != nil && len(t.Rows) == 0:
	case len(t.Rows) == 0 && c.State != "":
		s.stdout.Linef("no poll is %s; see all of them with `voted poll list`", c.State)
	case len(t.Rows) == 0:
		s.stdout.Linef("no polls; create one with `voted poll create lunch pizza sushi`")
	default:
		t.Write(s.stdout)
	}
	return failed
}
