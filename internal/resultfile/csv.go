package resultfile

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"voted/internal/resultjson"
)

// WriteCSV writes the table that a method is read by: its rounds, else its pairs, else
// what each option received.
func WriteCSV(w io.Writer, c *Count) error {
	switch {
	case len(c.Rounds) > 0:
		return WriteRounds(w, c)
	case len(c.Pairwise) > 0:
		return WritePairwise(w, c)
	}
	return WriteOptions(w, c)
}

// WriteOptions writes a row for each option.
func WriteOptions(w io.Writer, c *Count) error {
	rows := csv.NewWriter(w)
	titles, cells := columns(c.Outcome.Options)
	_ = rows.Write(slices.Concat([]string{"id", "title"}, titles, []string{"won"})) // Error returns the error
	names := c.names()
	for i := range c.Outcome.Options {
		o := &c.Outcome.Options[i]
		_ = rows.Write(slices.Concat([]string{o.ID, names[o.ID]}, cells(o), []string{strconv.FormatBool(slices.Contains(c.Winners, o.ID))}))
	}
	rows.Flush()
	return rows.Error()
}

// WriteRounds writes a row for each option, two columns for each round, and below the
// options what left the count and how many votes were needed.
func WriteRounds(w io.Writer, c *Count) error {
	rows := csv.NewWriter(w)
	titles := []string{"id", "title"}
	for i := range c.Rounds {
		titles = append(titles, fmt.Sprintf("round %d", i+1), fmt.Sprintf("round %d state", i+1))
	}
	_ = rows.Write(titles) // Error returns the error
	names := c.names()
	for _, o := range c.Options {
		row := []string{o.ID, names[o.ID]}
		for i := range c.Rounds {
			round := &c.Rounds[i]
			votes, ok := round.Votes.Of(o.ID)
			if !ok {
				votes, _ = round.Scores.Of(o.ID)
			}
			row = append(row, string(votes), c.state(i, o.ID))
		}
		_ = rows.Write(row)
	}
	for _, line := range []struct {
		name string
		of   func(r *resultjson.Round) resultjson.Number
	}{
		{"exhausted", func(r *resultjson.Round) resultjson.Number { return r.Exhausted }},
		{"lost by rounding", func(r *resultjson.Round) resultjson.Number { return r.Loss }},
		{"threshold", func(r *resultjson.Round) resultjson.Number { return r.Threshold }},
		{"quota", func(r *resultjson.Round) resultjson.Number { return r.Quota }},
	} {
		row, any := []string{"", line.name}, false
		for i := range c.Rounds {
			n := line.of(&c.Rounds[i])
			any = any || n != ""
			row = append(row, string(n), "")
		}
		if any {
			_ = rows.Write(row)
		}
	}
	rows.Flush()
	return rows.Error()
}

// WritePairwise writes how many ballots prefer the option of the row to that of the
// column.
func WritePairwise(w io.Writer, c *Count) error {
	rows := csv.NewWriter(w)
	titles := []string{"id", "title"}
	for _, a := range c.Pairwise {
		titles = append(titles, a.ID)
	}
	_ = rows.Write(titles) // Error returns the error
	names := c.names()
	for _, a := range c.Pairwise {
		row := []string{a.ID, names[a.ID]}
		for _, b := range c.Pairwise {
			n, _ := a.Value.Of(b.ID)
			row = append(row, string(n))
		}
		_ = rows.Write(row)
	}
	rows.Flush()
	return rows.Error()
}
