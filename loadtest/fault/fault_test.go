package fault

import (
	"reflect"
	"testing"
	"time"
)

func TestTheSameSeedPlansTheSameFaults(t *testing.T) {
	t.Parallel()
	mix, err := ParseMix([]string{"kill=5", "term", "pause", "partition"})
	if err != nil {
		t.Fatal(err)
	}
	a := Schedule(1, mix, 5*time.Second, 46*time.Second)
	if !reflect.DeepEqual(a, Schedule(1, mix, 5*time.Second, 46*time.Second)) {
		t.Error("two schedules of one seed differ")
	}
	if reflect.DeepEqual(a, Schedule(2, mix, 5*time.Second, 46*time.Second)) {
		t.Error("schedules of two seeds are the same")
	}
	kills := 0
	for _, p := range a {
		if p.Kind == Kill {
			kills++
		}
	}
	// Eight faults are a whole bag, of which five are kills with any seed.
	if len(a) != 8 || kills != 5 {
		t.Errorf("%d faults, %d kills; want 8 and 5", len(a), kills)
	}
}

func TestAMixOfFaultsIsReadAndNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"meteor", "kill=0", "kill=x", "kill=1000", "kill="} {
		if mix, err := ParseMix([]string{bad}); err == nil {
			t.Errorf("%q was read as %v", bad, mix)
		}
	}
	if mix, err := ParseMix([]string{"none"}); err != nil || len(mix) != 0 || Schedule(1, mix, time.Second, time.Minute) != nil {
		t.Errorf("the mix none was read as %v, %v; want no fault", mix, err)
	}
	for _, k := range Kinds() {
		if k.About() == "" {
			t.Errorf("About says nothing of %s", k)
		}
	}
}

func TestUnavailabilityIsTheLongestGapAtTheSurvivors(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	type ack struct {
		at   time.Duration
		node string
	}
	for name, c := range map[string]struct {
		acks      []ack
		want      time.Duration
		committed time.Duration
	}{
		"a gap after the kill": {[]ack{{1001 * ms, "n2"}, {1050 * ms, "n3"}, {1060 * ms, "n2"}, {1100 * ms, "n2"}}, 49 * ms, 1050 * ms},
		"answers of the dead leader do not end it": {
			[]ack{{1001 * ms, "n2"}, {1002 * ms, "n1"}, {1020 * ms, "n1"}, {1050 * ms, "n3"}, {1090 * ms, "n3"}}, 49 * ms, 1050 * ms,
		},
		"answers arrive out of order":              {[]ack{{1050 * ms, "n3"}, {1001 * ms, "n2"}, {1060 * ms, "n2"}, {1100 * ms, "n2"}}, 49 * ms, 1050 * ms},
		"a second gap, when it comes back, counts": {[]ack{{1010 * ms, "n2"}, {1031 * ms, "n2"}, {1099 * ms, "n3"}}, 68 * ms, 1031 * ms},
		"nothing at all":                           {nil, 100 * ms, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m Meter
			m.Acknowledged(500*ms, "n2") // before: does not count
			m.Begin(Event{Kind: Kill, Target: "n1", Leader: "n1", At: 1000 * ms}, "n1")
			m.LeaderNamed(1030*ms, "n2", "n1") // has not noticed yet
			m.LeaderNamed(1030*ms, "n3", "n3")
			for _, a := range c.acks {
				m.Acknowledged(a.at, a.node)
			}
			m.Failed()
			e := m.End(1100*ms, "")
			if e.Unavailable != c.want || e.Elected != 1030*ms || e.Committed != c.committed || e.Errors != 1 {
				t.Errorf("measured %+v, want %v without an acknowledgement, first commit at %v, leader named at 1.03s, 1 error", e, c.want, c.committed)
			}
			if _, open := m.UnderWay(); open || len(m.Events()) != 1 {
				t.Error("the fault is still under way after End, or is not among the events")
			}
		})
	}
}

func TestAStallWithoutAFaultIsNotOverlooked(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	var m Meter
	for _, at := range []time.Duration{1, 2, 300, 301} {
		m.Acknowledged(at*ms, "n1")
	}
	m.Begin(Event{Kind: Kill, At: 400 * ms})
	m.End(2000*ms, "")
	m.Acknowledged(2010*ms, "n2")
	if longest, at := m.Stalled(); longest != 298*ms || at != 2*ms {
		t.Errorf("stalled for %v at %v, want 298ms at 2ms; the fault's own time is not part of it", longest, at)
	}
}
