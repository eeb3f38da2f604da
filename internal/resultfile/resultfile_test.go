package resultfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"voted/internal/profile"
	"voted/internal/resultjson"
)

var update = flag.Bool("update", false, "write the golden files again")

type numbers = resultjson.By[resultjson.Number]

func number(id string, n resultjson.Number) resultjson.Pair[resultjson.Number] {
	return resultjson.Pair[resultjson.Number]{ID: id, Value: n}
}

// transferable is a count of two seats with fractions.
func transferable() *Count {
	return &Count{
		Title: "Council\nnorth", Ballots: 31, Seats: 2,
		Facts:   []Fact{{"method", "stv"}, {"rule", "rule_set scottish"}},
		Options: []profile.Option{{ID: "ann", Title: "Zoë Long-Name"}, {ID: "bo", Title: "Bo"}, {ID: "bo2", Title: "Bo"}},
		Outcome: resultjson.Outcome{
			Winners: []string{"ann", "bo2"}, Elected: []string{"bo2", "ann"}, Blank: 1, Quota: "11", TieBreaking: "As listed.",
			Options: []resultjson.Option{{ID: "ann", Votes: "8"}, {ID: "bo", Votes: "6"}, {ID: "bo2", Votes: "16"}},
			Rounds: []resultjson.Round{
				{
					Votes: numbers{number("ann", "8.00000"), number("bo", "6.00000"), number("bo2", "16.00000")}, Elected: []string{"bo2"}, SurplusOf: []string{"bo2"},
					Exhausted: "1.00000", Transfers: resultjson.By[numbers]{{ID: "bo2", Value: numbers{number("ann", "3.12500"), number("exhausted", "1.87500")}}},
				},
				{
					Votes: numbers{number("ann", "11.12500"), number("bo", "6.00000"), number("bo2", "11.00000")}, Elected: []string{"ann"}, Eliminated: []string{},
					Exhausted: "2.87500", Loss: "0.00001", ExhaustedBy: &resultjson.Exhaustion{Choices: 1, Skipped: 1}, Decided: "Nobody asked.",
				},
			},
			Ties:        []resultjson.Tie{{Round: 1, Options: []string{"ann", "bo"}, Step: "earlier_round", Chosen: []string{"ann", "bo"}}, {Round: 1, Options: []string{"ann", "bo"}, Step: "listed", Chosen: []string{"ann"}}},
			OtherOrders: &[]string{"bo"},
		},
	}
}

// paired is a count by pairs.
func paired() *Count {
	return &Count{
		Title: "Lunch", Ballots: 9,
		Options: []profile.Option{{ID: "a", Title: "A"}, {ID: "b", Title: "B"}, {ID: "c", Title: `C, "the third"`}},
		Outcome: resultjson.Outcome{
			Winners: []string{"a"}, TieBreaking: "Reported.", Ranking: [][]string{{"a"}, {"b", "c"}}, CondorcetWinner: "a",
			Options: []resultjson.Option{{ID: "a", Wins: "2"}, {ID: "b", Wins: "0.5"}, {ID: "c", Wins: "0.5"}},
			Pairwise: resultjson.By[numbers]{
				{ID: "a", Value: numbers{number("b", "5"), number("c", "6")}},
				{ID: "b", Value: numbers{number("a", "4"), number("c", "4")}},
				{ID: "c", Value: numbers{number("a", "3"), number("b", "4")}},
			},
			Locked: [][2]string{{"a", "c"}}, Dropped: [][2]string{{"c", "b"}},
			Paths: resultjson.By[resultjson.By[resultjson.Strength]]{
				{ID: "a", Value: resultjson.By[resultjson.Strength]{{ID: "b", Value: "5:4"}, {ID: "c", Value: "6"}}}, {ID: "b"}, {ID: "c"},
			},
			WorstDefeat: numbers{number("a", "-1"), number("b", "5"), number("c", "6")},
		},
	}
}

