package replica

import (
	"testing"
	"time"
)

func TestAMemberThatDidNotRunHasNotListened(t *testing.T) {
	t.Parallel()
	const every = 50 * time.Millisecond
	a := attention{every: every}
	start := time.Now()
	at := func(looks int) time.Time { return start.Add(time.Duration(looks) * every) }
	// given a leader that sends something, and then nothing
	a.look(start)
	for range 3 {
		a.look(start)
	}
	if got := a.listened(start, at(3)); got != 3*every {
		t.Errorf("after three looks it has listened for %s", got)
	}
	// when the process stands still for a second, and goes on with one late look
	a.look(start)
	if got := a.listened(start, at(23)); got != 5*every {
		t.Errorf("after standing still it has listened for %s, want %s", got, 5*every)
	}
	// then a sign of life counts at once, also before a look has seen it
	if got := a.listened(at(23), at(24)); got != every {
		t.Errorf("after a sign of life it has listened for %s", got)
	}
	a.look(at(23))
	if got := a.listened(at(23), at(30)); got != every {
		t.Errorf("a look at it leaves %s", got)
	}
}
