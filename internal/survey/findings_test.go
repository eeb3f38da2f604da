package survey

import (
	"errors"
	"strings"
	"testing"
	"time"

	"voted/internal/poll"
)

// well is a voting member without fault.
func well(id string) Sighting {
	return Sighting{Peer: Peer{ID: id, Addr: id + ":1"}, Votes: true, Report: Report{ID: id, Peer: id + ":1", Member: true, Applied: 5000, FormatLevel: 2, Free: 9 << 30}}
}

func absent(id string) Sighting {
	return Sighting{Peer: Peer{ID: id, Addr: id + ":1"}, Votes: true, Err: errors.New("no answer")}
}

// with changes a member's status.
func with(m Sighting, change func(*Sighting)) Sighting {
	change(&m)
	return m
}

func inspect(seen ...Sighting) *Inspection {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	away := Absences{}
	for _, m := range seen {
		away[m.ID] = now.Add(-90 * time.Minute)
	}
	return &Inspection{Self: "n1", ClusterID: "ours", Leader: "n1", FormatLevel: 2, Look: seen, Absences: away, Now: now}
}

func TestWhatIsWrongIsSaidInWords(t *testing.T) {
	t.Parallel()
	digest := func(d string) func(*Sighting) {
		return func(m *Sighting) { m.Report.Checkpoints = []poll.Checkpoint{{Index: 256, Digest: d}} }
	}
	for _, x := range []struct {
		name string
		seen Look
		want []string // kind, member and a part of the sentence
	}{
		{"all is well", Look{well("n1"), well("n2"), well("n3")}, nil},
		{"one is away", Look{well("n1"), well("n2"), absent("n3")}, []string{"away n3 since 2026-12-01 10:30:00Z (1h30m0s)"}},
		{"one lags", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.Applied = 100 }), well("n3")}, []string{"lagging n2 4900 log entries behind"}},
		{"a clock is off", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.Now = m.At.Add(time.Minute) }), well("n3")}, []string{"clock_off n2 off by 1m0s"}},
		{"one is short of space", Look{well("n1"), well("n2"), with(well("n3"), func(m *Sighting) { m.Report.Low, m.Report.Free = true, 100<<20 })}, []string{"disk_low n3 100 MiB left"}},
		{"a majority is", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.Low = true }), with(well("n3"), func(m *Sighting) { m.Report.Low = true })}, []string{"disk_low n2 ", "disk_low n3 ", "storage_full  (507): n2, n3"}},
		{"one could not make its backup", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.Backups = &Backups{Failed: true, Last: m.At.Add(26 * time.Hour)} }), well("n3")}, []string{"backup_old n2 could not make its last scheduled backup"}},
		{
			"one could not read its tokens again",
			Look{well("n1"), with(well("n2"), func(m *Sighting) {
				m.Report.Stale = []StaleFile{{"/etc/voted/tokens", time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)}, {"/etc/voted/n2.crt", time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}}
			}), well("n3")},
			[]string{"file_stale n2 could not read again, since 2026-12-01 09:00:00Z: /etc/voted/tokens, /etc/voted/n2.crt. What it held before is in force"},
		},
		{"one no longer makes backups", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.Backups = &Backups{Late: true} }), well("n3")}, []string{"backup_old n2 though one is due. It has made none yet"}},
		{"its backups are well", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.Backups = &Backups{Last: m.At} }), well("n3")}, nil},
		{"one is older", Look{well("n1"), well("n2"), with(well("n3"), func(m *Sighting) { m.Report.FormatLevel = 3 })}, []string{"format_behind n1 until it is upgraded", "format_behind n2 until it is upgraded"}},
		{"one reads less than is used", Look{well("n1"), well("n2"), with(well("n3"), func(m *Sighting) { m.Report.FormatLevel = 0 })}, []string{"format_behind n3 the version of the others"}},
		{"a certificate ends soon", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.CertificateEnds = time.Date(2026, 12, 10, 0, 0, 0, 0, time.UTC) }), well("n3")}, []string{"certificate_ends n2 ends at 2026-12-10 00:00:00Z (in 8 days)"}},
		{"a certificate ends within the hour", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.CertificateEnds = time.Date(2026, 12, 1, 12, 29, 0, 0, time.UTC) }), well("n3")}, []string{"certificate_ends n2 (in 29 minutes)"}},
		{"a certificate ends at once", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.CertificateEnds = time.Date(2026, 12, 1, 12, 0, 0, 1, time.UTC) }), well("n3")}, []string{"certificate_ends n2 (in less than a second)"}},
		{"a certificate ends now", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.CertificateEnds = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC) }), well("n3")}, []string{"certificate_ends n2 ended at 2026-12-01 12:00:00Z"}},
		{"a certificate has ended", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.CertificateEnds = time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC) }), well("n3")}, []string{"certificate_ends n2 new connections to it fail"}},
		{"a certificate is good", Look{with(well("n1"), func(m *Sighting) { m.Report.CertificateEnds = time.Date(2027, 11, 10, 0, 0, 0, 0, time.UTC) }), well("n2"), well("n3")}, nil},
		{"one signs a log no longer", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.ForkedLogs = []string{"v.example/a/1"} }), well("n3")}, []string{"log_forked n2 no longer signs v.example/a/1: "}},
		{"one signs many logs no longer", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.ForkedLogs = []string{"v/a/1", "v/b/1", "v/c/1", "v/d/1", "v/e/1"} }), well("n3")}, []string{"log_forked n2 v/a/1, v/b/1, v/c/1 and 2 more: "}},
		{"two run under one id", Look{well("n1"), with(well("n2"), func(m *Sighting) { m.Report.Twins = map[string]string{"n3": "n9:1"} }), well("n3")}, []string{"two_processes n3 n9:1"}},
		{"one differs", Look{with(well("n1"), digest("a")), with(well("n2"), digest("x")), with(well("n3"), digest("a"))}, []string{"digest_differs n2 cluster remove n2"}},
		{"no majority can tell", Look{with(well("n1"), digest("a")), with(well("n2"), digest("x")), absent("n3")}, []string{"away n3 ", "digest_dispute  n1, n2 differ"}},
	} {
		got := inspect(x.seen...).Findings()
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
	leaderless := inspect(well("n1"), absent("n2"), absent("n3"))
	leaderless.Leader = ""
	if got := leaderless.Findings(); got[0].Kind != "no_leader" {
		t.Errorf("without a leader: %+v", got)
	}
}

