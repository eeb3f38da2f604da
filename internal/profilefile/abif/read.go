package abif

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"voted/internal/poll"
	"voted/internal/profile"
	"voted/internal/tally"
	"voted/internal/textfile"
)

// Read reads a whole file as ballots of a form. If told is false, the file decides the form:
// by its ballot_type, or else by what its ballots hold. A *textfile.Fault says what is
// wrong, and where; other errors are the source's own.
func Read(source textfile.Source, form tally.Form, told bool) (*profile.Profile, error) {
	r := &reader{source: source, number: map[string]int{}}
	if err := r.lines(); err != nil {
		return nil, err
	}
	if !told {
		form = r.form()
	}
	return r.profile(form)
}

type reader struct {
	source  textfile.Source
	p       profile.Profile
	kind    string // ballot_type
	count   int64  // ballotcount; 0: not said
	options []option
	number  map[string]int // of an option, by its token
	named   int            // options with a line of their own
	ballots []ballot
}

// option is an option with the place where it was first seen.
type option struct {
	token, title string
	named        bool // it has a line of its own
	order        int  // of that line
	line, column int
}

// ballot is a line of ballots that is not read yet: how it is read depends on the form.
type ballot struct {
	text         string
	count        int64
	line, column int // where the text begins
}

func (r *reader) lines() error {
	for {
		line, err := r.source.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text := bytes.TrimSpace(line)
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		column := textfile.Column(line, bytes.IndexByte(line, text[0]))
		var fault *textfile.Fault
		switch {
		case text[0] == '{':
			fault = r.fact(uncommented(text))
		case text[0] == '=':
			fault = r.name(uncommented(text))
		default:
			fault = r.vote(text)
		}
		if fault != nil {
			fault.Line = r.source.Number()
			fault.Column += column - 1
			return fault
		}
	}
}

// uncommented removes a comment after a closing bracket or quote.
func uncommented(text []byte) []byte {
	end := bytes.LastIndexAny(text, `}]"`)
	if i := bytes.IndexByte(text[end+1:], '#'); i >= 0 {
		text = text[:end+1+i]
	}
	return bytes.TrimSpace(text)
}

// methods are the methods that a file may hint at.
var methods = map[string]string{
	"approval": "approval", "borda": "borda", "copeland": "copeland", "fptp": "plurality", "irv": "irv", "minimax": "minimax",
	"pairwise": "copeland", "schulze": "schulze", "score": "score", "star": "star", "stv": "stv",
}

// fact reads a line such as {title: "Lunch"}.
func (r *reader) fact(text []byte) *textfile.Fault {
	inside, closed := bytes.CutSuffix(text[1:], []byte("}"))
	key, value, ok := bytes.Cut(inside, []byte(":"))
	if !closed || !ok {
		return &textfile.Fault{Column: 1, Detail: `this is no fact about the election, such as {title: "Lunch"}`}
	}
	said := bare(value)
	wrong := func(what string) *textfile.Fault {
		return &textfile.Fault{Column: textfile.Column(text, len(key)+2), Detail: fmt.Sprintf("%.64q is no %s", said, what)}
	}
	switch bare(key) {
	case "title":
		r.p.Title = said
	case "tally_method":
		r.p.Method = methods[strings.ToLower(said)]
	case "ballot_type":
		if r.kind = said; !slices.Contains([]string{"choose_one", "choose_many", "ranked", "rated"}, said) {
			return wrong("ballot_type; use choose_one, choose_many, ranked or rated")
		}
	case "max_rating":
		n, err := strconv.Atoi(said)
		if err != nil || n < 1 || n > poll.MaxScore {
			return wrong(fmt.Sprintf("max_rating, which is a whole number from 1 to %d", poll.MaxScore))
		}
		r.p.MaxScore = n
	case "ballotcount":
		n, err := strconv.ParseInt(said, 10, 64)
		if err != nil || n < 0 {
			return wrong("ballotcount, which is a whole number")
		}
		r.count = n
	}
	return nil
}

// bare removes blanks and quotes from around a text.
func bare(text []byte) string { return strings.Trim(strings.TrimSpace(string(text)), `"'`) }

// name reads a line such as =A:[Ann Lee].
func (r *reader) name(text []byte) *textfile.Fault {
	s := scanner{text: string(text), at: 1}
	token, fault := s.token()
	if fault != nil {
		return fault
	}
	title := token
	switch c := s.skip(); {
	case c == ':':
		if rest := strings.TrimSpace(s.text[s.at+1:]); rest != "" {
			title = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]"))
		}
	case c != 0:
		return s.fault("a colon and the name in square brackets should stand here, as in =A:[Ann Lee]")
	}
	n := r.option(token, r.source.Number(), 1)
	o := &r.options[n]
	if o.named {
		return &textfile.Fault{Column: 2, Detail: fmt.Sprintf("the option %.64q is named twice; keep one", token)}
	}
	o.title, o.named, o.order = title, true, r.named
	r.named++
	return nil
}

