package recount

import (
	"fmt"
	"maps"
	"slices"
)

// Own is a voter on a roll as its owner has it, who knows the names.
type Own struct {
	Voter  string
	Weight uint32
}

// CompareRoll compares the roll of an audit file with the one of its owner: how many voters
// there are of each weight, and, where the poll is open, that everybody who voted is on it.
// Voters who were dropped after they had voted stay on the roll of the poll, and must be on the
// owner's as well. It fails with ErrRoll.
func (a *Audit) CompareRoll(roll []Own) error {
	if a.Roll == nil {
		return fmt.Errorf("%w: the poll has none", ErrRoll)
	}
	own, poll := map[uint32]int{}, map[uint32]int{}
	names := make(map[string]uint32, len(roll))
	for _, o := range roll {
		own[o.Weight]++
		names[o.Voter] = o.Weight
	}
	for _, e := range a.Roll {
		poll[e.Weight]++
	}
	for _, voter := range slices.Sorted(maps.Keys(a.Names)) {
		if _, ok := names[voter]; !ok {
			return fmt.Errorf("%w: %q voted, and is not on the roll in the file", ErrRoll, voter)
		}
		if w := a.weights[a.Names[voter]].weight; w != names[voter] {
			return fmt.Errorf("%w: the ballot of %q counts %d, and the weight in the file is %d", ErrWeight, voter, w, names[voter])
		}
	}
	weights := slices.Collect(maps.Keys(own))
	weights = slices.AppendSeq(weights, maps.Keys(poll))
	slices.Sort(weights)
	for _, w := range weights {
		if own[w] != poll[w] {
			return fmt.Errorf("%w: the poll has %d voters with the weight %d, and the file has %d", ErrRoll, poll[w], w, own[w])
		}
	}
	return nil
}
