package ballots

import (
	"bufio"
	"encoding/csv"
	"io"
	"strconv"

	"voted/internal/profile"
	"voted/internal/tally"
)

// names are the fields of the forms.
var names = map[tally.Form]string{tally.Choice: "selections", tally.Ranking: "ranking", tally.Scores: "scores"}

// WriteCSV writes the distinct ballots with their counts, the most frequent first. p is
// sorted.
func WriteCSV(w io.Writer, p *profile.Profile) error {
	p.Sort(true)
	rows := csv.NewWriter(w)
	if err := rows.Write([]string{names[p.Form], countColumn}); err != nil {
		return err
	}
	for i := range p.Groups {
		if err := rows.Write([]string{text(p, &p.Groups[i].Preference), strconv.FormatInt(p.Groups[i].Weight, 10)}); err != nil {
			return err
		}
	}
	rows.Flush()
	return rows.Error()
}

// WriteNDJSON writes the distinct ballots with their counts, the most frequent first. p is
// sorted.
func WriteNDJSON(w io.Writer, p *profile.Profile) error {
	p.Sort(true)
	out := bufio.NewWriter(w)
	var line []byte
	for i := range p.Groups {
		line = append(line[:0], `{"`+names[p.Form]+`":`...)
		line = appendMarks(line, p, &p.Groups[i].Preference)
		line = append(line, `,"count":`...)
		line = strconv.AppendInt(line, p.Groups[i].Weight, 10)
		line = append(line, '}', '\n')
		_, _ = out.Write(line) // Flush returns the error
	}
	return out.Flush()
}

// appendMarks appends a ballot as JSON. The ids of options need no escapes.
func appendMarks(line []byte, p *profile.Profile, b *tally.Preference) []byte {
	switch p.Form {
	case tally.Scores:
		line = append(line, '{')
		for i, s := range b.Scores {
			line = append(comma(line, i), `"`+p.Options[s.Option].ID+`":`...)
			line = strconv.AppendInt(line, int64(s.Score), 10)
		}
		return append(line, '}')
	case tally.Ranking:
		line = append(line, '[')
		for i, rank := range b.Ranking {
			switch line = comma(line, i); len(rank) {
			case 0:
				line = append(line, "null"...)
			case 1:
				line = append(line, `"`+p.Options[rank[0]].ID+`"`...)
			default:
				line = appendIDs(line, p, rank)
			}
		}
		return append(line, ']')
	case tally.Choice:
	}
	return appendIDs(line, p, b.Choice)
}

func appendIDs(line []byte, p *profile.Profile, options []int) []byte {
	line = append(line, '[')
	for i, option := range options {
		line = append(comma(line, i), `"`+p.Options[option].ID+`"`...)
	}
	return append(line, ']')
}

func comma(line []byte, i int) []byte {
	if i > 0 {
		line = append(line, ',')
	}
	return line
}
