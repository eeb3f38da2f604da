package simtest

import (
	"testing"
	"time"
)

func TestZZ(t *testing.T) {
	for i := 0; i < 3; i++ {
		s := Random(1, 12*time.Second)
		o := Play(t, s)
		t.Logf("without: %v", o.Violations)
		s = Random(1, 12*time.Second)
		s.Options = append(s.Options, Provers())
		o = Play(t, s)
		t.Logf("with: %v", o.Violations)
	}
}
