package profile

import (
	"fmt"
	"slices"

	"voted/internal/optionid"
	"voted/internal/poll"
	"voted/internal/tally"
)

// Named makes options of the names in the heading of a file, which must all be different.
// A name that can be an id is one; the others get ids made of them.
func Named(names []string) []Option {
	ids := optionid.Set{}
	for _, name := range names {
		if poll.ValidID(name) {
			ids[name] = true
		}
	}
	options := make([]Option, len(names))
	for i, name := range names {
		options[i] = Option{ID: name, Title: name}
		if !poll.ValidID(name) {
			options[i].ID = ids.Make(name, i+1)
		}
	}
	return options
}

// Under returns the profile with the options of a definition, in its order. An option is
// found by its id, else by its title. Its error names an option that the definition does
// not have.
func (p *Profile) Under(options []Option) (*Profile, error) {
	to := make([]int, len(p.Options))
	taken := map[int]string{}
	for i, o := range p.Options {
		to[i] = find(options, o)
		if to[i] < 0 {
			return nil, fmt.Errorf("the file has the option %.64q (%.64q), which the definition lacks; correct one of them", o.ID, o.Title)
		}
		if other, twice := taken[to[i]]; twice {
			return nil, fmt.Errorf("the file's options %.64q and %.64q are both %.64q in the definition; correct one of them", other, o.Title, options[to[i]].ID)
		}
		taken[to[i]] = o.Title
	}
	c := Collector{Form: p.Form}
	for i := range p.Groups {
		c.describe(&p.Groups[i].Preference, to)
		if err := c.Add(p.Groups[i].Weight); err != nil {
			return nil, err // unreachable: different options stay different
		}
	}
	q := *p
	q.Options, q.Groups, q.Withdrawn = options, c.groups, nil
	for _, w := range p.Withdrawn {
		q.Withdrawn = append(q.Withdrawn, to[w])
	}
	slices.Sort(q.Withdrawn)
	return &q, nil
}

func find(options []Option, o Option) int {
	if i := slices.IndexFunc(options, func(x Option) bool { return x.ID == o.ID }); i >= 0 {
		return i
	}
	return slices.IndexFunc(options, func(x Option) bool { return x.Title == o.Title })
}

// describe describes a ballot whose options get other numbers.
func (c *Collector) describe(p *tally.Preference, to []int) {
	for _, option := range p.Choice {
		c.Mark(to[option])
	}
	for _, s := range p.Scores {
		c.Score(to[s.Option], s.Score)
	}
	for i, rank := range p.Ranking {
		if i > 0 {
			c.NextRank()
		}
		for _, option := range rank {
			c.Mark(to[option])
		}
	}
}
