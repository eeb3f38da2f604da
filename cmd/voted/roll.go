package main

import (
	"errors"
	"fmt"
	"iter"

	"voted/client"
	"voted/cmd/voted/display"
)

type rollCommands struct {
	Load  rollLoad  `cmd:"" help:"Put the voters of a file on a poll's roll."`
	Issue rollIssue `cmd:"" help:"Issue voting credentials to the voters of a file, one link a voter."`
	Show  rollShow  `cmd:"" help:"Show a roll in numbers, or one voter on it."`
	Drop  rollDrop  `cmd:"" help:"Take a voter off a roll."`
}

type rollLoad struct {
	connection
	Poll    string `arg:"" help:"Id of the poll; it was created with --eligibility roll."`
	File    string `arg:"" help:"CSV or NDJSON; - is the standard input."`
	Format  string `help:"csv, ndjson, or auto: by the name or the first byte." enum:"auto,csv,ndjson" default:"auto" placeholder:"FORMAT"`
	Rejects string `help:"Write every refused voter to this file, as NDJSON." placeholder:"FILE"`
}

func (rollLoad) Help() string {
	return `Voters are added, or their weight changes until they have voted; nobody is taken off. When a load breaks off, run it again.

    voted roll load board members.csv

CSV has a line of titles; without weights each voter weighs 1:

    voter,weight               voter
    v-17,3                     v-17

NDJSON has one of these a line:

    {"voter":"v-17","weight":3}`
}

// maxShownRefusals bounds what a person is shown; --rejects has them all.
const maxShownRefusals = 20

// rollLoaded is what became of a file.
type rollLoaded struct {
	Poll string `json:"poll"`
	File string `json:"file"`
	client.RollSummary
	Refusals []rollRefusal `json:"refusals,omitempty"` // the first ones
}

type rollRefusal struct {
	Voter  string      `json:"voter"`
	Code   client.Code `json:"code"`
	Detail string      `json:"detail"`
}

// Run loads the file. Refused voters make the exit code 1.
func (c *rollLoad) Run(s *session) error {
	input, err := openInput(c.File)
	if err != nil {
		return err
	}
	defer input.Close()
	reader, err := newRollReader(c.File, c.Format, input)
	if err != nil {
		return usagef("%s: %w", c.File, err)
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	rejects, err := createRejects(c.Rejects)
	if err != nil {
		return err
	}
	defer rejects.close()
	loaded := rollLoaded{Poll: c.Poll, File: c.File}
	var unreadable error
	loaded.RollSummary, err = cl.LoadRoll(s.ctx, c.Poll, entriesOf(reader, &unreadable), func(r client.RollRefusal) {
		refusal := rollRefusal{r.Voter, r.Code, r.Detail}
		rejects.write(refusal)
		if len(loaded.Refusals) < maxShownRefusals {
			loaded.Refusals = append(loaded.Refusals, refusal)
		}
	})
	if err != nil && loaded.Lines == 0 {
		return err
	}
	if printed := c.report(s, loaded); printed != nil {
		return printed
	}
	switch {
	case err != nil:
		return fmt.Errorf("the load broke off; run it again, nobody is added twice: %s", explain(err))
	case unreadable != nil:
		return fmt.Errorf("%s: %w; what stands before it was loaded: correct it, then run the load again", c.File, unreadable)
	case rejects.err != nil:
		return fmt.Errorf("the refused voters could not be written to %s: %w", c.Rejects, rejects.err)
	case loaded.Refused > 0:
		return errSaid
	}
	return nil
}

// entriesOf yields a file's entries up to its end or to one that cannot be read.
func entriesOf(r rollReader, unreadable *error) iter.Seq[client.RollEntry] {
	return func(yield func(client.RollEntry) bool) {
		for {
			e, err := r.next()
			if err != nil {
				if !errors.Is(err, errRollEnd) {
					*unreadable = err
				}
				return
			}
			if !yield(e) {
				return
			}
		}
	}
}

func (c *rollLoad) report(s *session, loaded rollLoaded) error {
	if c.JSON {
		return printJSON(s, loaded)
	}
	t := display.Table{Bare: true, Indent: 2, Columns: []display.Column{{}, {Right: true}}}
	for _, row := range []struct {
		name string
		n    uint64
	}{{"added", loaded.Added}, {"changed", loaded.Changed}, {"unchanged", loaded.Unchanged}, {"refused", loaded.Refused}} {
		if row.n > 0 {
			t.Row(display.Cell{Text: row.name}, display.Cell{Text: display.Int(row.n)})
		}
	}
	s.stdout.Linef("the roll of %s: %s of %s", c.Poll, display.Plural(int64(loaded.Lines), "voter"), c.File)
	t.Write(s.stdout)
	for _, r := range loaded.Refusals {
		s.stderr.Linef("%s: %s: %s", r.Voter, r.Code, r.Detail)
	}
	if more := loaded.Refused - uint64(len(loaded.Refusals)); more > 0 && c.Rejects == "" {
		s.stderr.Linef("and %s more; --rejects FILE writes them all", display.Int(more))
	}
	return nil
}

type rollShow struct {
	connection
	Poll  string `arg:"" help:"Id of the poll."`
	Voter string `arg:"" optional:"" help:"Only this voter."`
}

func (rollShow) Help() string {
	return "Examples:\n\n    voted roll show board\n    voted roll show board v-17"
}

// Run shows the roll or the voter.
func (c *rollShow) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	if c.Voter != "" {
		return c.voter(s, cl)
	}
	r, err := cl.Roll(s.ctx, c.Poll)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, r)
	}
	s.stdout.Linef("%s on the roll of %s, weight %s", display.Plural(int64(r.Eligible), "voter"), c.Poll, display.Int(r.EligibleWeight))
	if r.Voted != nil && r.VotedWeight != nil {
		s.stdout.Linef("%s voted (%s), weight %s (%s)", display.Int(*r.Voted), display.Percent(float64(*r.Voted), float64(r.Eligible)),
			display.Int(*r.VotedWeight), display.Percent(float64(*r.VotedWeight), float64(r.EligibleWeight)))
	}
	return nil
}

func (c *rollShow) voter(s *session, cl *client.Client) error {
	e, err := cl.Enrolled(s.ctx, c.Poll, c.Voter)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, e)
	}
	is, has := "may vote", "has not voted"
	if !e.Eligible {
		is = "was dropped"
	}
	if e.Voted {
		has = "has voted"
	}
	s.stdout.Linef("%s %s, with weight %d, and %s", c.Voter, is, e.Weight, has)
	return nil
}

type rollDrop struct {
	connection
	Poll  string `arg:"" help:"Id of the poll."`
	Voter string `arg:"" help:"Id of the voter."`
}

func (rollDrop) Help() string {
	return "Further ballots of the voter are refused; one that has been counted stays.\n\n    voted roll drop board v-17"
}

// Run drops the voter.
func (c *rollDrop) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.DropVoter(s.ctx, c.Poll, c.Voter); err != nil {
		return err
	}
	e, err := cl.Enrolled(s.ctx, c.Poll, c.Voter)
	switch {
	case errors.Is(err, client.CodeVoterNotFound):
		s.stderr.Linef("%s was not on the roll of %s; check the spelling", c.Voter, c.Poll)
	case err != nil:
		return err
	}
	if c.JSON {
		return printJSON(s, map[string]any{"poll": c.Poll, "dropped": c.Voter, "voted": e.Voted})
	}
	if e.Voted {
		s.stdout.Linef("%s is dropped; the ballot that was counted stays", c.Voter)
		return nil
	}
	s.stdout.Linef("%s is dropped", c.Voter)
	return nil
}
