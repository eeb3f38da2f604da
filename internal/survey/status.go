package survey

import (
	"fmt"
	"slices"
	"time"
)

// Status is the membership as one member sees it, in the words of the API.
type Status struct {
	ClusterID string   `json:"cluster_id"` // drawn at the founding
	Leader    string   `json:"leader"`
	Term      uint64   `json:"term"`
	Index     uint64   `json:"index"`
	Quorum    int      `json:"quorum"`   // voting members needed to decide
	CanLose   int      `json:"can_lose"` // voting members that may still be lost without a stop
	Members   []Member `json:"members"`
	// FormatLevel is the highest level of the formats used in the log and in snapshots.
	FormatLevel uint32    `json:"format_level"`
	Summary     string    `json:"summary"`  // what the cluster can lose, in a sentence
	Findings    []Finding `json:"findings"` // what is wrong, in sentences
}

// Member is one member in a Status.
type Member struct {
	Peer
	API          string `json:"api"`
	Role         Role   `json:"role"`
	State        State  `json:"state"`
	Healthy      bool   `json:"healthy"` // it answered just now
	AppliedIndex uint64 `json:"applied_index"`
	// CommitIndex is up to where it knows the log to be committed; 0: not reported.
	CommitIndex uint64 `json:"commit_index,omitzero"`
	// LagEntries is how many entries it is behind the member that has applied most, and
	// LagSeconds how much older, by the stamps in the log, what it has applied is.
	LagEntries uint64  `json:"lag_entries,omitzero"`
	LagSeconds float64 `json:"lag_seconds,omitzero"`
	// BallotsPerSecond are those that it decided for its own clients lately, CastP50 and
	// CastP99 milliseconds of their requests.
	BallotsPerSecond float64 `json:"ballots_per_second,omitzero"`
	CastP50          float64 `json:"cast_p50_ms,omitzero"`
	CastP99          float64 `json:"cast_p99_ms,omitzero"`
	Digest           string  `json:"digest,omitempty"` // of the state at AppliedIndex, hexadecimal
	Version          string  `json:"version,omitempty"`
	// FormatLevel is the highest that its build reads; 0: not reported.
	FormatLevel uint32    `json:"reads_format,omitzero"`
	FreeBytes   uint64    `json:"free_bytes,omitzero"` // on its disk
	DiskLow     bool      `json:"disk_low,omitzero"`   // those are too few
	AwaySince   time.Time `json:"away_since,omitzero"` // as the member that answers saw it; zero: it is not away
	// RestartRisks are why it must not be restarted now; none: it may be.
	RestartRisks []string `json:"restart_risks,omitempty"`
	// WebhookAllow is where webhooks go besides public addresses while it leads.
	WebhookAllow []string `json:"webhook_allow,omitempty"`
}

// Role is whether a member has a vote.
type Role string

// The roles, in the words of the API.
const (
	Voting    Role = "voter"
	NonVoting Role = "nonvoter"
)

// State is what a member does.
type State string

// The states.
const (
	Leading     State = "leader"
	Following   State = "follower"
	Unreachable State = "unreachable"
)

// Votes reports whether the member has a vote.
func (m Member) Votes() bool { return m.Role == Voting }

// Status returns what the look shows, what is wrong, and what that means for the cluster.
func (x *Inspection) Status() Status {
	t := x.Look.Turnout()
	s := Status{ClusterID: x.ClusterID, Leader: x.Leader, FormatLevel: x.FormatLevel, Quorum: t.Quorum(), CanLose: max(0, t.Answering-t.Quorum())}
	for i := range x.Look {
		s.Members = append(s.Members, x.member(&x.Look[i]))
	}
	s.Findings = x.Findings()
	s.Summary = s.summary() // it looks at the findings
	switch {
	case s.Leader == "":
		s.Summary = x.leaderless()
	case !t.Majority():
		s.Summary = x.cutOff()
	}
	return s
}

func (x *Inspection) member(m *Sighting) Member {
	r := &m.Report
	shown := Member{
		Peer: m.Peer, API: r.API, Role: NonVoting, State: Following, Healthy: m.Err == nil,
		AppliedIndex: r.Applied, Digest: r.Digest, Version: r.Version, FormatLevel: m.FormatLevel(),
		FreeBytes: r.Free, DiskLow: r.Low, AwaySince: x.Absences[m.ID], RestartRisks: x.RestartRisks(m.ID),
	}
	if m.Votes {
		shown.Role = Voting
	}
	if m.Err == nil {
		x.measured(&shown, r)
	}
	switch {
	case m.Err != nil:
		shown.State = Unreachable
	case m.ID == x.Leader:
		shown.State = Leading
	}
	return shown
}

// measured adds what a member that answers reports of its work.
func (x *Inspection) measured(shown *Member, r *Report) {
	shown.CommitIndex = r.Commit
	if ahead := x.Look.furthest(); r.Applied < ahead {
		shown.LagEntries = ahead - r.Applied
	}
	if newest := x.Look.newestClock(); r.Clock > 0 && r.Clock < newest {
		shown.LagSeconds = float64(newest-r.Clock) / 1000
	}
	if r.Webhooks != nil {
		shown.WebhookAllow = r.Webhooks.Allow
	}
	if r.Rates != nil {
		shown.BallotsPerSecond, shown.CastP50, shown.CastP99 = r.Rates.Ballots, r.Rates.P50, r.Rates.P99
	}
}

// summary says in a sentence what the cluster can still lose.
func (s *Status) summary() string {
	voting := 0
	for i := range s.Members {
		if s.Members[i].Votes() {
			voting++
		}
	}
	has := func(kind string) bool {
		return slices.ContainsFunc(s.Findings, func(f Finding) bool { return f.Kind == kind })
	}
	switch {
	case has("digest_dispute"):
		return "Nothing is served until a majority of the members agree again."
	case has("storage_full"):
		return "Ballots are refused until the disks have room; retries, reads, closing and deleting go on."
	case voting == 1:
		return "One voting member: while it is down nothing is served. Two more would let one fail."
	case s.CanLose == 0:
		return fmt.Sprintf("The cluster works, and one more failure stops it: %d of %d voting members must run.", s.Quorum, voting)
	case s.CanLose == 1:
		return "The cluster works and can lose one more member."
	}
	return fmt.Sprintf("The cluster works and can lose %d more members, one after another or at once.", s.CanLose)
}
