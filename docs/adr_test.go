package docs

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// record is the one form of a decision's head. A small correction, or another record, may amend it.
var record = regexp.MustCompile(`(?s)^# (\d+)\. ([^\n]+)\n\n- Status: (proposed|accepted|replaced by \[\d{4}\]\([^)]+\))\n` +
	`- Date: \d{4}-\d\d-\d\d[^\n]*\n((?:- Amended: \d{4}-\d\d-\d\d[^\n]*\n(?:  [^\n]+\n)*)*)(?:- Replaces: [^\n]+\n)?\n## Context\n`)

// decisions returns the records by their names, without their index.
func decisions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, text := range documents(t) {
		if path.Dir(name) == "docs/adr" && path.Base(name) != "README.md" {
			all[path.Base(name)] = text
		}
	}
	if len(all) < 30 {
		t.Fatalf("only %d decisions were found", len(all))
	}
	return all
}

func TestEveryDecisionHasTheOneForm(t *testing.T) {
	t.Parallel()
	for name, text := range decisions(t) {
		head := record.FindStringSubmatch(text)
		if head == nil {
			t.Errorf("%s does not begin with title, status, date and context as docs/adr/README.md says", name)
			continue
		}
		if want := fmt.Sprintf("%04s-", head[1]); !strings.HasPrefix(name, want) {
			t.Errorf("%s calls itself %s", name, head[1])
		}
		var parts []string
		for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(text, -1) {
			if m[1] != "Considered" {
				parts = append(parts, m[1])
			}
		}
		if !slices.Equal(parts, []string{"Context", "Decision", "Consequences"}) {
			t.Errorf("%s has the parts %q", name, parts)
		}
	}
}

func TestTheIndexOfDecisionsIsWhatThereIs(t *testing.T) {
	t.Parallel()
	index := read(t, "docs/adr/README.md")
	rows := map[string][]string{}
	var order []string
	for _, m := range regexp.MustCompile(`(?m)^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \| (.+) \| (.+) \|$`).FindAllStringSubmatch(index, -1) {
		rows[m[2]] = m
		order = append(order, m[1])
	}
	all := decisions(t)
	for name, text := range all {
		head := record.FindStringSubmatch(text)
		row := rows[name]
		if head == nil || row == nil {
			t.Errorf("%s is not in docs/adr/README.md, or has no head", name)
			continue
		}
		status := head[3]
		if head[4] != "" {
			status += ", amended"
		}
		if row[1] != name[:4] || row[3] != head[2] || row[4] != status {
			t.Errorf("%s is %q, %s; the index says %q, %s", name, head[2], status, row[3], row[4])
		}
	}
	for name := range rows {
		if all[name] == "" {
			t.Errorf("the index names %s, which is not there", name)
		}
	}
	if !slices.IsSorted(order) || len(order) != len(slices.Compact(slices.Clone(order))) {
		t.Errorf("the index is in the order %v", order)
	}
	if !strings.Contains(index, "Numbers that are missing were never used") {
		t.Error("the index does not say that numbers that are missing were never used")
	}
}
