package ballots

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/ballotjson"
	"voted/internal/profile"
	"voted/internal/textfile"
)

// ReadNDJSON reads a whole file of objects, one a line. The ballots name these options;
// without any, those that they name are the options. A *textfile.Fault says what is wrong,
// and where; other errors are the source's own.
func ReadNDJSON(source textfile.Source, options []profile.Option) (*profile.Profile, error) {
	r := &objects{gatherer: newGatherer(options), source: source}
	r.json = jsontext.NewDecoder(&r.text)
	for {
		line, err := source.Next()
		if errors.Is(err, io.EOF) {
			return r.profile(source.Number())
		}
		if err != nil {
			return nil, err
		}
		if textfile.Blank(line) {
			continue
		}
		if err := r.object(line); err != nil {
			return nil, r.fault(line, err)
		}
	}
}

type objects struct {
	*gatherer
	source textfile.Source
	json   *jsontext.Decoder
	text   bytes.Reader

	count   int64    // of this line; 0: not said
	weight  int64    // of this line; 0: not said
	further []string // the names of an export, of this line
	ballot  bool     // this line has one
}

// object reads a line.
func (r *objects) object(line []byte) error {
	r.text.Reset(line)
	r.json.Reset(&r.text)
	r.count, r.weight, r.further, r.ballot = 0, 0, r.further[:0], false
	if r.json.PeekKind() != '{' {
		if _, err := r.json.ReadValue(); err != nil {
			return err
		}
		return errors.New(`a line is an object, such as {"ranking":["ann","bo"],"count":12}`)
	}
	if _, err := r.json.ReadToken(); err != nil {
		return err
	}
	for r.json.PeekKind() != '}' {
		name, err := r.json.ReadToken()
		if err != nil {
			return err
		}
		if err := r.member(name.String()); err != nil {
			return err
		}
	}
	if _, err := r.json.ReadToken(); err != nil {
		return err
	}
	if _, err := r.json.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the object; write one a line")
	}
	return r.end()
}

// end checks the line as a whole and adds its ballot.
func (r *objects) end() error {
	weighted := slices.Contains(r.further, "weight")
	switch {
	case !r.ballot:
		return errors.New("the line has no ballot: selections, ranking or scores")
	case r.count > 0 && weighted && len(r.further) == 1: // of a poll's profile
		return r.add(r.weight)
	case len(r.further) > 0 && !ballotjson.IsExport(r.further) && !(len(r.further) == 1 && r.further[0] == ballotjson.KeyName):
		return fmt.Errorf("the name %q is not known here; leave it out, or correct its spelling", r.further[0])
	case r.count > 0 && weighted:
		return errors.New("the line has a count and a weight; keep one of them")
	}
	return r.add(max(r.count, r.weight, 1))
}

// member reads the value of a name.
func (r *objects) member(name string) error {
	switch name {
	case "voter", ballotjson.KeyName:
		voter, err := r.string(name)
		if err != nil {
			return err
		}
		if name == ballotjson.KeyName {
			r.further = append(r.further, ballotjson.KeyName)
		}
		return r.voter(voter, r.source.Number())
	case "count", "weight":
		n, err := r.number(name)
		if name == "count" {
			r.count = n
		} else {
			r.weight = n
			r.further = append(r.further, name)
		}
		return err
	case "selections", "ranking", "scores":
		if r.ballot {
			return errors.New("the line has two ballots; keep one")
		}
		r.ballot = true
		if err := r.is(name); err != nil {
			return err
		}
		switch name {
		case "selections":
			return r.list(r.mark)
		case "ranking":
			return r.ranking()
		}
		return r.scores()
	case "if_version":
		return errors.New("if_version is for ballots that are cast; a file to count has the last ballot of each voter, without it")
	}
	if slices.Contains(ballotjson.Further, name) {
		r.further = append(r.further, name)
		return r.json.SkipValue()
	}
	return fmt.Errorf("the name %.64q is not known here; leave it out, or correct its spelling", name)
}

func (r *objects) string(name string) (string, error) {
	token, err := r.json.ReadToken()
	if err == nil && token.Kind() != '"' {
		err = fmt.Errorf("%s is a text in quotes", name)
	}
	if err != nil {
		return "", err
	}
	return token.String(), nil
}

func (r *objects) number(name string) (int64, error) {
	value, err := r.json.ReadValue()
	if err != nil {
		return 0, err
	}
	n, err := profile.ParseCount(string(value))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}

// list reads an array and calls each for its strings.
func (r *objects) list(each func(id []byte) error) error {
	if r.json.PeekKind() != '[' {
		return r.not("a list of options in square brackets should stand here")
	}
	if _, err := r.json.ReadToken(); err != nil {
		return err
	}
	for r.json.PeekKind() != ']' {
		id, err := r.id()
		if err != nil {
			return err
		}
		if err := each(id); err != nil {
			return err
		}
	}
	_, err := r.json.ReadToken()
	return err
}

// id reads the id of an option, which is valid until the next read.
func (r *objects) id() ([]byte, error) {
	if r.json.PeekKind() != '"' {
		return nil, r.not("the id of an option should stand here, in quotes")
	}
	value, err := r.json.ReadValue()
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], nil
	}
	return jsontext.AppendUnquote(nil, value)
}

// not is an error about the next value, or the error of reading it.
func (r *objects) not(detail string) error {
	if err := r.json.SkipValue(); err != nil {
		return err
	}
	return errors.New(detail)
}

func (r *objects) mark(id []byte) error {
	n, err := r.option(id)
	if err == nil {
		r.ballots.Mark(n)
	}
	return err
}

func (r *objects) ranking() error {
	if r.json.PeekKind() != '[' {
		return r.not("a list of options in square brackets should stand here, the best first")
	}
	if _, err := r.json.ReadToken(); err != nil {
		return err
	}
	for first := true; r.json.PeekKind() != ']'; first = false {
		if !first {
			r.ballots.NextRank()
		}
		if err := r.rank(); err != nil {
			return err
		}
	}
	_, err := r.json.ReadToken()
	return err
}

// rank reads an option, several in square brackets, or null for a rank that was skipped.
func (r *objects) rank() error {
	switch r.json.PeekKind() {
	case 'n':
		_, err := r.json.ReadToken()
		return err
	case '[':
		return r.list(r.mark)
	}
	id, err := r.id()
	if err != nil {
		return err
	}
	return r.mark(id)
}

func (r *objects) scores() error {
	if r.json.PeekKind() != '{' {
		return r.not(`scores are an object, such as {"ann":5,"bo":0}`)
	}
	if _, err := r.json.ReadToken(); err != nil {
		return err
	}
	for r.json.PeekKind() != '}' {
		name, err := r.json.ReadToken()
		if err != nil {
			return err
		}
		option := name.String()
		value, err := r.json.ReadValue()
		if err != nil {
			return err
		}
		points, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil {
			points = -1
		}
		if err := r.score([]byte(option), points); err != nil {
			return err
		}
	}
	_, err := r.json.ReadToken()
	return err
}

// fault says what is wrong with a line, and where.
func (r *objects) fault(line []byte, err error) error {
	at, detail := int(r.json.InputOffset()), err.Error()
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at, detail = int(syntax.ByteOffset), "this is no JSON in UTF-8; take a whole copy of the file, or correct it here"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			detail = "a name stands in one object twice; keep one"
		}
	}
	for at < len(line) && strings.IndexByte(" \t,", line[at]) >= 0 {
		at++
	}
	return &textfile.Fault{Line: r.source.Number(), Column: textfile.Column(line, at), Detail: detail, Cause: err}
}
