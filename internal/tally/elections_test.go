package tally_test

import (
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"voted/internal/tally"
)

// The elections in testdata/elections are counted and compared with results that others
// published, or that were worked out independently. Each is a file of lines "key value":
//
//	election, source, checked   its name, where it is from, how its result was verified
//	about, note, name           in words; the full name of an option
//	method, seats, options      as in a poll; the options in their order on the ballot paper
//	max_score, max_choices      as in a poll
//	ties                        listed, report, or lot and the options, earlier stays or wins
//	rule                        a rule of the method and its value
//	counted                     the rules it was counted by, where no rule of ours is like them
//	ballots                     selections, ranking or scores; then a line for each distinct
//	                            ballot: how many there are, and what is on it. In a ranking,
//	                            - is an empty rank and ? an unknown option
//	result                      then a line for each thing that must come out
//
// See them counted with make elections.
const electionsDir = "testdata/elections"

// election is one case.
type election struct {
	name, checked string
	sources       []string
	method        string
	options       []string
	settings      tally.Settings
	counted       string
	rules         [][2]string
	form          string
	profile       tally.Profile
	expect        []string
	differs       []string // what came out otherwise, once it is counted
}

func TestElections(t *testing.T) {
	t.Parallel()
	all := allElections(t)
	for i := range all {
		e := &all[i]
		if e.counted != "" {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.differs = []string{"the count did not come to its end"} // where check stops the test
			e.differs = e.check(t)
			for _, d := range e.differs {
				t.Error(d)
			}
		})
	}
	if *listElections {
		t.Cleanup(func() { printElections(os.Stdout, all) }) // when all are counted
	}
}

// readElection reads a file; anything that it does not know is an error.
func readElection(t testing.TB, file string) election {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var e election
	part := ""
	for n, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
		key, value, _ := strings.Cut(line, " ")
		value = strings.TrimSpace(value)
		switch {
		case key == "ballots":
			part, e.form = key, value
		case key == "result":
			part = key
		case part == "ballots":
			err = e.readBallot(line)
		case part == "result":
			e.expect = append(e.expect, strings.TrimSpace(line))
		default:
			err = e.readKey(key, value)
		}
		if err != nil {
			t.Fatalf("%s, line %d: %v", file, n+1, err)
		}
	}
	if e.name+".txt" != filepath.Base(file) || len(e.sources) == 0 || e.checked == "" || len(e.expect) == 0 {
		t.Fatalf("%s: it has another name inside, or lacks a source or a result", file)
	}
	e.profile.Options = len(e.options)
	return e
}

func (e *election) readKey(key, value string) (err error) {
	switch key {
	case "election":
		e.name = value
	case "source":
		e.sources = append(e.sources, value)
	case "checked":
		e.checked = value
	case "about", "note", "name":
	case "method":
		e.method = value
	case "options":
		e.options = strings.Fields(value)
	case "seats":
		e.settings.Seats, err = strconv.Atoi(value)
	case "max_score":
		e.settings.MaxScore, err = strconv.Atoi(value)
	case "max_choices":
		e.settings.MaxChoices, err = strconv.Atoi(value)
	case "counted":
		e.counted = value
	case "rule":
		name, value, _ := strings.Cut(value, " ")
		e.rules = append(e.rules, [2]string{name, value})
	case "ties":
		kind, order, _ := strings.Cut(value, " ")
		known := false
		if e.settings.Ties, known = tally.TieBreakNamed(kind); !known {
			return fmt.Errorf("ties %q", kind)
		}
		e.settings.Lot, err = e.numbers(order)
	default:
		return fmt.Errorf("unknown key %q", key)
	}
	return err
}

// number finds an option; ? is one that does not exist.
func (e *election) number(id string) (int, error) {
	i := slices.Index(e.options, id)
	if i < 0 && id != "?" {
		return 0, fmt.Errorf("there is no option %q", id)
	}
	return i, nil
}

