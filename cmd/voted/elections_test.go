package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"voted/cmd/voted/display"
	"voted/internal/tally"
)

// knownElection is an election of internal/tally/testdata/elections, as a user of the
// command has it: a file of ballots, a definition, and what is typed.
type knownElection struct {
	head    map[string]string
	rules   [][2]string
	ballots []map[string]any
	expect  []string
}

func readKnownElection(t *testing.T, path string) knownElection {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e := knownElection{head: map[string]string{}}
	part := ""
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		value = strings.TrimSpace(value)
		switch {
		case key == "ballots" || key == "result":
			part = key
			e.head[key] = value
		case part == "ballots":
			e.ballots = append(e.ballots, ballotAsJSON(e.head["ballots"], key, value))
		case part == "result":
			e.expect = append(e.expect, key+" "+value)
		case key == "rule":
			name, value, _ := strings.Cut(value, " ")
			e.rules = append(e.rules, [2]string{name, value})
		default:
			e.head[key] = value
		}
	}
	return e
}

// ballotAsJSON is a line of NDJSON. A rank with an option that does not exist is an empty
// one: the command knows no other options than those of the poll.
func ballotAsJSON(form, count, text string) map[string]any {
	b := map[string]any{"count": json.Number(count)}
	switch form {
	case "selections":
		b[form] = strings.Fields(strings.ReplaceAll(text, ",", " "))
	case "scores":
		scores := map[string]json.Number{}
		for pair := range strings.SplitSeq(text, ", ") {
			if id, points, ok := strings.Cut(pair, " "); ok {
				scores[id] = json.Number(points)
			}
		}
		b[form] = scores
	default:
		ranks := []any{}
		for tier := range strings.SplitSeq(text, " > ") {
			switch ids := strings.Split(tier, " = "); {
			case text == "":
			case tier == "-", strings.Contains(tier, "?"):
				ranks = append(ranks, nil)
			case len(ids) == 1:
				ranks = append(ranks, tier)
			default:
				ranks = append(ranks, ids)
			}
		}
		b[form] = ranks
	}
	return b
}

