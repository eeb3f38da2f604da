package cvr

import (
	"fmt"
	"slices"

	"voted/internal/optionid"
	"voted/internal/poll"
	"voted/internal/profile"
	"voted/internal/tally"
)

// optionCode is the kind of code that holds the id of an option.
const optionCode = "option-id"

// contest is a contest of a report.
type contest struct {
	id, name, variation, other string
	seats, most                int // 0: not said
	options                    []selection
}

// selection is something that can be chosen in a contest.
type selection struct{ id, candidate, name, option string }

// candidate is who a selection stands for.
type candidate struct{ name, option string }

func (r *reader) election() error {
	if r.candidates == nil {
		r.candidates = map[string]candidate{}
	}
	return r.object("an election", func(name string) error {
		switch name {
		case "Candidate":
			return r.array("candidates", r.candidate)
		case "Contest":
			return r.array("contests", r.contest)
		}
		return r.json.SkipValue()
	})
}

func (r *reader) candidate() error {
	id, c := "", candidate{}
	err := r.object("a candidate", func(name string) error {
		switch name {
		case "@id":
			return r.text(name, &id)
		case "Name":
			return r.text(name, &c.name)
		case "Code":
			return r.codes(nil, &c.option)
		}
		return r.json.SkipValue()
	})
	if _, twice := r.candidates[id]; err == nil && twice {
		return r.wrong("the candidate %.64q stands there twice; keep one", id)
	}
	r.candidates[id] = c
	return err
}

// codes reads a list of codes, and takes a label and the id of an option from it.
func (r *reader) codes(label, option *string) error {
	return r.array("codes", func() error {
		value, kind := "", ""
		err := r.object("a code", func(name string) error {
			switch name {
			case "Value":
				return r.text(name, &value)
			case "OtherType":
				return r.text(name, &kind)
			}
			return r.json.SkipValue()
		})
		switch {
		case kind == optionCode && option != nil:
			*option = value
		case kind != optionCode && label != nil:
			*label = value
		}
		return err
	})
}

func (r *reader) contest() error {
	c := contest{}
	err := r.object("a contest", func(name string) error {
		switch name {
		case "@id":
			return r.text(name, &c.id)
		case "Name":
			return r.text(name, &c.name)
		case "VoteVariation":
			return r.text(name, &c.variation)
		case "OtherVoteVariation":
			return r.text(name, &c.other)
		case "NumberElected":
			return r.number(name, 1, poll.MaxOptions, &c.seats)
		case "VotesAllowed":
			return r.number(name, 1, poll.MaxScore*poll.MaxOptions, &c.most)
		case "ContestSelection":
			return r.array("selections", func() error { return r.choice(&c) })
		}
		return r.json.SkipValue()
	})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(r.contests, func(other contest) bool { return other.id == c.id }) {
		return r.wrong("the contest %.64q stands there twice; keep one", c.id)
	}
	r.contests = append(r.contests, c)
	return nil
}

func (r *reader) choice(c *contest) error {
	s := selection{}
	err := r.object("a selection", func(name string) error {
		switch name {
		case "@id":
			return r.text(name, &s.id)
		case "Selection":
			return r.text(name, &s.name)
		case "Code":
			return r.codes(&s.name, &s.option)
		case "CandidateIds":
			return r.array("candidates", func() error {
				if s.candidate != "" {
					return r.other("a selection of several candidates cannot be counted")
				}
				return r.text(name, &s.candidate)
			})
		}
		return r.json.SkipValue()
	})
	switch {
	case err != nil:
		return err
	case s.id == "":
		return r.wrong("the selection has no @id")
	case slices.ContainsFunc(c.options, func(other selection) bool { return other.id == s.id }):
		return r.wrong("the selection %.64q stands there twice; keep one", s.id)
	case len(c.options) == poll.MaxOptions:
		return r.wrong("the contest has more than %d selections, which is the most that can be counted", poll.MaxOptions)
	}
	c.options = append(c.options, s)
	return nil
}