func (e *election) numbers(ids string) (list []int, err error) {
	for _, id := range strings.Fields(ids) {
		n, err := e.number(id)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

func (e *election) readBallot(line string) error {
	count, content, _ := strings.Cut(strings.TrimSpace(line), " ")
	weight, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return err
	}
	g := tally.Group{Weight: weight}
	if content = strings.TrimSpace(content); content != "" {
		switch e.form {
		case "selections":
			g.Choice, err = e.numbers(strings.ReplaceAll(content, ",", " "))
		case "ranking":
			g.Ranking, err = e.readRanking(content)
		case "scores":
			g.Scores, err = e.readScores(content)
		default:
			err = fmt.Errorf("ballots of %q", e.form)
		}
	}
	e.profile.Groups = append(e.profile.Groups, g)
	return err
}

func (e *election) readRanking(content string) (tiers [][]int, err error) {
	for tier := range strings.SplitSeq(content, " > ") {
		var options []int
		if tier != "-" {
			if options, err = e.numbers(strings.ReplaceAll(tier, " = ", " ")); err != nil {
				return nil, err
			}
		}
		tiers = append(tiers, options)
	}
	return tiers, nil
}

func (e *election) readScores(content string) (scores []tally.OptionScore, err error) {
	for pair := range strings.SplitSeq(content, ", ") {
		id, points, _ := strings.Cut(pair, " ")
		n, err := e.number(id)
		if err != nil {
			return nil, err
		}
		score, err := strconv.Atoi(points)
		if err != nil {
			return nil, err
		}
		scores = append(scores, tally.OptionScore{Option: n, Score: score})
	}
	return scores, nil
}

// check counts the election and says how what comes out differs from what has to.
func (e *election) check(t *testing.T) (differs []string) {
	t.Helper()
	m, ok := tally.ByName(e.method)
	if !ok {
		t.Fatalf("there is no method %q", e.method)
	}
	if err := e.setRules(m); err != nil {
		t.Fatal(err)
	}
	if faults := m.Check(e.settings, len(e.options)); len(faults) > 0 {
		t.Fatalf("the settings are refused: %v", faults)
	}
	return e.compareAll(t, m.FromProfile(e.profile, e.settings))
}

// compareAll compares a result with all that is expected.
func (e *election) compareAll(t *testing.T, r tally.Result) (differs []string) {
	t.Helper()
	c := checker{*e, r}
	open := false
	for _, line := range e.expect {
		key, value, _ := strings.Cut(line, " ")
		open = open || key == "unresolved"
		got, want, err := c.compare(key, value)
		switch {
		case err != nil:
			t.Fatalf("%s: %v", line, err)
		case got != want:
			differs = append(differs, fmt.Sprintf("%s: got %s, want %s", line, got, want))
		}
	}
	if !open && c.r.Unresolved != nil {
		differs = append(differs, fmt.Sprintf("a tie stayed open: %+v", *c.r.Unresolved))
	}
	return differs
}

// setRules turns rules as they are written into values.
func (e *election) setRules(m tally.Method) error {
	e.settings.Rules = tally.Rules{}
	for _, rule := range e.rules {
		i := slices.IndexFunc(m.Rules, func(r tally.Rule) bool { return r.Name == rule[0] })
		if i < 0 {
			return fmt.Errorf("%s has no rule %q", m.Name, rule[0])
		}
		var v tally.Value
		var err error
		switch m.Rules[i].Kind {
		case tally.Word:
			v.Word = rule[1]
		case tally.Count:
			v.Count, err = strconv.Atoi(rule[1])
		default:
			v.Options, err = e.numbers(rule[1])
		}
		if err != nil {
			return err
		}
		e.settings.Rules[rule[0]] = v
	}
	return nil
}

// checker compares a result with what is expected of it, both written in one way.
type checker struct {
	e election
	r tally.Result
}

func (c checker) ids(options []int) string {
	var ids []string
	for _, o := range options {
		ids = append(ids, c.e.options[o])
	}
	return strings.Join(ids, " ")
}

// set writes ids as a set: in the order of the definition.
func (c checker) set(ids string) (string, error) {
	numbers, err := c.e.numbers(ids)
	slices.Sort(numbers)
	return c.ids(numbers), err
}

// exact writes a number as a fraction.
func exact(s string) (string, error) {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return "", fmt.Errorf("%q is not a number", s)
	}
	return r.RatString(), nil
}

func whole(n int64) string { return strconv.FormatInt(n, 10) }

