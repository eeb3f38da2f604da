package main

import (
	"voted/client"
	"voted/cmd/voted/display"
)

type receiptCommand struct {
	connection
	Poll  string `arg:"" help:"Id of the poll."`
	Voter string `arg:"" help:"Who voted."`
}

func (receiptCommand) Help() string {
	return "Says that the voter's ballot is in the box, not what is on it.\n\n    voted receipt lunch ann"
}

// Run shows the receipt of the ballot that counts.
func (c *receiptCommand) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	r, err := cl.Receipt(s.ctx, c.Poll, c.Voter)
	if err != nil {
		return err
	}
	return c.showReceipt(s, r)
}

// showReceipt writes a receipt.
func (c *connection) showReceipt(s *session, r client.Receipt) error {
	if c.JSON {
		return printJSON(s, r.Raw)
	}
	ballot := "ballot " + display.Int(r.Ballot) + " of "
	if r.Ballot == 0 {
		ballot = "" // hidden until the close
	}
	s.stdout.Linef("%s  %s%s, version %d, log index %s, %s", s.stdout.Paint(display.Good, string(r.Outcome)),
		ballot, r.Poll, r.Version, display.Int(r.Index), c.clock().Show(r.CastAt))
	return nil
}
