package poll

import (
	"encoding/binary"
	"fmt"
)

// Result is what became of a command that manages polls. Err is nil where it was
// carried out, now or before.
type Result struct {
	Err      *Error
	Poll     string // id of the poll concerned
	Index    uint64 // log index of the command that gave this answer
	Created  bool   // the poll is new
	Replayed bool   // an Idempotency-Key's earlier answer
	// Roll is what became of the lines of an Enroll, nil for other commands.
	Roll *RollResult
}

// Command is one of Create, Patch, Close, Delete, Tick, Enroll, Drop, Raise, IssueToken, RedeemToken and RevokeTokens.
// Each is idempotent by construction, so it may be proposed again when its outcome is unknown.
type Command interface {
	apply(s *State) Result
}

// Do applies a command, between Begin and End.
func (s *State) Do(c Command) Result { return c.apply(s) }

func (c Create) apply(s *State) Result { return s.create(c) }
func (c Patch) apply(s *State) Result  { return s.patch(c) }
func (c Close) apply(s *State) Result  { return s.closeNow(c.Poll) }
func (c Delete) apply(s *State) Result { return s.remove(c.Poll) }

// Tick lets time pass: Begin has done the work. A new leader proposes one so that
// everything before it is known to be committed.
func (Tick) apply(s *State) Result { return Result{Index: s.index} }

// Close is the command that closes a poll now.
type Close struct{ Poll string }

// Delete is the command that drops a closed poll's ballots.
type Delete struct{ Poll string }

// Tick is the command that lets time pass.
type Tick struct{}

// Create is the command that makes a poll.
type Create struct {
	Definition Definition // complete: WithDefaults has been applied
	Salt       Salt
	// Key is the client's Idempotency-Key, empty for a create under a chosen id.
	Key string
	// Fingerprint is of the request that came with Key.
	Fingerprint Digest
}

// create makes a poll, or finds that it was made before.
func (s *State) create(c Create) Result {
	if c.Key != "" {
		if r, seen := s.keyed(c); seen {
			return r
		}
	}
	d := c.Definition
	if old := s.polls[d.ID]; old != nil {
		return s.recreated(old, d)
	}
	if errs := d.Validate(); errs != nil {
		return s.fail(d.ID, &Error{Code: CodeInvalidPoll, Detail: "The poll's definition cannot be used.", Fields: errs})
	}
	if d.ClosesAt != 0 && d.ClosesAt <= s.clock {
		return s.fail(d.ID, inThePast("closes_at"))
	}
	p := s.add(newRules(d, c.Salt))
	s.event(eventCreated, d.ID, append(d.AppendCanonical(nil), c.Salt[:]...))
	if c.Key != "" {
		s.remember(c)
	}
	return Result{Poll: p.rules.ID, Index: s.index, Created: true}
}

// recreated answers a create for an id that is taken.
func (s *State) recreated(old *Poll, d Definition) Result {
	switch {
	case old.deleted:
		return s.fail(d.ID, Refuse(CodePollExists, "A poll %q existed and was deleted; its id is not used again. Choose another id.", d.ID))
	case !SamePoll(old.rules.Definition, d):
		return s.fail(d.ID, Refuse(CodePollExists, "A different poll %q exists. Choose another id, or read it with GET.", d.ID))
	}
	return Result{Poll: d.ID, Index: s.index}
}

func (s *State) add(r *Rules) *Poll {
	p := newPoll(header{rules: r, number: uint32(len(s.order)), revision: 1, createdAt: s.clock})
	s.polls[r.ID] = p
	s.order = append(s.order, p)
	s.touch(p)
	s.schedule(p)
	return p
}

// Patch is the command that changes a poll's title or times. Nil fields stay as
// they are; a time of 0 removes it.
type Patch struct {
	Poll string
	// Request makes a retried patch known; it is drawn once per request.
	Request [16]byte
	// IfRevision is the revision that the client saw, 0 for any.
	IfRevision uint32
	Title      *string
	OpensAt    *int64
	ClosesAt   *int64
}

// patchMark remembers a patch until no retry of it can be under way any more.
type patchMark struct {
	request [16]byte
	at      int64
}

const (
	// patchMemory is how long a patch is remembered, in milliseconds: longer
	// than any request can be held.
	patchMemory int64 = 10 * 60 * 1000
	// maxPatches bounds what is remembered per poll.
	maxPatches = 64
)

