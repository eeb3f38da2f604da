package public

import (
	"math/big"

	"voted/internal/resultjson"
	"voted/internal/resulttext"
)

// counting is how the result came about, in words.
type counting struct {
	Method  string   // in two sentences
	Rounds  []string // what changed in each round that is shown
	English bool     // whether the sentences below are in another language than the page
	Ties    []string // in English
	Others  string   // who else could have won; in English
	Rule    string   // what happens to ties; in English
}

// counting tells how the poll was counted.
func (s *speaker) counting(p *poll, r *results) counting {
	c := counting{
		English: s.Code != "en", Ties: resulttext.Ties(&r.Outcome, s.english),
		Others: resulttext.OtherOrders(&r.Outcome, r.Certified, s.english), Rule: r.TieBreaking,
	}
	if key := "public.counted." + p.Method; s.Has(key) {
		c.Method = s.Text(key)
	}
	for i := r.shownFrom(); i < len(r.Rounds); i++ {
		if said := s.round(r, i); said != "" {
			c.Rounds = append(c.Rounds, said)
		}
	}
	return c
}

// round says what happened in a round, from 0.
func (s *speaker) round(r *results, i int) string {
	round := &r.Rounds[i]
	said := ""
	add := func(text string) {
		if said != "" {
			said += " "
		}
		said += text
	}
	elected := round.Elected
	if len(elected) == 0 && i == len(r.Rounds)-1 && len(r.Rounds) > 1 && len(r.Winners) == 1 {
		elected = r.Winners
	}
	if len(round.Finalists) == 2 && round.Runoff != nil {
		a, _ := round.Runoff.Votes.Of(round.Finalists[0])
		b, _ := round.Runoff.Votes.Of(round.Finalists[1])
		add(s.Text("public.round.finalists", s.list(round.Finalists, "public.and"), s.number(a), s.number(b)))
	}
	if len(elected) > 0 && r.Certified {
		add(s.TextN("public.round.elected", len(elected), s.list(elected, "public.and")))
	} else if len(elected) > 0 {
		add(s.TextN("public.round.ahead", len(elected), s.list(elected, "public.and")))
	}
	if len(round.Eliminated) > 0 {
		add(s.TextN("public.round.out", len(round.Eliminated), s.list(round.Eliminated, "public.and")))
	}
	for _, from := range r.transfers(i) {
		add(s.transfer(from))
	}
	if said == "" {
		return ""
	}
	return s.Text("public.round", i+1, said)
}

// transfer says where the votes of an option went.
func (s *speaker) transfer(from resultjson.Pair[resultjson.By[resultjson.Number]]) string {
	var parts []string
	for _, to := range from.Value {
		switch {
		case isZero(to.Value):
		case to.ID == resultjson.Exhausted:
			parts = append(parts, s.Text("public.transfer.inactive", s.number(to.Value)))
		default:
			parts = append(parts, s.Text("public.transfer.to", s.number(to.Value), s.name(to.ID)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return s.Text("public.transfer", s.name(from.ID), s.number(total(from.Value)), s.joined(parts, "public.and"))
}

// total is the exact sum of numbers.
func total(by resultjson.By[resultjson.Number]) resultjson.Number {
	sum, decimals := new(big.Rat), 0
	for _, p := range by {
		if n, ok := new(big.Rat).SetString(string(p.Value)); ok {
			sum.Add(sum, n)
			decimals = max(decimals, decimalsOf(p.Value))
		}
	}
	return resultjson.Number(sum.FloatString(decimals))
}
