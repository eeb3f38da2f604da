package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"voted/client"
	"voted/internal/optionid"
	"voted/internal/profile"
	"voted/internal/profilefile"
	"voted/internal/tally"
	"voted/internal/usage"
)

// tallyDefinition is the definition that a file is counted by.
type tallyDefinition struct{ definitionFile }

// definition reads the definition; nil if none is given.
func (c *tallyCommand) definition() (*tallyDefinition, error) {
	if c.Definition == "" {
		return nil, nil
	}
	d := &tallyDefinition{}
	if err := decodeDefinition(c.Definition, d); err != nil {
		return nil, err
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	d.nameOptions()
	if len(d.Options) == 0 {
		return nil, usage.Errorf("%s names no options, so ballots cannot be read by it", inputName(c.Definition))
	}
	return d, nil
}

// nameOptions makes ids for options that are plain strings, as the API does.
func (d *tallyDefinition) nameOptions() {
	ids := optionid.Set{}
	for _, o := range d.Definition.Options {
		ids[o.ID] = true
	}
	for i := range d.Definition.Options {
		if o := &d.Definition.Options[i]; o.ID == "" {
			o.ID = ids.Make(o.Title, i+1)
		}
	}
}

// strict refuses ballots that a poll with strict ballots would refuse.
func (d *tallyDefinition) strict(m tally.Method, p *profile.Profile) error {
	if d == nil || d.Definition.Marking != client.Strict {
		return nil
	}
	odd := p.Oddities()
	if odd.Skipped+odd.Twice > 0 {
		return usage.Errorf(`the definition has "ballots": "strict", and %d ballots skip a rank or have an option at two ranks; correct them, or count them "as_marked"`, odd.Skipped+odd.Twice)
	}
	if odd.Shared > 0 && m.Form == tally.Ranking && !m.Ties {
		return usage.Errorf(`the definition has "ballots": "strict", and %d ballots have options that share a rank, which the method %s does not take; correct them, count them "as_marked", or by a method that takes them, such as schulze`, odd.Shared, m.Name)
	}
	return nil
}

// settings puts together what the command line, the definition and the file say, in this
// order.
func (c *tallyCommand) settings(d *tallyDefinition, m tally.Method, p *profile.Profile) (s tally.Settings, err error) {
	values, tieBreak := map[string]string{}, c.TieBreak
	if d != nil {
		if values, err = d.rules(); err != nil {
			return s, err
		}
		if tieBreak == "" {
			tieBreak = d.TieBreak
		}
		s.MaxScore, s.MaxChoices, s.Seats = d.Definition.MaxScore, d.Definition.MaxSelections, d.Definition.Seats
	}
	typed, err := typedRules(c.Rule)
	if err != nil {
		return s, err
	}
	maps.Copy(values, typed)
	if s.Seats == 0 && !m.OneSeat {
		s.Seats = p.Seats
	}
	if err := positive("--seats", c.Seats, &s.Seats); err != nil {
		return s, err
	}
	if err := choose(&s, c.MaxSelections, m, p); err != nil {
		return s, err
	}
	if tieBreak != "" {
		var known bool
		if s.Ties, known = tally.TieBreakNamed(tieBreak); !known {
			return s, usage.Errorf("the tie-break %q is not known; choose one of %s", tieBreak, strings.Join(tally.TieBreakNames(), ", "))
		}
	}
	if err := withdraw(values, m, p); err != nil {
		return s, err
	}
	if err := applyRules(&s, values, m, p); err != nil {
		return s, err
	}
	if s.Ties != tally.TiesLot && s.Lot != nil {
		if typed[lotRule] != "" {
			return s, usage.Errorf("--rule lot=… decides ties with --tie-break lot only; add that, or leave the lot out")
		}
		s.Lot = nil // the definition's, whose tie-break is not asked for
	}
	wrong := m.Check(s, len(p.Options))
	if s.Seats > len(p.Options) {
		wrong = append(wrong, tally.Fault{Field: "seats", Detail: fmt.Sprintf("There are more seats than options: at most %d are possible.", len(p.Options))})
	}
	return s, faults(wrong)
}

// choose sets how much a ballot may say.
func choose(s *tally.Settings, told int, m tally.Method, p *profile.Profile) error {
	switch {
	case told < 0:
		return usage.Errorf("--max-selections must be 1 or more")
	case told > 0 && m.Form != tally.Choice:
		return usage.Errorf("--max-selections is for methods that count choices, and %s does not; leave it out", m.Name)
	case m.Form != tally.Choice:
		s.MaxChoices = 0
	case told > 0:
		s.MaxChoices = told
	case s.MaxChoices == 0 && p.MaxChoices > 0:
		s.MaxChoices = p.MaxChoices
	case s.MaxChoices == 0 && m.Name == "plurality":
		s.MaxChoices = 1
	}
	if m.Form != tally.Scores {
		s.MaxScore = 0
		return nil
	}
	highest, said := p.HighestScore(), max(s.MaxScore, p.MaxScore)
	if s.MaxScore > 0 {
		said = s.MaxScore
	}
	if said > 0 && highest > said {
		return usage.Errorf("a ballot has the score %d, and the highest one is %d; correct the ballot or max_score", highest, said)
	}
	if s.MaxScore = said; said == 0 {
		s.MaxScore = max(m.DefaultMaxScore, highest)
	}
	return nil
}

// withdraw sets the rule for the options that the file calls withdrawn.
func withdraw(values map[string]string, m tally.Method, p *profile.Profile) error {
	const rule = "withdrawn"
	if _, told := values[rule]; told || len(p.Withdrawn) == 0 {
		return nil
	}
	if !slices.ContainsFunc(m.Rules, func(r tally.Rule) bool { return r.Name == rule }) {
		return usage.Errorf("the file has withdrawn options, and the method %s knows none; take them out of the file, or count it by another method", m.Name)
	}
	var ids []string
	for _, option := range p.Withdrawn {
		ids = append(ids, p.Options[option].ID)
	}
	values[rule] = strings.Join(ids, ",")
	return nil
}

// rules are the rules of the definition, and the lot of its poll if it was drawn after the
// close, as they stand on the command line.
func (d *tallyDefinition) rules() (map[string]string, error) {
	values := map[string]string{}
	for name, value := range d.Rules {
		text, ok := ruleAsText(value)
		if !ok {
			return nil, usage.Errorf("the rule %q of the definition is neither a word, a number nor a list of options", name)
		}
		values[name] = text
	}
	var drawn struct {
		Order []string `json:"order"`
	}
	if values[lotRule] == "" && len(d.Lot) > 0 {
		if err := json.Unmarshal(d.Lot, &drawn); err != nil {
			return nil, usage.Errorf("the lot of the definition is no order of options: %w", err)
		}
		values[lotRule] = strings.Join(drawn.Order, ",")
	}
	return values, nil
}

// ruleAsText is a value of a definition as it stands on the command line.
func ruleAsText(value any) (text string, ok bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case []any:
		ids := make([]string, len(v))
		for i := range v {
			if ids[i], ok = v[i].(string); !ok {
				return "", false
			}
		}
		return strings.Join(ids, ","), true
	}
	return "", false
}

