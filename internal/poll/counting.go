package poll

import (
	"encoding/binary"
	"maps"
	"slices"

	"voted/internal/tally"
)

// CountingLevel is the format level from which a definition may ask for more than the
// first methods with their defaults, or say what is shown of its ballots, and from which
// a lot can be drawn.
const CountingLevel = 2

// firstMethods are the methods that every build counts.
var firstMethods = []string{"plurality", "approval", "score", "irv"}

// Level is the format level that a cluster must have before it may hold the definition:
// below it, members might judge the definition in different ways.
func (d Definition) Level() uint32 {
	switch {
	case d.presents():
		return PresentationLevel
	case d.asks() || d.shows() || !slices.Contains(firstMethods, d.Method):
		return CountingLevel
	}
	return FirstLevel
}

// asks reports whether the definition says more of the count than its method.
func (d Definition) asks() bool {
	c := d.Counting
	return c.Seats != 0 || c.Ties != tally.TiesDefault || c.Lot != nil || len(c.Rules) > 0 || d.Ballots != Strict
}

// counting is a bit in the number that encodes the eligibility: if it is set, the settings
// of the count follow.
const counting = 1 << 8

// appendCounting appends the settings of a count. Numbers are uvarints. Before the options
// of a rule stands their number. Before the lot stands its length plus one; without a lot
// there is a 0. Rules are in the order of their names.
func (d Definition) appendCounting(b []byte) []byte {
	c := d.Counting
	b = binary.AppendUvarint(b, uint64(d.Ballots))
	b = binary.AppendUvarint(b, uint64(c.Seats))
	b = binary.AppendUvarint(b, uint64(c.Ties))
	if c.Lot == nil {
		b = append(b, 0)
	} else {
		b = appendNumbers(binary.AppendUvarint(b, uint64(len(c.Lot))+1), c.Lot)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Rules)))
	for _, name := range slices.Sorted(maps.Keys(c.Rules)) {
		v := c.Rules[name]
		b = appendString(appendString(b, name), v.Word)
		b = binary.AppendUvarint(b, uint64(v.Count))
		b = appendNumbers(binary.AppendUvarint(b, uint64(len(v.Options))), v.Options)
	}
	return b
}

func appendNumbers(b []byte, numbers []int) []byte {
	for _, n := range numbers {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// counting reads what appendCounting wrote.
func (c *Cursor) counting(d *Definition) {
	d.Ballots = Marking(c.Bounded(255))
	s := tally.Settings{Seats: int(c.Uvarint()), Ties: tally.TieBreak(c.Bounded(255))}
	if n := c.Bounded(uint64(c.Len()) + 1); n > 0 {
		s.Lot = c.numbers(int(n) - 1)
	}
	for range c.Bounded(uint64(c.Len())) {
		name, v := c.String(), tally.Value{Word: c.String(), Count: int(c.Uvarint())}
		if n := c.Bounded(uint64(c.Len())); n > 0 {
			v.Options = c.numbers(int(n))
		}
		if c.err != nil {
			return
		}
		if s.Rules == nil {
			s.Rules = tally.Rules{}
		}
		s.Rules[name] = v
	}
	d.Counting = s
}

// numbers reads n numbers; each takes a byte at least.
func (c *Cursor) numbers(n int) []int {
	all := make([]int, 0, min(n, c.Len()))
	for range n {
		if c.err != nil {
			break
		}
		all = append(all, int(c.Uvarint()))
	}
	return all
}

// plainly returns settings in their canonical form: what equals the method's default is
// left out, so that two ways to write one definition are the same poll.
func plainly(m tally.Method, s tally.Settings) tally.Settings {
	if s.Seats == 1 {
		s.Seats = 0
	}
	if s.Ties == m.DefaultTies {
		s.Ties = tally.TiesDefault
	}
	rules := tally.Rules{}
	for name, v := range s.Rules {
		i := slices.IndexFunc(m.Rules, func(r tally.Rule) bool { return r.Name == name })
		if i < 0 || m.Rules[i].Kind != tally.Word || v.Word != m.Rules[i].Words[0] {
			rules[name] = v
		}
	}
	if s.Rules = nil; len(rules) > 0 {
		s.Rules = rules
	}
	return s
}

// checkCounting checks the settings of the count.
func (d Definition) checkCounting(m tally.Method, wrong func(field, format string, args ...any)) {
	for _, f := range m.Check(d.Counting, len(d.Options)) {
		wrong(f.Field, "%s", f.Detail)
	}
	if d.Counting.Seats > len(d.Options) && len(d.Options) >= 2 {
		wrong("seats", "There are more seats than options: at most %d are possible.", len(d.Options))
	}
	switch lot := d.Counting.Lot != nil; {
	case lot && d.Counting.Ties != tally.TiesLot:
		wrong("rules.lot", "A lot is used with \"tie_break\": \"lot\" only.")
	case d.Ballots > AsMarked:
		wrong("ballots", "Use strict or as_marked.")
	case d.Ballots == AsMarked && m.Form == tally.Scores:
		wrong("ballots", "Ballots with scores are always strict.")
	}
}
