package workload

import (
	"encoding/json"
	"fmt"

	"voted/client"
)

// optionIDs are the options of every poll.
var optionIDs = []string{"ann", "bo", "cy", "dee"}

// Poll is a poll of the load test and the few different ballots cast in it, which
// are numbered so that a ledger of millions stays small.
type Poll struct {
	Definition client.Definition
	ballots    []client.Ballot
	numbers    map[string]uint8 // by the ballot's JSON
}

// NewPoll makes the poll of a definition, which must use one of the methods that
// this package casts ballots for.
func NewPoll(d client.Definition) (*Poll, error) {
	p := &Poll{Definition: d, numbers: map[string]uint8{}}
	switch d.Method {
	case client.Plurality, "":
		for _, o := range optionIDs {
			p.ballots = append(p.ballots, client.Choose(o))
		}
	case client.Approval:
		for mask := 1; mask < 1<<len(optionIDs); mask++ {
			var chosen []string
			for i, o := range optionIDs {
				if mask>>i&1 == 1 {
					chosen = append(chosen, o)
				}
			}
			p.ballots = append(p.ballots, client.Choose(chosen...))
		}
	case client.ScoreVoting:
		for i := range 9 {
			points := map[string]int{}
			for j, o := range optionIDs {
				points[o] = 1 + (i*(2*j+1)+j)%9
			}
			p.ballots = append(p.ballots, client.Score(points))
		}
	case client.IRV:
		permute(optionIDs, func(order []string) { p.ballots = append(p.ballots, client.Rank(order...)) })
	default:
		return nil, fmt.Errorf("the load test casts no ballots for the method %q", d.Method)
	}
	for i, b := range p.ballots {
		p.numbers[form(b)] = uint8(i)
	}
	if len(p.numbers) != len(p.ballots) {
		return nil, fmt.Errorf("two ballots of method %q are the same", d.Method)
	}
	return p, nil
}

// permute calls f with every order of all.
func permute(all []string, f func([]string)) {
	order := append([]string(nil), all...)
	var at func(int)
	at = func(k int) {
		if k == len(order) {
			f(append([]string(nil), order...))
			return
		}
		for i := k; i < len(order); i++ {
			order[k], order[i] = order[i], order[k]
			at(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	at(0)
}

// form returns the JSON by which ballots are compared.
func form(b client.Ballot) string {
	text, err := json.Marshal(b)
	if err != nil {
		return ""
	}
	return string(text)
}

// Choices returns how many different ballots there are.
func (p *Poll) Choices() int { return len(p.ballots) }

// Ballot returns a ballot by its number.
func (p *Poll) Ballot(choice uint8) client.Ballot { return p.ballots[choice] }

// ChoiceOf returns the number of a ballot; false: no client of the load test cast it.
func (p *Poll) ChoiceOf(b client.Ballot) (uint8, bool) {
	n, ok := p.numbers[form(b)]
	return n, ok
}

// Revotes reports whether ballots may be replaced.
func (p *Poll) Revotes() bool { return p.Definition.Revote == client.RevoteUntilClose }

// Secret reports whether exports hide who voted.
func (p *Poll) Secret() bool { return p.Definition.Secrecy != client.Open }

// Tally returns what each option must have received, by option id, if weights
// counts the ballots by number: votes, first preferences or points.
func (p *Poll) Tally(weights []uint64) map[string]uint64 {
	t := make(map[string]uint64, len(optionIDs))
	for _, o := range optionIDs {
		t[o] = 0
	}
	for choice, n := range weights {
		b := p.ballots[choice]
		switch {
		case b.Scores != nil:
			for o, points := range b.Scores {
				t[o] += n * uint64(points)
			}
		case b.Ranking != nil:
			t[b.Ranking[0][0]] += n
		default:
			for _, o := range b.Selections {
				t[o] += n
			}
		}
	}
	return t
}
