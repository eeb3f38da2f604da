package ballots

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"voted/internal/profile"
	"voted/internal/tally"
)

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
