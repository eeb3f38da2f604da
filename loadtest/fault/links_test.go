package fault

import (
	"fmt"
	"slices"
	"testing"

	"voted/internal/localcluster"
)

// record is a network that notes what was asked of it.
type record struct{ asked []string }

func (r *record) note(format string, args ...any) error {
	r.asked = append(r.asked, fmt.Sprintf(format, args...))
	return nil
}

func (r *record) Isolate(m int, in, out bool) error { return r.note("isolate %d %t %t", m, in, out) }
func (r *record) CutPair(a, b int) error            { return r.note("pair %d %d", a, b) }
func (r *record) Throttle(m int) error              { return r.note("throttle %d", m) }
func (r *record) Delay(m int) error                 { return r.note("delay %d", m) }
func (r *record) Mend() error                       { return r.note("mend") }
func (r *record) Move(int, string)                  {}
func (r *record) Up(int) error                      { return nil }
func (r *record) Down(int)                          {}

func TestEachFaultOfLinksBreaksWhatItSaysAndIsMended(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   Kind
		draw   uint64
		want   string
		target string
		hit    []string // nodes that need not acknowledge meanwhile
	}{
		{Partition, 5, "isolate 1 true true", "n2", []string{"n2"}},
		{Minority, 5, "isolate 1 true true", "n2", []string{"n2"}},
		{OneWay, 4, "isolate 1 true false", "n2", []string{"n2"}},
		{OneWay, 5, "isolate 1 false true", "n2", []string{"n2"}},
		{Bridge, 4, "pair 1 2", "n3", []string{"n3"}},
		{Bridge, 5, "pair 1 0", "n1", []string{"n1"}},
		{Bandwidth, 5, "throttle 1", "n2", nil},
		{Delay, 5, "delay 1", "n2", nil},
	} {
		r := &record{}
		inj := &Injector{Network: r, Meter: &Meter{}, Cluster: &localcluster.Cluster{Nodes: []*localcluster.Node{{ID: "n1"}, {ID: "n2"}, {ID: "n3"}}}}
		if err := inj.links(t.Context(), Event{Kind: c.kind, Target: "n2"}, 1, c.draw); err != nil {
			t.Fatal(err)
		}
		e, _ := inj.Meter.UnderWay()
		if !slices.Equal(r.asked, []string{c.want, "mend"}) || e.Target != c.target {
			t.Errorf("%s, drawn as %d: the network was asked %q for %s; want %s, then mend, for %s", c.kind, c.draw, r.asked, e.Target, c.want, c.target)
		}
		for _, id := range []string{"n1", "n2", "n3"} {
			if inj.Meter.hit[id] != slices.Contains(c.hit, id) {
				t.Errorf("%s: whether answers of %s are left out is %t", c.kind, id, inj.Meter.hit[id])
			}
		}
	}
}
