package ballots

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"voted/internal/poll"
	"voted/internal/profile"
	"voted/internal/tally"
	"voted/internal/textfile"
	"voted/internal/voterid"
)

// gatherer gathers the ballots of a file.
type gatherer struct {
	ballots profile.Collector
	field   string // of all ballots: selections, ranking or scores; empty before the first
	options []profile.Option
	known   bool // no further options
	number  map[string]int
	voters  map[string]int // the line of each
}

// newGatherer returns a gatherer for ballots with these options; without any, the options
// are those on the ballots.
func newGatherer(options []profile.Option) *gatherer {
	g := &gatherer{options: options, known: options != nil, number: map[string]int{}, voters: map[string]int{}}
	for i, o := range options {
		g.number[o.ID] = i
	}
	return g
}

// is begins a ballot with this field.
func (g *gatherer) is(field string) error {
	if g.field == "" {
		g.field = field
		g.ballots.Form = forms[field]
	}
	if g.field != field {
		return fmt.Errorf("this ballot has %s, and those before it have %s; a file holds ballots of one kind", field, g.field)
	}
	return nil
}

// forms are the fields that hold ballots.
var forms = map[string]tally.Form{"selections": tally.Choice, "ranking": tally.Ranking, "scores": tally.Scores}

// option returns the number of an option.
func (g *gatherer) option(id []byte) (int, error) {
	if n, ok := g.number[string(id)]; ok {
		return n, nil
	}
	switch {
	case g.known:
		return 0, fmt.Errorf("the definition has no option %.64q; correct its id", id)
	case !poll.ValidID(string(id)):
		return 0, fmt.Errorf("%.64q is no id of an option; it has 1 to %d letters, digits, '.', '_', '~' or '-', and begins with a letter or digit", id, poll.MaxIDBytes)
	case len(g.options) == poll.MaxOptions:
		return 0, fmt.Errorf("%.64q would be one option more than the %d that can be counted", id, poll.MaxOptions)
	}
	n := len(g.options)
	g.options = append(g.options, profile.Option{ID: string(id), Title: string(id)})
	g.number[string(id)] = n
	return n, nil
}

func (g *gatherer) score(id []byte, points int64) error {
	n, err := g.option(id)
	if err != nil {
		return err
	}
	if points < 0 || points > poll.MaxScore {
		return fmt.Errorf("a score is a whole number from 0 to %d", poll.MaxScore)
	}
	g.ballots.Score(n, int(points))
	return nil
}

// voter takes a voter's name or key, which must be new.
func (g *gatherer) voter(name string, line int) error {
	id, err := voterid.Canonical(name)
	if err != nil {
		return err
	}
	if first, twice := g.voters[id]; twice {
		return fmt.Errorf("the voter %.64q is on line %d too; keep the ballot that counts", id, first)
	}
	g.voters[id] = line
	return nil
}

// add ends a ballot.
func (g *gatherer) add(count int64) error {
	err := g.ballots.Add(count)
	var twice *profile.TwiceError
	if errors.As(err, &twice) {
		return fmt.Errorf("the option %.64q stands there twice; keep one", g.options[twice.Option].ID)
	}
	return err
}

// profile returns what was gathered. Options that only the ballots name are ordered by
// their ids, so that the order of the ballots decides nothing. last is the number of the
// last line.
func (g *gatherer) profile(last int) (*profile.Profile, error) {
	if len(g.options) == 0 {
		return nil, &textfile.Fault{Line: max(last, 1), Detail: "the file names no option; give the --definition of the poll"}
	}
	p := &profile.Profile{Options: g.options, Form: g.ballots.Form, Groups: g.ballots.Groups(), Voters: len(g.voters)}
	if g.known {
		return p, nil
	}
	sorted := slices.Clone(p.Options)
	slices.SortFunc(sorted, func(a, b profile.Option) int { return strings.Compare(a.ID, b.ID) })
	return p.Under(sorted)
}
