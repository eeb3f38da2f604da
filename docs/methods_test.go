package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"voted/internal/tally"
)

const methodsPage = "docs/methods.md"

// The page has what internal/tally declares, and what voted tally prints.
func TestThePageOnMethodsIsWhatIsCounted(t *testing.T) {
	t.Parallel()
	page := read(t, methodsPage)
	want := methodsMade(t, page)
	if *update {
		if err := os.WriteFile(filepath.Join(root, methodsPage), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if is, should, differs := firstDifference(page, want); differs {
		t.Errorf("%s has\n%s\nand should have\n%s\ngo test ./docs -run Methods -update writes it", methodsPage, is, should)
	}
}

// What is not as declared or printed must be seen, whatever part of the page it is in.
func TestAPageOnMethodsThatIsWrongIsSeen(t *testing.T) {
	t.Parallel()
	if *update {
		return // the page is being written
	}
	page := read(t, methodsPage)
	for right, wrong := range map[string]string{
		"`majority`, `two`":               "`two`, `majority`",
		"a whole number from 1 on":        "a whole number from 2 on",
		"| rankings, ties allowed | 1 |":  "| rankings | 1 |",
		"mean 5.00":                       "mean 4.99",
		"42,memphis>nashville>":           "42,nashville>memphis>",
		"voted tally circle.csv --method": "voted tally capital.csv --method",
	} {
		changed := strings.Replace(page, right, wrong, 1)
		if changed == page {
			t.Errorf("the page does not have %q", right)
		}
		if methodsMade(t, changed) == changed {
			t.Errorf("%q instead of %q is not seen", wrong, right)
		}
	}
}

// methodsMade is the page with the tables that the methods declare, and with the outputs of its examples.
func methodsMade(t *testing.T, page string) string {
	t.Helper()
	sections := strings.Split(page, "\n## ")
	for _, m := range declaredMethods() {
		sections[0] = withSummary(t, sections[0], m)
		i := sectionOf(t, sections, m)
		sections[i] = withRules(t, sections[i], m)
		if !example.MatchString(sections[i]) {
			t.Errorf("%s: %s has no example", methodsPage, m.Name)
		}
	}
	return withOutputs(t, strings.Join(sections, "\n## "))
}

func declaredMethods() (all []tally.Method) {
	for _, name := range tally.Names() {
		m, _ := tally.ByName(name)
		all = append(all, m)
	}
	return all
}

func sectionOf(t *testing.T, sections []string, m tally.Method) int {
	t.Helper()
	for i, s := range sections {
		if strings.HasPrefix(s, fmt.Sprintf("%s: `%s`\n", m.Title, m.Name)) {
			return i
		}
	}
	t.Fatalf("%s has no section \"## %s: `%s`\"", methodsPage, m.Title, m.Name)
	return 0
}

// withSummary writes the method's line of the first table; what stands in its last cell is for people.
func withSummary(t *testing.T, text string, m tally.Method) string {
	t.Helper()
	row := regexp.MustCompile("(?m)^\\| \\[`" + m.Name + "`\\].*\\| ([^|]+) \\|$")
	if !row.MatchString(text) {
		t.Fatalf("%s has no line for %s in its first table", methodsPage, m.Name)
	}
	ballot := map[tally.Form]string{tally.Choice: "choices", tally.Ranking: "rankings", tally.Scores: fmt.Sprintf("scores, 0 to %d", m.DefaultMaxScore)}[m.Form]
	if m.Ties {
		ballot += ", ties allowed"
	}
	seats := "any"
	switch {
	case m.OneSeat:
		seats = "1"
	case m.MaxSeats > 0:
		seats = fmt.Sprintf("up to %d", m.MaxSeats)
	}
	anchor := anchors(fmt.Sprintf("# %s: `%s`", m.Title, m.Name))[0]
	return row.ReplaceAllString(text, fmt.Sprintf("| [`%s`](#%s) | %s | %s | `%s` | ${1} |", m.Name, anchor, ballot, seats, m.DefaultTies))
}

const (
	rulesHead = "| rule | values, the default first | |\n|---|---|---|\n"
	noRules   = "It has no rules to set."
)

var rulesTable = regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(rulesHead) + `((?:\|.*\n)*)`)

// withRules writes the table of a method's rules.
func withRules(t *testing.T, text string, m tally.Method) string {
	t.Helper()
	if len(m.Rules) == 0 {
		if !strings.Contains(text, noRules) || rulesTable.MatchString(text) {
			t.Errorf("%s: %s has no rules, and its section must say: %s", methodsPage, m.Name, noRules)
		}
		return text
	}
	if len(rulesTable.FindAllString(text, -1)) != 1 || strings.Contains(text, noRules) {
		t.Fatalf("%s: %s needs one table of rules, which begins\n%s", methodsPage, m.Name, rulesHead)
	}
	table := rulesHead
	for _, r := range m.Rules {
		table += fmt.Sprintf("| `%s` | %s | %s |\n", r.Name, valuesOf(r), r.Help)
	}
	return rulesTable.ReplaceAllLiteralString(text, table)
}

func valuesOf(r tally.Rule) string {
	switch r.Kind {
	case tally.Count:
		return fmt.Sprintf("%s; a whole number from %d on", r.Default, r.Least)
	case tally.OneOption:
		return r.Default + "; an option"
	case tally.SomeOptions:
		return r.Default + "; options"
	}
	return "`" + strings.Join(r.Words, "`, `") + "`"
}

var (
	// exampleFile is a file that the page shows: its name, and what is in it.
	exampleFile = regexp.MustCompile("(?s)`([a-z]+\\.[a-z]+)`:\n\n```\n(.*?)```\n")
	// example is a command, and below it what it prints.
	example = regexp.MustCompile("(?s)```sh\nvoted (tally [^\n]*)\n```\n\n```\n(.*?)```\n")
)

// withOutputs carries out the examples, on the files that the page shows.
func withOutputs(t *testing.T, page string) string {
	t.Helper()
	voted, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, m := range exampleFile.FindAllStringSubmatch(page, -1) {
		if err := os.WriteFile(filepath.Join(dir, m[1]), []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return example.ReplaceAllStringFunc(page, func(found string) string {
		m := example.FindStringSubmatch(found)
		cmd := exec.CommandContext(t.Context(), voted, strings.Fields(m[1])...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("voted %s: %v", m[1], err)
		}
		return strings.Replace(found, "```\n"+m[2]+"```\n", "```\n"+string(out)+"```\n", 1)
	})
}

// firstDifference finds the first lines of two texts that differ.
func firstDifference(a, b string) (inA, inB string, differs bool) {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(as), len(bs)) {
		inA, inB = "(the end)", "(the end)"
		if i < len(as) {
			inA = as[i]
		}
		if i < len(bs) {
			inB = bs[i]
		}
		if inA != inB {
			return inA, inB, true
		}
	}
	return "", "", false
}

// source is how a page names where a method is from: a year, a standard, a law, or a site.
var source = regexp.MustCompile(`\([^)]*(1[789]|20)\d\d[^)]*\)|\(\d+th edition|NIST SP \d+|[a-z]\.org\b`)

// lacking says what a method's section does not have of what each must.
func lacking(section string) (lacks []string) {
	text, _, _ := strings.Cut(section, "```sh")
	for what, there := range map[string]bool{
		"its ties":   strings.Contains(section, "**Ties**"),
		"its source": source.MatchString(text),
		"an example": example.MatchString(section),
		"its rules":  strings.Contains(section, rulesHead) || strings.Contains(section, noRules),
	} {
		if !there {
			lacks = append(lacks, what)
		}
	}
	return lacks
}

func TestEachMethodsSectionHasItsRulesItsSourceItsTiesAndAnExample(t *testing.T) {
	t.Parallel()
	sections := strings.Split(read(t, methodsPage), "\n## ")
	for _, m := range declaredMethods() {
		section := sections[sectionOf(t, sections, m)]
		for _, what := range lacking(section) {
			t.Errorf("%s: the section of %s lacks %s", methodsPage, m.Name, what)
		}
		bare := source.ReplaceAllString(strings.NewReplacer("**Ties**", "Ties", rulesHead, "", noRules, "", "```sh", "```").Replace(section), "")
		if len(lacking(bare)) != 4 {
			t.Errorf("%s: without them, its section lacks only %v", m.Name, lacking(bare))
		}
	}
}
