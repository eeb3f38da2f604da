package display

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"voted/client"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what is shown to a file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func runoff() client.Results {
	return client.Results{
		Poll: "alaska-2022", Method: client.IRV, State: client.StateClosed, Index: 90344, Ballots: 188571, Certified: true,
		Winners: []string{"peltola"},
		Options: []client.OptionResult{{ID: "peltola", Votes: 75787}, {ID: "palin", Votes: 58974}, {ID: "begich", Votes: 53810}},
		Rounds: []client.Round{
			{Votes: map[string]client.Votes{"peltola": 75787, "palin": 58974, "begich": 53810}, Eliminated: []string{"begich"}},
			{Votes: map[string]client.Votes{"peltola": 91265, "palin": 86044}, Exhausted: 11262},
		},
	}
}

func manyRounds() client.Results {
	r := client.Results{Poll: "board", Method: client.IRV, State: client.StateOpen, Ballots: 21, Index: 40, Winners: []string{"a"}}
	left := []string{"a", "b", "c", "d", "e", "f"}
	for i, id := range left {
		r.Options = append(r.Options, client.OptionResult{ID: id, Votes: client.Votes(6 - i)})
	}
	for len(left) > 1 {
		round := client.Round{Votes: map[string]client.Votes{}, Eliminated: left[len(left)-1:]}
		for i, id := range left {
			round.Votes[id] = client.Votes(21/len(left) + 6 - i)
		}
		r.Rounds = append(r.Rounds, round)
		left = left[:len(left)-1]
	}
	return r
}

func TestResultsLookAsTheyAreMeantTo(t *testing.T) {
	t.Parallel()
	titles := Titles{"peltola": "Mary Peltola", "palin": "Sarah Palin", "begich": "Nick Begich"}
	plurality := client.Results{
		Poll: "lunch", Method: client.Plurality, State: client.StateOpen, Index: 7, Ballots: 3, Winners: []string{"pizza"},
		Options: []client.OptionResult{{ID: "pizza", Votes: 2}, {ID: "sushi", Votes: 1}, {ID: "salad"}},
	}
	tied := plurality
	tied.Winners, tied.TieBreaking = []string{"pizza", "sushi"}, "All options with the most votes win."
	scores := client.Results{
		Poll: "wines", Method: client.ScoreVoting, State: client.StateOpen, Index: 7, Ballots: 2, Winners: []string{"merlot"},
		Options: []client.OptionResult{{ID: "merlot", Score: 9, Mean: 4.5}, {ID: "a wine whose name is longer than anybody likes to read", Score: 4, Mean: 2}},
	}
	for name, c := range map[string]struct {
		results client.Results
		title   string
		width   int
		color   bool
	}{
		"runoff-120":   {runoff(), "Alaska, special general election", 120, false},
		"runoff-60":    {runoff(), "Alaska, special general election", 60, false},
		"runoff-color": {runoff(), "Alaska, special general election", 80, true},
		"rounds-70":    {manyRounds(), "", 70, false},
		"plurality-80": {plurality, "What do we eat?", 80, false},
		"tied-80":      {tied, "What do we eat?", 80, false},
		"scores-80":    {scores, "", 80, false},
		"nothing-yet":  {client.Results{Poll: "lunch", Method: client.Plurality, State: client.StateOpen, Options: []client.OptionResult{{ID: "pizza"}}}, "", 80, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			Fixed(&b, c.width, c.color).Results(c.results, c.title, titles)
			golden(t, name, b.Bytes())
			for line := range strings.Lines(b.String()) {
				if w := runewidth.StringWidth(strings.TrimRight(line, "\n")); w > c.width && !c.color {
					t.Errorf("a line has %d columns of %d: %q", w, c.width, line)
				}
			}
		})
	}
}

func TestNumbersReadWell(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		Int(0): "0", Int(999): "999", Int(1000): "1,000", Int(188571): "188,571", Int(-1234567): "-1,234,567",
		Count(12.5): "12.50", Count(1234.25): "1,234.25", Count(7): "7",
		Percent(1, 3): "33.3 %", Percent(0, 0): "–",
		Duration(34 * time.Millisecond): "34 ms", Duration(2100 * time.Millisecond): "2.1 s", Duration(200 * time.Second): "3m20s",
		Plural(1, "ballot"): "1 ballot", Plural(1200, "ballot"): "1,200 ballots", Plural(0, "ballot"): "0 ballots",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestABarHasItsWidthWhateverTheShare(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{-1, 0, 0.001, 0.01, 0.13, 0.5, 0.99, 0.999, 1, 2, math.NaN(), math.Inf(1)} {
		for _, width := range []int{1, 7, 40} {
			if got := len([]rune(Bar(share, width))); got != width {
				t.Errorf("Bar(%v, %d) is %d wide", share, width, got)
			}
		}
	}
	if Bar(0.5, 4) != "██  " || Bar(1, 2) != "██" || Bar(1.0/16, 2) != "▏ " {
		t.Errorf("bars are %q %q %q", Bar(0.5, 4), Bar(1, 2), Bar(1.0/16, 2))
	}
}

func TestColourIsOffWhereItIsNotWanted(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if o := New(&b); o.Color || o.Terminal || o.Width() != plainWidth {
		t.Errorf("a buffer was taken for a terminal: %+v", o)
	}
	if got := Fixed(&b, 80, false).Paint(Bad, "x"); got != "x" {
		t.Errorf("without colour: %q", got)
	}
	if got := Fixed(&b, 80, true).Paint(Bad, "x"); got != "\x1b[1;31mx\x1b[0m" {
		t.Errorf("with colour: %q", got)
	}
}

func TestAViewIsDrawnAgainInPlace(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	s := Fixed(&b, 80, false).Screen()
	s.Draw(func(o *Output) { o.Linef("one"); o.Linef("two") })
	s.Draw(func(o *Output) { o.Linef("three") })
	if got, want := b.String(), "one\ntwo\n\x1b[2A\x1b[Jthree\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
