package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const smallCouncil = `3 1
4 1 2 0
3 2 0
2 3 - 2 0
1 0
0
"Ann"
"Bo"
"Cy Lo"
"Council"
`

// The same ballots, in a poll and in a file, have the same outcome.
func TestAFileIsCountedAsThePollThatItCameFrom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoint := startCluster(t, 1, "").Endpoints()[0]
	for method, ballots := range map[string]string{
		"plurality": "voter,selections\nv1,ann\nv2,bo\nv3,bo\nv4,cy\n",
		"approval":  "voter,selections\nv1,ann;bo\nv2,bo\nv3,ann\nv4,ann;bo;cy\n",
		"score":     "voter,scores\nv1,ann=3;bo=9\nv2,bo=1\nv3,cy=10\nv4,ann=7\n",
		"irv":       "voter,ranking\nv1,ann>bo\nv2,bo>ann\nv3,cy>ann\nv4,ann\nv5,bo\nv6,cy\nv7,bo\n",
	} {
		file := write(t, filepath.Join(dir, method+".csv"), ballots)
		follow(t, []string{endpoint}, []step{
			{"poll create " + method + " ann bo cy --method " + method, 0, nil},
			{"import " + method + " " + file, 0, nil},
			{"poll close " + method, 0, nil},
		})
		polled, shown := voted("results", method, "--json", "--endpoint", endpoint), voted("poll", "show", method, "--json", "--endpoint", endpoint)
		definition := write(t, filepath.Join(dir, method+".json"), shown.out)
		for _, format := range []string{"csv", "ndjson"} {
			exported := filepath.Join(dir, method+"-exported."+format)
			follow(t, []string{endpoint}, []step{{"export " + method + " --format " + format + " -o " + exported, 0, nil}})
			for _, path := range []string{file, exported} {
				counted := voted("tally", path, "--definition", definition, "--json")
				if counted.code != 0 {
					t.Fatalf("%s: %s", path, counted.errout)
				}
				want, got := object(t, polled.out), object(t, counted.out)
				for _, name := range []string{"index", "certified", "closed_index", "digest"} { // a file has none, and is none
					delete(want, name)
				}
				if at := missing(want, got); at != "" {
					t.Errorf("%s: %s differs from the poll's:\n%s\n%s", path, at, counted.out, polled.out)
				}
			}
		}
	}
}

// What other programs read is made of the service's export, and counts the same.
func TestAnExportForOtherProgramsCountsTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoint := startCluster(t, 1, "").Endpoints()[0]
	ranked := write(t, filepath.Join(dir, "ranked.csv"), "voter,ranking\nv3,ann>bo\nv1,bo>ann\nv2,cy>ann\nv4,ann\nv5,bo\nv6,cy\nv7,bo\nv8,ann>bo\n")
	chosen := write(t, filepath.Join(dir, "chosen.csv"), "voter,selections\nv1,ann;bo\nv2,bo\n")
	scored := write(t, filepath.Join(dir, "scored.csv"), "voter,scores\nv1,ann=5;bo=0\nv2,bo=1\n")
	follow(t, []string{endpoint}, []step{
		{"poll create ranked ann=Ann bo=Bo cy=Cy --method irv", 0, nil},
		{"poll create chosen ann=Ann bo=Bo --method approval --secrecy open", 0, nil},
		{"poll create scored ann=Ann bo=Bo --method score --max-score 5", 0, nil},
		{"poll create none ann=Ann bo=Bo --method irv", 0, nil},
		{"import ranked " + ranked, 0, nil},
		{"import chosen " + chosen, 0, nil},
		{"import scored " + scored, 0, nil},
		{"export ranked --format blt", 1, []string{"once the poll has closed", "voted poll close"}},
		{"poll close ranked", 0, nil},
		{"poll close scored", 0, nil},
		{"poll close none", 0, nil},
		{"export scored --format blt", 2, []string{"holds rankings"}},
		{"export scored --format preflib -o " + filepath.Join(dir, "no"), 2, []string{"no form for scores"}},
		{"export nosuch --format blt", 1, []string{"there is no such poll"}},
		{"export none --format blt", 0, []string{"2 1\n0\n"}},
	})
	for poll, formats := range map[string][]string{
		"ranked": {"cvr", "preflib", "blt", "abif", "rctab-csv"}, "chosen": {"cvr", "preflib", "abif"}, "scored": {"cvr", "abif"},
	} {
		definition := write(t, filepath.Join(dir, poll+".json"), voted("poll", "show", poll, "--json", "--endpoint", endpoint).out)
		polled := object(t, voted("results", poll, "--json", "--endpoint", endpoint).out)
		for _, format := range formats {
			path := filepath.Join(dir, poll+"."+format)
			follow(t, []string{endpoint}, []step{{"export " + poll + " --format " + format + " -o " + path, 0, []string{"wrote " + path}}})
			text, err := os.ReadFile(path)
			if err != nil || strings.Contains(string(text), "v1") || strings.Contains(string(text), "cast_at") {
				t.Errorf("%s: %v, or it names voters:\n%s", path, err, text)
			}
			counted := voted("tally", path, "--definition", definition, "--json")
			if counted.code != 0 {
				t.Fatalf("%s: %s\n%s", path, counted.errout, text)
			}
			got := object(t, counted.out)
			for _, name := range []string{"winners", "options", "rounds", "ties", "ballots"} {
				if at := missing(polled[name], got[name]); polled[name] != nil && at != "" {
					t.Errorf("%s: %s %s differs:\n%s\n%v", path, name, at, counted.out, polled)
				}
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "no")); !os.IsNotExist(err) {
		t.Errorf("a file was left behind: %v", err)
	}
}

