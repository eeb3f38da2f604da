package organiser

import (
	"slices"
	"sync"
)

// section is a part of the form of a new poll.
type section struct {
	Name   string // of its words
	Folds  bool   // it is in a <details>
	Open   bool   // the <details> is open
	Method string // its fields are of this method alone; "" for all
	Fields []field
}

// field is one of a form, as a template shows it. Its words are organiser.field.NAME, those of its hint end with
// .hint, those of a choice with .VALUE.
type field struct {
	Name     string
	Words    string // key of its words, if not organiser.field.NAME
	Kind     string // text, area, lines, number, time, radios, select
	Values   []string
	Default  string // of a select: what is chosen if nothing is
	Required bool
	Hinted   bool // it has a hint

	Value  string  // as it was typed
	Faults []fault // of this field
}

// Key is the key of the field's label.
func (f field) Key() string {
	if f.Words != "" {
		return f.Words
	}
	return "organiser.field." + f.Name
}

// Chosen reports whether a value of a select or of radio buttons is chosen.
func (f field) Chosen(value string) bool {
	return f.Value == value || f.Value == "" && value == f.Default
}

// layout is the form as it is when nothing is typed: the simple case first, all that most people need.
var layout = sync.OnceValue(func() []section {
	all := []section{
		{Name: "what", Fields: []field{
			{Name: "title", Kind: "text", Hinted: true, Required: true},
			{Name: "options", Kind: "lines", Hinted: true, Required: true},
			{Name: "method", Kind: "select", Values: methodNames(), Default: "plurality"},
		}},
		{Name: "when", Fields: []field{
			{Name: "opens_at", Kind: "time", Hinted: true},
			{Name: "closes_at", Kind: "time", Hinted: true},
		}},
		{Name: "rules", Fields: []field{
			{Name: "eligibility", Kind: "radios", Values: []string{"anyone", "roll"}},
			{Name: "secrecy", Kind: "radios", Values: []string{"secret", "open"}},
			{Name: "results", Kind: "radios", Values: []string{"after_close", "live"}},
			{Name: "revote", Kind: "radios", Values: []string{"never", "until_close"}},
			{Name: "audience", Kind: "radios", Values: []string{"roles", "anyone"}},
		}},
		{Name: "about", Folds: true, Fields: []field{
			{Name: "description", Kind: "lines", Hinted: true},
			{Name: "contact", Kind: "text", Hinted: true},
			{Name: "id", Kind: "text", Hinted: true},
		}},
		{Name: "ballot", Folds: true, Fields: []field{
			{Name: "min_selections", Kind: "number", Hinted: true},
			{Name: "max_selections", Kind: "number", Hinted: true},
			{Name: "max_score", Kind: "number", Hinted: true},
			{Name: "option_order", Kind: "select", Values: []string{"listed", "shuffled"}, Default: "listed"},
			{Name: "ballots", Kind: "select", Hinted: true, Values: []string{"strict", "as_marked"}, Default: "strict"},
		}},
		{Name: "count", Folds: true, Fields: []field{
			{Name: "seats", Kind: "number", Hinted: true},
			{Name: "tie_break", Kind: "select", Hinted: true, Values: []string{"", "listed", "lot", "report"}},
			{Name: "rule.lot", Words: "organiser.rule.lot", Kind: "lines", Hinted: true},
			{Name: "quorum", Kind: "number", Hinted: true},
			{Name: "max_ballots", Kind: "number", Hinted: true},
		}},
		{Name: "shown", Folds: true, Fields: []field{
			{Name: "disclosure", Kind: "select", Hinted: true, Values: []string{"profile", "ballots"}, Default: "profile"},
			{Name: "receipt", Kind: "select", Hinted: true, Values: []string{"counted", "opened"}, Default: "counted"},
		}},
	}
	for i := range methods {
		m := &methods[i]
		if len(m.Rules) == 0 {
			continue
		}
		s := section{Name: "method", Folds: true, Method: m.Name}
		for _, r := range m.Rules {
			f := field{Name: m.field(r), Words: ruleWords(m, r), Kind: string(r.Kind), Hinted: r.Kind != oneWord}
			if r.Kind == oneWord {
				f.Values, f.Default = r.Words, r.Words[0]
			}
			s.Fields = append(s.Fields, f)
		}
		all = append(all, s)
	}
	return all
})

// ruleWords is the key of a rule's words. Rules that several methods have alike share theirs.
func ruleWords(m *method, r rule) string {
	if r.Name == unranked.Name && slices.Equal(r.Words, unranked.Words) || r.Name == writeIn.Name || r.Name == withdrawn.Name {
		return "organiser.rule." + r.Name
	}
	return "organiser.rule." + m.Name + "." + r.Name
}

func methodNames() []string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.Name
	}
	return names
}

// fieldNames are the names of all fields of the form.
var fieldNames = sync.OnceValue(func() (names []string) {
	for _, s := range layout() {
		for _, f := range s.Fields {
			names = append(names, f.Name)
		}
	}
	return names
})

// filled returns the form with what was typed into it, and what is wrong with that. A part that is closed opens if
// something was typed into it.
func (d draft) filled(faults []fault) []section {
	all := slices.Clone(layout())
	for i := range all {
		all[i].Fields = slices.Clone(all[i].Fields)
		for j := range all[i].Fields {
			f := &all[i].Fields[j]
			f.Value = d.Get(f.Name)
			for _, wrong := range faults {
				if wrong.Field == f.Name {
					f.Faults = append(f.Faults, wrong)
				}
			}
			if f.Value != "" && f.Value != f.Default || len(f.Faults) > 0 {
				all[i].Open = true
			}
		}
	}
	return all
}
