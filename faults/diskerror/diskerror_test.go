package diskerror

import (
	"testing"

	"voted/faults/layer"
)

func TestAWordThatIsPrintedInPiecesIsFound(t *testing.T) {
	t.Parallel()
	o := &output{word: attached, printed: make(chan struct{})}
	for _, piece := range []string{"strace: Process 7 att", "ached with 9 threads\n", "attached"} {
		if _, err := o.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-o.printed:
	default:
		t.Errorf("%q was printed and not found", attached)
	}
}

func TestEachFaultHasAFloorUnderTheLeaderAndOneUnderAFollower(t *testing.T) {
	t.Parallel()
	scale, err := layer.ParseScale("ci")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range New().Floors {
		if f.Kind != kindAllFull && scale.Of(f) >= 5 {
			n++
		}
	}
	if want := 2 * len(faults); n != want {
		t.Errorf("%d floors are at least 5, want %d", n, want)
	}
}