// command counts the election, as its arguments would: to read a command line 169 times
// takes longer than the counts.
func (e knownElection) command(t *testing.T, dir string) *tallyCommand {
	t.Helper()
	var lines strings.Builder
	for _, b := range e.ballots {
		line, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	definition := map[string]any{"options": strings.Fields(e.head["options"]), "method": e.head["method"]}
	for key, name := range map[string]string{"max_score": "max_score", "max_choices": "max_selections"} {
		if n := e.head[key]; n != "" {
			definition[name] = json.Number(n)
		}
	}
	text, err := json.Marshal(definition)
	if err != nil {
		t.Fatal(err)
	}
	c := &tallyCommand{
		File:       write(t, filepath.Join(dir, "ballots.ndjson"), lines.String()),
		Definition: write(t, filepath.Join(dir, "definition.json"), string(text)),
		From:       "ndjson", JSON: true,
	}
	if seats := e.head["seats"]; seats != "" {
		n, err := strconv.Atoi(seats)
		if err != nil {
			t.Fatal(err)
		}
		c.Seats = &n
	}
	kind, order, _ := strings.Cut(e.head["ties"], " ")
	if c.TieBreak = kind; kind == "lot" {
		c.Rule = append(c.Rule, "lot="+strings.Join(strings.Fields(order), ","))
	}
	for _, r := range e.rules {
		c.Rule = append(c.Rule, r[0]+"="+strings.Join(strings.Fields(r[1]), ","))
	}
	return c
}

// carriedOut is what a count prints.
func carriedOut(t *testing.T, c *tallyCommand) string {
	t.Helper()
	var out, errs bytes.Buffer
	s := &session{ctx: t.Context(), stdout: display.New(&out), stderr: display.New(&errs), flags: &commonFlags{}}
	if err := c.Run(s); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	return out.String()
}

// counting is what is compared of the command's answer.
type counting struct {
	Winners    []string                          `json:"winners"`
	Elected    []string                          `json:"elected"`
	Others     []string                          `json:"other_orders_elect"`
	Smith      []string                          `json:"smith_set"`
	Unresolved struct{ Options []string }        `json:"unresolved"`
	Quota      json.Number                       `json:"quota"`
	Blank      json.Number                       `json:"blank"`
	Paths      map[string]map[string]any         `json:"paths"`
	Worst      map[string]json.Number            `json:"worst_defeat"`
	Pairwise   map[string]map[string]json.Number `json:"pairwise"`
	Rounds     []struct {
		Votes      map[string]json.Number
		Scores     map[string]json.Number
		Eliminated []string
		Elected    []string
	} `json:"rounds"`
}

// differs says how the answer is other than a line of the result asks; known is false if
// the line asks for something that is compared in internal/tally alone.
func (c *counting) differs(line string) (got string, differs, known bool) {
	key, value, _ := strings.Cut(line, " ")
	set := func(ids []string) (string, bool, bool) {
		want, have := strings.Fields(value), slices.Clone(ids)
		slices.Sort(want)
		slices.Sort(have)
		return strings.Join(ids, " "), !slices.Equal(want, have), true
	}
	switch key {
	case "winners":
		return set(c.Winners)
	case "possible":
		return set(slices.Concat(c.Winners, c.Others))
	case "smith_set":
		return set(c.Smith)
	case "unresolved":
		return set(c.Unresolved.Options)
	case "elected":
		got := strings.Join(c.Elected, " ")
		return got, len(c.Elected) > 0 && got != value, true
	case "quota":
		return string(c.Quota), !sameNumber(string(c.Quota), value), true
	case "blank":
		return string(c.Blank), !sameNumber(string(c.Blank), value), true
	case "worst", "pair":
		words := strings.Fields(value)
		n := c.Worst[words[0]]
		if key == "pair" {
			n = c.Pairwise[words[0]][words[1]]
		}
		return string(n), !sameNumber(string(n), words[len(words)-1]), true
	case "round":
		return c.roundDiffers(value)
	}
	return "", false, false
}

func (c *counting) roundDiffers(value string) (got string, differs, known bool) {
	var number int
	var key string
	if n, _ := fmt.Sscan(value, &number, &key); n < 2 || number > len(c.Rounds) {
		return fmt.Sprintf("%d rounds", len(c.Rounds)), true, true
	}
	round := c.Rounds[number-1]
	numbers := map[string]map[string]json.Number{"votes": round.Votes, "votes_of": round.Votes, "scores": round.Scores}[key]
	if numbers == nil {
		return "", false, false
	}
	_, list, _ := strings.Cut(value, key+" ")
	for pair := range strings.SplitSeq(list, ", ") {
		id, want, _ := strings.Cut(pair, " ")
		if !sameNumber(string(numbers[id]), want) {
			return fmt.Sprintf("%s %s", id, numbers[id]), true, true
		}
	}
	return "", false, true
}

// sameNumber compares a number of the answer, which may be rounded, with an exact one; a
// number that is left out is 0.
func sameNumber(got, want string) bool {
	exact, ok := new(big.Rat).SetString(want)
	if !ok {
		return false
	}
	shown, ok := new(big.Rat).SetString(got)
	if got == "" {
		shown, ok = new(big.Rat), true
	}
	if _, decimals, _ := strings.Cut(got, "."); !exact.IsInt() {
		return ok && shown.FloatString(len(decimals)) == exact.FloatString(len(decimals))
	}
	return ok && shown.Cmp(exact) == 0
}

// Every election with a known result comes out as it must through the command as well: from
// a file, a definition and what is typed.
func TestElectionsWithKnownResultsAreCountedFromFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../internal/tally/testdata/elections/*.txt")
	if err != nil || len(files) < 169 {
		t.Fatalf("%d elections: %v", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			e := readKnownElection(t, path)
			if why := e.head["counted"]; why != "" {
				t.Logf("not counted: no rule set has %s", why)
				return
			}
			if _, known := tally.ByName(e.head["method"]); !known {
				t.Fatalf("there is no method %q", e.head["method"])
			}
			var c counting
			if err := json.Unmarshal([]byte(carriedOut(t, e.command(t, t.TempDir()))), &c); err != nil {
				t.Fatal(err)
			}
			compared := 0
			for _, line := range e.expect {
				have, differs, known := c.differs(line)
				if differs {
					t.Errorf("%s: got %s", line, have)
				}
				if known {
					compared++
				}
			}
			if compared == 0 {
				t.Errorf("nothing is compared of %q", e.expect)
			}
		})
	}
}

// What is compared must be able to fail.
func TestAnElectionCountedFromAFileCanDiffer(t *testing.T) {
	t.Parallel()
	c := counting{Winners: []string{"ann"}, Elected: []string{"ann", "bo"}, Quota: "7.33", Blank: "1"}
	c.Rounds = append(c.Rounds, struct {
		Votes      map[string]json.Number
		Scores     map[string]json.Number
		Eliminated []string
		Elected    []string
	}{Votes: map[string]json.Number{"ann": "22.333333"}})
	for line, differs := range map[string]bool{
		"winners ann": false, "winners bo": true, "winners": true, "elected ann bo": false, "elected bo ann": true,
		"quota 22/3": false, "quota 23/3": true, "blank 1": false, "blank 2": true, "unresolved ann": true,
		"round 1 votes ann 67/3": false, "round 1 votes ann 68/3": true, "round 1 votes ann 67/3, bo 1": true, "round 2 votes ann 1": true,
	} {
		if got, is, known := c.differs(line); is != differs || !known {
			t.Errorf("%s: differs is %v, known %v: got %s", line, is, known, got)
		}
	}
}
