package poll

import (
	"encoding/binary"
	"fmt"
	"slices"

	"voted/internal/refusal"
)

// Ballots as marked are taken as voters filled them in: more options than may be chosen,
// several at one rank, ranks that are skipped, an option at two ranks. The rules of the
// method say what of them counts. Their canonical form is that of strict ballots, but
//
//   - a rank that is skipped is a uvarint of 2·(number of options);
//   - an option may occur again, and options may be tied whatever the method;
//   - skipped ranks at the end are left out.

// maxRanks bounds the ranks of a ballot as marked, and the options on it.
const maxRanks = 2 * MaxOptions

// encodeMarkedRanking is encodeRanking for ballots as marked.
func (r *Rules) encodeMarkedRanking(tiers [][]string) ([]byte, []refusal.FieldError) {
	last := len(tiers)
	for last > 0 && len(tiers[last-1]) == 0 {
		last--
	}
	var sel []byte
	n := 0
	for i, tier := range tiers[:last] {
		if n += max(1, len(tier)); n > maxRanks {
			return nil, []refusal.FieldError{{Field: "ranking", Detail: fmt.Sprintf("A ballot has at most %d marks and skipped ranks.", maxRanks)}}
		}
		if len(tier) == 0 {
			sel = binary.AppendUvarint(sel, uint64(2*len(r.Options)))
			continue
		}
		numbers, errs := r.numbersOf("ranking", i, tier)
		if errs != nil {
			return nil, errs
		}
		for j, option := range numbers {
			sel = binary.AppendUvarint(sel, uint64(2*option+min(j, 1)))
		}
	}
	return sel, nil
}

// numbersOf returns the options of a rank, or of a choice if rank is -1, ascending and
// each once.
func (r *Rules) numbersOf(field string, rank int, ids []string) ([]int, []refusal.FieldError) {
	numbers := make([]int, 0, len(ids))
	for j, id := range ids {
		list, at := field, j
		switch {
		case rank >= 0 && len(ids) > 1:
			list = Item(field, rank)
		case rank >= 0:
			at = rank
		}
		n, errs := r.lookUp(list, at, id, nil)
		if errs != nil {
			return nil, errs
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers), nil
}

// encodeMarkedChoice is encodeChoice for ballots as marked.
func (r *Rules) encodeMarkedChoice(ids []string) ([]byte, []refusal.FieldError) {
	if len(ids) > maxRanks {
		return nil, []refusal.FieldError{{Field: "selections", Detail: fmt.Sprintf("A ballot has at most %d marks.", maxRanks)}}
	}
	numbers, errs := r.numbersOf("selections", -1, ids)
	if errs != nil {
		return nil, errs
	}
	return appendNumbers(nil, numbers), nil
}

// decodeMarkedRanking reads what encodeMarkedRanking wrote.
func (r *Rules) decodeMarkedRanking(values []int) (tiers [][]int, ok bool) {
	if len(values) > maxRanks {
		return nil, false
	}
	skipped := 2 * len(r.Options)
	for i, v := range values {
		n, tied := v/2, v%2 == 1
		switch {
		case v == skipped:
			if i == len(values)-1 {
				return nil, false
			}
			tiers = append(tiers, []int{})
		case n >= len(r.Options):
			return nil, false
		case !tied:
			tiers = append(tiers, alone(n))
		case i == 0 || values[i-1] == skipped || n <= values[i-1]/2:
			return nil, false
		default:
			tiers[len(tiers)-1] = append(tiers[len(tiers)-1], n)
		}
	}
	return tiers, true
}
