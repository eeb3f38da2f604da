package preflib

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"voted/internal/profile"
	"voted/internal/tally"
	"voted/internal/textfile"
)

// Read reads a whole file as ballots of a form. Orders can be read as rankings only. Two
// categories are approval and disapproval, so they are read as a choice. More categories
// are read as ranks, or as scores: 0 for the last category, and 1 more for each one before.
// If told is false, the file decides the form. A *textfile.Fault says what is wrong, and
// where; other errors are the source's own.
func Read(source textfile.Source, form tally.Form, told bool) (*profile.Profile, error) {
	r := &reader{source: source, heading: heading{seen: map[string]bool{}}}
	if err := r.lines(form, told); err != nil {
		return nil, err
	}
	return &profile.Profile{
		Title: r.title, Options: profile.Named(r.names), Form: r.ballots.Form, Groups: r.ballots.Groups(),
		MaxScore: r.most,
	}, nil
}

type reader struct {
	heading
	source  textfile.Source
	ballots profile.Collector
	most    int // points of an option, for scores
	begun   bool
	read    int64 // lines with ballots
	seen    []int // by option, the last line that has it
}

func (r *reader) lines(form tally.Form, told bool) error {
	for {
		line, err := r.source.Next()
		if errors.Is(err, io.EOF) {
			return r.end(form, told)
		}
		if err != nil {
			return err
		}
		var fault *textfile.Fault
		switch line = bytes.TrimRight(line, " \t"); {
		case len(line) == 0:
		case line[0] == '#' && r.begun:
			fault = &textfile.Fault{Column: 1, Detail: "a line of the heading stands below the orders; is this two files in one?"}
		case line[0] == '#':
			fault = r.line(line)
		default:
			fault = r.order(line, form, told)
		}
		if fault != nil {
			fault.Line = r.source.Number()
			return fault
		}
	}
}

// begin ends the heading: it must be complete, and fit the form.
func (r *reader) begin(form tally.Form, told bool) *textfile.Fault {
	if r.begun {
		return nil
	}
	r.begun = true
	if missing := r.complete(); missing != "" {
		return &textfile.Fault{Detail: missing}
	}
	natural := tally.Ranking
	if r.kind == "cat" && r.categories == 2 {
		natural = tally.Choice
	}
	if !told {
		form = natural
	}
	if r.kind != "cat" && form != tally.Ranking {
		return &textfile.Fault{Detail: "the file holds orders, which only a method that counts rankings can count"}
	}
	if form == tally.Choice && r.categories != 2 {
		return &textfile.Fault{Detail: fmt.Sprintf("the file has %d categories, and a choice has two; count them as rankings or as scores", r.categories)}
	}
	if r.ballots.Form = form; form == tally.Scores {
		r.most = r.categories - 1
	}
	r.seen = make([]int, len(r.names))
	return nil
}

// end checks that the file is whole.
func (r *reader) end(form tally.Form, told bool) error {
	fault := r.begin(form, told)
	switch n := r.ballots.Total(); {
	case fault != nil:
	case r.voters > 0 && n != r.voters:
		fault = &textfile.Fault{Detail: fmt.Sprintf("the heading says %d voters, and these are %d ballots; take a whole copy of the file", r.voters, n)}
	case r.orders > 0 && r.read != r.orders:
		fault = &textfile.Fault{Detail: fmt.Sprintf("the heading says %d orders, and these are %d; take a whole copy of the file", r.orders, r.read)}
	}
	if fault == nil {
		return nil
	}
	fault.Line = max(r.source.Number(), 1)
	return fault
}

// order reads a line such as 12: 1,{2,3},4.
func (r *reader) order(line []byte, form tally.Form, told bool) *textfile.Fault {
	if fault := r.begin(form, told); fault != nil {
		return fault
	}
	before, _, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return &textfile.Fault{Column: 1, Detail: "this is no count and order with a colon between, such as 12: 1,{2,3},4"}
	}
	count, err := profile.ParseCount(string(bytes.TrimSpace(before)))
	if err != nil {
		return &textfile.Fault{Column: 1, Detail: err.Error()}
	}
	r.read++
	o := &order{line: line, at: len(before) + 1}
	places, named := 0, 0
	for {
		fault := o.place(func(option, column int) *textfile.Fault {
			named++
			return r.mark(option, column, places)
		})
		if fault != nil {
			return fault
		}
		tied := o.tied
		places++
		if fault := r.fits(o, tied, places); fault != nil {
			return fault
		}
		if !o.more {
			break
		}
		if r.ballots.Form == tally.Ranking {
			r.ballots.NextRank()
		}
	}
	if r.kind == "cat" && places != r.categories {
		return &textfile.Fault{Column: textfile.Column(line, len(line)), Detail: fmt.Sprintf("it has %d categories, and the heading %d", places, r.categories)}
	}
	if (r.kind == "soc" || r.kind == "toc") && named < len(r.names) {
		return &textfile.Fault{Column: textfile.Column(line, len(line)), Detail: fmt.Sprintf("it has %d options of %d, and the type %s has all in each order", named, len(r.names), r.kind)}
	}
	if err := r.ballots.Add(count); err != nil {
		return &textfile.Fault{Column: 1, Detail: err.Error()}
	}
	return nil
}

// fits reports what a place has that the type of the file does not allow.
func (r *reader) fits(o *order, tied bool, places int) *textfile.Fault {
	switch {
	case r.kind == "cat" && places > r.categories:
		return &textfile.Fault{Column: textfile.Column(o.line, o.at), Detail: fmt.Sprintf("it has more than the %d categories of the heading", r.categories)}
	case r.kind[0] == 's' && tied:
		return &textfile.Fault{Column: textfile.Column(o.line, o.at), Detail: fmt.Sprintf("it has a tie, and the type %s has none", r.kind)}
	case r.kind != "cat" && o.empty:
		return &textfile.Fault{Column: textfile.Column(o.line, o.at), Detail: "it has a place without an option"}
	}
	return nil
}

// mark takes an option at a place, from 0.
func (r *reader) mark(option, column, place int) *textfile.Fault {
	if option < 1 || option > len(r.names) {
		return &textfile.Fault{Column: column, Detail: fmt.Sprintf("there is no such option; these have the numbers 1 to %d", len(r.names))}
	}
	option--
	if r.seen[option] == r.source.Number() {
		return &textfile.Fault{Column: column, Detail: fmt.Sprintf("option %d stands twice in this order; keep one", option+1)}
	}
	r.seen[option] = r.source.Number()
	switch r.ballots.Form {
	case tally.Ranking:
		r.ballots.Mark(option)
	case tally.Scores:
		r.ballots.Score(option, r.categories-1-place)
	case tally.Choice:
		if place == 0 {
			r.ballots.Mark(option)
		}
	}
	return nil
}
