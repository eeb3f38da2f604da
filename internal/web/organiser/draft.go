package organiser

import (
	"cmp"
	"crypto/rand"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// draft is a poll as an organiser has typed it: the fields of the form, as they came.
type draft struct {
	url.Values
	Key string // Idempotency-Key, drawn with the empty form: the form makes one poll, however often it is sent
}

// definition is what the API creates a poll from.
type definition struct {
	terms
	Marking string `json:"ballots,omitempty"`
}

// fault is what is wrong with a field of a form.
type fault struct {
	Field  string // its name
	Key    string // of words; empty: the text is the API's
	Args   []any  // for the words
	Detail string // the API's sentence
}

// Label is the key of the label of a field of the new poll's form, for sentences that do not name it; "" for others.
func (f fault) Label() string {
	if f.Detail == "" {
		return ""
	}
	for _, s := range layout() {
		for _, one := range s.Fields {
			if one.Name == f.Field {
				return one.Key()
			}
		}
	}
	return ""
}

// The least that a poll needs, and what a field may hold. The API has the rest of the limits.
const (
	leastOptions = 2
	maxOptions   = 1024
)

// ownID is a line of the options that begins with an id of its own: "ann | Ann Smith".
var ownID = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._~-]{0,63})\s*\|\s*(.+)$`)

// newDraft is the form as it is shown first.
func newDraft() draft {
	return draft{Key: rand.Text(), Values: url.Values{
		"method": {"plurality"}, "eligibility": {"anyone"}, "secrecy": {"secret"}, "results": {"after_close"}, "revote": {"never"}, "audience": {"roles"},
	}}
}

// keep returns the fields that the form has, and leaves out all others that came.
func keep(form url.Values) draft {
	kept := url.Values{}
	for _, name := range fieldNames() {
		if v := strings.TrimSpace(strings.ReplaceAll(form.Get(name), "\r\n", "\n")); v != "" {
			kept.Set(name, v)
		}
	}
	return draft{kept, cmp.Or(form.Get("key"), rand.Text())}
}

// lines are the lines of a field that are not blank.
func (d draft) lines(name string) (all []string) {
	for line := range strings.Lines(d.Get(name)) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// definition returns what the draft says, and what cannot be read of it.
func (d draft) definition() (definition, []fault) {
	r := reader{draft: d}
	def := definition{terms: terms{
		ID: d.Get("id"), Title: d.Get("title"), Description: d.Get("description"), Contact: d.Get("contact"),
		OptionOrder: d.Get("option_order"), Method: d.Get("method"), Revote: d.Get("revote"), Results: d.Get("results"),
		Audience: d.Get("audience"), Secrecy: d.Get("secrecy"), Eligibility: d.Get("eligibility"), TieBreak: d.Get("tie_break"),
		Disclosure: d.Get("disclosure"), Receipt: d.Get("receipt"),
		MaxSelections: r.number("max_selections"), MaxScore: r.number("max_score"), Seats: r.number("seats"),
		MaxBallots: r.number("max_ballots"), Quorum: r.number("quorum"),
		OpensAt: r.time("opens_at"), ClosesAt: r.time("closes_at"),
	}, Marking: d.Get("ballots")}
	if d.Has("min_selections") {
		def.MinSelections = new(r.number("min_selections"))
	}
	if def.Secrecy == "open" { // they are about secret polls
		def.Disclosure, def.Receipt = "", ""
	}
	def.Options = r.options()
	def.Rules = r.rules()
	if def.Title == "" {
		r.wrong("title", "organiser.fault.title")
	}
	return def, r.faults
}

// reader reads the fields of a draft and notes what is wrong.
type reader struct {
	draft
	faults []fault
}

func (r *reader) wrong(field, key string, args ...any) {
	r.faults = append(r.faults, fault{Field: field, Key: key, Args: args})
}

// number reads a whole number; 0 if the field is empty.
func (r *reader) number(name string) int {
	text := r.Get(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		r.wrong(name, "organiser.fault.number")
	}
	return int(n)
}

// timeLayouts are how browsers write a date and a time; where one has no such field, people type the last one.
var timeLayouts = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"}

// time reads a time in UTC; script turns the times of the browser's zone into it.
func (r *reader) time(name string) time.Time {
	at, ok := readTime(r.Get(name))
	if !ok {
		r.wrong(name, "organiser.fault.time")
	}
	return at
}

// readTime reads a time in UTC; an empty text is the zero time.
func readTime(text string) (at time.Time, ok bool) {
	if text == "" {
		return time.Time{}, true
	}
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// options reads the options, one a line. A line is a title, of which the API makes the id, or has an id of its own in
// front.
func (r *reader) options() []option {
	lines := r.lines("options")
	if len(lines) < leastOptions {
		r.wrong("options", "organiser.fault.options")
	}
	if len(lines) > maxOptions {
		r.wrong("options", "organiser.fault.many", maxOptions, len(lines))
	}
	all := make([]option, len(lines))
	for i, line := range lines {
		all[i] = option{Title: line}
		if own := ownID.FindStringSubmatch(line); own != nil {
			all[i] = option{ID: own[1], Title: own[2]}
		}
	}
	return all
}

// rules reads the rules of the method that was chosen; those of others are not looked at.
func (r *reader) rules() map[string]any {
	m := methodNamed(r.Get("method"))
	if m == nil {
		r.wrong("method", "organiser.fault.method")
		return nil
	}
	rules := map[string]any{}
	for _, one := range m.Rules {
		name := m.field(one)
		if r.Get(name) == "" {
			continue
		}
		switch one.Kind {
		case oneWord:
			if v := r.Get(name); v != one.Words[0] { // the default need not be said
				rules[one.Name] = v
			}
		case oneOption:
			rules[one.Name] = r.Get(name)
		case wholeNumber:
			rules[one.Name] = r.number(name)
		case someOptions:
			rules[one.Name] = r.lines(name)
		}
	}
	if lot := r.lines("rule.lot"); len(lot) > 0 {
		rules["lot"] = lot
	}
	if len(rules) == 0 {
		return nil
	}
	return rules
}

// fieldOf returns the field of the form that a place in the definition stands in, as the API names it, and for options
// the number of the line.
func (d draft) fieldOf(place string) (field string, line int) {
	name, rest, _ := strings.Cut(place, "[")
	if name == "options" {
		number, _, _ := strings.Cut(rest, "]")
		if n, err := strconv.Atoi(number); err == nil {
			line = n + 1
		}
	}
	if rule, is := strings.CutPrefix(name, "rules."); is {
		name = "rule." + d.Get("method") + "." + rule
		if rule == "lot" {
			name = "rule.lot"
		}
	}
	if !slices.Contains(fieldNames(), name) {
		return "", 0
	}
	return name, line
}