// compare returns what came out and what had to.
func (c checker) compare(key, value string) (got, want string, err error) {
	r := &c.r
	set := func(options []int) (string, string, error) {
		want, err := c.set(value)
		return c.ids(slices.Sorted(slices.Values(options))), want, err
	}
	switch key {
	case "winners":
		return set(r.Winners)
	case "possible":
		return set(append(slices.Clone(r.Winners), r.OtherOrders...))
	case "smith_set":
		return set(r.Smith)
	case "finalists":
		return set(r.Finalists)
	case "elected":
		return c.ids(r.Elected), value, nil
	case "unresolved":
		if r.Unresolved == nil {
			return "none", value, nil
		}
		return set(r.Unresolved.Options)
	case "stage":
		if r.Unresolved == nil {
			return "none", value, nil
		}
		return string(r.Unresolved.Stage), value, nil
	case "condorcet_winner":
		if r.CondorcetWinner == nil {
			return "none", value, nil
		}
		return c.e.options[*r.CondorcetWinner], value, nil
	case "decided_by":
		return string(r.DecidedBy), value, nil
	case "ranking":
		return c.ranking(), value, nil
	case "runoff":
		return c.runoff(r.Finalists, r.Runoff, value)
	case "blank":
		return whole(r.Blank), value, nil
	case "overvoted":
		return whole(r.Overvoted), value, nil
	case "rounds":
		return strconv.Itoa(len(r.Rounds)), value, nil
	case "quota":
		want, err = exact(value)
		return r.Quota.Rat().RatString(), want, err
	case "score", "top_scores", "pair", "path", "worst":
		return c.number(key, value)
	case "round":
		return c.round(value)
	}
	return "", "", fmt.Errorf("unknown key")
}

func (c checker) ranking() string {
	var tiers []string
	for _, tier := range c.r.Ranking {
		tiers = append(tiers, strings.ReplaceAll(c.ids(tier), " ", " = "))
	}
	return strings.Join(tiers, " > ")
}

// runoff reads "A 5, B 3" and writes the same of a runoff, in that order.
func (c checker) runoff(finalists []int, r *tally.Runoff, value string) (got, want string, err error) {
	if r == nil {
		return "none", value, nil
	}
	var pairs []string
	for pair := range strings.SplitSeq(value, ", ") {
		id, _, _ := strings.Cut(pair, " ")
		option, err := c.e.number(id)
		if err != nil {
			return "", "", err
		}
		if i := slices.Index(finalists, option); i >= 0 {
			pairs = append(pairs, id+" "+whole(r.Votes[i]))
		}
	}
	return strings.Join(pairs, ", "), value, nil
}

// number compares what one option, or two, received.
func (c checker) number(key, value string) (got, want string, err error) {
	words := strings.Fields(value)
	ids, last := words[:len(words)-1], words[len(words)-1]
	options, err := c.e.numbers(strings.Join(ids, " "))
	if err != nil {
		return "", "", err
	}
	if want, err = exact(last); err != nil {
		return "", "", err
	}
	r, a := &c.r, options[0]
	switch key {
	case "score":
		return c.score(r.Options[a]), want, nil
	case "top_scores":
		return whole(r.Options[a].TopScores), want, nil
	case "pair":
		return whole(r.Pairwise[a][options[1]]), want, nil
	case "path":
		return whole(r.Paths[a][options[1]].Votes), want, nil
	}
	return whole(r.WorstDefeat[a]), want, nil
}

// score is what an option is compared by.
func (c checker) score(o tally.OptionResult) string {
	switch c.e.method {
	case "score":
		if c.e.settings.Rules["by"].Word == "mean" && o.Marks > 0 {
			return big.NewRat(o.Score, o.Marks).RatString()
		}
		return whole(o.Score)
	case "star", "star_pr":
		return whole(o.Score)
	case "borda":
		return o.Points.Rat().RatString()
	case "copeland":
		return o.Wins.Rat().RatString()
	}
	return whole(o.Votes)
}