// patch changes a poll's title or times.
func (s *State) patch(c Patch) Result {
	p := s.Find(c.Poll)
	if p == nil {
		return s.fail(c.Poll, notFound(c.Poll))
	}
	for _, m := range p.patches {
		if m.request == c.Request {
			return Result{Poll: c.Poll, Index: s.index}
		}
	}
	if p.phase(s.clock) == Closed {
		return s.fail(c.Poll, Refuse(CodePollClosed, "The poll %s has closed; it cannot be changed any more.", c.Poll))
	}
	if c.IfRevision != 0 && c.IfRevision != p.revision {
		e := Refuse(CodeVersionMismatch, "The poll is at revision %d, not %d; read it again, then decide.", p.revision, c.IfRevision)
		e.Version = p.revision
		return s.fail(c.Poll, e)
	}
	d, err := s.patched(p, c)
	if err != nil {
		return s.fail(c.Poll, err)
	}
	recent := p.recentPatches(s.clock)
	if len(recent) >= maxPatches {
		return s.fail(c.Poll, Refuse(CodeTooManyRequests, "The poll was changed %d times in the last ten minutes; wait before changing it again.", maxPatches))
	}
	s.touch(p)
	// Also one that changes nothing now: its late duplicate must not undo what
	// somebody changes in between.
	p.patches = append(recent, patchMark{c.Request, s.clock})
	s.event(eventPatched, c.Poll, d.AppendCanonical(nil))
	if !SamePoll(d, p.rules.Definition) {
		p.rules = newRules(d, p.rules.Salt)
		p.revision++
		s.schedule(p)
	}
	return Result{Poll: c.Poll, Index: s.index}
}

// recentPatches returns the patches that are still remembered at a time. The poll
// keeps its own until it has been touched: views show them.
func (p *Poll) recentPatches(clock int64) []patchMark {
	var recent []patchMark // fresh: captures hold the old slice
	for _, m := range p.patches {
		if m.at+patchMemory > clock {
			recent = append(recent, m)
		}
	}
	return recent
}

func (s *State) patched(p *Poll, c Patch) (Definition, *Error) {
	d := p.rules.Definition
	if c.Title != nil {
		d.Title = *c.Title
	}
	if c.OpensAt != nil && *c.OpensAt != d.OpensAt {
		if p.phase(s.clock) != Scheduled && p.ballots() > 0 {
			return d, &Error{
				Code: CodeInvalidPoll, Detail: "The poll's opening cannot be changed.",
				Fields: []FieldError{{"opens_at", "Ballots have been counted already; leave it as it is."}},
			}
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
		return d, &Error{Code: CodeInvalidPoll, Detail: "The change would leave a poll that cannot be used.", Fields: errs}
	}
	return d, nil
}

func inThePast(field string) *Error {
	return &Error{
		Code: CodeInvalidPoll, Detail: "The poll's times cannot be used.",
		Fields: []FieldError{{field, "It lies in the past; give a later time, or close the poll with POST …/close."}},
	}
}

// closeNow closes a poll; a closed one stays as it is.
func (s *State) closeNow(id string) Result {
	p := s.Find(id)
	if p == nil {
		return s.fail(id, notFound(id))
	}
	if p.closedIndex == 0 {
		s.close(p, s.clock)
	}
	return Result{Poll: id, Index: s.index}
}

func (s *State) close(p *Poll, at int64) {
	s.touch(p)
	p.closedIndex, p.closedAt = s.index, at
	s.event(eventClosed, p.rules.ID, binary.LittleEndian.AppendUint64(nil, uint64(at)))
}

// remove drops a closed poll's ballots. Its id stays taken for ever.
func (s *State) remove(id string) Result {
	p := s.polls[id]
	switch {
	case p == nil:
		return s.fail(id, notFound(id))
	case p.deleted:
		return Result{Poll: id, Index: s.index}
	case p.closedIndex == 0:
		return s.fail(id, Refuse(CodePollNotClosed, "The poll %s is not closed; close it before deleting it.", id))
	}
	s.touch(p)
	h := p.header
	h.deleted, h.patches = true, nil
	// The rules go too: a tombstone keeps the id alone, and the salt that says whether
	// a backup has the same poll.
	h.rules = &Rules{Definition: Definition{ID: id}}
	if s.level >= RestoreLevel {
		h.rules.Salt = p.rules.Salt
	}
	*p = Poll{header: h, contents: &nothing, dirty: p.dirty}
	s.removed++
	s.event(eventDeleted, id, nil)
	return Result{Poll: id, Index: s.index}
}

func (s *State) fail(id string, err *Error) Result {
	return Result{Err: err, Poll: id, Index: s.index}
}

// String describes a result for logs.
func (r Result) String() string {
	if r.Err != nil {
		return r.Err.Error()
	}
	return fmt.Sprintf("poll %s at %d", r.Poll, r.Index)
}
