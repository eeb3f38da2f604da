package poll

import (
	"encoding/binary"
	"fmt"

	"voted/internal/refusal"
)

// Result is the outcome of a command that manages polls. Err is nil if it was carried
// out, now or before.
type Result struct {
	Err      *refusal.Error
	Poll     string // id of the poll concerned
	Index    uint64 // log index of the command that gave this answer
	Created  bool   // the poll is new
	Replayed bool   // carried out when the same request came before
	// Roll has the outcomes of the lines of an Enroll, nil for other commands.
	Roll *RollResult
}

// Command is one of Create, Patch, Close, Delete, DrawLot, Tick, Enroll, Drop, Raise,
// IssueToken, RedeemToken, RevokeTokens, Schedule, Unschedule, PutEndpoint, PatchEndpoint,
// DropEndpoint, RotateKey, Progress, Redeliver and Alarm. Each is idempotent by construction, so it may be proposed again when its outcome is unknown.
type Command interface {
	apply(s *State) Result
}

// Do applies a command, between Begin and End.
func (s *State) Do(c Command) Result { return c.apply(s) }

func (c Create) apply(s *State) Result { return s.create(c) }
func (c Patch) apply(s *State) Result  { return s.patch(c) }
func (c Close) apply(s *State) Result  { return s.closeNow(c) }
func (c Delete) apply(s *State) Result { return s.remove(c) }

// Tick changes nothing more: Begin has moved the clock. A new leader proposes one so that
// everything before it is known to be committed.
func (Tick) apply(s *State) Result { return Result{Index: s.index} }

// Close is the command that closes a poll now.
type Close struct {
	Poll       string
	IfRevision uint32 // the revision that the client saw, 0 for any
}

// Delete is the command that drops a closed poll's ballots.
type Delete struct {
	Poll       string
	IfRevision uint32 // the revision that the client saw, 0 for any
}

// Tick is the command that lets time pass.
type Tick struct{}

// Create is the command that makes a poll.
type Create struct {
	Definition Definition // complete: WithDefaults has been applied
	Salt       Salt
	// Key is the client's Idempotency-Key, empty for a create under a chosen id.
	Key string
	// Client is the name of the credential that sent Key: two clients may use the same key.
	// Clients without a credential share one name, "".
	Client string
	// Fingerprint is of the request that came with Key.
	Fingerprint Digest
	// IfRevision is the revision of the poll that the client saw; 0: the poll need not
	// exist. IfAbsent: it must not exist.
	IfRevision uint32
	IfAbsent   bool
}

// create makes a poll, or finds that it was made before.
func (s *State) create(c Create) Result {
	if c.Key != "" {
		if r, seen := s.keyed(c); seen {
			return r
		}
	}
	d := c.Definition
	old := s.polls[d.ID]
	if err := c.unmet(old); err != nil {
		return s.fail(d.ID, err)
	}
	if old != nil {
		return s.recreated(old, c)
	}
	if errs := d.Validate(); errs != nil {
		return s.fail(d.ID, &refusal.Error{Code: refusal.InvalidPoll, Fields: errs})
	}
	if d.ClosesAt != 0 && d.ClosesAt <= s.clock {
		return s.fail(d.ID, inThePast("closes_at"))
	}
	p := s.add(newRules(d, c.Salt))
	s.fold(foldCreated, d.ID, append(d.AppendCanonical(nil), c.Salt[:]...))
	s.happened(PollCreated, p, uint64(p.revision), 0)
	s.tellOpen(p)
	if c.Key != "" {
		s.remember(c)
	}
	return Result{Poll: p.rules.ID, Index: s.index, Created: true}
}

// unmet is the refusal of a create whose precondition is false, nil if it is true.
func (c *Create) unmet(old *Poll) *refusal.Error {
	there := old != nil && !old.deleted
	switch {
	case c.IfAbsent && there && old.rules.Salt != c.Salt: // with this salt it made the poll itself
		e := refusal.For(refusal.PollThere)
		e.Version = old.revision
		return e
	case c.IfRevision != 0 && !there:
		return refusal.For(refusal.PollAbsent)
	case c.IfRevision != 0:
		return old.unmet(c.IfRevision)
	}
	return nil
}