// scored is a count of scores, with a runoff and a tie.
func scored() *Count {
	return &Count{
		Ballots: 6, Seats: 1, Options: []profile.Option{{ID: "a", Title: "A"}, {ID: "b", Title: "B"}},
		Outcome: resultjson.Outcome{
			Winners: []string{}, TieBreaking: "Open.", Overvoted: 1, Finalists: []string{"a", "b"}, DecidedBy: "top_scores",
			Runoff:     &resultjson.Runoff{Votes: numbers{number("a", "2"), number("b", "2")}, NoPreference: 2},
			Options:    []resultjson.Option{{ID: "a", Score: "10", Mean: "3.3333333333333335", Ballots: "3", TopScores: "1", Distribution: []int64{0, 0, 1, 1, 0, 1}}, {ID: "b", Score: "0", Mean: "0", Ballots: "1", TopScores: "1"}},
			Unresolved: &resultjson.Unresolved{Seats: 1, Options: []string{"a", "b"}, Stage: "runoff"},
			Ties:       []resultjson.Tie{{Options: []string{"a", "b"}, Step: "open"}},
		},
	}
}

// What is archived and compared between machines has the same bytes forever.
func TestACountIsTheSameBytesAsEver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		count *Count
		write func(io.Writer, *Count) error
	}{
		"rounds.txt":   {transferable(), WriteReport},
		"rounds.csv":   {transferable(), WriteCSV},
		"rounds.json":  {transferable(), WriteRCTab},
		"pairs.txt":    {paired(), WriteReport},
		"pairs.csv":    {paired(), WriteCSV},
		"pairs-of.csv": {paired(), WriteOptions},
		"scores.txt":   {scored(), WriteReport},
		"scores.csv":   {scored(), WriteCSV},
	} {
		var got bytes.Buffer
		if err := c.write(&got, c.count); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got.Bytes(), want)
		}
	}
}

// Bloc STAR has a runoff for each seat; that of the whole outcome is the first one again.
func TestEachRunoffIsReportedOnce(t *testing.T) {
	t.Parallel()
	c := scored()
	first := *c.Runoff
	second := resultjson.Runoff{Votes: numbers{number("a", "3"), number("b", "1")}, NoPreference: 2}
	c.Rounds = []resultjson.Round{
		{Scores: numbers{number("a", "10"), number("b", "0")}, Finalists: []string{"a", "b"}, Runoff: &first, DecidedBy: "top_scores", Exhausted: "0"},
		{Scores: numbers{number("a", "10"), number("b", "0")}, Finalists: []string{"a", "b"}, Runoff: &second, DecidedBy: "runoff", Exhausted: "0"},
	}
	var got bytes.Buffer
	if err := WriteReport(&got, c); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(got.Bytes(), []byte("no preference")); n != 2 || !bytes.Contains(got.Bytes(), []byte("More ballots prefer the winner.")) {
		t.Errorf("two runoffs are reported %d times:\n%s", n, got.Bytes())
	}
}

func TestASummaryOfRoundsIsOnlyForMethodsThatHaveThem(t *testing.T) {
	t.Parallel()
	var rounds *UnfitError
	var out bytes.Buffer
	if err := WriteRCTab(&out, paired()); !errors.As(err, &rounds) || out.Len() > 0 {
		t.Errorf("got %v, %q", err, out.String())
	}
}

func TestTransfersFollowFromTheNextRoundWhereOneOptionLeft(t *testing.T) {
	t.Parallel()
	c := &Count{Options: []profile.Option{{ID: "a", Title: "A"}, {ID: "b", Title: "B"}, {ID: "c", Title: "C"}, {ID: "d", Title: "D"}}}
	c.Rounds = []resultjson.Round{
		{Votes: numbers{number("a", "5"), number("b", "4"), number("c", "3"), number("d", "1")}, Eliminated: []string{"d"}, Exhausted: "0"},
		{Votes: numbers{number("a", "5"), number("b", "4"), number("c", "3")}, Eliminated: []string{"b", "c"}, Exhausted: "1"},
		{Votes: numbers{number("a", "9")}, Exhausted: "4"},
	}
	c.Winners = []string{"a"}
	var out bytes.Buffer
	if err := WriteRCTab(&out, c); err != nil {
		t.Fatal(err)
	}
	var s summary
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	first, second, last := s.Results[0].Results, s.Results[1].Results, s.Results[2].Results
	if len(first) != 1 || first[0].Eliminated != "D" || len(first[0].Transfers) != 1 || first[0].Transfers["exhausted"] != "1" {
		t.Errorf("round 1: %+v", first)
	}
	// Of two that leave at once, it is not known who gave what.
	if len(second) != 2 || len(second[0].Transfers)+len(second[1].Transfers) != 0 {
		t.Errorf("round 2: %+v", second)
	}
	if len(last) != 1 || last[0].Elected != "A" || s.Results[0].Threshold != "7" {
		t.Errorf("last round: %+v, threshold %s", last, s.Results[0].Threshold)
	}
}
