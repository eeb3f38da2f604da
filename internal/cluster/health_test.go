package cluster

import (
	"errors"
	"strings"
	"testing"
	"time"

	"voted/internal/fsm"
)

// well is a voter without fault.
func well(id string) sighting {
	return sighting{server: Server{ID: id, Peer: id + ":1"}, voter: true, status: status{ID: id, Member: true, Applied: 5000, Reads: 2, Free: 9 << 30}}
}

func absent(id string) sighting {
	return sighting{server: Server{ID: id, Peer: id + ":1"}, voter: true, err: errors.New("no answer")}
}

// with changes a member's status.
func with(m sighting, change func(*sighting)) sighting {
	change(&m)
	return m
}

func inspect(seen ...sighting) *inspection {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	return &inspection{leader: "n1", level: 2, seen: seen, since: func(string) time.Time { return now.Add(-90 * time.Minute) }, now: now}
}

func TestWhatIsWrongIsSaidInWords(t *testing.T) {
	t.Parallel()
	digest := func(d string) func(*sighting) {
		return func(m *sighting) { m.status.Checkpoints = []fsm.Checkpoint{{Index: 256, Digest: d}} }
	}
	for _, x := range []struct {
		name string
		seen []sighting
		want []string // kind, member and a part of the sentence
	}{
		{"all is well", []sighting{well("n1"), well("n2"), well("n3")}, nil},
		{"one is away", []sighting{well("n1"), well("n2"), absent("n3")}, []string{"away n3 since 2026-12-01 10:30:00Z (1h30m0s)"}},
		{"one lags", []sighting{well("n1"), with(well("n2"), func(m *sighting) { m.status.Applied = 100 }), well("n3")}, []string{"lagging n2 4900 log entries behind"}},
		{"a clock is off", []sighting{well("n1"), with(well("n2"), func(m *sighting) { m.status.Now = m.at.Add(time.Minute) }), well("n3")}, []string{"clock_off n2 off by 1m0s"}},
		{"one is short of space", []sighting{well("n1"), well("n2"), with(well("n3"), func(m *sighting) { m.status.Low, m.status.Free = true, 100<<20 })}, []string{"disk_low n3 100 MiB left"}},
		{"a majority is", []sighting{well("n1"), with(well("n2"), func(m *sighting) { m.status.Low = true }), with(well("n3"), func(m *sighting) { m.status.Low = true })}, []string{"disk_low n2 ", "disk_low n3 ", "storage_full  (507): n2, n3"}},
		{"one could not make its backup", []sighting{well("n1"), with(well("n2"), func(m *sighting) { m.status.Backups = &ownBackups{Failed: true, Last: m.at.Add(26 * time.Hour)} }), well("n3")}, []string{"backup_old n2 could not make its last scheduled backup"}},
		{"one makes no backup any more", []sighting{well("n1"), with(well("n2"), func(m *sighting) { m.status.Backups = &ownBackups{Late: true} }), well("n3")}, []string{"backup_old n2 though one is due. It has made none yet"}},
		{"its backups are well", []sighting{well("n1"), with(well("n2"), func(m *sighting) { m.status.Backups = &ownBackups{Last: m.at} }), well("n3")}, nil},
		{"one is older", []sighting{well("n1"), well("n2"), with(well("n3"), func(m *sighting) { m.status.Reads = 3 })}, []string{"format_behind n1 until it is upgraded", "format_behind n2 until it is upgraded"}},
		{"one reads less than is used", []sighting{well("n1"), well("n2"), with(well("n3"), func(m *sighting) { m.status.Reads = 0 })}, []string{"format_behind n3 the version of the others"}},
		{"one differs", []sighting{with(well("n1"), digest("a")), with(well("n2"), digest("x")), with(well("n3"), digest("a"))}, []string{"digest_differs n2 cluster remove n2"}},
		{"nobody can tell", []sighting{with(well("n1"), digest("a")), with(well("n2"), digest("x")), absent("n3")}, []string{"away n3 ", "digest_dispute  n1, n2 differ"}},
	} {
		got := inspect(x.seen...).findings()
		if len(got) != len(x.want) {
			t.Errorf("%s: %+v", x.name, got)
			continue
		}
		for i, f := range got {
			kind, rest, _ := strings.Cut(x.want[i], " ")
			member, part, _ := strings.Cut(rest, " ")
			if f.Kind != kind || f.Member != member || !strings.Contains(f.Text, part) {
				t.Errorf("%s: %+v, want %q", x.name, f, x.want[i])
			}
		}
	}
	nobody := inspect(well("n1"), absent("n2"), absent("n3"))
	nobody.leader = ""
	if got := nobody.findings(); got[0].Kind != "no_leader" {
		t.Errorf("without a leader: %+v", got)
	}
}