// unmet is the refusal of a change that is meant for another revision, nil for this one
// and for 0.
func (h *header) unmet(revision uint32) *refusal.Error {
	if revision == 0 || revision == h.revision {
		return nil
	}
	return &refusal.Error{Code: refusal.VersionMismatch, Version: h.revision}
}

// recreated answers a create for an id that is taken.
func (s *State) recreated(old *Poll, c Create) Result {
	d := c.Definition
	switch {
	case old.deleted:
		return s.fail(d.ID, refusal.For(refusal.PollDeleted))
	case !SamePoll(old.rules.Definition, d) && !old.madeAs(d):
		return s.fail(d.ID, refusal.Of(refusal.PollExists))
	}
	// If only this very command can have made the poll, the answer is the same as at first.
	return Result{Poll: d.ID, Index: s.index, Created: c.IfAbsent}
}

func (s *State) add(r *Rules) *Poll {
	p := newPoll(header{rules: r, number: uint32(len(s.order)), revision: 1, createdAt: s.clock})
	s.polls[r.ID] = p
	s.order = append(s.order, p)
	s.touch(p)
	s.schedule(p, nil)
	return p
}

// madeAs reports whether the poll was created with this definition and changed since: a
// retry of that creation must not be answered that the poll is another one.
func (h *header) madeAs(d Definition) bool {
	return h.original != nil && *h.original == d.fingerprint()
}

// Patch is the command that changes a poll's title or times. Nil fields stay as
// they are; a time of 0 removes it.
type Patch struct {
	Poll string
	// Request identifies a patch, so that a retry is recognised; it is drawn once per
	// request, or made of the client's name and Idempotency-Key.
	Request [16]byte
	// Fingerprint is of the change: the same Request with another fingerprint is refused.
	Fingerprint [16]byte
	// IfRevision is the revision that the client saw, 0 for any.
	IfRevision uint32
	Title      *string
	OpensAt    *int64
	ClosesAt   *int64
}

// patchMark remembers a patch, so that a retry is recognised.
type patchMark struct {
	request     [16]byte
	fingerprint [16]byte
	at          int64
}

const (
	// patchMemory is how long a patch is remembered, in milliseconds, unless
	// maxPatches others came since: as long as an Idempotency-Key.
	patchMemory = IdempotencyTTL
	// patchHold is how long it is remembered in any case, in milliseconds: longer than any
	// request can be held.
	patchHold int64 = 10 * 60 * 1000
	// maxPatches bounds what is remembered per poll.
	maxPatches = 64
)

// patch changes a poll's title or times.
func (s *State) patch(c Patch) Result {
	p := s.Find(c.Poll)
	if p == nil {
		return s.fail(c.Poll, refusal.Of(refusal.PollNotFound))
	}
	for _, m := range p.patches {
		switch {
		case m.request != c.Request || m.at+patchMemory <= s.clock:
		case m.fingerprint != c.Fingerprint:
			return s.fail(c.Poll, refusal.Of(refusal.IdempotencyKeyReused))
		default:
			return Result{Poll: c.Poll, Index: s.index, Replayed: true}
		}
	}
	if p.phase(s.clock) == Closed {
		return s.fail(c.Poll, refusal.Of(refusal.PollClosed))
	}
	if err := p.unmet(c.IfRevision); err != nil {
		return s.fail(c.Poll, err)
	}
	d, err := s.patched(p, c)
	if err != nil {
		return s.fail(c.Poll, err)
	}
	recent, free := p.recentPatches(s.clock)
	if wait := free - s.clock; wait > 0 {
		e := refusal.For(refusal.PatchedTooOften)
		e.RetryAfter = wait
		return s.fail(c.Poll, e)
	}
	s.touch(p)
	// Even a patch that changes nothing now is remembered: its late duplicate must not undo
	// a change that came in between.
	p.patches = append(recent, patchMark{c.Request, c.Fingerprint, s.clock})
	s.fold(foldPatched, c.Poll, d.AppendCanonical(nil))
	if !SamePoll(d, p.rules.Definition) {
		if p.original == nil {
			made := p.rules.fingerprint()
			p.original = &made
		}
		was := p.rules
		p.rules = newRules(d, was.Salt)
		p.revision++
		s.schedule(p, was)
		s.happened(PollUpdated, p, uint64(p.revision), 0)
		s.tellOpen(p)
	}
	return Result{Poll: c.Poll, Index: s.index}
}