// option returns the number of an option, in the order in which they are first seen.
func (r *reader) option(token string, line, column int) int {
	n, known := r.number[token]
	if !known {
		n = len(r.options)
		r.number[token] = n
		r.options = append(r.options, option{token: token, title: token, line: line, column: column})
	}
	return n
}

// vote keeps a line such as 12:A>B for later.
func (r *reader) vote(text []byte) *textfile.Fault {
	before, after, ok := bytes.Cut(text, []byte(":"))
	if !ok {
		return &textfile.Fault{Column: 1, Detail: "this is no count and ballot with a colon between, such as 12:A>B"}
	}
	count, err := profile.ParseCount(string(bytes.TrimSpace(before)))
	if err != nil {
		return &textfile.Fault{Column: 1, Detail: err.Error()}
	}
	column := textfile.Column(text, len(before)+1)
	r.ballots = append(r.ballots, ballot{string(after), count, r.source.Number(), column})
	return nil
}

// form is the form that the file has by itself.
func (r *reader) form() tally.Form {
	switch r.kind {
	case "ranked":
		return tally.Ranking
	case "rated":
		return tally.Scores
	case "choose_one", "choose_many":
		return tally.Choice
	}
	form := tally.Choice
	for i := range r.ballots {
		if strings.Contains(r.ballots[i].text, "/") {
			return tally.Scores
		}
		if strings.ContainsAny(r.ballots[i].text, ">=") {
			form = tally.Ranking
		}
	}
	return form
}

// profile reads the ballots as those of a form.
func (r *reader) profile(form tally.Form) (*profile.Profile, error) {
	c := &profile.Collector{Form: form}
	for i := range r.ballots {
		b := &r.ballots[i]
		fault := r.marks(c, b)
		if fault == nil {
			if err := c.Add(b.count); err != nil {
				fault = &textfile.Fault{Column: 1, Detail: r.explain(err)}
			}
		}
		if fault != nil {
			fault.Line = b.line
			fault.Column += b.column - 1
			return nil, fault
		}
	}
	r.ballots = nil
	if r.count > 0 && r.count != c.Total() {
		return nil, &textfile.Fault{Line: r.source.Number(), Detail: fmt.Sprintf("the file says that it has %d ballots, and these are %d; take a whole copy of it", r.count, c.Total())}
	}
	if len(r.options) == 0 {
		return nil, &textfile.Fault{Line: max(r.source.Number(), 1), Detail: "the file has no options"}
	}
	return r.ordered(form, c.Groups())
}

func (r *reader) explain(err error) string {
	var twice *profile.TwiceError
	if errors.As(err, &twice) {
		return fmt.Sprintf("the option %.64q stands there twice; keep one", r.options[twice.Option].token)
	}
	return err.Error()
}

// ordered returns the profile with the options in the order of their lines; if they have
// none, in the order of their tokens, so that the order of the ballots decides nothing.
func (r *reader) ordered(form tally.Form, groups []tally.Group) (*profile.Profile, error) {
	if len(r.options) > poll.MaxOptions {
		return nil, &textfile.Fault{Line: r.source.Number(), Detail: fmt.Sprintf("there are %d options, and at most %d can be counted", len(r.options), poll.MaxOptions)}
	}
	tokens := make([]string, len(r.options))
	for i, o := range r.options {
		if r.named > 0 && !o.named {
			return nil, &textfile.Fault{Line: o.line, Column: o.column, Detail: fmt.Sprintf("the option %.64q has no line of its own, as others have; correct its name, or add the line =%s:[name]", o.token, o.token)}
		}
		tokens[i] = o.token
	}
	r.p.Options, r.p.Form, r.p.Groups = profile.Named(tokens), form, groups
	for i, o := range r.options {
		r.p.Options[i].Title = o.title
	}
	sorted := slices.Clone(r.p.Options)
	place := make(map[string]int, len(sorted))
	for i, o := range r.options {
		place[r.p.Options[i].ID] = o.order
	}
	slices.SortFunc(sorted, func(a, b profile.Option) int {
		if r.named > 0 {
			return place[a.ID] - place[b.ID]
		}
		return strings.Compare(a.ID, b.ID)
	})
	if slices.Equal(sorted, r.p.Options) {
		return &r.p, nil
	}
	return r.p.Under(sorted)
}
