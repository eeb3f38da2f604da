package demo

import (
	"slices"

	"voted/client"
)

// round is one round of the count.
type round struct {
	Votes      map[string]client.Votes `json:"votes"`
	Eliminated []string                `json:"eliminated,omitempty"`
	Elected    []string                `json:"elected,omitempty"`
	Exhausted  client.Votes            `json:"exhausted"`
}

// plain reports whether an election is an instant runoff without rules of its own, which
// runoff can count.
func (e *election) plain() bool {
	return e.Definition.Method == client.IRV && len(e.Definition.Rules) == 0
}

// runoff is an instant runoff over whole ballots, written apart from the service's
// on purpose: the two must agree. It returns the winner and the rounds. Ties for
// the last place do not occur in this election; among equals the later option goes.
func (e *election) runoff(types []ballotType) (winner string, rounds []round) {
	var standing []string
	for _, o := range e.Definition.Options {
		standing = append(standing, o.ID)
	}
	for {
		r := round{Votes: map[string]client.Votes{}}
		for _, id := range standing {
			r.Votes[id] = 0
		}
		for _, t := range types {
			at := slices.IndexFunc(t.Ranking, func(tier []string) bool { return slices.Contains(standing, tier[0]) })
			if at < 0 {
				r.Exhausted += client.Votes(t.Voters)
			} else {
				r.Votes[t.Ranking[at][0]] += client.Votes(t.Voters)
			}
		}
		counting, first, last := client.Votes(0), standing[0], standing[0]
		for _, id := range standing {
			counting += r.Votes[id]
			if r.Votes[id] > r.Votes[first] {
				first = id
			}
			if r.Votes[id] <= r.Votes[last] {
				last = id
			}
		}
		if 2*r.Votes[first] > counting || len(standing) == 1 {
			return first, append(rounds, r)
		}
		r.Eliminated = []string{last}
		rounds = append(rounds, r)
		standing = slices.DeleteFunc(slices.Clone(standing), func(id string) bool { return id == last })
	}
}