// round compares one round: "2 votes A 5, B 3".
func (c checker) round(value string) (got, want string, err error) {
	words := strings.SplitN(value, " ", 3)
	n, err := strconv.Atoi(words[0])
	if err != nil || len(words) < 2 {
		return "", "", fmt.Errorf("not a round")
	}
	if n > len(c.r.Rounds) {
		return fmt.Sprintf("%d rounds", len(c.r.Rounds)), value, nil
	}
	r, key := &c.r.Rounds[n-1], words[1]
	if value = ""; len(words) == 3 {
		value = words[2]
	}
	set := func(options []int) (string, string, error) {
		want, err := c.set(value)
		return c.ids(slices.Sorted(slices.Values(options))), want, err
	}
	number := func(n tally.Number) (string, string, error) {
		want, err := exact(value)
		return n.Rat().RatString(), want, err
	}
	switch key {
	case "votes":
		return c.tallies(r.Votes, r.Standing, value, true)
	case "votes_of":
		return c.tallies(r.Votes, r.Standing, value, false)
	case "scores":
		return c.tallies(r.Scores, r.Standing, value, true)
	case "keep":
		return c.tallies(r.Keep, r.Standing, value, false)
	case "exhausted": // blank ballots are not among them here
		want, err := exact(value)
		rat := r.Exhausted.Rat()
		return rat.Sub(rat, new(big.Rat).SetInt64(c.r.Blank)).RatString(), want, err
	case "overvotes":
		return whole(r.ExhaustedBy.Overvotes), value, nil
	case "skipped":
		return whole(r.ExhaustedBy.Skipped), value, nil
	case "repeated":
		return whole(r.ExhaustedBy.Repeated), value, nil
	case "threshold":
		return number(r.Threshold)
	case "quota":
		return number(r.Quota)
	case "eliminated":
		return set(r.Eliminated)
	case "elected":
		return set(r.Elected)
	case "surplus_of":
		return set(r.SurplusOf)
	case "finalists":
		return set(r.Finalists)
	case "tied":
		i := slices.IndexFunc(c.r.Ties, func(tie tally.Tie) bool { return tie.Round == n })
		if i < 0 {
			return "no tie", value, nil
		}
		return set(c.r.Ties[i].Options)
	case "runoff":
		return c.runoff(r.Finalists, r.Runoff, value)
	case "decided_by":
		return string(r.DecidedBy), value, nil
	}
	return "", "", fmt.Errorf("unknown key")
}

// tallies compares numbers by option, "A 5, B 3": all of those that count, or those that
// are named.
func (c checker) tallies(numbers []tally.Number, standing []bool, value string, all bool) (got, want string, err error) {
	named := make([]bool, len(c.e.options))
	expected := make([]string, len(c.e.options))
	for pair := range strings.SplitSeq(value, ", ") {
		id, number, _ := strings.Cut(pair, " ")
		option, err := c.e.number(id)
		if err != nil {
			return "", "", err
		}
		named[option] = true
		if expected[option], err = exact(number); err != nil {
			return "", "", err
		}
	}
	var have, must []string
	for i, id := range c.e.options {
		if named[i] {
			must = append(must, id+" "+expected[i])
		}
		if named[i] || all && i < len(standing) && standing[i] {
			n := "nothing"
			if i < len(numbers) {
				n = numbers[i].Rat().RatString()
			}
			have = append(have, id+" "+n)
		}
	}
	return strings.Join(have, ", "), strings.Join(must, ", "), nil
}

// The runner must see what is wrong: each line of each election that is counted, changed,
// must fail.
func TestAnElectionWithAnotherResultFails(t *testing.T) {
	t.Parallel()
	e := readElection(t, filepath.Join(electionsDir, "plurality-bv.txt"))
	m := method(t, e.method)
	if err := e.setRules(m); err != nil {
		t.Fatal(err)
	}
	c := checker{e, m.FromProfile(e.profile, e.settings)}
	for _, line := range []string{
		"winners Bob", "winners", "score Dave 6", "blank 0", "overvoted 0", "unresolved Bob", "ranking Bob > Dave",
		"elected Bob", "rounds 1", "quota 1", "condorcet_winner Bob", "finalists Bob", "round 1 votes Bob 2", "runoff Bob 1",
	} {
		key, value, _ := strings.Cut(line, " ")
		if got, want, err := c.compare(key, value); err == nil && got == want {
			t.Errorf("%q passes: %s", line, got)
		}
	}
	for _, line := range []string{"winner Dave", "score Nobody 1", "score Dave x", "round x votes"} {
		key, value, _ := strings.Cut(line, " ")
		if _, _, err := c.compare(key, value); err == nil {
			t.Errorf("%q is understood", line)
		}
	}
}
