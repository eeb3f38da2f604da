package survey

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"voted/internal/poll"
)

// lagging is how many entries a member may be behind the furthest before it is reported.
const lagging = 1024

// Finding is one thing that is not as it should be, in words. Kinds are a closed set:
// no_leader, away, unheard, foreign, moving, lagging, clock_off, disk_low, storage_full, digest_differs,
// digest_dispute, format_behind, backup_old, file_stale, certificate_ends, log_forked, two_processes, webhook_key,
// webhooks_withheld, webhooks_behind, webhook_disabled, webhook_dead.
type Finding struct {
	Kind   string `json:"kind"`
	Member string `json:"member,omitempty"` // empty: it is about the cluster
	Text   string `json:"text"`             // a sentence that says what to do
}

// Inspection is a look, and what else the member that looked knows.
type Inspection struct {
	Self        string // the member that looked
	ClusterID   string // of the cluster that it belongs to
	Leader      string // as it knows it, empty if none
	FormatLevel uint32 // of the formats in use
	Look        Look
	Absences    Absences
	Endpoints   []*poll.Endpoint // of webhooks
	Now         time.Time
}

// findings collects them.
type findings []Finding

func (f *findings) add(kind, member, format string, args ...any) {
	*f = append(*f, Finding{kind, member, fmt.Sprintf(format, args...)})
}

// Findings says what is wrong.
func (x *Inspection) Findings() []Finding {
	var all findings
	if x.Leader == "" {
		all.add("no_leader", "", "%s", x.leaderless())
	}
	furthest, offset, digests, twins := x.Look.furthest(), x.Look.deviation(), x.Look.Digests(), x.Look.twins()
	for i := range x.Look {
		m := &x.Look[i]
		if m.Err != nil {
			kind, text := x.missing(m)
			all.add(kind, m.ID, "%s", text)
			continue
		}
		if m.Report.Member && m.Report.Peer != "" && m.Report.Peer != m.Addr && twins[m.ID] != m.Report.Peer {
			all.add("moving", m.ID, "%s came back at %s, and the membership still names %s. %s", m.ID, m.Report.Peer, m.Addr, x.moving(m))
		}
		if m.Report.Applied+lagging < furthest {
			all.add("lagging", m.ID, "%s is %d log entries behind; it catches up by itself, unless its disk or network is too slow.", m.ID, furthest-m.Report.Applied)
		}
		if by := offset(m); m.Votes && by.Abs() > MaxSkew {
			all.add("clock_off", m.ID, "%s's clock is off by %s; polls follow the median of all clocks. Let it follow a time server.", m.ID, by.Round(time.Millisecond))
		}
		all.reported(m, x.Now)
		if slices.Contains(digests.Differ, m.ID) {
			all.add("digest_differs", m.ID, "%s's state differs from the majority's at log index %d. Stop it, remove it (voted cluster remove %s), empty its data directory and join it again.", m.ID, digests.Index, m.ID)
		}
		all.behind(m, x.Look.newestLevel(), x.FormatLevel)
	}
	for _, id := range slices.Sorted(maps.Keys(twins)) {
		which := "one at "
		if x.refused(id) {
			which = "this one at "
		}
		all.add("two_processes", id, "Two processes run as member %s: one where the membership has it, and %s%s, whose messages are refused. Stop the one that should not be there; a copy of a member's directory must never be started.", id, which, twins[id])
	}
	if digests.Dispute != nil {
		do := "Start the members that are away"
		if x.Look.Turnout().Majority() {
			do += ", or remove those that are wrong"
		}
		all.add("digest_dispute", "", "The members %s differ at log index %d and no majority can tell which are right: nothing is served. %s.", strings.Join(digests.Dispute, ", "), digests.Index, do)
	}
	if space := x.Look.Space(); space.Refuse {
		all.add("storage_full", "", "Too few members have space on their disks, so ballots are refused (507): %s. Free space there; it goes on by itself.", strings.Join(space.Low, ", "))
	}
	all.webhooks(x)
	return all
}

// reported adds what a member reports as wrong with itself.
func (f *findings) reported(m *Sighting, now time.Time) {
	if m.Report.Low {
		f.add("disk_low", m.ID, "%s has %d MiB left on its disk. Free space there or enlarge the disk.", m.ID, m.Report.Free>>20)
	}
	if text := backupsText(m.ID, m.Report.Backups); text != "" {
		f.add("backup_old", m.ID, "%s", text)
	}
	if text := staleText(m.ID, m.Report.Stale); text != "" {
		f.add("file_stale", m.ID, "%s", text)
	}
	if text := certificateText(m.ID, m.Report.CertificateEnds, now); text != "" {
		f.add("certificate_ends", m.ID, "%s", text)
	}
	if logs := m.Report.ForkedLogs; len(logs) > 0 {
		f.add("log_forked", m.ID, "%s no longer signs %s: it had signed ballots that are not in its box now. A disk or a state was set back. Compare the results with kept receipts before you rely on them.", m.ID, some(logs))
	}
}

// behind adds that a member's build is older than the newest, or than the formats in use.
func (f *findings) behind(m *Sighting, newest, used uint32) {
	switch reads := m.FormatLevel(); {
	case reads < used:
		f.add("format_behind", m.ID, "%s reads formats up to level %d and the cluster uses level %d: it stops at the first entry that it cannot read. Start it with the version of the others.", m.ID, reads, used)
	case reads < newest:
		f.add("format_behind", m.ID, "%s reads formats up to level %d and others read %d: new formats wait until it is upgraded.", m.ID, reads, newest)
	}
}

// twins are the addresses of the second processes that any member has seen, by member.
func (l Look) twins() map[string]string {
	all := map[string]string{}
	for _, m := range l {
		if m.Err == nil {
			maps.Copy(all, m.Report.Twins)
		}
	}
	return all
}
