package ballots

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"voted/internal/profile"
	"voted/internal/tally"
	"voted/internal/textfile"
)

// The profile of a poll with a roll says how many ballots hold a choice, and what they
// weigh together. It is the weight that counts.
func TestTheProfileOfAWeightedPollCountsByItsWeights(t *testing.T) {
	t.Parallel()
	options := []profile.Option{{ID: "ann"}, {ID: "bo"}}
	lines := func(text string) textfile.Source {
		l, err := textfile.NewLines(strings.NewReader(text), nil, 1<<10)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	objects, err := ReadNDJSON(lines(`{"selections":["ann"],"count":2,"weight":1000001}`+"\n"+`{"selections":["bo"],"count":1,"weight":3}`), options)
	if err != nil {
		t.Fatal(err)
	}
	table, ignored, err := ReadCSV(lines("selections,count,weight\nann,2,1000001\nbo,1,3\n"), 0, options)
	if err != nil || len(ignored) > 0 {
		t.Fatal(err, ignored)
	}
	for name, p := range map[string]*profile.Profile{"ndjson": objects, "csv": table} {
		if len(p.Groups) != 2 || p.Groups[0].Weight != 1000001 || p.Groups[1].Weight != 3 {
			t.Errorf("%s: %+v", name, p.Groups)
		}
	}
	for _, text := range []string{
		`{"voter":"v","selections":["ann"],"weight":3}`, `{"selections":["ann"],"weight":3}`, `{"ballot":1,"version":1,"selections":["ann"],"count":2,"weight":3}`,
	} {
		if _, err := ReadNDJSON(lines(text), options); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

// A cell of known options is read without ballottext; it must mean the same.
func TestAPlainCellMeansWhatItMeansElsewhere(t *testing.T) {
	t.Parallel()
	options := []profile.Option{{ID: "a"}, {ID: "b.b"}, {ID: "c~1"}}
	const seed = 7
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed))
	parts := []string{"a", "b.b", "c~1", ">", "=", "_", ";", " ", "d"}
	read, plain := 0, 0
	for range 20_000 {
		var cell strings.Builder
		for range random.IntN(8) {
			cell.WriteString(parts[random.IntN(len(parts))])
		}
		quick, slow := &table{gatherer: newGatherer(options)}, &table{gatherer: newGatherer(options)}
		quick.ballots.Form, slow.ballots.Form = tally.Ranking, tally.Ranking
		err := slow.marks(cell.String())
		if err == nil {
			read++
		}
		if !quick.plain([]byte(cell.String())) {
			continue
		}
		plain++
		if err != nil {
			t.Fatalf("%q is read, and should be refused: %v", cell.String(), err)
		}
		got, want := quick.add(1), slow.add(1)
		if !reflect.DeepEqual(quick.ballots.Groups(), slow.ballots.Groups()) || (got == nil) != (want == nil) {
			t.Fatalf("%q: got %v, %v, want %v, %v", cell.String(), quick.ballots.Groups(), got, slow.ballots.Groups(), want)
		}
	}
	if plain == 0 || plain == read {
		t.Errorf("of %d cells that can be read, %d were plain", read, plain)
	}
}