func TestResultsArePrintedForPeopleAndForOtherPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoint := startCluster(t, 1, "").Endpoints()[0]
	file := write(t, filepath.Join(dir, "in.csv"), "voter,ranking\nv1,ann>bo\nv2,bo\nv3,cy>bo\nv4,ann\nv5,bo\n")
	follow(t, []string{endpoint}, []step{
		{"poll create board ann=Ann bo=Bo cy=Cy --method irv --title Board", 0, nil},
		{"poll create lunch pizza sushi", 0, nil},
		{"import board " + file, 0, nil},
		{"results board --format report", 0, []string{"Board\n=====", "log index", "Round 2", "Bo "}},
		{"poll close board", 0, nil},
		{"results board --format report", 0, []string{"closed, final", "1. Bo"}},
		{"results board --format csv", 0, []string{"id,title,round 1", "cy,Cy,1,out"}},
		{"results board --format json", 0, []string{`"winners":["bo"]`}},
		{"results board --format rctab", 0, []string{`"jsonFormatVersion": "1"`, `"elected": "Bo"`}},
		{"results lunch --format pairs", 2, []string{"compares no pairs"}},
		{"results lunch --format rctab", 2, []string{"made of rounds of votes"}},
		{"results lunch --format csv", 0, []string{"id,title,votes,won\npizza,pizza,0,false"}},
		{"results lunch --format xml", 2, []string{"give one of json, csv"}},
		{"results lunch --format csv --watch", 2, []string{"can't be used together"}},
	})
}

// missing returns where got lacks something of want; empty if it does not.
func missing(want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for name, value := range want {
			if at := missing(value, object[name]); at != "" {
				return name + " " + at
			}
		}
		return ""
	case []any:
		list, _ := got.([]any)
		if len(list) != len(want) {
			return "its length"
		}
		for i := range want {
			if at := missing(want[i], list[i]); at != "" {
				return fmt.Sprintf("%d %s", i, at)
			}
		}
		return ""
	}
	if want != got {
		return "its value"
	}
	return ""
}

func object(t *testing.T, text string) (o map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return o
}

