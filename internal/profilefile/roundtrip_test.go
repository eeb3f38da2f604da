package profilefile

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"voted/internal/profile"
	"voted/internal/tally"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// election is a profile to be written and read.
type election struct {
	options int
	form    tally.Form
	odd     bool // shared and skipped ranks, and options at two ranks
	ties    bool // shared ranks only
}

func (e election) profile(random *rand.Rand) *profile.Profile {
	p := &profile.Profile{Title: `Board "2026", Zoë & co.`, Form: e.form, Seats: 2, MaxScore: 5}
	for i := range e.options {
		p.Options = append(p.Options, profile.Option{ID: fmt.Sprintf("o%02d", i+1), Title: fmt.Sprintf("Person %02d", i+1)})
	}
	c := profile.Collector{Form: e.form}
	for range 60 {
		order := random.Perm(e.options)[:random.IntN(e.options+1)]
		for i, option := range order {
			switch {
			case e.form == tally.Scores:
				c.Score(option, random.IntN(6))
				continue
			case e.form == tally.Choice:
				c.Mark(option)
				continue
			case i > 0 && (!(e.odd || e.ties) || random.IntN(4) > 0):
				c.NextRank()
			}
			if e.odd && random.IntN(5) == 0 {
				c.NextRank()
			}
			if c.Mark(option); e.odd && random.IntN(9) == 0 {
				c.NextRank()
				c.Mark(order[0])
			}
		}
		var twice *profile.TwiceError
		if err := c.Add(1 + random.Int64N(3)); err != nil && !errors.As(err, &twice) {
			panic(err)
		}
	}
	p.Groups = c.Groups()
	return p
}

// same compares the ballots of two profiles of the same options. blank ones need not be in
// got, if the format has none.
func same(t *testing.T, what string, got, want *profile.Profile, blank bool) {
	t.Helper()
	w := *want
	w.Groups = nil
	for _, g := range want.Groups {
		if blank || len(g.Choice)+len(g.Ranking)+len(g.Scores) > 0 {
			w.Groups = append(w.Groups, g)
		}
	}
	got.Sort(false)
	w.Sort(false)
	if len(got.Options) != len(w.Options) || got.Form != w.Form || !reflect.DeepEqual(got.Groups, w.Groups) {
		t.Fatalf("%s: got %d options and %v, want %d and %v", what, len(got.Options), got.Groups, len(w.Options), w.Groups)
	}
}

func TestWhatIsWrittenIsReadAsTheSameBallots(t *testing.T) {
	t.Parallel()
	const seed = 20261128
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for kind, elections := range map[Kind][]election{
		NDJSON:  {{options: 5, form: tally.Choice}, {options: 5, form: tally.Scores}, {options: 12, form: tally.Ranking, odd: true}},
		CSV:     {{options: 5, form: tally.Choice}, {options: 5, form: tally.Scores}, {options: 12, form: tally.Ranking, odd: true}},
		CVR:     {{options: 5, form: tally.Choice}, {options: 5, form: tally.Scores}, {options: 12, form: tally.Ranking, odd: true}},
		BLT:     {{options: 12, form: tally.Ranking, odd: true}},
		ABIF:    {{options: 5, form: tally.Choice}, {options: 5, form: tally.Scores}, {options: 12, form: tally.Ranking, ties: true}},
		PrefLib: {{options: 5, form: tally.Choice}, {options: 12, form: tally.Ranking}, {options: 12, form: tally.Ranking, ties: true}},
		RCTab:   {{options: 12, form: tally.Ranking, ties: true}},
	} {
		for i, e := range elections {
			p := e.profile(random)
			var file bytes.Buffer
			if err := Write(&file, p, kind, "board", noon); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			what := fmt.Sprintf("%s %d, %d bytes", kind, i, file.Len())
			found, err := Read(bytes.NewReader(file.Bytes()), Asked{Options: p.Options})
			if err != nil {
				t.Fatalf("%s: %v in\n%.2000s", what, err, file.String())
			}
			if found.Kind != kind {
				t.Errorf("%s was taken for %s", kind, found.Kind)
			}
			same(t, what, found.Profile, p, !(kind == PrefLib && e.form == tally.Ranking))
			var again bytes.Buffer
			if err := Write(&again, p, kind, "board", noon); err != nil || !bytes.Equal(again.Bytes(), file.Bytes()) {
				t.Errorf("%s: %v: it is written differently the second time", what, err)
			}
		}
	}
}

