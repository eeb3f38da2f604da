package ballotjson

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/tally"
)

// Ballot is a ballot as clients write it, its shape checked.
type Ballot struct {
	Marks     poll.Marks
	Field     string // which of selections, ranking and scores it has
	Voter     string // in a line only
	IfVersion uint32 // in a line only; 0: the voter's first ballot
	// Further are the names of an export's line that a ballot has no use for; see
	// [Decoder.DecodeLine].
	Further []string
}

// Decoder reads ballots token by token: no reflection, and the position of each fault
// is known. It is used by one goroutine at a time.
type Decoder struct {
	json *jsontext.Decoder
	src  bytes.Reader
	file bool // lines of an export are taken as well
	at   int64
	// first is where the first of an export's further names begins.
	first int64
}

var decoders = sync.Pool{New: func() any {
	d := new(Decoder)
	d.json = jsontext.NewDecoder(&d.src)
	return d
}}

// Get returns a decoder; give it back with [Decoder.Release].
func Get() *Decoder { return decoders.Get().(*Decoder) }

// Release keeps the decoder for the next caller of Get.
func (d *Decoder) Release() { decoders.Put(d) }

func fault(field, detail string) *refusal.Error {
	e := refusal.New(refusal.MalformedRequest, "The ballot is not of the form that this route takes.")
	e.Fields = []refusal.FieldError{{Field: field, Detail: detail}}
	return e
}

// Offset is at which byte, from 0, the member begins (or the comma before it) that Decode
// last refused; 0 where the ballot as a whole is meant.
func (d *Decoder) Offset() int { return int(d.at) }

// Decode reads one ballot: a body of its own, or a line of many (bulk), which names its
// voter as well. Nothing of the result shares data's memory. Errors are *refusal.Error.
func (d *Decoder) Decode(data []byte, bulk bool) (b Ballot, err error) {
	d.src.Reset(data)
	d.json.Reset(&d.src)
	d.at = 0
	if d.json.PeekKind() != '{' {
		return b, noObject(data)
	}
	if _, err := d.json.ReadToken(); err != nil {
		return b, d.syntax(err)
	}
	for {
		d.at = d.json.InputOffset()
		token, err := d.json.ReadToken()
		if err != nil {
			return b, d.syntax(err)
		}
		if token.Kind() == '}' {
			break
		}
		if err := d.member(&b, token.String(), bulk); err != nil {
			return b, err
		}
	}
	d.at = 0 // what is missing has no place
	if d.file {
		if err := d.export(&b); err != nil {
			return b, err
		}
	}
	end := d.json.InputOffset()
	if _, err := d.json.ReadToken(); !errors.Is(err, io.EOF) {
		d.at = end
		return b, wrongJSON("Something follows the object at byte %d; send one object, on one line.", end+1)
	}
	return b, b.check(bulk)
}

func (b *Ballot) check(bulk bool) error {
	if b.Field == "" {
		return fault("selections", "Name what the ballot selects: selections, ranking or scores.")
	}
	if !bulk {
		return nil
	}
	if b.Voter == "" {
		return fault("voter", `Each line names its voter, such as "voter":"v-17".`)
	}
	return nil
}

// member reads the value of one name of the object.
func (d *Decoder) member(b *Ballot, name string, bulk bool) (err error) {
	switch {
	case name == "selections" || name == "ranking" || name == "scores":
		if b.Field != "" {
			return fault(name, "A ballot has one of selections, ranking and scores.")
		}
		b.Field = name
		switch name {
		case "selections":
			b.Marks.Selections, err = d.list(name)
		case "ranking":
			b.Marks.Ranking, err = d.ranking()
		case "scores":
			b.Marks.Scores, err = d.scores()
		}
		return err
	case name == "voter" && bulk:
		if b.Voter, err = d.text(name); err == nil {
			b.Voter, err = Voter(b.Voter)
		}
		return err
	case name == "if_version" && bulk:
		b.IfVersion, err = d.version()
		return err
	}
	if d.file && exported(name) {
		return d.further(b, name)
	}
	return unknown(name)
}

