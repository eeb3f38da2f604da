package main

import (
	"fmt"
	"strconv"
	"strings"

	"voted/client"
	"voted/cmd/voted/display"
)

type castCommand struct {
	connection
	Poll    string   `arg:"" help:"Id of the poll."`
	Voter   string   `arg:"" help:"Who votes."`
	Choices []string `arg:"" optional:"" name:"choice" help:"Options; in order of preference where the poll ranks (a=b: tied), with points where it scores (a=5)."`

	IfVersion uint64 `help:"Replace this version of the voter's ballot." placeholder:"N"`
}

func (castCommand) Help() string {
	return `Casting the same ballot again is safe: it is counted once, and the receipt is the same.

    voted cast lunch ann pizza
    voted cast board v-17 bo ann          (ranked: Bo first)
    voted cast wines v-17 merlot=5 syrah=2
    voted cast lunch ann sushi --if-version 1`
}

// Run casts the ballot and shows the receipt.
func (c *castCommand) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	p, err := cl.Poll(s.ctx, c.Poll)
	if err != nil {
		return err
	}
	b, err := ballotOf(p.Method, c.Choices)
	if err != nil {
		return usage{err}
	}
	var r client.Receipt
	if c.IfVersion > 0 {
		r, err = cl.Replace(s.ctx, c.Poll, c.Voter, b, c.IfVersion)
	} else {
		r, err = cl.Cast(s.ctx, c.Poll, c.Voter, b)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, r)
	}
	s.stdout.Linef("%s  ballot %s of %s, version %d, log index %s, %s", s.stdout.Paint(display.Good, string(r.Outcome)),
		display.Int(r.Ballot), r.Poll, r.Version, display.Int(r.Index), clock(r.CastAt))
	return nil
}

// ballotOf makes a ballot as the poll's method asks for it.
func ballotOf(m client.Method, choices []string) (client.Ballot, error) {
	switch m {
	case client.Plurality, client.Approval:
		return client.Choose(choices...), nil
	case client.ScoreVoting, client.Star:
		points := map[string]int{}
		for _, c := range choices {
			id, score, err := splitScore(c, "=")
			if err != nil {
				return client.Ballot{}, err
			}
			points[id] = score
		}
		return client.Score(points), nil
	}
	return client.RankTiers(tiersOf(choices, "=")...), nil
}

// tiersOf reads "a" and "b=c", which is a tie.
func tiersOf(choices []string, tie string) [][]string {
	tiers := make([][]string, len(choices))
	for i, c := range choices {
		tiers[i] = strings.Split(c, tie)
	}
	return tiers
}

// splitScore reads "a=5".
func splitScore(s, sign string) (string, int, error) {
	id, points, ok := strings.Cut(s, sign)
	n, err := strconv.Atoi(strings.TrimSpace(points))
	if !ok || err != nil {
		return "", 0, fmt.Errorf("%q is not an option with its points, such as merlot%s5", s, sign)
	}
	return strings.TrimSpace(id), n, nil
}
