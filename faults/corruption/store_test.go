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
			got, err := damageSamples(t.Context(), filepath.Join(t.TempDir(), "c"), kind, n, rand.New(rand.NewPCG(5, 6)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.count[silent]+got.count[unclear] > 0 || got.count[refused] < n/10 {
				t.Errorf("of %d %s: %+v, want none silent or unclear and a tenth refused", n, kind, got)
			}
		})
	}
}

func TestATornAppendIsNoDamage(t *testing.T) {
	t.Parallel()
	got, err := damageSamples(t.Context(), filepath.Join(t.TempDir(), "c"), kindTorn, 40, rand.New(rand.NewPCG(7, 8)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.count[harmless] != 40 {
		t.Errorf("%+v, want 40 without effect", got)
	}
}

func TestTheSampleHasSeveralSegments(t *testing.T) {
	t.Parallel()
	s, err := newSample(filepath.Join(t.TempDir(), "s"), rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if name, used := segment(s.now()); name == "log/0000000000000001.seg" || used < 10*sector {
		t.Errorf("%d bytes of %s are in use, want a later segment with at least %d", used, name, 10*sector)
	}
}
