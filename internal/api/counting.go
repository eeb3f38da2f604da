package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/tally"
)

// countingBody is what a definition asks of its method, as clients write it.
type countingBody struct {
	Seats    *int                      `json:"seats"`
	Ballots  jsontext.Value            `json:"ballots"`
	TieBreak string                    `json:"tie_break"`
	Rules    map[string]jsontext.Value `json:"rules"`
}

// lotRule is the name of the lot among the rules.
const lotRule = "lot"

// counting sets in d what the body asks of the method. d must have its method and options
// already. It returns what cannot be read; validation finds what the method does not allow.
func (b *countingBody) counting(d *poll.Definition) (errs []refusal.FieldError) {
	wrong := func(field, format string, args ...any) {
		errs = append(errs, refusal.FieldError{Field: field, Detail: fmt.Sprintf(format, args...)})
	}
	d.Counting.Seats = given(b.Seats)
	var marking string
	if len(b.Ballots) > 0 && json.Unmarshal(b.Ballots, &marking) != nil {
		wrong("ballots", "Use strict or as_marked.")
	}
	d.Ballots = poll.Marking(word(markingWords, marking))
	if ties, known := tally.TieBreakNamed(b.TieBreak); known {
		d.Counting.Ties = ties
	} else if b.TieBreak != "" {
		wrong("tie_break", "Use %s.", strings.Join(tally.TieBreakNames(), ", "))
	}
	m, _ := tally.ByName(d.Method)
	for _, name := range slices.Sorted(maps.Keys(b.Rules)) {
		field := poll.Member("rules", name)
		if name == lotRule {
			var detail string
			if d.Counting.Lot, detail = numbersOf(b.Rules[name], d.Options); detail != "" {
				wrong(field, "%s", detail)
			}
			continue
		}
		i := slices.IndexFunc(m.Rules, func(r tally.Rule) bool { return r.Name == name })
		if i < 0 {
			d.Counting.Rules = with(d.Counting.Rules, name, tally.Value{}) // which validation refuses
			continue
		}
		value, detail := ruleValue(m.Rules[i], b.Rules[name], d.Options)
		switch {
		case detail != "":
			wrong(field, "%s", detail)
		case value != nil:
			d.Counting.Rules = with(d.Counting.Rules, name, *value)
		}
	}
	return errs
}

func with(rules tally.Rules, name string, v tally.Value) tally.Rules {
	if rules == nil {
		rules = tally.Rules{}
	}
	rules[name] = v
	return rules
}

// ruleValue reads the value of a rule; nil if it is null, which is the default. detail
// says what is wrong.
func ruleValue(r tally.Rule, text jsontext.Value, options []poll.Option) (v *tally.Value, detail string) {
	if text.Kind() == 'n' {
		return nil, ""
	}
	v = &tally.Value{}
	switch r.Kind {
	case tally.Word:
		if json.Unmarshal(text, &v.Word) != nil {
			return nil, "It must be a string, one of " + strings.Join(r.Words, ", ") + "."
		}
	case tally.Count:
		if json.Unmarshal(text, &v.Count) != nil {
			return nil, "It must be a whole number, or null for the default."
		}
	case tally.OneOption:
		v.Options, detail = numbersOf(jsontext.Value("["+string(text)+"]"), options)
	case tally.SomeOptions:
		v.Options, detail = numbersOf(text, options)
	}
	return v, detail
}

// numbersOf reads a list of option ids as numbers.
func numbersOf(text jsontext.Value, options []poll.Option) (numbers []int, detail string) {
	var ids []string
	if json.Unmarshal(text, &ids) != nil || text.Kind() == 'n' {
		return nil, "It must be made of the ids of options."
	}
	numbers = make([]int, len(ids))
	for i, id := range ids {
		numbers[i] = slices.IndexFunc(options, func(o poll.Option) bool { return o.ID == id })
		if numbers[i] < 0 {
			return nil, fmt.Sprintf("The poll has no option %q.", id)
		}
	}
	return numbers, ""
}

// countingJSON is what a poll asks of its method, as clients see it. What is the default is
// left out.
type countingJSON struct {
	Seats    int            `json:"seats,omitzero"`
	Marking  string         `json:"marking,omitzero"` // "ballots" in a definition; in a poll they are a number
	TieBreak string         `json:"tie_break,omitzero"`
	Rules    map[string]any `json:"rules,omitzero"`
	Lot      *lotJSON       `json:"lot,omitzero"` // drawn after the close
}

type lotJSON struct {
	Order []string `json:"order"`
	Seed  string   `json:"seed,omitzero"`
}

func countingOf(i poll.Info) countingJSON {
	d := &i.Rules.Definition
	c := countingJSON{Seats: d.Counting.Seats, TieBreak: d.Counting.Ties.String()}
	if d.Ballots != poll.Strict {
		c.Marking = markingWords[d.Ballots]
	}
	m, _ := tally.ByName(d.Method)
	for _, r := range m.Rules {
		if v, set := d.Counting.Rules[r.Name]; set {
			c.rule(r.Name, shownRule(r, v, d.Options))
		}
	}
	if d.Counting.Lot != nil {
		c.rule(lotRule, idsOf(d.Counting.Lot, d.Options))
	}
	if i.Lot.Order != nil {
		c.Lot = &lotJSON{Order: idsOf(i.Lot.Order, d.Options), Seed: i.Lot.Seed}
	}
	return c
}

func (c *countingJSON) rule(name string, value any) {
	if c.Rules == nil {
		c.Rules = map[string]any{}
	}
	c.Rules[name] = value
}

func shownRule(r tally.Rule, v tally.Value, options []poll.Option) any {
	switch r.Kind {
	case tally.Count:
		return v.Count
	case tally.OneOption:
		return options[v.Options[0]].ID
	case tally.SomeOptions:
		return idsOf(v.Options, options)
	}
	return v.Word
}

func idsOf(numbers []int, options []poll.Option) []string {
	ids := make([]string, len(numbers))
	for i, n := range numbers {
		ids[i] = options[n].ID
	}
	return ids
}
