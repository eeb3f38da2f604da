package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"voted/cmd/voted/clock"
	"voted/cmd/voted/display"
	"voted/internal/backup"
	"voted/internal/usage"
	"voted/proof"
)

type verifyBackup struct {
	File    string `arg:"" help:"Backup to read, or - for the standard input."`
	Against string `help:"Head of a poll's log: say whether the backup has all that was signed." placeholder:"FILE"`
	Policy  string `help:"Policy of that poll; without it nobody's signature is looked at." placeholder:"FILE"`
	JSON    bool   `help:"Print JSON instead of a table." name:"json"`
	UTC     bool   `help:"Show times in UTC, not in local time." name:"utc"`
}

func (verifyBackup) Help() string {
	return `Needs no cluster. Reads everything, and counts every poll again from its single records. Exit code 1 where
anything is damaged, or where what was signed is not in it.

    voted verify backup board.backup
    voted verify backup board.backup --against board-2026.log/checkpoint --policy board-2026.policy`
}

// Run counts the backup again.
func (c *verifyBackup) Run(s *session) error {
	head, err := c.head()
	if err != nil {
		return err
	}
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fileProblem(c.File, err)
		}
		defer f.Close()
		in = f
	}
	report, err := backup.Verify(in, head)
	if err != nil {
		return fmt.Errorf("%s cannot be trusted: %w. Do not restore it; take another copy or an older backup", c.File, err)
	}
	if c.JSON {
		if err := printJSON(s, report); err != nil {
			return err
		}
	} else {
		showReport(s.stdout, report, clock.Local(c.UTC))
	}
	switch held := report.Against; {
	case held == nil:
		return nil
	case !held.Whole && c.JSON:
		return errSaid
	case !held.Whole:
		return errors.New(held.Fault)
	case !c.JSON:
		s.stdout.Linef("")
		s.stdout.Linef("%s", s.stdout.Paint(display.Good, fmt.Sprintf("The backup has all that was signed of %s: %s of %s entries.", display.Safe(held.Log), display.Int(held.Held), display.Int(held.Signed))))
	}
	return nil
}

// head reads the head that the backup is compared with; nil if there is none.
func (c *verifyBackup) head() (*proof.Checkpoint, error) {
	switch {
	case c.Against == "" && c.Policy != "":
		return nil, usage.Errorf("--policy is for --against: a backup by itself is signed by nobody")
	case c.Against == "":
		return nil, nil
	case c.Against == "-" && c.File == "-":
		return nil, usage.Errorf("only one of the two files can be the standard input")
	}
	text, err := verdictFlags{}.read(c.Against)
	if err != nil {
		return nil, err
	}
	if c.Policy != "" {
		p, err := verdictFlags{}.policy(c.Policy)
		if err != nil {
			return nil, err
		}
		if _, err := p.Check(text); err != nil {
			return nil, fmt.Errorf("the head %s is not to be trusted: %w", c.Against, err)
		}
	}
	note, err := proof.ParseNote(text)
	if err != nil {
		return nil, usage.Errorf("%s is no head of a log: %w", c.Against, err)
	}
	head, err := proof.ParseCheckpoint(note.Text)
	if err == nil {
		_, err = proof.ParseOrigin(head.Origin)
	}
	if err != nil {
		return nil, usage.Errorf("%s is no head of a log: %w", c.Against, err)
	}
	return &head, nil
}

func showReport(o *display.Output, r *backup.Report, now clock.Clock) {
	o.Linef("%s · log index %s · %s, by node %s of %s · voted %s · format %d", o.Paint(display.Good, "whole"), display.Int(r.Index),
		now.Show(r.Time), r.Node, strings.Join(r.Members, ", "), r.Version, r.Format)
	o.Linef("cluster %s · digest %s", r.Cluster, r.Digest)
	o.Linef("sha256 %s, %s bytes", r.SHA256, display.Int(r.Bytes))
	o.Linef("")
	t := display.Table{Columns: []display.Column{
		{Title: "POLL"}, {Title: "METHOD"}, {Title: "STATE"}, {Title: "BALLOTS", Right: true}, {Title: "WINNERS", Flex: true}, {Title: "TALLY", Flex: true}, {Title: "DIGEST"},
	}}
	for _, p := range r.Tables {
		var tally []string
		for _, x := range p.Options {
			n := x.Votes
			if x.Score != 0 {
				n = x.Score
			}
			tally = append(tally, fmt.Sprintf("%s %s", x.ID, display.Int(n)))
		}
		t.Row(display.Cells(p.ID, p.Method, p.State, display.Int(p.Ballots), strings.Join(p.Winners, ", "), strings.Join(tally, ", "), p.Digest[:12])...)
	}
	t.Write(o)
	o.Linef("")
	for _, p := range r.Tables {
		if p.OrderDecided {
			o.Lead(o.Paint(display.Yellow, p.ID), ": "+orderDecided(p))
		}
	}
	o.Linef("%s and %s, counted again one by one: they are what the cluster would answer", display.Plural(int64(r.Polls), "poll"), display.Plural(int64(r.Ballots), "ballot"))
}

// orderDecided returns a sentence about which other options the ties of a poll could have
// elected.
func orderDecided(p backup.PollReport) string {
	if len(p.OtherOrdersElect) == 0 {
		return "the order of the options decided a tie, which changed no winner that was looked at"
	}
	return "the order of the options decided a tie; with another order " + strings.Join(p.OtherOrdersElect, " or ") + " could have won"
}
