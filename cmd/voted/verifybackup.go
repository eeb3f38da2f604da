package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"voted/cmd/voted/clock"
	"voted/cmd/voted/display"
	"voted/internal/backup"
)

type verifyBackup struct {
	File string `arg:"" help:"Backup to read, or - for the standard input."`
	JSON bool   `help:"Print JSON instead of a table." name:"json"`
	UTC  bool   `help:"Show times in UTC, not in local time." name:"utc"`
}

func (verifyBackup) Help() string {
	return `Needs no cluster. Reads everything, and counts every poll again from its single records. Exit code 1 where
anything is damaged.

    voted verify backup board.backup`
}

// Run counts the backup again.
func (c *verifyBackup) Run(s *session) error {
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fileProblem(c.File, err)
		}
		defer f.Close()
		in = f
	}
	report, err := backup.Verify(in)
	if err != nil {
		return fmt.Errorf("%s cannot be trusted: %w. Do not restore it; take another copy or an older backup", c.File, err)
	}
	if c.JSON {
		return printJSON(s, report)
	}
	showReport(s.stdout, report, clock.Local(c.UTC))
	return nil
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
