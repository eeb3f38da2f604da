package api

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/tally"
)

// ballotBody is a ballot as clients write it, its shape checked.
type ballotBody struct {
	marks     poll.Marks
	field     string // which of selections, ranking and scores it has
	voter     string // bulk only
	ifVersion uint32 // bulk only
}

// ballotDecoder reads ballots token by token: no reflection, and the position of
// each fault is known. It is used by one goroutine at a time.
type ballotDecoder struct {
	json *jsontext.Decoder
	src  bytes.Reader
}

var ballotDecoders = sync.Pool{New: func() any {
	d := new(ballotDecoder)
	d.json = jsontext.NewDecoder(&d.src)
	return d
}}

func fault(field, detail string) *poll.Error {
	e := malformed("The ballot is not of the form that this route takes.")
	e.Fields = []poll.FieldError{{Field: field, Detail: detail}}
	return e
}

var errBallotJSON = malformed("The ballot is not one valid JSON object in UTF-8 with each name once.")

// decode reads one ballot. Nothing of the result shares data's memory.
func (d *ballotDecoder) decode(data []byte, bulk bool) (b ballotBody, err error) {
	d.src.Reset(data)
	d.json.Reset(&d.src)
	if d.json.PeekKind() != '{' {
		return b, errBallotJSON
	}
	if _, err := d.json.ReadToken(); err != nil {
		return b, errBallotJSON
	}
	for {
		token, err := d.json.ReadToken()
		if err != nil {
			return b, errBallotJSON
		}
		if token.Kind() == '}' {
			break
		}
		if err := d.member(&b, token.String(), bulk); err != nil {
			return b, err
		}
	}
	if _, err := d.json.ReadToken(); !errors.Is(err, io.EOF) {
		return b, errBallotJSON
	}
	return b, b.check(bulk)
}

func (b *ballotBody) check(bulk bool) error {
	if b.field == "" {
		return fault("selections", "Name what the ballot selects: selections, ranking or scores.")
	}
	if bulk && !poll.ValidVoter(b.voter) {
		return fault("voter", "Each line needs a voter: 1 to 256 bytes of UTF-8 without control characters.")
	}
	return nil
}

// member reads the value of one name of the object.
func (d *ballotDecoder) member(b *ballotBody, name string, bulk bool) (err error) {
	switch {
	case name == "selections" || name == "ranking" || name == "scores":
		if b.field != "" {
			return fault(name, "A ballot has one of selections, ranking and scores.")
		}
		b.field = name
		switch name {
		case "selections":
			b.marks.Selections, err = d.list(name)
		case "ranking":
			b.marks.Ranking, err = d.ranking()
		case "scores":
			b.marks.Scores, err = d.scores()
		}
		return err
	case name == "voter" && bulk:
		b.voter, err = d.text(name)
		return err
	case name == "if_version" && bulk:
		b.ifVersion, err = d.version()
		return err
	}
	return fault(printable(name), "This name is not known here; leave it out, or correct its spelling.")
}

// text reads a string.
func (d *ballotDecoder) text(field string) (string, error) {
	token, err := d.json.ReadToken()
	if err != nil {
		return "", errBallotJSON
	}
	if token.Kind() != '"' {
		return "", fault(field, "It must be a string.")
	}
	return token.String(), nil
}

// printable cuts what cannot be an id anyway, so that no answer repeats a body.
func printable(s string) string {
	if len(s) <= poll.MaxIDBytes {
		return s
	}
	return strings.ToValidUTF8(s[:poll.MaxIDBytes], "") + "…"
}

func (d *ballotDecoder) option(field string) (string, error) {
	s, err := d.text(field)
	return printable(s), err
}

// open reads the beginning of an array or object.
func (d *ballotDecoder) open(field string, kind jsontext.Kind, detail string) error {
	token, err := d.json.ReadToken()
	switch {
	case err != nil:
		return errBallotJSON
	case token.Kind() != kind:
		return fault(field, detail)
	}
	return nil
}

// more reports whether the array or object goes on, and reads its end if not.
func (d *ballotDecoder) more() (bool, error) {
	if k := d.json.PeekKind(); k != ']' && k != '}' && k != 0 {
		return true, nil
	}
	if _, err := d.json.ReadToken(); err != nil {
		return false, errBallotJSON
	}
	return false, nil
}

// list reads an array of option ids.
func (d *ballotDecoder) list(field string) ([]string, error) {
	if err := d.open(field, '[', "It must be an array of option ids."); err != nil {
		return nil, err
	}
	ids := make([]string, 0, 1)
	for {
		more, err := d.more()
		if err != nil || !more {
			return ids, err
		}
		id, err := d.option(field)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
}

// ranking reads an array of option ids and arrays of tied ones.
func (d *ballotDecoder) ranking() ([][]string, error) {
	if err := d.open("ranking", '[', "It must be an array of option ids, best first; ties are arrays in it."); err != nil {
		return nil, err
	}
	tiers := make([][]string, 0, 4)
	for {
		more, err := d.more()
		if err != nil || !more {
			return tiers, err
		}
		var tier []string
		if d.json.PeekKind() == '[' {
			tier, err = d.list("ranking")
		} else {
			var id string
			id, err = d.option("ranking")
			tier = []string{id}
		}
		if err != nil {
			return nil, err
		}
		tiers = append(tiers, tier)
	}
}

// scores reads an object of option ids and whole numbers.
func (d *ballotDecoder) scores() ([]poll.Score, error) {
	if err := d.open("scores", '{', "It must be an object of option ids and whole numbers."); err != nil {
		return nil, err
	}
	scores := make([]poll.Score, 0, 4)
	for {
		more, err := d.more()
		if err != nil || !more {
			return scores, err
		}
		id, err := d.option("scores")
		if err != nil {
			return nil, err
		}
		points, err := d.number("scores." + id)
		if err != nil {
			return nil, err
		}
		scores = append(scores, poll.Score{Option: id, Points: int(points)})
	}
}

// number reads a whole number, written as one.
func (d *ballotDecoder) number(field string) (int64, error) {
	token, err := d.json.ReadToken()
	if err != nil {
		return 0, errBallotJSON
	}
	if token.Kind() == '0' {
		if n, err := strconv.ParseInt(token.String(), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, fault(field, "It must be a whole number.")
}

// version reads the version that a bulk ballot replaces.
func (d *ballotDecoder) version() (uint32, error) {
	n, err := d.number("if_version")
	if err == nil && (n < 1 || n > poll.MaxRecords) {
		err = fault("if_version", "It must be the version of the voter's current ballot, from 1.")
	}
	return uint32(n), err
}

// fieldOf is the field of a ballot that a form uses.
func fieldOf(f tally.Form) string {
	return [...]string{tally.Choice: "selections", tally.Ranking: "ranking", tally.Scores: "scores"}[f]
}

// encode checks a ballot against a poll's rules and returns its canonical form.
func (b *ballotBody) encode(rules *poll.Rules) ([]byte, []poll.FieldError) {
	if want := fieldOf(rules.Form()); b.field != want {
		return nil, []poll.FieldError{{Field: b.field, Detail: "A ballot of this poll has " + want + " instead, because its method is " + rules.Method + "."}}
	}
	return rules.Encode(b.marks)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
