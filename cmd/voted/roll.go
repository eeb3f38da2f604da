package main

import (
	"errors"
	"fmt"

	"voted/client"
	"voted/cmd/voted/display"
)

type rollCommands struct {
	Load  rollLoad  `cmd:"" help:"Put the voters of a file on a poll's roll."`
	Issue rollIssue `cmd:"" help:"Issue voting credentials to the voters of a file, one link a voter."`
	Show  rollShow  `cmd:"" help:"Show a roll in numbers, or one voter on it."`
	Drop  rollDrop  `cmd:"" help:"Take a voter off a roll."`
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
		return printJSON(s, r.Raw)
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
		return printJSON(s, e.Raw)
	}
	is, has := "may vote", "has not voted"
	if !e.Eligible {
		is = "was dropped"
	}
	if e.Voted {
		has = "has voted"
	}
	s.stdout.Linef("%s %s, with weight %d, and %s", e.Voter, is, e.Weight, has)
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
		return fmt.Errorf("%s is not on the roll of %s, and nothing was changed; check the spelling", c.Voter, c.Poll)
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
