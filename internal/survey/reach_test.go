package survey

import (
	"strings"
	"testing"

	"voted/internal/poll"
)

// unheard is a member that answers and cannot be talked to, as a look at it ends.
func unheard(id string, o Obstacle) Sighting {
	return with(absent(id), func(m *Sighting) { m.Obstacle = &o })
}

func TestAMemberThatAnswersIsNeverCalledSilentOrRemoved(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		obstacle   Obstacle
		kind, says string
	}{
		"TLS at one end only": {Obstacle{Kind: Unheard, Addr: "n3:1", Because: "it speaks no TLS and this member does; give it --peer-ca"}, "unheard", "n3 answers at n3:1, and this node (n1) cannot talk to it since 2026-12-01 10:30:00Z (1h30m0s): it speaks no TLS and this member does; give it --peer-ca."},
		"another member":      {Obstacle{Kind: OtherMember, Addr: "n3:1", Member: "n2"}, "unheard", "At n3:1, where n3 should be, answers member n2"},
		"it refuses":          {Obstacle{Kind: Refuses, Addr: "n3:1", Because: "n1 is not a member of this cluster"}, "unheard", "n3 answers at n3:1 and refuses what this node (n1) asks since 2026-12-01 10:30:00Z (1h30m0s): n1 is not a member of this cluster."},
		"another cluster":     {Obstacle{Kind: OtherCluster, Addr: "n3:1", Member: "n3", Cluster: "theirs"}, "foreign", "answers member n3 of another cluster (theirs)"},
	} {
		got := inspect(well("n1"), well("n2"), unheard("n3", x.obstacle)).Findings()
		if len(got) != 1 || got[0].Kind != x.kind || got[0].Member != "n3" || !strings.Contains(got[0].Text, x.says) {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		if said := got[0].Text; strings.Contains(said, "does not answer") || strings.Contains(said, "remove") {
			t.Errorf("%s: it says %q", name, said)
		}
		// Another one must not be restarted meanwhile, for the same reason.
		risks := strings.Join(inspect(well("n1"), well("n2"), unheard("n3", x.obstacle)).RestartRisks("n2"), "; ")
		if !strings.Contains(risks, "n3 cannot be talked to") || strings.Contains(risks, "does not answer") {
			t.Errorf("%s: the risks are %q", name, risks)
		}
	}
}

func TestRemovingAMemberIsAdvisedOnlyWhereAMajorityAnswers(t *testing.T) {
	t.Parallel()
	differs := func(id, d string) Sighting {
		return with(well(id), func(m *Sighting) { m.Report.Checkpoints = checkpoints(d) })
	}
	spare := with(absent("n4"), func(m *Sighting) { m.Votes = false })
	for _, x := range []struct {
		name    string
		seen    Look
		advised bool
	}{
		{"one of three is away", Look{well("n1"), well("n2"), absent("n3")}, true},
		{"two of three are", Look{well("n1"), absent("n2"), absent("n3")}, false},
		{"one of two is", Look{well("n1"), absent("n2")}, false},
		{"two of four are", Look{well("n1"), well("n2"), absent("n3"), absent("n4")}, false},
		{"one without a vote is", Look{well("n1"), well("n2"), well("n3"), spare}, true},
		{"one without a vote and two of three are", Look{well("n1"), absent("n2"), absent("n3"), spare}, false},
		{"states differ where a majority answers", Look{differs("n1", "a"), differs("n2", "b"), absent("n3")}, true},
		{"states differ where none does", Look{differs("n1", "a"), differs("n2", "b"), absent("n3"), absent("n4")}, false},
	} {
		for _, leader := range []string{"n1", ""} {
			i := inspect(x.seen...)
			i.Leader = leader
			var said strings.Builder
			for _, f := range i.Findings() {
				said.WriteString(f.Text + "\n")
			}
			if got := strings.Contains(said.String(), "remove"); got != x.advised {
				t.Errorf("%s, leader %q: removing is advised = %v:\n%s", x.name, leader, got, said.String())
			}
		}
	}
}

func TestANodeThatReachesNoMajorityNeverSaysThatTheClusterWorks(t *testing.T) {
	t.Parallel()
	// Given a node that still has contact with a leader, and that only a minority answers …
	x := inspect(well("n1"), absent("n2"), absent("n3"))
	x.Leader = "n2"
	s := x.Status()
	// … then what it says is about itself.
	if !strings.HasPrefix(s.Summary, "This node reaches no majority: 1 of 3 voting members answer it") {
		t.Errorf("the summary is %q", s.Summary)
	}
	for _, f := range s.Findings {
		if f.Kind == "away" && !strings.Contains(f.Text, "does not answer this node (n1)") {
			t.Errorf("it says %q", f.Text)
		}
	}
}

func checkpoints(digest string) []poll.Checkpoint {
	return []poll.Checkpoint{{Index: 256, Digest: digest}}
}

func TestWhatAMemberThatIsElsewhereWaitsForIsTrue(t *testing.T) {
	t.Parallel()
	elsewhere := func(why string, refused bool) Sighting {
		return with(well("n1"), func(m *Sighting) {
			m.Report.Peer, m.Report.MoveWaits, m.Report.MoveRefused = "n9:1", why, refused
		})
	}
	leads := func(id string) Sighting { return with(well(id), func(m *Sighting) { m.Report.Leader = "n2" }) }
	stranger := unheard("n2", Obstacle{Kind: OtherCluster, Addr: "n2:1", Member: "n2", Cluster: "theirs"})
	for _, x := range []struct {
		name         string
		leader       string
		seen         Look
		kind         string // of the finding that is looked for
		says, summed string
		promises     bool // that it is mended by itself
	}{
		{"no member leads yet", "", Look{elsewhere("no leader", false), well("n2"), well("n3")}, "moving", "by itself once somebody leads", "No member leads", true},
		{"no majority answers", "", Look{elsewhere("no other member answers", false), absent("n2"), absent("n3")}, "moving", "once this node reaches a majority", "reaches no majority", true},
		{"the leader does not find it there", "n2", Look{elsewhere("Member n1 does not answer there", false), leads("n2"), leads("n3")}, "moving", "it waits for this: Member n1 does not answer there", "", true},
		{"it is on another disk", "", Look{elsewhere("Member n1 runs on another disk", true), leads("n2"), leads("n3")}, "moving", "not changed while this stays so: Member n1 runs on another disk", "do not take it for n1, while n2 says that n2 leads", false},
		{"it is a copy, and the member runs too", "", Look{elsewhere("two processes run", true), with(leads("n2"), func(m *Sighting) { m.Report.Twins = map[string]string{"n1": "n9:1"} }), leads("n3")}, "two_processes", "this one at n9:1, whose messages are refused", "do not take it for n1", false},
		{"its directory is of another cluster", "", Look{elsewhere("no other member answers", false), stranger, absent("n3")}, "moving", "at n2:1 answers another cluster", "reaches no majority", false},
	} {
		i := inspect(x.seen...)
		i.Leader = x.leader
		s := i.Status()
		found := ""
		for _, f := range s.Findings {
			if f.Kind == x.kind {
				found += f.Text
			}
			if strings.Contains(f.Text, "by itself") != (x.promises && f.Kind == "moving") {
				t.Errorf("%s: it promises %q", x.name, f.Text)
			}
		}
		if !strings.Contains(found, x.says) || !strings.Contains(s.Summary, x.summed) {
			t.Errorf("%s: %+v, in short %q", x.name, s.Findings, s.Summary)
		}
	}
}
