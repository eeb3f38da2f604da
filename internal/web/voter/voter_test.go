package voter

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"voted/internal/tally"
)

func TestThePagesKnowEveryMethod(t *testing.T) {
	t.Parallel()
	names := tally.Names()
	for _, name := range names {
		m, _ := tally.ByName(name)
		form := map[tally.Form]form{tally.Choice: choice, tally.Ranking: ranking, tally.Scores: scores}[m.Form]
		if got, ok := methods[name]; !ok || got.form != form || got.ties != m.Ties {
			t.Errorf("%s is %+v here", name, got)
		}
	}
	if slices.Sort(names); !slices.Equal(names, slices.Sorted(maps.Keys(methods))) {
		t.Errorf("the pages know %v", slices.Sorted(maps.Keys(methods)))
	}
}

func TestTheCodeIsFoundInWhatWasCopied(t *testing.T) {
	t.Parallel()
	for given, want := range map[string][2]string{
		"vc1.ab-_":                                       {"", "vc1.ab-_"},
		"https://v.example/vote/board#vc1.ab-_":          {"board", "vc1.ab-_"},
		"https://v.example/vote/board#c=vc1.ab-_&.=1":    {"board", "vc1.ab-_"},
		"https://v.example/vote/board/ballot#vc1.ab":     {"board", "vc1.ab"},
		"<https://v.example/vote/board#vc1.a\r\n\t b_> ": {"board", "vc1.ab_"},
		"„vc1.ab“":                                       {"", "vc1.ab"},
		"#vc1.ab":                                        {"", "vc1.ab"},
		"a.b.c":                                          {"", "a.b.c"},
		"vc1.a\u200bb":                                   {"", "vc1.ab"},
		"/vote/<b>#vc1.ab":                               {"", "vc1.ab"},
		"https://v.example/":                             {"", "https://v.example/"},
		"":                                               {"", ""},
		"/vote/board#":                                   {"board", ""},
		"/vote/board#c=&.=1":                             {"board", ""},
		"/vote/a/vote/b#vc1.":                            {"a", "vc1."},
	} {
		if poll, code := codeIn(given); poll != want[0] || code != want[1] {
			t.Errorf("%q: poll %q, code %q; want %q", given, poll, code, want)
		}
	}
}

func TestAVotersPathOfTheAPIIsTheirsAlone(t *testing.T) {
	t.Parallel()
	for voter, want := range map[string]string{
		"v-17": "v-17", "..": "%2E%2E", "a/b": "a%2Fb", "Zoë": "Zo%C3%AB", "x?y=z#": "x%3Fy%3Dz%23", "a b": "a%20b", "%2F": "%252F",
	} {
		path := visitor{Poll: "p", Voter: voter}.ballotPath()
		u, err := url.Parse(path)
		if path != "/v1/polls/p/ballots/"+want || err != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%q: %s, %v", voter, path, err)
		}
		back, err := url.PathUnescape(strings.TrimPrefix(path, "/v1/polls/p/ballots/"))
		if err != nil || back != voter {
			t.Errorf("%q comes back as %q: %v", voter, back, err)
		}
	}
}

func options(names ...string) (all []option) {
	for _, name := range names {
		all = append(all, option{ID: name})
	}
	return all
}

func TestShuffledOptionsAreInOneOrderForAVoterAndInSeveralForAll(t *testing.T) {
	t.Parallel()
	p := &poll{ID: "board", Options: options("a", "b", "c", "d", "e"), OptionOrder: "shuffled"}
	order := func(voter string) (s string) {
		for _, o := range p.listed(voter) {
			s += o.ID
		}
		return s
	}
	firsts := map[byte]int{}
	for i := range 500 {
		voter := "v-" + strings.Repeat("x", i)
		once, again := order(voter), order(voter)
		if once != again || len(once) != 5 {
			t.Fatalf("%s sees %s, then %s", voter, once, again)
		}
		firsts[once[0]]++
	}
	for _, o := range p.Options {
		if n := firsts[o.ID[0]]; n < 60 || n > 140 {
			t.Errorf("%s is first for %d of 500 voters", o.ID, n)
		}
	}
	p.OptionOrder = "listed"
	if order("v-1") != "abcde" {
		t.Errorf("listed options are shown as %s", order("v-1"))
	}
}

func TestWhatIsNotOfThePollIsRefusedAndNotDropped(t *testing.T) {
	t.Parallel()
	p := &poll{ID: "board", Options: options("a", "b"), Method: "plurality", MaxSelections: 1}
	for _, fields := range []url.Values{{"choice": {"z"}}, {"rank.z": {"1"}}, {"score.z": {""}}} {
		if _, err := readMarks(p, fields); err == nil {
			t.Errorf("%v is taken", fields)
		}
	}
}

func TestMarksGoThroughHiddenFieldsUnchanged(t *testing.T) {
	t.Parallel()
	for method, fields := range map[string]url.Values{
		"approval": {"choice": {"a", "c"}}, "irv": {"rank.a": {"3"}, "rank.b": {"1"}}, "star": {"score.a": {"0"}, "score.c": {"5"}},
		"plurality": {"choice": {"-"}},
	} {
		p := &poll{Options: options("a", "b", "c"), Method: method, MaxSelections: 3, MaxScore: 5}
		m, err := readMarks(p, fields)
		if err != nil {
			t.Fatal(err)
		}
		again := url.Values{}
		for _, f := range m.fields(p) {
			again.Add(f.Name, f.Value)
		}
		if again.Encode() != fields.Encode() {
			t.Errorf("%s: %s became %s", method, fields.Encode(), again.Encode())
		}
	}
}
