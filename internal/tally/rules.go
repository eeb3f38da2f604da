package tally

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rule is a choice within a method, declared as data: definitions, documents and the
// command line are made from it.
type Rule struct {
	Name    string
	Kind    RuleKind
	Words   []string // for the kind Word: the values, the default first
	Default string   // for the other kinds: what holds if the rule is not set, in words
	Least   int      // for the kind Count
	Help    string   // one sentence
}

// RuleKind says what a rule is set to.
type RuleKind uint8

// The kinds of rules.
const (
	Word        RuleKind = iota // one of Rule.Words
	Count                       // a whole number
	OneOption                   // an option
	SomeOptions                 // any number of options
)

// Rules are values by the name of the rule.
type Rules map[string]Value

// Value is what a rule is set to. The field of the rule's kind is used.
type Value struct {
	Word    string // for Word
	Count   int    // for Count
	Options []int  // for OneOption and SomeOptions: option numbers
}

// checkRules returns what is wrong with values.
func (m Method) checkRules(rules Rules, options int) (faults []Fault) {
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		i := slices.IndexFunc(m.Rules, func(r Rule) bool { return r.Name == name })
		detail := m.unknownRule(name)
		if i >= 0 {
			detail = m.Rules[i].wrong(rules[name], options)
		}
		if detail != "" {
			faults = append(faults, Fault{"rules." + name, detail})
		}
	}
	return faults
}

func (m Method) unknownRule(name string) string {
	if len(m.Rules) == 0 {
		return fmt.Sprintf("The method %s has no rules to set.", m.Name)
	}
	var known []string
	for _, r := range m.Rules {
		known = append(known, r.Name)
	}
	return fmt.Sprintf("The method %s has no rule %q; it has %s.", m.Name, name, strings.Join(known, ", "))
}

// wrong says in a sentence what is wrong with a value; "" if nothing is.
func (r Rule) wrong(v Value, options int) string {
	known := func(option int) bool { return option >= 0 && option < options }
	switch r.Kind {
	case Word:
		if !slices.Contains(r.Words, v.Word) {
			return fmt.Sprintf("The value %q is not known; choose one of %s.", v.Word, strings.Join(r.Words, ", "))
		}
	case Count:
		if v.Count < r.Least {
			return fmt.Sprintf("It is a whole number, %d or more.", r.Least)
		}
	case OneOption:
		if len(v.Options) != 1 || !known(v.Options[0]) {
			return "It is one option of the poll."
		}
	case SomeOptions:
		sorted := slices.Sorted(slices.Values(v.Options))
		if len(slices.Compact(sorted)) != len(v.Options) || slices.ContainsFunc(v.Options, func(o int) bool { return !known(o) }) {
			return "It is a list of options of the poll, each of them once."
		}
	}
	return ""
}

// word is what a rule of the kind Word is set to: its default if it is not set, or to
// something that the rule does not know.
func (s Settings) word(r Rule) string {
	if v, ok := s.Rules[r.Name]; ok && slices.Contains(r.Words, v.Word) {
		return v.Word
	}
	return r.Words[0]
}

// count is what a rule of the kind Count is set to; set is false if its default holds.
func (s Settings) count(r Rule) (n int, set bool) {
	v, ok := s.Rules[r.Name]
	if !ok || v.Count < r.Least {
		return 0, false
	}
	return v.Count, true
}

// marked are the options that a rule names, as a flag for each option of the poll.
func (s Settings) marked(r Rule, options int) []bool {
	marks := make([]bool, options)
	for _, option := range s.Rules[r.Name].Options {
		if option >= 0 && option < options {
			marks[option] = true
		}
	}
	return marks
}