func TestTheOrderInAFileDoesNotShowWhoVotedWhen(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 7))
	p := election{options: 4, form: tally.Ranking}.profile(random)
	for _, kind := range Kinds {
		var files [2]bytes.Buffer
		for i := range files {
			random.Shuffle(len(p.Groups), func(i, j int) { p.Groups[i], p.Groups[j] = p.Groups[j], p.Groups[i] })
			if err := Write(&files[i], p, kind, "board", noon); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
			t.Errorf("%s: the order of the ballots can be seen", kind)
		}
	}
}

func TestWhatAFormatCannotSayIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	options := []profile.Option{{ID: "a", Title: "A"}, {ID: "b", Title: "B"}}
	of := func(form tally.Form, p tally.Preference) *profile.Profile {
		return &profile.Profile{Options: options, Form: form, Groups: []tally.Group{{Preference: p, Weight: 1}}}
	}
	many := of(tally.Ranking, tally.Preference{Ranking: [][]int{{0}}})
	many.Groups[0].Weight = 1 << 40
	skipped := of(tally.Ranking, tally.Preference{Ranking: [][]int{{0}, {}, {1}}})
	twice := of(tally.Ranking, tally.Preference{Ranking: [][]int{{0}, {1}, {0}}})
	scores := of(tally.Scores, tally.Preference{Scores: []tally.OptionScore{{Option: 0, Score: 3}}})
	for name, c := range map[string]struct {
		p    *profile.Profile
		kind Kind
	}{
		"a skipped rank in PrefLib":         {skipped, PrefLib},
		"a skipped rank in ABIF":            {skipped, ABIF},
		"an option at two ranks in PrefLib": {twice, PrefLib},
		"an option at two ranks in RCTab":   {twice, RCTab},
		"scores in BLT":                     {scores, BLT},
		"scores in PrefLib":                 {scores, PrefLib},
		"scores in RCTab":                   {scores, RCTab},
		"a record for each of 2^40 ballots": {many, CVR},
		"a row for each of 2^40 ballots":    {many, RCTab},
	} {
		var out bytes.Buffer
		var unwritable *profile.UnwritableError
		if err := Write(&out, c.p, c.kind, "board", noon); !errors.As(err, &unwritable) || out.Len() > 0 {
			t.Errorf("%s: %v, and %d bytes were written", name, err, out.Len())
		}
	}
}

func TestPrefLibHasTheMostRestrictiveTypeThatFits(t *testing.T) {
	t.Parallel()
	for want, ballots := range map[string]string{
		"soc": `{"ranking":["a","b"]}`,
		"soi": `{"ranking":["a"]}` + "\n" + `{"ranking":["a","b"]}`,
		"toc": `{"ranking":[["a","b"]]}`,
		"toi": `{"ranking":[["a","b"]]}` + "\n" + `{"ranking":["b"]}`,
		"cat": `{"selections":["a","b"]}`,
	} {
		found, err := Read(strings.NewReader(ballots), Asked{Options: []profile.Option{{ID: "a", Title: "A"}, {ID: "b", Title: "B"}}})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := Write(&out, found.Profile, PrefLib, "x", noon); err != nil || !strings.Contains(out.String(), "# DATA TYPE: "+want+"\n") {
			t.Errorf("%s: %v\n%s", want, err, out.String())
		}
	}
}
