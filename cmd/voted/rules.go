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

// setRules sets rules that were typed as NAME=VALUE. What the method does not know is left
// to the cluster, whose build may know more.
func setRules(d *client.Definition, typed []string) error {
	method := string(d.Method)
	if method == "" {
		method = string(client.Plurality)
	}
	m, _ := tally.ByName(method)
	for _, rule := range typed {
		name, text, ok := strings.Cut(rule, "=")
		if !ok || name == "" {
			return usage.Errorf("--rule %q is no name and value, such as until=two", rule)
		}
		var value any = text
		kind := tally.Word
		if i := slices.IndexFunc(m.Rules, func(r tally.Rule) bool { return r.Name == name }); i >= 0 {
			kind = m.Rules[i].Kind
		}
		switch {
		case name == lotRule || kind == tally.SomeOptions:
			value = strings.Split(text, ",")
		case kind == tally.Count:
			n, err := strconv.Atoi(text)
			if err != nil {
				return usage.Errorf("--rule %s is a whole number, and %q is none", name, text)
			}
			value = n
		}
		if d.Rules == nil {
			d.Rules = map[string]any{}
		}
		d.Rules[name] = value
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
