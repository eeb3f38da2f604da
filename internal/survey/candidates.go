package survey

import (
	"cmp"
	"slices"
)

// Candidate is a voting member that could lead in place of one that is lost.
type Candidate struct {
	ID        string
	LastIndex uint64 // of its log
}

// Rank returns how many of the candidates are better placed to lead than self, which is
// one of them: by a longer log, then by id. All members that ask find the same order.
func Rank(field []Candidate, self string) int {
	field = slices.SortedFunc(slices.Values(field), func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.LastIndex, a.LastIndex), cmp.Compare(a.ID, b.ID))
	})
	return slices.IndexFunc(field, func(c Candidate) bool { return c.ID == self })
}
