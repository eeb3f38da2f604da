package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"voted/client"
	"voted/internal/rollfile"
	"voted/internal/textfile"
	"voted/internal/usage"
)

// rollFlags are how to read the file of a roll.
type rollFlags struct {
	readingFlags
	WeightColumn string `help:"Title of the column with the weights, in CSV; weight by itself." placeholder:"TITLE"`
}

// rollInput is the file of a roll that is being read.
type rollInput struct {
	*inputFile
	rollfile.Reader
	table    *rollfile.CSV // nil if the file is NDJSON
	replaced lineCount     // voters with a replacement character
}

// openRoll opens a file and reads what comes before the entries.
func openRoll(name string, flags *rollFlags) (*rollInput, error) {
	in, err := flags.input(name, rollfile.MaxLineBytes)
	if err != nil {
		return nil, err
	}
	r := &rollInput{inputFile: in, Reader: rollfile.NewNDJSON(in.lines)}
	switch {
	case in.csv:
		r.table = rollfile.NewCSV(in.lines, rollfile.Columns{Voter: flags.VoterColumn, Weight: flags.WeightColumn}, in.separator)
		r.Reader = r.table
	case flags.WeightColumn != "":
		_ = in.Close() // nothing was written
		return nil, usage.Errorf("--weight-column is for CSV, and this file is NDJSON; leave it out")
	}
	if err := r.Begin(); err != nil {
		_ = in.Close() // nothing was written
		return nil, beginProblem(name, err)
	}
	return r, nil
}

// entries yields the entries of the file. It calls bad for a line that is not an entry, and
// goes on after it. It sets broken to the error that ends it early.
func (r *rollInput) entries(bad func(*textfile.Fault), broken *error) func(yield func(rollfile.Entry) bool) {
	return func(yield func(rollfile.Entry) bool) {
		for {
			e, err := r.Next()
			var fault *textfile.Fault
			switch {
			case errors.As(err, &fault):
				bad(fault)
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				*broken = err
				return
			default:
				r.replaced.look(e.Voter, e.Line)
				if !yield(e) {
					return
				}
			}
		}
	}
}

// reading describes how the file was read.
func (r *rollInput) reading() reading {
	said := r.inputFile.reading()
	said.Ignored = r.Ignored()
	if r.table != nil {
		said.Separator = textfile.SeparatorName(r.table.Separator())
		said.VoterColumn, said.WeightColumn = r.table.Title(rollfile.VoterColumn), r.table.Title(rollfile.WeightColumn)
	}
	return said
}

func (r *rollInput) warnings() []string { return r.replaced.warnings() }

func entryOf(e rollfile.Entry) client.RollEntry {
	return client.RollEntry{Voter: e.Voter, Weight: e.Weight}
}

// beginProblem explains why a file cannot be read at all, as an error of usage.
func beginProblem(name string, err error) error {
	var fault *textfile.Fault
	if errors.As(err, &fault) {
		return usage.Errorf("%s, %w", name, fault)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// lineCount counts lines with the replacement character, which programs write in place of
// characters that they could not read.
type lineCount struct{ n, first int }

func (c *lineCount) look(voter string, line int) {
	if !strings.ContainsRune(voter, '\uFFFD') {
		return
	}
	if c.n++; c.n == 1 {
		c.first = line
	}
}

// warnings returns a warning if there were such lines.
func (c *lineCount) warnings() []string {
	if c.n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s with the character U+FFFD, first on line %d: a program has lost letters there; look for a better copy of the file", plural(c.n, "voter"), c.first)}
}
