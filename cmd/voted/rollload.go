package main

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/rollfile"
	"voted/internal/textfile"
)

type rollLoad struct {
	connection
	rollFlags
	Poll    string `arg:"" help:"Id of the poll; it was created with --eligibility roll."`
	File    string `arg:"" help:"CSV or NDJSON; - is the standard input."`
	Rejects string `help:"Write every refused line to this file, as NDJSON." placeholder:"FILE"`
}

func (rollLoad) Help() string {
	return `Voters are added, or their weight changes until they have voted; no one is taken off. Refused lines are listed, and
the rest is loaded. When a load breaks off, run it again.

    voted roll load board members.csv --rejects refused.ndjson
    voted roll load board members.csv --voter-column E-Mail --weight-column Shares --encoding windows-1252

CSV has a line of titles, and may have further columns; without weights each voter weighs 1:

    voter,weight               voter
    v-17,3                     v-17

NDJSON has one of these a line:

    {"voter":"v-17","weight":3}`
}

// rollLoaded is the outcome of a load.
type rollLoaded struct {
	Poll     string  `json:"poll"`
	File     string  `json:"file"`
	Complete bool    `json:"complete"`
	Read     reading `json:"read"`
	client.RollSummary
	Refusals  []refusal       `json:"refusals,omitempty"`   // the first ones
	LookAlike []rollfile.Pair `json:"look_alike,omitempty"` // the first ones
	Warnings  []string        `json:"warnings,omitempty"`

	rejects *rejectsFile
}

// refuse records a line that was refused.
func (l *rollLoaded) refuse(r refusal) {
	l.rejects.write(r)
	if len(l.Refusals) < maxListed {
		l.Refusals = append(l.Refusals, r)
	}
}

// Run loads the file. Refused lines make the exit code 1.
func (c *rollLoad) Run(s *session) error {
	input, err := openRoll(c.File, &c.rollFlags)
	if err != nil {
		return err
	}
	defer input.Close()
	rejects, err := createRejects(c.Rejects, input.info)
	if err != nil {
		return err
	}
	defer rejects.close()
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	loaded := &rollLoaded{Poll: c.Poll, File: c.File, rejects: rejects}
	err = c.load(s, cl, input, loaded)
	loaded.Complete = err == nil
	if err != nil && loaded.Lines == 0 {
		return err
	}
	kept := rejects.keep()
	if printed := c.report(s, loaded); printed != nil {
		return printed
	}
	switch {
	case kept != nil:
		return kept
	case err != nil:
		return fmt.Errorf("the load broke off; run it again, no one is added twice: %s", explain(err))
	case loaded.Refused > 0:
		return errSaid
	}
	return nil
}

// load sends the entries and records the answers.
func (c *rollLoad) load(s *session, cl *client.Client, input *rollInput, loaded *rollLoaded) error {
	var lookalikes rollfile.Lookalikes
	var broken error
	var lines []int // of the entries that were sent
	unreadable := uint64(0)
	entries := input.entries(func(f *textfile.Fault) {
		unreadable++
		loaded.refuse(refusalOf(f))
	}, &broken)
	sent := func(yield func(client.RollEntry) bool) {
		entries(func(e rollfile.Entry) bool {
			lookalikes.Add(e.Voter, e.Line)
			lines = append(lines, e.Line)
			return yield(entryOf(e))
		})
	}
	var err error
	loaded.RollSummary, err = cl.LoadRoll(s.ctx, c.Poll, iter.Seq[client.RollEntry](sent), func(r client.RollRefusal) {
		loaded.refuse(refusal{Line: lines[r.Line-1], Voter: r.Voter, Code: r.Code, Detail: r.Detail})
	})
	loaded.Lines += unreadable
	loaded.Refused += unreadable
	slices.SortStableFunc(loaded.Refusals, func(a, b refusal) int { return a.Line - b.Line })
	loaded.Read, loaded.LookAlike = input.reading(), lookalikes.Pairs
	loaded.Warnings = append(input.warnings(), lookAlikeWarnings(&lookalikes)...)
	return errors.Join(err, broken)
}

// lookAlikeWarnings warns of ids that differ only in case or width.
func lookAlikeWarnings(l *rollfile.Lookalikes) (warnings []string) {
	if l.Found > 0 {
		warnings = append(warnings, fmt.Sprintf("%s of ids that differ in case or width alone: they are different voters, each with a vote of their own", plural(l.Found, "pair")))
	}
	if l.Full {
		warnings = append(warnings, "the roll is so large that not all ids were compared with one another")
	}
	return warnings
}

func (c *rollLoad) report(s *session, loaded *rollLoaded) error {
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
	s.stdout.Linef("%s", loaded.Read)
	t.Write(s.stdout)
	if len(loaded.Refusals) > 0 {
		s.stderr.Linef("")
		listRefusals(s.stderr, loaded.Refusals)
	}
	switch more := loaded.Refused - uint64(len(loaded.Refusals)); {
	case c.Rejects != "" && loaded.Refused > 0:
		s.stderr.Linef("all %s are in %s", display.Int(loaded.Refused), c.Rejects)
	case more > 0:
		s.stderr.Linef("and %s more; --rejects FILE writes all of them", display.Int(more))
	}
	warn(s.stderr, loaded.Warnings)
	for _, p := range loaded.LookAlike {
		s.stderr.Linef("  %q (line %s) and %q (line %s)", p.Voter, display.Int(p.Line), p.Other, display.Int(p.After))
	}
	return nil
}

func plural(n int, noun string) string { return display.Plural(int64(n), noun) }