func TestAFileIsCountedByWhatItSaysAndWhatIsAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	blt := write(t, filepath.Join(dir, "council.blt"), smallCouncil)
	cut := write(t, filepath.Join(dir, "cut.blt"), strings.TrimSuffix(smallCouncil, "\"Council\"\n"))
	withdrawn := write(t, filepath.Join(dir, "withdrawn.blt"), strings.Replace(smallCouncil, "3 1\n", "3 1\n-1\n", 1))
	choices := write(t, filepath.Join(dir, "choices.ndjson"), `{"selections":["a","b"],"count":3}`+"\n"+`{"selections":["c"],"count":2}`+"\n")
	scores := write(t, filepath.Join(dir, "scores.csv"), "scores,count\na=5;b=3,2\nb=7,1\n")
	definition := write(t, filepath.Join(dir, "poll.json"), `{"id":"council","title":"The council","options":["Cy Lo","Bo","Ann"],"method":"irv","ballots":"as_marked","tie_break":"listed"}`)
	strict := write(t, filepath.Join(dir, "strict.json"), `{"options":["Cy Lo","Bo","Ann"],"method":"irv","ballots":"strict"}`)
	five := write(t, filepath.Join(dir, "five.json"), `{"options":["a","b"],"method":"score","max_score":5}`)
	misspelt := write(t, filepath.Join(dir, "misspelt.json"), `{"options":["a","b"],"methd":"score"}`)
	follow(t, nil, []step{
		{"tally " + blt, 0, []string{"no method was named: counted by irv", "Council", "10 ballots", "BLT in utf-8", "2 ballots with a skipped rank", "Bo", "✓ wins"}},
		{"tally " + blt + " --method irv --json", 0, []string{`"winners":["Bo"]`, `"poll":"council"`, `"kind":"blt"`, `"blank":1`}},
		{"tally " + blt + " --definition " + definition + " --json", 0, []string{`"title":"The council"`, `"options":[{"id":"cy-lo"`}},
		{"tally " + blt + " --definition " + strict, 2, []string{"skip a rank", "as_marked"}},
		{"tally " + blt + " --method irv --report", 0, []string{"Council\n=======", "sha-256", "1. Bo", "Round 1"}},
		{"tally " + blt + " --method irv --format csv", 0, []string{"id,title,round 1,round 1 state", "cy-lo,Cy Lo,2,out"}},
		{"tally " + blt + " --method irv --format rctab", 0, []string{`"jsonFormatVersion": "1"`, `"eliminated": "Cy Lo"`}},
		{"tally " + blt + " --method irv --format pairs", 0, []string{"Bo,Bo,5,,7"}},
		{"tally " + choices + " --format pairs", 2, []string{"compares no pairs"}},
		{"tally " + blt + " --method irv --format xml", 2, []string{"csv, pairs, rctab"}},
		{"tally " + blt + " --method borderless", 2, []string{"choose one of plurality, approval"}},
		{"tally " + blt + " --method score", 2, []string{"holds rankings", "--method"}},
		{"tally " + blt + " --method irv --seats 2", 2, []string{"seats: The method irv elects one option"}},
		{"tally " + blt + " --method irv --rule shape=round", 2, []string{"rules.shape"}},
		{"tally " + blt + " --method irv --rule shape", 2, []string{"no name and value"}},
		{"tally " + blt + " --method irv --rule lot=ann,bo", 2, []string{`"ann", which is no option; these are: Ann, Bo, cy-lo`}},
		{"tally " + blt + " --method irv --tie-break lot --rule lot=cy-lo,Bo,Ann --json", 0, []string{"drawn last by lot"}},
		{"tally " + blt + " --method irv --tie-break dice", 2, []string{"listed, lot, report"}},
		{"tally " + blt + " --from preflib", 2, []string{"line 1"}},
		{"tally " + blt + " --from word", 2, []string{"no kind of file", "rctab-csv"}},
		{"tally " + cut, 2, []string{"line 9", "ends before the title", "nothing was counted"}},
		{"tally " + withdrawn + " --method irv --json", 0, []string{`"winners":["Bo"]`}},
		{"tally " + choices, 0, []string{"counted by approval", "5 ballots"}},
		{"tally " + choices + " --method plurality --json", 0, []string{`"winners":["c"]`, `"overvoted":3`}},
		{"tally " + choices + " --method plurality --max-selections 2 --json", 0, []string{`"winners":["a","b"]`}},
		{"tally " + choices + " --method plurality --max-selections=-1", 2, []string{"1 or more"}},
		{"tally " + blt + " --method irv --max-selections 2", 2, []string{"leave it out"}},
		{"tally " + scores + " --json", 0, []string{`"winners":["b"]`, `"score":13`}},
		{"tally " + scores + " --definition " + five, 2, []string{"the score 7, and the highest one is 5"}},
		{"tally " + scores + " --definition " + misspelt, 2, []string{"/methd"}},
		{"tally " + definition, 2, []string{"--from"}},
		{"tally " + filepath.Join(dir, "nowhere"), 2, []string{"there is no file"}},
		{"tally " + dir, 2, []string{"is a directory"}},
	})
}

func TestAReportIsTheSameWhereverTheFileIs(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	one := voted("tally", write(t, filepath.Join(dir, "council.blt"), smallCouncil), "--method", "irv", "--report")
	two := voted("tally", write(t, filepath.Join(other, "other.dat"), smallCouncil), "--method", "irv", "--report")
	if one.code != 0 || one.out != two.out {
		t.Errorf("exit code %d:\n%s\nand\n%s", one.code, one.out, two.out)
	}
	if three := voted("tally", write(t, filepath.Join(other, "third"), smallCouncil+"\n"), "--method", "irv", "--report"); three.out == one.out {
		t.Error("another file has the same report")
	}
}

// What a report says of a method are its rules, and each can be set on the command line.
func TestEveryRuleOfAMethodCanBeSet(t *testing.T) {
	t.Parallel()
	path := write(t, filepath.Join(t.TempDir(), "council.blt"), smallCouncil)
	set := voted("tally", path, "--method", "irv", "--rule", "until=two", "--rule", "max_skipped=1", "--rule", "withdrawn=Ann,Bo", "--json")
	if set.code != 0 || !slices.Equal(object(t, set.out)["winners"].([]any), []any{"cy-lo"}) {
		t.Errorf("exit code %d: %s%s", set.code, set.out, set.errout)
	}
	if wrong := voted("tally", path, "--method", "irv", "--rule", "until=three"); wrong.code != 2 || !strings.Contains(wrong.errout, "rules.until") {
		t.Errorf("exit code %d: %s", wrong.code, wrong.errout)
	}
	if wrong := voted("tally", path, "--method", "irv", "--rule", "max_skipped=few"); wrong.code != 2 || !strings.Contains(wrong.errout, "whole number") {
		t.Errorf("exit code %d: %s", wrong.code, wrong.errout)
	}
}
