package poll

import (
	"slices"

	"voted/internal/refusal"
	"voted/internal/tally"
)

// Info is what a poll shows in addition to its definition.
type Info struct {
	Rules       *Rules
	Number      uint32 // in the order of creation, from 0
	Phase       Phase
	Revision    uint32
	CreatedAt   int64
	ClosedAt    int64
	ClosedIndex uint64
	Ballots     uint64 // voters with a ballot in the box
	Changed     uint64 // log index of the last change
	Digest      Digest
	Turnout     Turnout // Eligible only if the poll has a roll
	Lot         Lot     // drawn after the close
}

// Info returns a poll's Info at the state's clock.
func (s *State) Info(id string) (Info, *refusal.Error) {
	p := s.Find(id)
	if p == nil {
		return Info{}, refusal.Of(refusal.PollNotFound)
	}
	return s.info(p), nil
}

func (s *State) info(p *Poll) Info {
	return Info{
		Rules: p.rules, Number: p.number, Phase: p.phase(s.clock), Revision: p.revision,
		CreatedAt: p.createdAt, ClosedAt: p.closedAt, ClosedIndex: p.closedIndex,
		Ballots: p.ballots(), Changed: p.changed, Digest: p.digest,
		Turnout: p.turnout(), Lot: p.lot,
	}
}

func (p *Poll) turnout() Turnout {
	if p.roll == nil {
		return Turnout{Voted: p.ballots(), VotedWeight: p.ballots()}
	}
	return p.roll.turnout
}

// QuorumMet reports whether as many voters have voted as the poll needs.
func (i Info) QuorumMet() bool { return i.Ballots >= i.Rules.Quorum }

// Visible reports whether results may be seen.
func (i Info) Visible() bool { return i.Rules.Results == ResultsLive || i.Phase == Closed }

// Count is what a poll's tally is made from: it is taken under the lock at little cost,
// and tabulated outside it.
type Count struct {
	Info
	Index   uint64 // log index that the count reflects
	profile profile
	totals  tally.Totals
}

// Room is memory for a Count. With millions of distinct selections it takes longer to get
// memory from the system than to fill it, so whoever counts under a lock gets it before.
type Room struct{ counts []int64 }

// RoomFor returns room for a count of so many distinct selections, and some that come until
// then.
func RoomFor(distinct int) Room {
	const pageCounts = 4096 / 8
	counts := make([]int64, distinct+distinct/64+64)
	for i := 0; i < len(counts); i += pageCounts {
		counts[i] = 1 // the system gives a page when it is first written
	}
	return Room{counts[:0]}
}

// Distinct returns how many distinct selections a Count of the poll would copy; 0 if there
// is no such poll, or its method needs none.
func (s *State) Distinct(id string) int {
	p := s.Find(id)
	if p == nil || p.rules.method.Additive() {
		return 0
	}
	return len(p.profile.counts)
}

// Count takes what is needed to tabulate a poll.
func (s *State) Count(id string) (Count, *refusal.Error) { return s.CountIn(id, Room{}) }

// CountIn is Count with memory that is there already, which must not be used again.
func (s *State) CountIn(id string, room Room) (Count, *refusal.Error) {
	p := s.Find(id)
	if p == nil {
		return Count{}, refusal.Of(refusal.PollNotFound)
	}
	c := Count{Info: s.info(p), Index: s.index}
	if p.rules.method.Additive() {
		c.totals = tally.Totals{
			Ballots: p.profile.totals.Ballots, Overvoted: p.profile.totals.Overvoted,
			Points: slices.Clone(p.profile.totals.Points),
			Marks:  slices.Clone(p.profile.totals.Marks),
			Blank:  p.profile.totals.Blank,
		}
		if c.totals.Points == nil {
			c.totals.Points = make([]int64, len(p.rules.Options))
			c.totals.Marks = make([]int64, len(p.rules.Options))
		}
		return c, nil
	}
	c.profile = profile{entries: p.profile.entries, counts: append(room.counts, p.profile.counts...)}
	return c, nil
}

// Settings are what the poll asks of its method, with the lot that was drawn since.
func (i Info) Settings() tally.Settings {
	s := i.Rules.Settings()
	if s.Lot == nil {
		s.Lot = i.Lot.Order
	}
	return s
}

// Tabulate makes the tally. It needs no lock.
func (c *Count) Tabulate() tally.Result { return c.TabulateAfter(new(Comparisons)) }

// TabulateAfter is Tabulate for a caller that counts a poll again and again: earlier is
// what it was given the last time, and is brought up to this count.
func (c *Count) TabulateAfter(earlier *Comparisons) tally.Result {
	method := c.Rules.method
	switch {
	case method.Additive():
		return method.FromTotals(c.totals, c.Settings())
	case method.Compares():
		earlier.follow(c)
		return method.FromPairs(earlier.pairs, c.Settings())
	case method.ShowsPairs(len(c.Rules.Options)):
		groups := earlier.follow(c)
		return method.FromProfileAndPairs(groups, earlier.pairs, c.Settings())
	}
	return method.FromProfile(c.profile.groups(c.Rules), c.Settings())
}

// Capture takes a poll's ballots at the current index, for an export.
func (s *State) Capture(id string) (Capture, Info, *refusal.Error) {
	p := s.Find(id)
	if p == nil {
		return Capture{}, Info{}, refusal.Of(refusal.PollNotFound)
	}
	return p.capture(), s.info(p), nil
}

// maxScan bounds how many polls one call of List looks at, so that a rare state
// among a million polls costs several short reads, not a long one.
const maxScan = 10_000

// List returns up to limit polls that match, with numbers from start on, and the number
// at which the caller goes on (0: the end).
func (s *State) List(start uint32, limit int, match func(Info) bool) (page []Info, next uint32) {
	end := min(len(s.order), int(start)+maxScan)
	for n := int(start); n < end; n++ {
		p := s.order[n]
		if p.deleted {
			continue
		}
		if i := s.info(p); match(i) {
			if len(page) == limit {
				return page, uint32(n)
			}
			page = append(page, i)
		}
	}
	if end < len(s.order) {
		return page, uint32(end)
	}
	return page, 0
}

// Polls returns how many polls exist, deleted ones not counted.
func (s *State) Polls() int { return len(s.order) - s.removed }
