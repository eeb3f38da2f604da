package prover

import (
	"errors"
	"testing"

	"voted/proof"
)

// rootsOf is a box whose root at a size is made of its name and that size.
func rootsOf(box byte) func(uint64) (proof.Hash, error) {
	return func(size uint64) (proof.Hash, error) { return proof.Hash{box, byte(size)}, nil }
}

func at(box byte, size uint64) Point { return Point{size, proof.Hash{box, byte(size)}} }

func TestAMemberSignsOnlyWhatItHasAndWhatItsMarkIsExtendedBy(t *testing.T) {
	t.Parallel()
	own := func(size uint64, m mark) standing {
		return standing{known: true, size: size, mark: m, rootAt: rootsOf('a')}
	}
	for name, x := range map[string]struct {
		ask  Point
		own  standing
		want Verdict
	}{
		"a first head":                                           {at('a', 5), own(5, mark{}), Signed},
		"a head that is older than its own box":                  {at('a', 5), own(9, mark{}), Signed},
		"a head that extends the mark":                           {at('a', 9), own(9, mark{Point: at('a', 5)}), Signed},
		"the head of the mark again":                             {at('a', 5), own(9, mark{Point: at('a', 5)}), Signed},
		"no such log, or doubt":                                  {at('a', 5), standing{size: 9, rootAt: rootsOf('a')}, Unknown},
		"an empty log":                                           {at('a', 0), own(9, mark{}), Unknown},
		"more records than its own box":                          {at('a', 9), own(8, mark{}), Behind},
		"another root":                                           {at('b', 5), own(9, mark{}), Differs},
		"another root, and the mark would be forked too":         {at('b', 5), own(9, mark{Point: at('c', 4)}), Differs},
		"a mark that its own box does not continue":              {at('a', 9), own(9, mark{Point: at('b', 5)}), Forked},
		"the mark's size with another root":                      {at('a', 5), own(9, mark{Point: at('b', 5)}), Forked},
		"a fork that was found before":                           {at('a', 9), own(9, mark{Point: at('a', 5), forked: true}), Forked},
		"a smaller head than the mark, of the same log":          {at('a', 4), own(9, mark{Point: at('a', 5)}), Behind},
		"a box that was set back behind its mark: it cannot say": {at('a', 4), own(4, mark{Point: at('b', 5)}), Behind},
	} {
		if got, err := judge(x.ask, x.own); got != x.want || err != nil {
			t.Errorf("%s: %v, %v; want %v", name, got, err, x.want)
		}
	}
	broken := standing{known: true, size: 9, rootAt: func(uint64) (proof.Hash, error) { return proof.Hash{}, errors.New("no box") }}
	if got, err := judge(at('a', 5), broken); got != Unknown || err == nil {
		t.Errorf("a box that cannot be read: %v, %v", got, err)
	}
}

// A member that is asked for all of a history of heads, by members that are right and by
// members that lie, never signs two that exclude each other.
func TestNoHistoryOfQuestionsMakesAMemberSignAFork(t *testing.T) {
	t.Parallel()
	const sizes = 6
	for history := range 1 << 12 { // three bits a question: box or lie, and which size
		var m mark
		signed := map[Point]bool{}
		for q := range 4 {
			bits := history >> (3 * q) & 7
			size := uint64(bits%(sizes/2)) + uint64(q) + 1
			box := byte('a' + bits>>2) // the member's own box changes under it
			for _, lie := range []byte{'a', 'b'} {
				v, _ := judge(at(lie, size), standing{known: true, size: sizes, mark: m, rootAt: rootsOf(box)})
				switch v {
				case Signed:
					signed[at(lie, size)] = true
					m = mark{Point: at(lie, size)}
				case Forked:
					m.forked = true
				}
			}
		}
		a, b := false, false
		for p := range signed {
			a, b = a || p.Root[0] == 'a', b || p.Root[0] == 'b'
		}
		if a && b {
			t.Fatalf("history %o: it signed %v", history, signed)
		}
	}
}