// choose returns the contest with an id or a name.
func (r *reader) choose(name string) (*contest, error) {
	var known []string
	for i := range r.contests {
		c := &r.contests[i]
		known = append(known, c.id)
		if name != "" && (c.id == name || c.name == name) || name == "" && len(r.contests) == 1 {
			return c, nil
		}
	}
	if len(known) == 0 {
		return nil, r.wrong("the report describes no contest")
	}
	return nil, &ContestsError{known}
}

// variations are the forms of the ballots of a variation.
var variations = map[string]tally.Form{
	"approval": tally.Choice, "borda": tally.Ranking, "majority": tally.Choice, "n-of-m": tally.Choice, "plurality": tally.Choice,
	"proportional": tally.Choice, "range": tally.Scores, "rcv": tally.Ranking, "super-majority": tally.Choice,
}

// formOf is the form that the contest's ballots have by themselves.
func formOf(c *contest, b *box) tally.Form {
	switch form, known := variations[c.variation]; {
	case known:
		return form
	case b.ranked:
		return tally.Ranking
	case b.scored:
		return tally.Scores
	}
	return tally.Choice
}

// profile makes sense of the records of a contest.
func (r *reader) profile(c *contest, form tally.Form, told bool) (*profile.Profile, error) {
	b := r.boxes[c.id]
	if b == nil {
		return nil, r.wrong("no record has the contest %.64q", c.id)
	}
	if !told {
		form = formOf(c, b)
	}
	p := &profile.Profile{Title: c.name, Form: form, Seats: c.seats, Options: r.options(c)}
	to := make([]int, len(r.selections))
	for i := range to {
		to[i] = -1
	}
	for i, s := range c.options {
		if n, marked := r.selections[s.id]; marked {
			to[n] = i
		}
	}
	if form == tally.Choice {
		p.MaxChoices = c.most
		if c.variation == "approval" || c.variation == "plurality" {
			p.Method = c.variation
		}
	}
	if _, known := tally.ByName(c.other); known {
		p.Method = c.other
	}
	out := profile.Collector{Form: form}
	for _, g := range b.ballots.Groups() {
		for _, s := range g.Scores {
			n, rank := s.Option/ranks, s.Option%ranks
			if to[n] < 0 {
				return nil, r.unknown(n, c)
			}
			switch {
			case form == tally.Ranking && rank == 0:
				return nil, r.at(n, "a mark for it has no rank; count the ballots as choices or scores")
			case form == tally.Ranking:
				out.MarkAt(rank-1, to[n])
			case form == tally.Scores:
				out.Score(to[n], s.Score)
			case s.Score > 1 || rank > 0:
				return nil, r.at(n, "a mark for it has a rank, or more than one vote; count the ballots as rankings or scores")
			case s.Score == 1:
				out.Mark(to[n])
			}
		}
		if err := out.Add(g.Weight); err != nil {
			return nil, r.wrong("a record marks one selection of the contest %.64q twice, at different ranks or with different scores, which only a ranking can have", c.id)
		}
	}
	p.Groups = out.Groups()
	return p, nil
}

// unknown is a fault about a selection that a record has and the contest has not.
func (r *reader) unknown(n int, c *contest) error {
	return r.at(n, fmt.Sprintf("the contest %.64q has no such selection", c.id))
}

// at is a fault about the selection with a number, where it was first marked.
func (r *reader) at(n int, detail string) error {
	f := r.firsts[n]
	for id, number := range r.selections {
		if number == n {
			f.Detail = fmt.Sprintf("%.64q: %s", id, detail)
		}
	}
	return &f
}

// options names the selections of a contest.
func (r *reader) options(c *contest) []profile.Option {
	names := make([]string, len(c.options))
	for i, s := range c.options {
		who := r.candidates[s.candidate]
		for _, name := range []string{who.name, s.name, s.id} {
			if names[i] == "" {
				names[i] = profile.OneLine(name)
			}
		}
	}
	options := profile.Named(names)
	ids := optionid.Set{}
	for i, s := range c.options {
		id := ""
		for _, known := range []string{r.candidates[s.candidate].option, s.option, options[i].ID, s.id} {
			if id == "" && poll.ValidID(known) && !ids[known] {
				id = known
			}
		}
		if id == "" {
			id = ids.Make(names[i], i+1)
		}
		ids[id] = true
		options[i].ID = id
	}
	return options
}
