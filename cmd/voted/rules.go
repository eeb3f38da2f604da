package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"voted/client"
	"voted/internal/tally"
	"voted/internal/usage"
)

// lotRule is the rule that every method has: the order that was drawn.
const lotRule = "lot"

// setting is what a rule is set to, as it was typed: a word, a number, or options by their
// ids. It goes into a definition, or into the count of a file.
type setting struct {
	rule    string
	kind    tally.RuleKind
	word    string
	count   int
	options []string
}

// typedRules splits NAME=VALUE.
func typedRules(typed []string) (values map[string]string, err error) {
	values = map[string]string{}
	for _, rule := range typed {
		name, value, ok := strings.Cut(rule, "=")
		if !ok || name == "" {
			return nil, usage.Errorf("--rule %q is no name and value, such as until=two", rule)
		}
		values[name] = value
	}
	return values, nil
}

// readSetting reads a value by what the method's rule is. A rule that the method does not
// know here stays a word: whoever counts says that it is not known.
func readSetting(name, text string, m tally.Method) (v setting, err error) {
	v = setting{rule: name, word: text}
	if i := slices.IndexFunc(m.Rules, func(r tally.Rule) bool { return r.Name == name }); i >= 0 {
		v.kind = m.Rules[i].Kind
	}
	if name == lotRule {
		v.kind = tally.SomeOptions
	}
	switch v.kind {
	case tally.Count:
		if v.count, err = strconv.Atoi(text); err != nil {
			return v, usage.Errorf("the rule %s is a whole number, and %q is none", name, text)
		}
	case tally.OneOption, tally.SomeOptions:
		for id := range strings.SplitSeq(text, ",") {
			v.options = append(v.options, strings.TrimSpace(id))
		}
	}
	return v, nil
}

// inDefinition is the setting as a definition has it.
func (v setting) inDefinition() any {
	switch v.kind {
	case tally.Count:
		return v.count
	case tally.SomeOptions:
		return v.options
	}
	return v.word
}

// inCount is the setting as the count of a file has it. number finds an option by its id.
func (v setting) inCount(number func(id string) (int, error)) (value tally.Value, err error) {
	value = tally.Value{Word: v.word, Count: v.count}
	for _, id := range v.options {
		n, err := number(id)
		if err != nil {
			return value, usage.Errorf("the rule %s names %w", v.rule, err)
		}
		value.Options = append(value.Options, n)
	}
	return value, nil
}

// setRules sets rules that were typed as NAME=VALUE. What the method does not know is left
// to the cluster, whose build may know more. An empty value is the default.
func setRules(d *client.Definition, typed []string) error {
	values, err := typedRules(typed)
	if err != nil {
		return err
	}
	method := string(d.Method)
	if method == "" {
		method = string(client.Plurality)
	}
	m, _ := tally.ByName(method)
	for name, text := range values {
		if text == "" {
			delete(d.Rules, name)
			continue
		}
		v, err := readSetting(name, text, m)
		if err != nil {
			return err
		}
		if d.Rules == nil {
			d.Rules = map[string]any{}
		}
		d.Rules[name] = v.inDefinition()
	}
	return nil
}

// ruleText returns the value of a rule for people.
func ruleText(value any) string {
	list, ok := value.([]any)
	if !ok {
		return fmt.Sprint(value)
	}
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, " ")
}