func TestASummaryNeverSaysThatAllWorksWhereBallotsAreRefused(t *testing.T) {
	t.Parallel()
	low := func(id string) Sighting {
		return with(well(id), func(m *Sighting) { m.Report.Low = true })
	}
	differs := func(id, d string) Sighting {
		return with(well(id), func(m *Sighting) { m.Report.Checkpoints = []poll.Checkpoint{{Index: 256, Digest: d}} })
	}
	for name, x := range map[string]struct {
		seen Look
		says string
	}{
		"all is well":                    {Look{well("n1"), well("n2"), well("n3")}, "The cluster works and can lose one more member."},
		"one is short of space":          {Look{well("n1"), well("n2"), low("n3")}, "The cluster works and can lose one more member."},
		"a majority is short of space":   {Look{well("n1"), low("n2"), low("n3")}, "Ballots are refused"},
		"no majority tells who is right": {Look{differs("n1", "a"), differs("n2", "x"), absent("n3")}, "Nothing is served"},
	} {
		s := inspect(x.seen...).Status()
		if !strings.HasPrefix(s.Summary, x.says) {
			t.Errorf("%s: %q", name, s.Summary)
		}
	}
}

func TestWhetherAMemberMayBeRestarted(t *testing.T) {
	t.Parallel()
	behind := with(well("n3"), func(m *Sighting) { m.Report.Applied = 100 })
	for _, x := range []struct {
		name string
		id   string
		seen Look
		want string // part of the reason; empty: it may
	}{
		{"all is well", "n1", Look{well("n1"), well("n2"), well("n3")}, ""},
		{"another is away", "n1", Look{well("n1"), well("n2"), absent("n3")}, "only 1 of 3 voting members would be well, and 2 are needed: n3 does not answer"},
		{"the one that is away itself", "n3", Look{well("n1"), well("n2"), absent("n3")}, ""},
		{"another has not caught up", "n1", Look{well("n1"), well("n2"), behind}, "n3 is 4900 log entries behind"},
		{"the one that has not caught up", "n3", Look{well("n1"), well("n2"), behind}, ""},
		{"another is short of space", "n2", Look{with(well("n1"), func(m *Sighting) { m.Report.Low = true }), well("n2"), well("n3")}, "n1 is short of disk space"},
		{"alone", "n1", Look{well("n1")}, "only 0 of 1"},
		{"of two", "n1", Look{well("n1"), well("n2")}, "only 1 of 2"},
		{"one of five is away", "n1", Look{well("n1"), well("n2"), well("n3"), well("n4"), absent("n5")}, ""},
		{"two of five are", "n1", Look{well("n1"), well("n2"), well("n3"), absent("n4"), absent("n5")}, "only 2 of 5"},
		{"one without a vote", "n4", Look{well("n1"), absent("n2"), absent("n3"), with(well("n4"), func(m *Sighting) { m.Votes = false })}, ""},
	} {
		got := strings.Join(inspect(x.seen...).RestartRisks(x.id), "; ")
		if (got == "") != (x.want == "") || !strings.Contains(got, x.want) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}

func TestAbsencesCountFromTheFirstSilence(t *testing.T) {
	t.Parallel()
	var a Absences
	at := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	a = a.After(Look{well("n1"), absent("n2")}, at)
	a = a.After(Look{well("n1"), absent("n2")}, at.Add(time.Hour))
	if got := a["n2"]; !got.Equal(at) || !a["n1"].IsZero() {
		t.Errorf("away since %v", got)
	}
	a = a.After(Look{well("n1"), well("n2")}, at.Add(2*time.Hour))
	if got := a["n2"]; !got.IsZero() {
		t.Errorf("back, and away since %v", got)
	}
	a = a.After(Look{well("n1"), absent("n2")}, at.Add(3*time.Hour))
	if got := a["n2"]; !got.Equal(at.Add(3 * time.Hour)) {
		t.Errorf("after it was back for a while it is away since %v", got)
	}
}

func TestOnlyWhatIsGoneForLongIsRemovedAndNeverBelowThree(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	away := Absences{"n4": now.Add(-73 * time.Hour), "n5": now.Add(-80 * time.Hour), "n6": now.Add(-time.Hour)}
	spare := with(absent("n5"), func(m *Sighting) { m.Votes = false })
	for i, x := range []struct {
		seen Look
		want string
	}{
		{Look{well("n1"), well("n2"), well("n3"), well("n4")}, ""},
		{Look{well("n1"), well("n2"), well("n3"), absent("n4")}, "n4"},
		{Look{well("n1"), well("n2"), well("n3"), absent("n4"), absent("n5")}, "n5"}, // the longest first, one at a time
		{Look{well("n1"), well("n2"), well("n3"), absent("n6")}, ""},                 // not for long enough
		{Look{well("n1"), well("n2"), absent("n4")}, ""},                             // two would be left
		{Look{well("n1"), well("n2"), absent("n4"), absent("n5")}, ""},
		{Look{well("n1"), well("n2"), well("n3"), spare}, "n5"},
	} {
		if got, _ := x.seen.Dead(away, 72*time.Hour, now); got != x.want {
			t.Errorf("case %d: %q is removed, want %q", i, got, x.want)
		}
	}
}

func TestANodeThatIsCutOffClaimsNoOutage(t *testing.T) {
	t.Parallel()
	follows := func(leader string) func(*Sighting) {
		return func(m *Sighting) { m.Report.Leader = leader }
	}
	for _, x := range []struct {
		name      string
		seen      Look
		says, not string
	}{
		{"others answer it and have a leader", Look{well("n1"), with(well("n2"), follows("n3")), absent("n3")}, "n2 says that n3 leads", "No member leads"},
		{"no other answers it", Look{well("n1"), absent("n2"), absent("n3")}, "reaches no majority: 1 of 3 voting members answer it, and 2 are needed. Ask another node", "No member leads"},
		{"a majority answers it and has none", Look{well("n1"), well("n2"), absent("n3")}, "No member leads: nothing is counted", "cut off"},
	} {
		i := inspect(x.seen...)
		i.Leader = ""
		if got := i.leaderless(); !strings.Contains(got, x.says) || strings.Contains(got, x.not) {
			t.Errorf("%s: %s", x.name, got)
		}
		if got := i.Findings(); got[0].Kind != "no_leader" || got[0].Text != i.leaderless() {
			t.Errorf("%s: %+v", x.name, got[0])
		}
	}
}
