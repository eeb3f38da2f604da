package survey

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func withoutVote(m Sighting) Sighting { return with(m, func(m *Sighting) { m.Votes = false }) }

func TestAMemberWithoutAVoteThatReachesNoVotingMemberStillSaysWhatItSees(t *testing.T) {
	t.Parallel()
	x := inspect(withoutVote(well("n4")), absent("n1"), absent("n2"), absent("n3"))
	x.Leader = ""
	s := x.Status()
	if s.Quorum != 2 || s.CanLose != 0 || len(s.Findings) != 4 || !strings.Contains(s.Summary, "0 of 3 voting members answer") {
		t.Errorf("%+v", s)
	}
}

func TestAStatusCountsVotingMembersAlone(t *testing.T) {
	t.Parallel()
	s := inspect(well("n1"), well("n2"), absent("n3"), withoutVote(well("n4")), withoutVote(absent("n5"))).Status()
	if s.Quorum != 2 || s.CanLose != 0 {
		t.Errorf("quorum %d, can lose %d", s.Quorum, s.CanLose)
	}
	var shown []string
	for _, m := range s.Members {
		shown = append(shown, m.ID+" "+string(m.Role)+" "+string(m.State))
	}
	if want := []string{"n1 voter leader", "n2 voter follower", "n3 voter unreachable", "n4 nonvoter follower", "n5 nonvoter unreachable"}; !slices.Equal(shown, want) {
		t.Errorf("members %q, want %q", shown, want)
	}
}

func TestAStatusSaysHowFarEachMemberIsBehindAndHowMuchItDoes(t *testing.T) {
	t.Parallel()
	at := func(applied uint64, clock int64, rates *Rates) func(*Sighting) {
		return func(m *Sighting) {
			m.Report.Applied, m.Report.Commit, m.Report.Clock, m.Report.Rates = applied, applied+1, clock, rates
		}
	}
	s := inspect(
		with(well("n1"), at(5000, 60_000, &Rates{Ballots: 800, P50: 4, P99: 19})),
		with(well("n2"), at(4990, 57_500, &Rates{})),
		with(well("n3"), func(m *Sighting) { m.Report.Applied = 5000 }), // an older build, which reports neither
		absent("n4"),
	).Status()
	for i, want := range []Member{
		{CommitIndex: 5001, BallotsPerSecond: 800, CastP50: 4, CastP99: 19},
		{CommitIndex: 4991, LagEntries: 10, LagSeconds: 2.5},
		{},
		{},
	} {
		m := s.Members[i]
		got := Member{CommitIndex: m.CommitIndex, LagEntries: m.LagEntries, LagSeconds: m.LagSeconds, BallotsPerSecond: m.BallotsPerSecond, CastP50: m.CastP50, CastP99: m.CastP99}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %+v, want %+v", m.ID, got, want)
		}
	}
}

func TestAMemberIsPromotedOnceItHasCaughtUp(t *testing.T) {
	t.Parallel()
	candidate := func(change func(*Sighting)) Sighting { return with(withoutVote(well("n4")), change) }
	for _, x := range []struct {
		name string
		m    Sighting
		want bool
	}{
		{"it has all", candidate(func(*Sighting) {}), true},
		{"it lags by a few", candidate(func(m *Sighting) { m.Report.Applied -= caughtUp }), true},
		{"it lags by more", candidate(func(m *Sighting) { m.Report.Applied -= caughtUp + 1 }), false},
		{"it has applied nothing", candidate(func(m *Sighting) { m.Report.Applied = 0 }), false},
		{"it has not entered the cluster", candidate(func(m *Sighting) { m.Report.Member = false }), false},
		{"it is of an older build", candidate(func(m *Sighting) { m.Report.FormatLevel = 1 }), false},
		{"it does not answer", candidate(func(m *Sighting) { m.Err = errors.New("no answer") }), false},
		{"it votes already", candidate(func(m *Sighting) { m.Votes = true }), false},
	} {
		if got := (Look{well("n1"), x.m}).Promotable(5000, 2); slices.Contains(got, x.m.Peer) != x.want || len(got) > 1 {
			t.Errorf("%s: %v", x.name, got)
		}
	}
}

func TestACandidateWithALongerLogStandsFirst(t *testing.T) {
	t.Parallel()
	field := []Candidate{{"n1", 9}, {"n3", 12}, {"n2", 9}}
	for id, want := range map[string]int{"n3": 0, "n1": 1, "n2": 2} {
		if got := Rank(field, id); got != want {
			t.Errorf("%s stands at %d, want %d", id, got, want)
		}
	}
}

func TestADiskIsKnownWhereItsMemberIsAndWhileItIsAway(t *testing.T) {
	t.Parallel()
	on := func(id, disk, where string) Sighting {
		return with(well(id), func(m *Sighting) { m.Report.Disk, m.Where = disk, where })
	}
	look := Look{on("n1", "A", "n1:1"), on("n2", "X", "elsewhere:1"), absent("n3"), absent("n5")}
	got := look.Disks(map[string]string{"n2": "B", "n3": "C", "n4": "D"})
	if want := map[string]string{"n1": "A", "n2": "B", "n3": "C"}; !maps.Equal(got, want) {
		t.Errorf("known are %v, want %v", got, want)
	}
}

func TestOnlyAMajorityOfStrangersEndsAMember(t *testing.T) {
	t.Parallel()
	stranger := func(id string) Sighting {
		return with(absent(id), func(m *Sighting) {
			m.Obstacle = &Obstacle{Kind: OtherCluster, Addr: id + ":1", Member: "x1", Cluster: "other"}
		})
	}
	for _, x := range []struct {
		name     string
		seen     Look
		count    int
		majority bool
	}{
		{"none", Look{well("n1"), well("n2"), absent("n3")}, 0, false},
		{"one of three", Look{well("n1"), well("n2"), stranger("n3")}, 1, false},
		{"two of three", Look{well("n1"), stranger("n2"), stranger("n3")}, 2, true},
		{"those without a vote do not count", Look{well("n1"), stranger("n2"), well("n3"), withoutVote(stranger("n4"))}, 1, false},
	} {
		if got, majority := x.seen.Strangers(); len(got) != x.count || majority != x.majority {
			t.Errorf("%s: %v, %t", x.name, got, majority)
		}
	}
}

func TestARestoreWaitsForDisksThatHaveRoom(t *testing.T) {
	t.Parallel()
	has := func(id string, free uint64) Sighting {
		return with(well(id), func(m *Sighting) { m.Report.Free = free })
	}
	unwatched := has("n3", 0)
	// n1 gets 5 MiB of the upload back; n4 does not answer, n3 watches no disk.
	look := Look{has("n1", 6<<20), has("n2", 9<<20), unwatched, absent("n4")}
	if got := look.LackRoom(10<<20, "n1", 5<<20); !slices.Equal(got, []string{"n2 has 9"}) {
		t.Errorf("without room are %q", got)
	}
}
