package display

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"voted/client"
)

var update = flag.Bool("update", false, "write the golden files again")

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

// listedTie is an instant runoff that the order of the options decided twice.
func listedTie() client.Results {
	return client.Results{
		Poll: "chair", Method: client.IRV, State: client.StateClosed, Index: 12, Ballots: 3, Certified: true, Winners: []string{"ann"},
		Options: []client.OptionResult{{ID: "ann", Votes: 1}, {ID: "bo", Votes: 1}, {ID: "cy", Votes: 1}},
		Rounds: []client.Round{
			{Votes: map[string]client.Votes{"ann": 1, "bo": 1, "cy": 1}, Eliminated: []string{"cy"}},
			{Votes: map[string]client.Votes{"ann": 1, "bo": 1}, Eliminated: []string{"bo"}, Exhausted: 1},
			{Votes: map[string]client.Votes{"ann": 1}, Exhausted: 2},
		},
		Ties: []client.Tie{
			{Round: 1, Options: []string{"ann", "bo", "cy"}, Step: client.TieListed, Chosen: []string{"cy"}},
			{Round: 2, Options: []string{"ann", "bo"}, Step: client.TieListed, Chosen: []string{"bo"}},
		},
		OtherOrdersElect: []string{"bo", "cy"},
	}
}

func TestResultsLookAsTheyAreMeantTo(t *testing.T) {
	t.Parallel()
	titles := Titles{"rtl": "a\u202eevil", "osc": "\x1b]0;owned\x07", "peltola": "Mary Peltola", "palin": "Sarah Palin", "begich": "Nick Begich"}
	plurality := client.Results{
		Poll: "lunch", Method: client.Plurality, State: client.StateOpen, Index: 7, Ballots: 3, Winners: []string{"pizza"},
		Options: []client.OptionResult{{ID: "pizza", Votes: 2}, {ID: "sushi", Votes: 1}, {ID: "salad"}},
	}
	tied := plurality
	tied.Winners, tied.TieBreaking = []string{"pizza", "sushi"}, "All options with the most votes win."
	tied.Options = []client.OptionResult{{ID: "pizza", Votes: 2}, {ID: "sushi", Votes: 2}, {ID: "salad"}}
	tied.Ties = []client.Tie{{Options: []string{"pizza", "sushi"}, Step: client.TieReport, Chosen: []string{"pizza", "sushi"}}}
	weighted := plurality
	weighted.Weight, weighted.Turnout = 1_000_008, &client.Turnout{Eligible: 12, Voted: 3, EligibleWeight: 9_999_999, VotedWeight: 1_000_008}
	weighted.Options = []client.OptionResult{{ID: "pizza", Votes: 1_000_000}, {ID: "sushi", Votes: 8}, {ID: "salad"}}
	zeros := client.Results{
		Poll: "wines", Method: client.ScoreVoting, State: client.StateOpen, Ballots: 1,
		Options: []client.OptionResult{{ID: "merlot"}, {ID: "syrah"}},
	}
	hostile := plurality
	hostile.Poll = "lunch\x1b[2J"
	hostile.Options = []client.OptionResult{{ID: "pizza", Votes: 2}, {ID: "rtl", Votes: 1}, {ID: "osc"}}
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
		"tied-40":      {tied, "What do we eat?", 40, false},
		"listed-80":    {listedTie(), "Chair", 80, false},
		"listed-40":    {listedTie(), "Chair", 40, false},
		"weighted-80":  {weighted, "", 80, false},
		"weighted-40":  {weighted, "", 40, false},
		"zeros-80":     {zeros, "", 80, false},
		"rounds-40":    {manyRounds(), "", 40, false},
		"hostile-60":   {hostile, "", 60, true},
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
	s.Draw(func(o *Output) { o.Linef("four"); o.Linef("five") })
	want := "one\ntwo\n" +
		"\r\x1b[2A\x1b[Kthree\n\x1b[K\x1b[1B\x1b[1A" + // what the former frame had more is erased
		"\r\x1b[1A\x1b[Kfour\nfive\n"
	if got := b.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAViewFindsItsBeginningAgainInAWindowOfAnotherSize(t *testing.T) {
	t.Parallel()
	frame := func(n, width int) func(*Output) {
		return func(o *Output) {
			for range n {
				o.Linef("%s", strings.Repeat("x", width))
			}
		}
	}
	for _, c := range []struct {
		name string
		ups  []string // how far each frame goes up
		draw func(*Screen, *Output)
	}{
		{"lower: what was pushed out is out of reach, and is reached again when it is back", []string{"", "\r\x1b[9A", "\r\x1b[20A", "\r\x1b[3A"}, func(s *Screen, o *Output) {
			o.rows = 23
			s.Draw(frame(20, 10))
			o.rows = 9
			s.Draw(frame(9, 10))
			o.rows = 23
			s.Draw(frame(3, 10))
			s.Draw(frame(3, 10))
		}},
		{"narrower: a line stands on several rows", []string{"", "\r\x1b[6A", "\r\x1b[2A"}, func(s *Screen, o *Output) {
			o.rows = 23
			s.Draw(frame(2, 80))
			o.width = 30
			s.Draw(frame(2, 30))
			s.Draw(frame(2, 30))
		}},
	} {
		var b bytes.Buffer
		o := &Output{Writer: &b, Terminal: true, width: 80}
		s := o.Screen()
		c.draw(s, o)
		var ups []string
		for part := range strings.SplitSeq(strings.ReplaceAll(b.String(), "\r", "|\r"), "|") {
			up, _, erases := strings.Cut(part, "\x1b[K")
			if !erases { // the first frame
				up = ""
			}
			ups = append(ups, up)
		}
		if !slices.Equal(ups, c.ups) {
			t.Errorf("%s: it goes up %q, want %q", c.name, ups, c.ups)
		}
		if strings.Contains(b.String(), "\x1b[J") || strings.Contains(b.String(), "\x1b[2J") {
			t.Errorf("%s: it erases more than lines: %q", c.name, b.String())
		}
	}
}
