package rig

import (
	"testing"
	"time"
)

func TestThePulseKnowsTheLongestPause(t *testing.T) {
	t.Parallel()
	var p Pulse
	p.Watch()
	p.last = p.last.Add(-3 * time.Second) // the first comes three seconds later
	p.Beat()
	p.Beat()
	if got := p.Pause(); got < 3*time.Second || got > 10*time.Second {
		t.Errorf("the longest is %v, want three seconds", got)
	}
	p.Watch()
	p.last = p.last.Add(-time.Minute) // the last was a minute ago
	if got, ended := p.Pause(), p.Longest(); got < time.Minute || ended != 0 {
		t.Errorf("the longest is %v, and %v of those that ended", got, ended)
	}
}
