package ballots

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"voted/internal/ballotjson"
	"voted/internal/ballottext"
	"voted/internal/profile"
	"voted/internal/tally"
	"voted/internal/textfile"
)

// The columns that are read.
const (
	ballotColumn = "ballot of the form"
	voterColumn  = "voter"
	countColumn  = "count"
	weightColumn = "weight"
)

// skipped stands in CSV for a rank that is empty. No id begins with it.
const skipped = "_"

// ReadCSV reads a whole table, as [ReadNDJSON] reads objects. The separator is found out if
// it is 0. Columns that are not read are listed.
func ReadCSV(source textfile.Source, separator byte, options []profile.Option) (p *profile.Profile, ignored []string, err error) {
	r := &table{gatherer: newGatherer(options), Table: textfile.NewTable(source, textfile.Layout{
		Columns: []textfile.Wanted{
			{Name: ballotColumn, Titles: []string{"ranking", "selections", "scores"}},
			{Name: voterColumn, Titles: []string{"voter", "voter id", ballotjson.KeyName, "email"}},
			{Name: countColumn, Titles: []string{"count"}},
			{Name: weightColumn, Titles: []string{"weight"}},
		},
		Further:   append(slices.Clone(ballotjson.Further), "selections", "scores", "if_version"),
		Want:      "the first line must name the columns: selections, ranking or scores, and perhaps voter and count",
		Separator: separator,
		Limit:     ballotjson.MaxLineBytes,
	})}
	if err := r.begin(); err != nil {
		return nil, nil, err
	}
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			p, err := r.profile(source.Number())
			return p, r.Ignored(), err
		}
		if err != nil {
			return nil, nil, err
		}
		if err := r.record(record); err != nil {
			return nil, nil, err
		}
	}
}

type table struct {
	*gatherer
	*textfile.Table
}

// begin reads the titles.
func (r *table) begin() error {
	if err := r.Begin(); err != nil {
		return err
	}
	wrong := func(detail string) error { return &textfile.Fault{Line: r.Consumed(), Detail: detail} }
	further := []string{}
	for _, title := range append(r.Ignored(), r.Title(voterColumn)) {
		title = strings.ToLower(title)
		if _, ballot := forms[title]; ballot {
			return wrong("the titles name both " + r.Title(ballotColumn) + " and " + title + "; ballots are of one kind")
		}
		if title == "if_version" {
			return wrong("if_version is for ballots that are cast; a file to count has the last ballot of each voter, without it")
		}
		further = append(further, title)
	}
	weighted := r.Title(weightColumn) != ""
	profile := weighted && r.Title(countColumn) != "" && len(r.Ignored()) == 0 && r.Title(voterColumn) == ""
	switch {
	case profile: // of a poll with a roll: its weights count
	case weighted && !ballotjson.IsExport(further):
		return wrong(`the column "weight" is read in exports only; call it "count", or take it out`)
	case weighted && r.Title(countColumn) != "":
		return wrong("the titles name both count and weight; keep one of them")
	}
	return r.is(strings.ToLower(r.Title(ballotColumn)))
}

func (r *table) record(record textfile.Record) error {
	fault := func(column int, err error) error {
		return &textfile.Fault{Line: record.Line, Column: column, Detail: err.Error(), Cause: err}
	}
	if text, column, ok := record.Text(voterColumn); ok && len(text) > 0 {
		if err := r.voter(string(text), record.Line); err != nil {
			return fault(column, err)
		}
	}
	count := int64(1)
	for _, name := range []string{countColumn, weightColumn} {
		if text, column, ok := record.Text(name); ok {
			var err error
			if count, err = profile.ParseCount(string(text)); err != nil {
				return fault(column, err)
			}
		}
	}
	text, column, _ := record.Text(ballotColumn)
	if !r.plain(text) {
		if err := r.marks(string(text)); err != nil {
			var at *ballottext.Error
			if errors.As(err, &at) {
				column += textfile.Column(text, at.Offset) - 1
			}
			return fault(column, err)
		}
	}
	if err := r.add(count); err != nil {
		return fault(column, err)
	}
	return nil
}

// plain describes a ranking of options that are known, without blanks and other signs. It
// reports false, and describes nothing, for any other cell.
func (r *table) plain(text []byte) bool {
	if r.ballots.Form != tally.Ranking || len(text) == 0 {
		return false
	}
	for rest := text; ; {
		end := bytes.IndexAny(rest, ">=")
		id := rest
		if end >= 0 {
			id = rest[:end]
		}
		option, known := r.number[string(id)]
		if !known {
			r.ballots.Discard()
			return false
		}
		r.ballots.Mark(option)
		if end < 0 {
			return true
		}
		if rest[end] == '>' {
			r.ballots.NextRank()
		}
		rest = rest[end+1:]
	}
}

// marks describes the ballot in a cell.
func (r *table) marks(text string) error {
	m, err := ballottext.Read(r.ballots.Form, text)
	if err != nil {
		return err
	}
	for _, id := range m.Selections {
		if err := r.mark(id); err != nil {
			return err
		}
	}
	for _, s := range m.Scores {
		if err := r.score([]byte(s.Option), int64(s.Points)); err != nil {
			return err
		}
	}
	for i, rank := range m.Ranking {
		if i > 0 {
			r.ballots.NextRank()
		}
		if len(rank) == 1 && rank[0] == skipped {
			continue
		}
		for _, id := range rank {
			if err := r.mark(id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *table) mark(id string) error {
	n, err := r.option([]byte(id))
	if err == nil {
		r.ballots.Mark(n)
	}
	return err
}

// text writes a ballot as it stands in a cell.
func text(p *profile.Profile, b *tally.Preference) string {
	var parts []string
	switch p.Form {
	case tally.Choice:
		for _, option := range b.Choice {
			parts = append(parts, p.Options[option].ID)
		}
	case tally.Scores:
		for _, s := range b.Scores {
			parts = append(parts, fmt.Sprintf("%s=%d", p.Options[s.Option].ID, s.Score))
		}
	case tally.Ranking:
		for _, rank := range b.Ranking {
			ids := []string{}
			for _, option := range rank {
				ids = append(ids, p.Options[option].ID)
			}
			if len(ids) == 0 {
				ids = append(ids, skipped)
			}
			parts = append(parts, strings.Join(ids, "="))
		}
		return strings.Join(parts, ">")
	}
	return strings.Join(parts, ";")
}
