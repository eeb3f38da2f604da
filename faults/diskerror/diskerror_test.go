package diskerror

import (
	"testing"
	"time"

	"voted/faults/layer"
)

func TestThePulseKnowsTheLongestPause(t *testing.T) {
	t.Parallel()
	var p pulse
	p.watch()
	p.last = p.last.Add(-3 * time.Second) // three seconds pass before the first
	p.beat()
	p.beat()
	if got := p.pause(); got < 3*time.Second || got > 10*time.Second {
		t.Errorf("%v", got)
	}
	p.watch()
	p.last = p.last.Add(-time.Minute) // and a pause that has not ended
	if got := p.pause(); got < time.Minute {
		t.Errorf("%v", got)
	}
}

func TestTheHeraldHearsAWordInPieces(t *testing.T) {
	t.Parallel()
	h := &herald{word: attached, heard: make(chan struct{})}
	for _, piece := range []string{"strace: Process 7 att", "ached with 9 threads\n", "attached"} {
		if _, err := h.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-h.heard:
	default:
		t.Error("it was said")
	}
}

// Each ailment has floors for the leader and for a follower, as the floors demand.
func TestFloors(t *testing.T) {
	t.Parallel()
	scale, err := layer.ParseScale("ci")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range New().Floors {
		if f.Kind != kindEverywhere && scale.Of(f) >= 5 {
			n++
		}
	}
	if n != 2*len(ailments) {
		t.Errorf("%d floors of at least 5", n)
	}
}
