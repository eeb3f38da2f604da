package simtest

import (
	"fmt"
	"time"

	"voted/internal/poll"
)

// reader follows the journal as a client does that goes from member to member: it keeps
// the number of the last event that it has, and asks whoever answers for what comes after.
type reader struct {
	events []poll.Event
}

func (r *reader) after() uint64 { return uint64(len(r.events)) }

// everyEvent matches all events.
func everyEvent(poll.EventKind, string) bool { return true }

// follow reads on at one member. One that is behind has nothing new; a client would wait
// there.
func (r *reader) follow(p *process) {
	for {
		var page []poll.Event
		p.node.Read(func(s *poll.State) { page, _, _ = s.Events(r.after(), 64, everyEvent) })
		if len(page) == 0 {
			return
		}
		r.events = append(r.events, page...)
	}
}

// followEvents lets a reader follow the journal from member to member until stop.
func (c *Cluster) followEvents(stop <-chan struct{}) {
	draw := newDice(c.seed, "events")
	every := time.NewTicker(sampleEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-stop:
			return
		}
		if living := c.living(); len(living) > 0 {
			c.reader.follow(living[draw.n(len(living))])
		}
	}
}

// CheckEvents compares the journals of all members, which have converged, with what the
// reader got, and with the polls (oracle O12).
func (c *Cluster) CheckEvents() {
	for _, p := range c.living() {
		var whole reader
		whole.follow(p)
		var polls []poll.Info
		p.node.Read(func(s *poll.State) {
			polls, _ = s.List(0, 1<<20, func(poll.Info) bool { return true })
		})
		for _, fault := range eventFaults(whole.events, c.reader.events, polls) {
			c.fail("O12 %s: %s", p.member.id, fault)
		}
	}
}

// eventFaults returns what is wrong with a member's journal: a gap, an event that a reader
// has got otherwise, one that happened twice, and one that does not fit its poll.
func eventFaults(journal, read []poll.Event, polls []poll.Info) (faults []string) {
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if len(read) > len(journal) {
		wrong("a reader has %d events of %d", len(read), len(journal))
	}
	seen := map[string]uint64{}
	for i, e := range journal {
		if e.Number != uint64(i+1) {
			wrong("event %d comes after %d others", e.Number, i)
		}
		if i > 0 && (e.Index < journal[i-1].Index || e.At < journal[i-1].At) {
			wrong("%+v comes after %+v", e, journal[i-1])
		}
		if i < len(read) && read[i] != e {
			wrong("a reader has got %+v as event %d, which is %+v", read[i], i+1, e)
		}
		// Polls of this workload are changed by nothing that makes an event come again.
		what := fmt.Sprint(e.Kind, " ", e.Poll, " ", e.A)
		if first := seen[what]; first != 0 {
			wrong("%s happened twice, as events %d and %d", what, first, e.Number)
		}
		seen[what] = e.Number
		if e.Kind == poll.PollClosed {
			seen["closed at "+e.Poll] = e.Index
		}
	}
	for _, i := range polls {
		id := i.Rules.ID
		if seen[fmt.Sprint(poll.PollCreated, " ", id, " ", 1)] == 0 {
			continue // it was made before the cluster kept a journal
		}
		if got := seen["closed at "+id]; got != i.ClosedIndex {
			wrong("%s closed at %d, its event says %d", id, i.ClosedIndex, got)
		}
		if milestone := seen[fmt.Sprint(poll.PollMilestone, " ", id, " ", 1)]; (milestone != 0) != (i.Ballots > 0 && i.Rules.Results == poll.ResultsLive) {
			wrong("%s has %d ballots, its first is event %d", id, i.Ballots, milestone)
		}
	}
	return faults
}
