package wire

import (
	"testing"
	"time"
)

// unconnected makes the proxies of members that nothing connects to.
func unconnected(members int) *Peers {
	p := &Peers{changed: make(chan struct{}), cut: map[[2]int]bool{}, late: map[int]bool{}, slow: map[int]bool{}}
	for range members {
		p.members = append(p.members, &member{})
	}
	return p
}

func TestSlowAndLateLinksAreThoseOfOneMember(t *testing.T) {
	t.Parallel()
	const second = slowBytesPerSecond
	for _, c := range []struct {
		name        string
		make        func(p *Peers) error
		least, most time.Duration // of a second's worth of bytes
	}{
		{"slow", func(p *Peers) error { return p.Throttle(1) }, time.Second, time.Second},
		{"late", func(p *Peers) error { return p.Delay(1) }, leastDelay, mostDelay},
	} {
		p := unconnected(3)
		if err := c.make(p); err != nil {
			t.Fatal(err)
		}
		for _, pair := range [][2]int{{0, 1}, {1, 0}, {1, 2}, {2, 1}} {
			if d := p.lateness(pair[0], pair[1], second); d < c.least || d > c.most {
				t.Errorf("%s: the bytes take %v from %d to %d, want %v to %v", c.name, d, pair[0], pair[1], c.least, c.most)
			}
		}
		if d := p.lateness(0, 2, second) + p.lateness(2, 0, second); d != 0 {
			t.Errorf("%s: bytes between the other members take %v, want no time", c.name, d)
		}
		if err := p.Mend(); err != nil || p.lateness(0, 1, second) != 0 {
			t.Errorf("%s: Mend did not undo it: %v", c.name, err)
		}
	}
}

func TestAPairIsCutBothWaysAndAMemberFromAllOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(p *Peers) error
		want map[[2]int]bool
	}{
		{"a bridge", func(p *Peers) error { return p.CutPair(0, 2) }, map[[2]int]bool{{0, 2}: true, {2, 0}: true}},
		{"a member", func(p *Peers) error { return p.Isolate(1, true, true) }, map[[2]int]bool{{0, 1}: true, {1, 0}: true, {1, 2}: true, {2, 1}: true}},
		{"to a member", func(p *Peers) error { return p.Isolate(1, true, false) }, map[[2]int]bool{{0, 1}: true, {2, 1}: true}},
	} {
		p := unconnected(3)
		if err := c.make(p); err != nil {
			t.Fatal(err)
		}
		for from := range 3 {
			for to := range 3 {
				if got := p.cut[[2]int{from, to}]; got != c.want[[2]int{from, to}] {
					t.Errorf("%s: whether the direction from %d to %d is cut is %t", c.name, from, to, got)
				}
			}
		}
		if err := p.Mend(); err != nil || len(p.cut) != 0 {
			t.Errorf("%s: Mend did not undo it: %v", c.name, err)
		}
	}
}