// recentPatches returns the patches that are still remembered at a time, with room for
// one more, and from when on there is room. The poll's own slice stays as it is, since
// views show it.
func (p *Poll) recentPatches(clock int64) (recent []patchMark, free int64) {
	for _, m := range p.patches { // into a fresh slice: captures hold the old one
		if m.at+patchMemory > clock {
			recent = append(recent, m)
		}
	}
	if len(recent) < maxPatches {
		return recent, 0
	}
	return recent[1:], recent[0].at + patchHold
}

func (s *State) patched(p *Poll, c Patch) (Definition, *refusal.Error) {
	d := p.rules.Definition
	if c.Title != nil {
		d.Title = *c.Title
	}
	if c.OpensAt != nil && *c.OpensAt != d.OpensAt {
		if p.phase(s.clock) != Scheduled && p.ballots() > 0 {
			return d, unfit("opens_at", "Ballots have been counted already; leave it as it is.")
		}
		d.OpensAt = *c.OpensAt
	}
	if c.ClosesAt != nil && *c.ClosesAt != d.ClosesAt {
		d.ClosesAt = *c.ClosesAt
		if d.ClosesAt != 0 && d.ClosesAt <= s.clock {
			return d, inThePast("closes_at")
		}
	}
	if errs := d.Validate(); errs != nil {
		return d, &refusal.Error{Code: refusal.InvalidPoll, Fields: errs}
	}
	return d, nil
}

func inThePast(field string) *refusal.Error {
	return unfit(field, "It lies in the past; give a later time, or close the poll now.")
}

// unfit refuses a definition for one of its fields.
func unfit(field, rule string) *refusal.Error {
	return &refusal.Error{Code: refusal.InvalidPoll, Fields: []refusal.FieldError{{Field: field, Detail: rule}}}
}

// closeNow closes a poll; a closed one stays as it is.
func (s *State) closeNow(c Close) Result {
	p := s.Find(c.Poll)
	if p == nil {
		return s.fail(c.Poll, refusal.Of(refusal.PollNotFound))
	}
	if err := p.unmet(c.IfRevision); err != nil {
		return s.fail(c.Poll, err)
	}
	if p.closedIndex == 0 {
		s.close(p, s.clock)
	}
	return Result{Poll: c.Poll, Index: s.index}
}

func (s *State) close(p *Poll, at int64) {
	s.touch(p)
	p.closedIndex, p.closedAt, p.opened = s.index, at, false
	s.fold(foldClosed, p.rules.ID, binary.LittleEndian.AppendUint64(nil, uint64(at)))
	p.fileRest(s)
	s.happened(PollClosed, p, p.ballots(), uint64(p.box.n))
}

// remove drops a closed poll's ballots. Its id stays taken forever.
func (s *State) remove(c Delete) Result {
	id := c.Poll
	p := s.polls[id]
	if p == nil {
		return s.fail(id, refusal.Of(refusal.PollNotFound))
	}
	if err := p.unmet(c.IfRevision); err != nil { // a tombstone keeps its revision
		return s.fail(id, err)
	}
	switch {
	case p.deleted:
		return Result{Poll: id, Index: s.index}
	case p.closedIndex == 0:
		return s.fail(id, refusal.Of(refusal.PollNotClosed))
	}
	s.touch(p)
	h := p.header
	h.deleted, h.patches, h.original, h.lot = true, nil, nil, Lot{}
	// The rules are dropped too: a tombstone keeps only the id, and the salt, by which a
	// backup of the same poll is recognised.
	h.rules = &Rules{Definition: Definition{ID: id}, Salt: p.rules.Salt}
	*p = Poll{header: h, contents: &nothing, fresh: p.fresh, dirty: p.dirty}
	s.removed++
	s.fold(foldDeleted, id, nil)
	s.happened(PollDeleted, p, uint64(p.revision), 0)
	return Result{Poll: id, Index: s.index}
}

func (s *State) fail(id string, err *refusal.Error) Result {
	return Result{Err: err, Poll: id, Index: s.index}
}

// String describes a result for logs.
func (r Result) String() string {
	if r.Err != nil {
		return r.Err.Error()
	}
	return fmt.Sprintf("poll %s at %d", r.Poll, r.Index)
}
