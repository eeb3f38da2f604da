package profile

import (
	"cmp"
	"slices"

	"voted/internal/tally"
)

// Sort puts the groups into an order that depends on their content alone: it must not show
// who voted when. The most frequent is first if frequent is set.
func (p *Profile) Sort(frequent bool) {
	slices.SortFunc(p.Groups, func(a, b tally.Group) int {
		if frequent && a.Weight != b.Weight {
			return cmp.Compare(b.Weight, a.Weight)
		}
		return compare(&a.Preference, &b.Preference)
	})
}

func compare(a, b *tally.Preference) int {
	if order := slices.CompareFunc(a.Ranking, b.Ranking, slices.Compare[[]int]); order != 0 {
		return order
	}
	if order := slices.Compare(a.Choice, b.Choice); order != 0 {
		return order
	}
	return slices.CompareFunc(a.Scores, b.Scores, func(x, y tally.OptionScore) int {
		return cmp.Or(cmp.Compare(x.Option, y.Option), cmp.Compare(x.Score, y.Score))
	})
}