// text reads a string.
func (d *Decoder) text(field string) (string, error) {
	token, err := d.json.ReadToken()
	if err != nil {
		return "", d.syntax(err)
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

// option reads an option id; ok is false where something else stands there.
func (d *Decoder) option() (id string, ok bool, err error) {
	token, err := d.json.ReadToken()
	if err != nil {
		return "", false, d.syntax(err)
	}
	return printable(token.String()), token.Kind() == '"', nil
}

// open reads the beginning of an array or object.
func (d *Decoder) open(field string, kind jsontext.Kind, detail string) error {
	token, err := d.json.ReadToken()
	switch {
	case err != nil:
		return d.syntax(err)
	case token.Kind() != kind:
		return fault(field, detail)
	}
	return nil
}

// more reports whether the array or object goes on, and reads its end if not.
func (d *Decoder) more() (bool, error) {
	if k := d.json.PeekKind(); k != ']' && k != '}' && k != 0 {
		return true, nil
	}
	if _, err := d.json.ReadToken(); err != nil {
		return false, d.syntax(err)
	}
	return false, nil
}

// list reads an array of option ids.
func (d *Decoder) list(field string) ([]string, error) {
	if err := d.open(field, '[', "It must be an array of option ids."); err != nil {
		return nil, err
	}
	ids := make([]string, 0, 1)
	for {
		more, err := d.more()
		if err != nil || !more {
			return ids, err
		}
		id, ok, err := d.option()
		switch {
		case err != nil:
			return nil, err
		case !ok:
			return nil, fault(poll.Item(field, len(ids)), "It must be an option id, as a string.")
		}
		ids = append(ids, id)
	}
}

// ranking reads an array of option ids and arrays of tied ones.
func (d *Decoder) ranking() ([][]string, error) {
	if err := d.open("ranking", '[', "It must be an array of option ids, best first; ties are arrays in it."); err != nil {
		return nil, err
	}
	tiers := make([][]string, 0, 4)
	for {
		more, err := d.more()
		if err != nil || !more {
			return tiers, err
		}
		tier, err := d.tier(len(tiers))
		if err != nil {
			return nil, err
		}
		tiers = append(tiers, tier)
	}
}

// tier reads one rank: an option id, an array of those that are tied, or null for a rank
// that was skipped.
func (d *Decoder) tier(rank int) ([]string, error) {
	switch d.json.PeekKind() {
	case '[':
		return d.list(poll.Item("ranking", rank))
	case 'n':
		if _, err := d.json.ReadToken(); err != nil {
			return nil, d.syntax(err)
		}
		return []string{}, nil // a rank that was skipped
	}
	id, ok, err := d.option()
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, fault(poll.Item("ranking", rank), "It must be an option id, as a string, or an array of tied ones.")
	}
	return []string{id}, nil
}

// scores reads an object of option ids and whole numbers.
func (d *Decoder) scores() ([]poll.Score, error) {
	if err := d.open("scores", '{', "It must be an object of option ids and whole numbers."); err != nil {
		return nil, err
	}
	scores := make([]poll.Score, 0, 4)
	for {
		more, err := d.more()
		if err != nil || !more {
			return scores, err
		}
		id, _, err := d.option() // a name is a string
		if err != nil {
			return nil, err
		}
		points, ok, err := d.number()
		switch {
		case err != nil:
			return nil, err
		case !ok:
			return nil, fault(poll.Key("scores", id), notWhole)
		}
		scores = append(scores, poll.Score{Option: id, Points: int(points)})
	}
}

const notWhole = "It must be a whole number."

// number reads a whole number, written as one; ok is false where something else stands
// there.
func (d *Decoder) number() (n int64, ok bool, err error) {
	token, err := d.json.ReadToken()
	if err != nil {
		return 0, false, d.syntax(err)
	}
	if token.Kind() == '0' {
		n, err = strconv.ParseInt(token.String(), 10, 64)
		return n, err == nil, nil
	}
	return 0, false, nil
}

// version reads the version that a bulk ballot replaces.
func (d *Decoder) version() (uint32, error) {
	n, ok, err := d.number()
	if err == nil && (!ok || n < 1 || n > poll.MaxRecords) {
		err = fault("if_version", "It must be the version of the voter's current ballot, a whole number from 1.")
	}
	return uint32(n), err
}

// FieldOf is the field of a ballot that a form uses.
func FieldOf(f tally.Form) string {
	return [...]string{tally.Choice: "selections", tally.Ranking: "ranking", tally.Scores: "scores"}[f]
}

// Encode checks a ballot against a poll's rules and returns its canonical form.
func (b *Ballot) Encode(rules *poll.Rules) ([]byte, []refusal.FieldError) {
	if want := FieldOf(rules.Form()); b.Field != want {
		return nil, []refusal.FieldError{{Field: b.Field, Detail: "A ballot of this poll has " + want + " instead, because its method is " + rules.Method + "."}}
	}
	return rules.Encode(b.Marks)
}
