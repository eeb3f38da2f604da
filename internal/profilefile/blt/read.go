package blt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"voted/internal/poll"
	"voted/internal/profile"
	"voted/internal/tally"
	"voted/internal/textfile"
)

// Read reads a whole file. A *textfile.Fault says what is wrong, and where; other errors
// are the source's own.
func Read(source textfile.Source) (*profile.Profile, error) {
	r := &reader{words: words{source: source}, ballots: profile.Collector{Form: tally.Ranking}}
	for _, part := range []func() error{r.heading, r.votes, r.names} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	r.p.Form, r.p.Groups = tally.Ranking, r.ballots.Groups()
	return &r.p, nil
}

type reader struct {
	words
	p       profile.Profile
	options int
	ballots profile.Collector
}

func (r *reader) heading() (err error) {
	if r.options, err = r.number("the number of candidates", poll.MaxOptions); err != nil {
		return err
	}
	r.p.Seats, err = r.number("the number of seats", poll.MaxOptions)
	return err
}

// number reads a whole number from 1 on.
func (r *reader) number(what string, most int) (int, error) {
	if err := r.want(what); err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(r.word))
	if r.quoted || err != nil || n < 1 || n > most {
		return 0, r.fault(fmt.Sprintf("%.32q cannot be %s, which is a whole number from 1 to %d", r.word, what, most))
	}
	return n, nil
}

// votes reads the withdrawn candidates and the ballots, down to the 0 after them.
func (r *reader) votes() error {
	for {
		if err := r.want("the 0 that ends the ballots"); err != nil {
			return err
		}
		switch {
		case r.quoted:
			return r.fault("a name stands among the ballots; they end with a 0 on a line of its own")
		case string(r.word) == "0":
			slices.Sort(r.p.Withdrawn)
			return nil
		case r.word[0] == '-' && r.ballots.Total() == 0:
			if err := r.withdraw(); err != nil {
				return err
			}
		default:
			if err := r.ballot(); err != nil {
				return err
			}
		}
	}
}

func (r *reader) withdraw() error {
	option, err := r.candidate(r.word[1:])
	if err != nil {
		return err
	}
	if slices.Contains(r.p.Withdrawn, option) {
		return r.fault(fmt.Sprintf("candidate %d is withdrawn twice; keep one", option+1))
	}
	r.p.Withdrawn = append(r.p.Withdrawn, option)
	return nil
}

// ballot reads a ballot; its count, or its id in brackets, is the last word.
func (r *reader) ballot() error {
	count := int64(1)
	if r.word[0] != '(' {
		var err error
		if count, err = profile.ParseCount(string(r.word)); err != nil {
			return r.fault("a ballot begins with how often it occurs, or with an id in brackets: " + err.Error())
		}
	}
	line, column := r.source.Number(), textfile.Column(r.line, r.start)
	for first := true; ; first = false {
		if err := r.want("the 0 that ends this ballot"); err != nil {
			return err
		}
		if string(r.word) == "0" && !r.quoted {
			break
		}
		if !first {
			r.ballots.NextRank()
		}
		if err := r.rank(); err != nil {
			return err
		}
	}
	var twice *profile.TwiceError
	err := r.ballots.Add(count)
	if errors.As(err, &twice) {
		err = fmt.Errorf("candidate %d stands twice at one rank of this ballot; keep one", twice.Option+1)
	}
	if err != nil {
		return &textfile.Fault{Line: line, Column: column, Detail: err.Error()}
	}
	return nil
}

// rank reads the candidates of a rank, such as 1 or 1=3; - is a rank that is empty.
func (r *reader) rank() error {
	if string(r.word) == "-" && !r.quoted {
		return nil
	}
	for rest, more := r.word, true; more; {
		var part []byte
		part, rest, more = bytes.Cut(rest, []byte("="))
		option, err := r.candidate(part)
		if err != nil {
			return err
		}
		r.ballots.Mark(option)
	}
	return nil
}

func (r *reader) candidate(text []byte) (int, error) {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' || n > r.options {
			n = 0
			break
		}
		n = 10*n + int(c-'0')
	}
	if r.quoted || n < 1 || n > r.options {
		return 0, r.fault(fmt.Sprintf("%.32q is no candidate; these have the numbers 1 to %d, and a ballot ends with 0", r.word, r.options))
	}
	return n - 1, nil
}

// names reads the names of the candidates and the title, after which there is nothing.
func (r *reader) names() error {
	names := make([]string, r.options)
	for i := range names {
		var err error
		if names[i], err = r.name(fmt.Sprintf("the name of candidate %d", i+1)); err != nil {
			return err
		}
		if first := slices.Index(names[:i], names[i]); first >= 0 {
			return r.fault(fmt.Sprintf("candidates %d and %d are both named %.64q; each needs a name of its own", first+1, i+1, names[i]))
		}
	}
	r.p.Options = profile.Named(names)
	var err error
	if r.p.Title, err = r.name("the title"); err != nil {
		return err
	}
	switch err := r.next(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return r.fault("the file should end with the title, and goes on; is the number of candidates right?")
}

func (r *reader) name(what string) (string, error) {
	if err := r.want(what); err != nil {
		return "", err
	}
	if !r.quoted || len(bytes.TrimSpace(r.word)) == 0 {
		return "", r.fault(fmt.Sprintf("%.64q stands where %s should be, in quotes", r.word, what))
	}
	return string(bytes.TrimSpace(r.word)), nil
}
