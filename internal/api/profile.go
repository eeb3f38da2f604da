package api

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"

	"voted/internal/ballotjson"
	"voted/internal/poll"
)

// A profile says how many ballots hold each choice, in the order of the choices' canonical
// encoding. It is what anybody may count again, and shows no ballot by itself.

// writeProfileNDJSON writes an object a line: the choice, its count, and the weight of all
// these ballots where the poll has a roll.
func (e *exporter) writeProfileNDJSON(ctx context.Context, out io.Writer, c *poll.Capture) error {
	var line []byte
	for _, l := range c.Profile() {
		if err := ctx.Err(); err != nil {
			return err
		}
		selections, err := e.render(l.Selections, e.marksJSON)
		if err != nil {
			return err
		}
		line = append(line[:0], `{"`+ballotjson.FieldOf(e.rules.Form())+`":`...)
		line = append(line, selections...)
		line = strconv.AppendUint(append(line, `,"count":`...), l.Ballots, 10)
		if e.rules.Eligibility == poll.OnRoll {
			line = strconv.AppendUint(append(line, `,"weight":`...), l.Weight, 10)
		}
		if _, err := out.Write(append(line, "}\n"...)); err != nil {
			return err
		}
	}
	return nil
}

// writeProfileCSV writes the same as a table.
func (e *exporter) writeProfileCSV(ctx context.Context, out io.Writer, c *poll.Capture) error {
	rows := csv.NewWriter(out)
	weighted := e.rules.Eligibility == poll.OnRoll
	titles := []string{ballotjson.FieldOf(e.rules.Form()), "count"}
	if weighted {
		titles = append(titles, "weight")
	}
	if err := rows.Write(titles); err != nil {
		return err
	}
	for _, l := range c.Profile() {
		if err := ctx.Err(); err != nil {
			return err
		}
		selections, err := e.render(l.Selections, e.marksText)
		if err != nil {
			return err
		}
		row := []string{selections, strconv.FormatUint(l.Ballots, 10)}
		if weighted {
			row = append(row, strconv.FormatUint(l.Weight, 10))
		}
		if err := rows.Write(row); err != nil {
			return err
		}
	}
	rows.Flush()
	return rows.Error()
}
