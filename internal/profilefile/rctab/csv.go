package rctab

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"voted/internal/ballotjson"
	"voted/internal/poll"
	"voted/internal/profile"
	"voted/internal/tally"
	"voted/internal/textfile"
)

// numberColumn is the title over the numbers of the rows.
const numberColumn = "ballot"

// Read reads a whole table. The separator is found out if it is 0. A *textfile.Fault says
// what is wrong, and where; other errors are the source's own.
func Read(source textfile.Source, separator byte) (*profile.Profile, error) {
	table := textfile.NewTable(source, textfile.Layout{
		Want: "the first line must name the options", Separator: separator, Limit: ballotjson.MaxLineBytes,
	})
	if err := table.Begin(); err != nil {
		return nil, err
	}
	names, first := table.Titles(), 0
	if strings.EqualFold(names[0], numberColumn) {
		first = 1
	}
	names = names[first:]
	wrong := func(detail string) error { return &textfile.Fault{Line: table.Consumed(), Detail: detail} }
	switch {
	case len(names) == 0 || len(names) > poll.MaxOptions:
		return nil, wrong(fmt.Sprintf("the first line names %d options, and can name 1 to %d", len(names), poll.MaxOptions))
	case slices.Contains(names, ""):
		return nil, wrong(fmt.Sprintf("column %d has no title; give it the name of its option", first+slices.Index(names, "")+1))
	}
	c := profile.Collector{Form: tally.Ranking}
	for {
		record, err := table.Next()
		if errors.Is(err, io.EOF) {
			return &profile.Profile{Options: profile.Named(names), Form: tally.Ranking, Groups: c.Groups()}, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range names {
			text, column := record.Cell(first + i)
			if len(text) == 0 {
				continue
			}
			rank, err := strconv.Atoi(string(text))
			if err != nil || rank < 1 || rank > poll.MaxOptions {
				return nil, &textfile.Fault{Line: record.Line, Column: column, Detail: fmt.Sprintf("%.32q is no rank of the option %.64q; a rank is a whole number from 1 on, or the cell is empty", text, names[i])}
			}
			c.MarkAt(rank-1, i)
		}
		if err := c.Add(1); err != nil {
			return nil, &textfile.Fault{Line: record.Line, Detail: err.Error()}
		}
	}
}

// maxRows bounds a file with a row for each ballot.
const maxRows = 100_000_000

// Write writes a row for each ballot, sorted by what is on it. p is sorted.
func Write(w io.Writer, p *profile.Profile) error {
	odd := p.Oddities()
	switch n := p.Ballots(); {
	case p.Form != tally.Ranking:
		return &profile.UnwritableError{Detail: "RCTab counts rankings, and these ballots have none; use another format"}
	case odd.Twice > 0:
		return &profile.UnwritableError{Detail: fmt.Sprintf("RCTab's CSV cannot say that an option has two ranks, as on %d ballots; use the format cvr", odd.Twice)}
	case n > maxRows:
		return &profile.UnwritableError{Detail: fmt.Sprintf("these are %d ballots, and a file with a row for each has at most %d; use a format with counts", n, maxRows)}
	}
	p.Sort(false)
	out := bufio.NewWriter(w)
	rows := csv.NewWriter(out)
	names := p.Names()
	for i, name := range names {
		if strings.EqualFold(name, numberColumn) {
			names[i] += " (" + p.Options[i].ID + ")"
		}
	}
	if err := rows.Write(append([]string{numberColumn}, names...)); err != nil {
		return err
	}
	rows.Flush()
	number := int64(0)
	for i := range p.Groups {
		cells := make([]string, len(p.Options))
		for rank, options := range p.Groups[i].Ranking {
			for _, option := range options {
				cells[option] = strconv.Itoa(rank + 1)
			}
		}
		row := "," + strings.Join(cells, ",") + "\n"
		for range p.Groups[i].Weight {
			number++
			if _, err := out.WriteString(strconv.FormatInt(number, 10) + row); err != nil {
				return err
			}
		}
	}
	return errors.Join(rows.Error(), out.Flush())
}