// applyRules sets the rules. An empty value is the default.
func applyRules(s *tally.Settings, values map[string]string, m tally.Method, p *profile.Profile) error {
	s.Rules = tally.Rules{}
	number := func(id string) (int, error) {
		i := slices.IndexFunc(p.Options, func(o profile.Option) bool { return o.ID == id })
		if i < 0 {
			return i, fmt.Errorf("%q, which is no option; these are: %s", id, optionIDs(p))
		}
		return i, nil
	}
	for name, text := range values {
		if text == "" {
			continue
		}
		v, err := readSetting(name, text, m)
		if err != nil {
			return err
		}
		value, err := v.inCount(number)
		switch {
		case err != nil:
			return err
		case name == lotRule:
			s.Lot = value.Options
		default:
			s.Rules[name] = value
		}
	}
	return nil
}

func optionIDs(p *profile.Profile) string {
	const most = 30
	var ids []string
	for i, o := range p.Options {
		if i == most {
			ids = append(ids, "…")
			break
		}
		ids = append(ids, o.ID)
	}
	return strings.Join(ids, ", ")
}

// faults makes an error of what a method does not know.
func faults(all []tally.Fault) error {
	if len(all) == 0 {
		return nil
	}
	var said []string
	for _, f := range all {
		said = append(said, f.Field+": "+f.Detail)
	}
	return usage.Errorf("%s", strings.Join(said, " "))
}

func methodNames() string { return strings.Join(tally.Names(), ", ") }

func kindNames() string { return strings.Join(profilefile.Names(), ", ") }

// rulesSaid are the settings as lines of a report, sorted by name.
func rulesSaid(s tally.Settings, m tally.Method, p *profile.Profile) (lines []string) {
	for _, r := range m.Rules {
		v, set := s.Rules[r.Name]
		switch {
		case r.Kind == tally.Word && !set:
			lines = append(lines, r.Name+" "+r.Words[0])
		case r.Kind == tally.Word:
			lines = append(lines, r.Name+" "+v.Word)
		case !set:
			lines = append(lines, r.Name+" "+r.Default)
		case r.Kind == tally.Count:
			lines = append(lines, fmt.Sprintf("%s %d", r.Name, v.Count))
		default:
			lines = append(lines, r.Name+" "+idsOf(p, v.Options))
		}
	}
	ties := s.Ties
	if ties == tally.TiesDefault {
		ties = m.DefaultTies
	}
	lines = append(lines, "tie_break "+ties.String())
	if len(s.Lot) > 0 {
		lines = append(lines, "lot "+idsOf(p, s.Lot))
	}
	if s.MaxChoices > 0 {
		lines = append(lines, fmt.Sprintf("max_selections %d", s.MaxChoices))
	}
	if s.MaxScore > 0 {
		lines = append(lines, fmt.Sprintf("max_score %d", s.MaxScore))
	}
	return lines
}
