package tally_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var listElections = flag.Bool("elections.list", false, "print a line for each election that TestElections counts")

// verdict says whether our count is as published, and if it is not one, why.
func (e *election) verdict() string {
	switch {
	case e.counted != "":
		return "not counted: no rule set here has " + e.counted
	case len(e.differs) > 0:
		return "DIFFERS"
	}
	return "reproduced"
}

// rulesSaid are the method and the rules that are not left to their defaults.
func (e *election) rulesSaid() string {
	said := []string{e.method}
	for _, r := range e.rules {
		said = append(said, r[0]+"="+r[1])
	}
	return strings.Join(said, " ")
}

// printElections writes a line for each election, and how many there are of each kind.
func printElections(w io.Writer, all []election) {
	n := map[string]int{}
	for i := range all {
		e := &all[i]
		verdict, reason, _ := strings.Cut(e.verdict(), ": ")
		n[verdict]++
		if reason != "" {
			reason = " (" + reason + ")"
		}
		fmt.Fprintf(w, "%-11s  %-38s %s%s, from %s\n", verdict, e.name, e.rulesSaid(), reason, strings.Join(e.sources, "; "))
		for _, d := range e.differs {
			fmt.Fprintf(w, "%-11s  %s\n", "", d)
		}
	}
	fmt.Fprintf(w, "%s: %d reproduced, %d not counted, %d differ\n", plural(len(all)), n["reproduced"], n["not counted"], n["DIFFERS"])
}

func plural(n int) string { return fmt.Sprintf("%d elections", n) }

const methodsPage = "../../docs/methods.md"

var (
	officialRow = regexp.MustCompile(`(?m)^\| \[[^\]]+\]\(\.\./internal/tally/testdata/elections/([\w-]+)\.txt\) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	figure      = regexp.MustCompile(`\d[\d,]*`)
)

// wrongOnPage compares the page's table of official counts with the elections.
func wrongOnPage(page string, all []election) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	rows := map[string][]string{}
	for _, m := range officialRow.FindAllStringSubmatch(page, -1) {
		rows[m[1]] = m[2:]
	}
	notCounted := 0
	for i := range all {
		e := &all[i]
		if e.counted != "" {
			notCounted++
		}
		row, there := rows[e.name]
		delete(rows, e.name)
		switch official := strings.Contains(e.checked, "official"); {
		case official != there:
			say("%s: it was compared with an official count: %v; it has a row: %v", e.name, official, there)
		case there:
			if want := "`" + strings.ReplaceAll(e.rulesSaid(), " ", "` `") + "`"; row[0] != want {
				say("%s: the rules are %s, not %s", e.name, want, row[0])
			}
			result := strings.Join(e.expect, "\n")
			for _, n := range figure.FindAllString(row[1], -1) {
				plain := strings.ReplaceAll(n, ",", "")
				if !regexp.MustCompile(`\b` + plain + `(\.0+)?(,|\s|$)`).MatchString(result) {
					say("%s: %s is not compared with what comes out", e.name, n)
				}
			}
			if verdict, _, _ := strings.Cut(e.verdict(), ":"); !strings.HasPrefix(row[2], verdict) {
				say("%s: it is %s, not %s", e.name, verdict, row[2])
			}
		}
	}
	for name := range rows {
		say("%s is not there", name)
	}
	said := fmt.Sprintf("%s, all but %d", plural(len(all)), notCounted)
	if !strings.Contains(strings.Join(strings.Fields(page), " "), said) {
		say("the page does not say %q", said)
	}
	return wrong
}

// allElections reads them. TestElections holds each that is counted to its result.
func allElections(t *testing.T) (all []election) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(electionsDir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no elections: %v", err)
	}
	for _, file := range files {
		all = append(all, readElection(t, file))
	}
	return all
}

func TestTheTableOfOfficialCountsIsThatOfTheElections(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(methodsPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrongOnPage(string(page), allElections(t)) {
		t.Error(w)
	}
}

// Each kind of mistake in the table must be seen.
func TestAWrongTableOfOfficialCountsIsSeen(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(methodsPage)
	if err != nil {
		t.Fatal(err)
	}
	all, page := allElections(t), string(text)
	for right, wrong := range map[string]string{
		"38,870":                     "38,871",
		"`until=two`":                "`until=majority`",
		"| reproduced, from a":       "| not counted, from a",
		"irv-burlington-2009.txt":    "irv-reversal.txt",
		"elections, all but":         "elections, all without",
		"approval-utah-senate-11.tx": "approval-utah-senate-12.tx",
	} {
		changed := strings.Replace(page, right, wrong, 1)
		if changed == page {
			t.Errorf("the page does not have %q", right)
		}
		if len(wrongOnPage(changed, all)) == 0 {
			t.Errorf("%q instead of %q is not seen", wrong, right)
		}
	}
}

func TestAnElectionThatDiffersIsListedAsSuch(t *testing.T) {
	t.Parallel()
	e := readElection(t, filepath.Join(electionsDir, "plurality-bv.txt"))
	e.expect = append(e.expect, "blank 1000")
	e.differs = e.check(t)
	var out strings.Builder
	printElections(&out, []election{e})
	if !strings.HasPrefix(out.String(), "DIFFERS ") || !strings.Contains(out.String(), "want 1000") || !strings.Contains(out.String(), "0 reproduced, 0 not counted, 1 differ") {
		t.Errorf("printed:\n%s", out.String())
	}
}
