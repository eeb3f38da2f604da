package corruption

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
)

func TestNoDamageOfAStoreIsSilent(t *testing.T) {
	t.Parallel()
	for kind, n := range map[string]int{kindFlip: 60, kindZero: 20, kindCut: 20, kindStale: 20} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			got, err := campaign(t.Context(), filepath.Join(t.TempDir(), "c"), kind, n, rand.New(rand.NewPCG(5, 6)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.by[silent]+got.by[unclear] > 0 || got.by[refused] < n/10 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestPointersBetweenPagesAreFound(t *testing.T) {
	t.Parallel()
	s, err := newSample(filepath.Join(t.TempDir(), "s"), rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(pointers(s.now()[logName])); n < 10 {
		t.Errorf("only %d pointers: flips of pointers would hit nothing", n)
	}
}
