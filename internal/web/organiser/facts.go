package organiser

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// fact is one line of what a poll is: a label, and words with a number or a text of the organiser's own.
type fact struct {
	Label string // key
	Key   string // of the words; empty: Text or Time is shown
	Hint  string // key of what follows from it; may be empty
	Text  string
	Time  time.Time
	Args  []any // for the words
}

// facts are what a poll is, in the order of the form. marking is how ballots are marked.
func facts(t *terms, marking string) []fact {
	or := func(value, otherwise string) string {
		if value == "" {
			return otherwise
		}
		return value
	}
	word := func(name, value string) fact {
		return fact{Label: "organiser.field." + name, Key: "organiser.field." + name + "." + value}
	}
	meant := func(name, value string) fact {
		f := word(name, value)
		f.Hint = f.Key + ".hint"
		return f
	}
	all := []fact{
		timed("opens_at", t.OpensAt, "organiser.now"),
		timed("closes_at", t.ClosesAt, "organiser.whentold"),
		meant("method", or(t.Method, "plurality")),
		meant("eligibility", or(t.Eligibility, "anyone")),
		meant("secrecy", or(t.Secrecy, "secret")),
		meant("results", or(t.Results, "live")),
		meant("revote", or(t.Revote, "never")),
		meant("audience", or(t.Audience, "roles")),
		meant("option_order", or(t.OptionOrder, "listed")),
	}
	if t.MinSelections != nil && *t.MinSelections == 0 {
		all = append(all, fact{Label: "organiser.field.min_selections", Key: "organiser.blank"})
	} else if t.MinSelections != nil && *t.MinSelections > 1 {
		all = append(all, number("min_selections", *t.MinSelections))
	}
	for _, n := range []struct {
		name string
		n    int
	}{{"max_selections", t.MaxSelections}, {"max_score", t.MaxScore}, {"seats", t.Seats}, {"quorum", int(t.Quorum)}, {"max_ballots", int(t.MaxBallots)}} {
		if n.n > 0 {
			all = append(all, number(n.name, n.n))
		}
	}
	for _, w := range []struct{ name, value string }{
		{"ballots", marking}, {"tie_break", t.TieBreak}, {"disclosure", t.Disclosure}, {"receipt", t.Receipt},
	} {
		if w.value != "" {
			all = append(all, word(w.name, w.value))
		}
	}
	return append(all, ruleFacts(t)...)
}

func timed(name string, at time.Time, otherwise string) fact {
	f := fact{Label: "organiser.field." + name, Time: at}
	if at.IsZero() {
		f.Key = otherwise
	}
	return f
}

func number(name string, n int) fact {
	return fact{Label: "organiser.field." + name, Key: "organiser.number", Args: []any{n}}
}

// ruleFacts are the rules that differ from the method's own.
func ruleFacts(t *terms) (all []fact) {
	m := methodNamed(t.Method)
	for _, name := range slices.Sorted(maps.Keys(t.Rules)) {
		f := fact{Label: "organiser.rule.lot", Text: told(t.Rules[name])}
		if m != nil && name != "lot" {
			i := slices.IndexFunc(m.Rules, func(r rule) bool { return r.Name == name })
			if i < 0 {
				continue // a rule of a newer member
			}
			f.Label = ruleWords(m, m.Rules[i])
			if word, is := t.Rules[name].(string); is && slices.Contains(m.Rules[i].Words, word) {
				f.Key, f.Text = f.Label+"."+word, ""
			}
		}
		all = append(all, f)
	}
	return all
}

// told writes the value of a rule.
func told(value any) string {
	switch v := value.(type) {
	case []string:
		return strings.Join(v, ", ")
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, fmt.Sprint(one))
		}
		return strings.Join(all, ", ")
	}
	return fmt.Sprint(value)
}

// warnings are the keys of what an organiser should know of how choices work together.
func warnings(t *terms) (keys []string) {
	if t.Secrecy != "open" && t.Results == "live" {
		keys = append(keys, "organiser.warn.secret_live")
	}
	if t.Results == "live" && t.Revote == "until_close" {
		keys = append(keys, "organiser.warn.switch")
	}
	if t.Eligibility != "roll" {
		keys = append(keys, "organiser.warn.anyone")
	}
	if t.Secrecy != "open" && t.Disclosure == "ballots" {
		keys = append(keys, "organiser.warn.disclosed")
	}
	if t.Secrecy != "open" && t.Receipt == "opened" {
		keys = append(keys, "organiser.warn.opened")
	}
	return keys
}
