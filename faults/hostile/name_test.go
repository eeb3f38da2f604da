package hostile

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"voted/internal/voterid"
)

// If drawn names were not what they are said to be, the layer would accuse correct nodes.
func TestNamesAreDrawnInWritingsOfOneVoterOrOfNone(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	differ, foreign, ids := 0, 0, 0
	for range 20_000 {
		one, other, id := drawName(r)
		a, errA := voterid.Canonical(one)
		b, errB := voterid.Canonical(other)
		if id && (errA != nil || errB != nil || a != b) || !id && (errA == nil || errB == nil) {
			t.Fatalf("%+q and %+q, an id: %v: %+q, %v; %+q, %v", one, other, id, a, errA, b, errB)
		}
		if id {
			ids++
		}
		if id && one != other {
			differ++
		}
		if !utf8.ValidString(one) {
			foreign++
		}
	}
	if ids < 5_000 || differ < 2_000 || foreign < 500 {
		t.Errorf("%d ids, %d of them in two writings, and %d that are not UTF-8", ids, differ, foreign)
	}
}