func TestWhetherAMemberMayBeRestarted(t *testing.T) {
	t.Parallel()
	behind := with(well("n3"), func(m *sighting) { m.status.Applied = 100 })
	for _, x := range []struct {
		name string
		id   string
		seen []sighting
		want string // part of the reason; empty: it may
	}{
		{"all is well", "n1", []sighting{well("n1"), well("n2"), well("n3")}, ""},
		{"another is away", "n1", []sighting{well("n1"), well("n2"), absent("n3")}, "only 1 of 3 voting members would be well, and 2 are needed: n3 does not answer"},
		{"the one that is away itself", "n3", []sighting{well("n1"), well("n2"), absent("n3")}, ""},
		{"another has not caught up", "n1", []sighting{well("n1"), well("n2"), behind}, "n3 is 4900 log entries behind"},
		{"the one that has not caught up", "n3", []sighting{well("n1"), well("n2"), behind}, ""},
		{"another is short of space", "n2", []sighting{with(well("n1"), func(m *sighting) { m.status.Low = true }), well("n2"), well("n3")}, "n1 is short of disk space"},
		{"alone", "n1", []sighting{well("n1")}, "only 0 of 1"},
		{"of two", "n1", []sighting{well("n1"), well("n2")}, "only 1 of 2"},
		{"one of five is away", "n1", []sighting{well("n1"), well("n2"), well("n3"), well("n4"), absent("n5")}, ""},
		{"two of five are", "n1", []sighting{well("n1"), well("n2"), well("n3"), absent("n4"), absent("n5")}, "only 2 of 5"},
		{"a non-voter", "n4", []sighting{well("n1"), absent("n2"), absent("n3"), with(well("n4"), func(m *sighting) { m.voter = false })}, ""},
	} {
		got := strings.Join(inspect(x.seen...).restartRisks(x.id), "; ")
		if (got == "") != (x.want == "") || !strings.Contains(got, x.want) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}

func TestAbsencesCountFromTheFirstSilence(t *testing.T) {
	t.Parallel()
	var a absences
	at := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	a.note([]sighting{well("n1"), absent("n2")}, at)
	a.note([]sighting{well("n1"), absent("n2")}, at.Add(time.Hour))
	if got := a.of("n2"); !got.Equal(at) {
		t.Errorf("away since %v", got)
	}
	a.note([]sighting{well("n1"), well("n2")}, at.Add(2*time.Hour))
	a.note([]sighting{well("n1"), absent("n2")}, at.Add(3*time.Hour))
	if got := a.of("n2"); !got.Equal(at.Add(3 * time.Hour)) {
		t.Errorf("after it was back for a while it is away since %v", got)
	}
}

func TestOnlyWhatIsGoneForLongIsRemovedAndNeverBelowThree(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	away := map[string]time.Duration{"n4": 73 * time.Hour, "n5": 80 * time.Hour, "n6": time.Hour}
	since := func(id string) time.Time {
		if d, ok := away[id]; ok {
			return now.Add(-d)
		}
		return time.Time{}
	}
	spare := with(absent("n5"), func(m *sighting) { m.voter = false })
	for i, x := range []struct {
		seen []sighting
		want string
	}{
		{[]sighting{well("n1"), well("n2"), well("n3"), well("n4")}, ""},
		{[]sighting{well("n1"), well("n2"), well("n3"), absent("n4")}, "n4"},
		{[]sighting{well("n1"), well("n2"), well("n3"), absent("n4"), absent("n5")}, "n5"}, // the longest first, one at a time
		{[]sighting{well("n1"), well("n2"), well("n3"), absent("n6")}, ""},                 // not for long enough
		{[]sighting{well("n1"), well("n2"), absent("n4")}, ""},                             // two would be left
		{[]sighting{well("n1"), well("n2"), absent("n4"), absent("n5")}, ""},
		{[]sighting{well("n1"), well("n2"), well("n3"), spare}, "n5"},
	} {
		if got, _ := deadMember(x.seen, since, 72*time.Hour, now); got != x.want {
			t.Errorf("case %d: %q is removed, want %q", i, got, x.want)
		}
	}
}
