package demo

import (
	"math/rand/v2"
	"slices"

	"voted/client"
)

// The election is the special general election for Alaska's seat in the U.S.
// House of Representatives of 16 August 2022, the state's first with ranked
// choices. The ballots by type are table 1 of A. Graham-Squire and D. McCune,
// arXiv:2301.12075.
const (
	pollID    = "alaska-2022"
	pollTitle = "Alaska, special general election for U.S. House, 16 August 2022"
)

const (
	peltola = "peltola"
	palin   = "palin"
	begich  = "begich"
)

// options are the poll's, in the order of the certified first round.
var options = []client.PollOption{
	{ID: peltola, Title: "Mary Peltola"}, {ID: palin, Title: "Sarah Palin"}, {ID: begich, Title: "Nick Begich"},
}

// ballotType is a ranking and how many voters cast it.
type ballotType struct {
	Ranking []string
	Voters  int
}

var alaska = []ballotType{
	{[]string{peltola, begich, palin}, 47407},
	{[]string{peltola}, 23733},
	{[]string{peltola, palin, begich}, 4647},
	{[]string{palin, begich, peltola}, 34078},
	{[]string{palin}, 21237},
	{[]string{palin, peltola, begich}, 3659},
	{[]string{begich, palin, peltola}, 27070},
	{[]string{begich, peltola, palin}, 15478},
	{[]string{begich}, 11262},
}

// AllBallots is how many ballots the election has.
const AllBallots = 188571

// scaled returns n ballots in the proportions of all of them, by largest
// remainders.
func scaled(all []ballotType, n int) []ballotType {
	total := 0
	for _, t := range all {
		total += t.Voters
	}
	out := make([]ballotType, len(all))
	order := make([]int, len(all))
	given := 0
	for i, t := range all {
		out[i] = ballotType{t.Ranking, t.Voters * n / total}
		given += out[i].Voters
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return all[b].Voters*n%total - all[a].Voters*n%total })
	for _, i := range order[:n-given] {
		out[i].Voters++
	}
	return out
}

// electorate says which type of ballot each voter casts.
func electorate(types []ballotType, rng *rand.Rand) []uint8 {
	var votes []uint8
	for i, t := range types {
		votes = append(votes, slices.Repeat([]uint8{uint8(i)}, t.Voters)...)
	}
	rng.Shuffle(len(votes), func(i, j int) { votes[i], votes[j] = votes[j], votes[i] })
	return votes
}

// round is one round of the count.
type round struct {
	Votes      map[string]int `json:"votes"`
	Eliminated []string       `json:"eliminated,omitempty"`
	Exhausted  int            `json:"exhausted"`
}

// count is an instant runoff over whole ballots, written apart from the service's
// on purpose: the two must agree. It returns the winner and the rounds. Ties for
// the last place do not occur in this election; among equals the later option goes.
func count(types []ballotType) (winner string, rounds []round) {
	standing := []string{peltola, palin, begich}
	for {
		r := round{Votes: map[string]int{}}
		for _, id := range standing {
			r.Votes[id] = 0
		}
		for _, t := range types {
			at := slices.IndexFunc(t.Ranking, func(id string) bool { return slices.Contains(standing, id) })
			if at < 0 {
				r.Exhausted += t.Voters
			} else {
				r.Votes[t.Ranking[at]] += t.Voters
			}
		}
		counting, first, last := 0, standing[0], standing[0]
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
