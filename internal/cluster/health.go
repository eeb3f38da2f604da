package cluster

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// lagging is how many entries a member may be behind the furthest before it is said.
const lagging = 1024

// ahead is how far a member's clock is ahead of this one's, which may be wrong itself.
func (m *sighting) ahead() time.Duration { return m.status.Now.Sub(m.at) }

// absences remembers since when members do not answer this one.
type absences struct {
	mu    sync.Mutex
	since map[string]time.Time // guarded by mu
}

// note takes over one look at the members.
func (a *absences) note(seen []sighting, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.since
	a.since = map[string]time.Time{}
	for _, m := range seen {
		if m.err == nil {
			continue
		}
		at, known := old[m.server.ID]
		if !known {
			at = now
		}
		a.since[m.server.ID] = at
	}
}

// of returns since when a member is away, zero where it is not.
func (a *absences) of(id string) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.since[id]
}

// Finding is one thing that is not as it should be, in words. Kinds are a closed set:
// no_leader, away, lagging, clock_off, disk_low, storage_full, digest_differs,
// digest_dispute, format_behind, backup_old.
type Finding struct {
	Kind   string
	Member string // empty: it is about the cluster
	Text   string // a sentence that says what to do
}

// inspection is what findings are made of.
type inspection struct {
	leader string
	level  uint32 // of the formats in use
	seen   []sighting
	since  func(id string) time.Time
	now    time.Time
}

// findings says what is wrong.
func (x *inspection) findings() (all []Finding) {
	add := func(kind, member, format string, args ...any) {
		all = append(all, Finding{kind, member, fmt.Sprintf(format, args...)})
	}
	if x.leader == "" {
		add("no_leader", "", "Nobody leads, so nothing can be counted. A majority of the voting members must run and reach each other; start those that are away.")
	}
	furthest, newest := uint64(0), uint32(0)
	var offsets []time.Duration
	for i := range x.seen {
		m := &x.seen[i]
		if m.err != nil {
			continue
		}
		furthest, newest = max(furthest, m.status.Applied), max(newest, m.reads())
		if m.voter {
			offsets = append(offsets, m.ahead())
		}
	}
	digests, space := compareDigests(x.seen), judgeSpace(x.seen)
	for i := range x.seen {
		m := &x.seen[i]
		id := m.server.ID
		if m.err != nil {
			since := ""
			if at := x.since(id); !at.IsZero() {
				since = fmt.Sprintf(" since %s (%s)", at.UTC().Format(time.DateTime+"Z"), x.now.Sub(at).Round(time.Second))
			}
			add("away", id, "%s does not answer%s. Start it again; if its machine is gone for good, replace it (voted cluster remove %s).", id, since, id)
			continue
		}
		if m.status.Applied+lagging < furthest {
			add("lagging", id, "%s is %d log entries behind; it catches up by itself, unless its disk or network is too slow.", id, furthest-m.status.Applied)
		}
		if by := m.ahead() - medianOf(slices.Clone(offsets)); m.voter && by.Abs() > maxSkew {
			add("clock_off", id, "%s's clock is off by %s; polls follow the median of all clocks. Let it follow a time server.", id, by.Round(time.Millisecond))
		}
		if m.status.Low {
			add("disk_low", id, "%s has %d MiB left on its disk. Free space there or enlarge the disk.", id, m.status.Free>>20)
		}
		if text := m.status.Backups.wrong(id); text != "" {
			add("backup_old", id, "%s", text)
		}
		if slices.Contains(digests.differ, id) {
			add("digest_differs", id, "%s's state differs from the majority's at log index %d. Stop it, remove it (voted cluster remove %s), empty its data directory and join it again.", id, digests.index, id)
		}
		if reads := m.reads(); reads < newest && reads >= x.level {
			add("format_behind", id, "%s reads formats up to level %d and others read %d: new formats wait until it is upgraded.", id, reads, newest)
		}
		if reads := m.reads(); reads < x.level {
			add("format_behind", id, "%s reads formats up to level %d and the cluster uses level %d: it stops at the first entry that it cannot read. Start it with the version of the others.", id, reads, x.level)
		}
	}
	if digests.dispute != nil {
		add("digest_dispute", "", "The members %s differ at log index %d and no majority can tell which are right: nothing is served. Start the members that are away, or remove those that are wrong.", strings.Join(digests.dispute, ", "), digests.index)
	}
	if space.refuse {
		add("storage_full", "", "Too few members have space on their disks, so ballots are refused (507): %s. Free space there; it goes on by itself.", strings.Join(space.low, ", "))
	}
	return all
}

// summary says in a sentence what the cluster can still lose.
func (s *Status) summary() string {
	voters := 0
	for _, m := range s.Members {
		if m.Voter {
			voters++
		}
	}
	switch {
	case s.Leader == "":
		return "Nobody leads: nothing is counted until a majority of the voting members run and reach each other."
	case voters == 1:
		return "One voting member: while it is down nothing is served. Two more would let one fail."
	case s.CanLose == 0:
		return fmt.Sprintf("The cluster works, and one more failure stops it: %d of %d voting members must run.", s.Quorum, voters)
	case s.CanLose == 1:
		return "The cluster works and can lose one more member."
	}
	return fmt.Sprintf("The cluster works and can lose %d more members, one after another or at once.", s.CanLose)
}

// restartRisks says why stopping a member for a moment would hurt now; nil: it would
// not.
func (x *inspection) restartRisks(id string) (risks []string) {
	at := slices.IndexFunc(x.seen, func(m sighting) bool { return m.server.ID == id })
	if at < 0 || !x.seen[at].voter || x.seen[at].err != nil {
		return nil // nothing is lost with it
	}
	if x.leader == "" {
		risks = append(risks, "nobody leads at the moment")
	}
	furthest := uint64(0)
	for i := range x.seen {
		furthest = max(furthest, x.seen[i].status.Applied)
	}
	voters, well := 0, 0
	var unwell []string
	for i := range x.seen {
		m := &x.seen[i]
		if !m.voter {
			continue
		}
		voters++
		switch {
		case m.server.ID == id:
		case m.err != nil:
			unwell = append(unwell, m.server.ID+" does not answer")
		case m.status.Applied+caughtUp < furthest:
			unwell = append(unwell, fmt.Sprintf("%s is %d log entries behind", m.server.ID, furthest-m.status.Applied))
		case m.status.Low:
			unwell = append(unwell, m.server.ID+" is short of disk space")
		default:
			well++
		}
	}
	if need := voters/2 + 1; well < need {
		why := fmt.Sprintf("without %s only %d of %d voting members would be well, and %d are needed", id, well, voters, need)
		if unwell != nil {
			why += ": " + strings.Join(unwell, ", ")
		}
		risks = append(risks, why)
	}
	if digests := compareDigests(x.seen); digests.differ != nil || digests.dispute != nil {
		risks = append(risks, "members' states differ, see voted cluster status")
	}
	return risks
}
