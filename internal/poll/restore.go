package poll

import "fmt"

// RestoreLevel is the format level from which a state can be restored from a backup,
// and remembers that it was.
const RestoreLevel = 3

// Holdings is how much a state holds: what a restore over it drops.
type Holdings struct{ Polls, Ballots uint64 }

// String returns the sentence that confirms a restore, such as "3 polls and 188571
// ballots".
func (h Holdings) String() string {
	return fmt.Sprintf("%s and %s", quantity(h.Polls, "poll"), quantity(h.Ballots, "ballot"))
}

func quantity(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Holdings counts the polls that exist and the voters with a ballot in them.
func (s *State) Holdings() Holdings {
	var h Holdings
	for _, p := range s.order {
		if !p.deleted {
			h.Polls++
			h.Ballots += p.ballots()
		}
	}
	return h
}

// MayDrop returns nil where a restore with this confirmation may take the state's
// place, and otherwise the refusal that says what would be dropped.
func (s *State) MayDrop(confirm string) *Error {
	have := s.Holdings()
	if have.Polls == 0 || confirm == have.String() {
		return nil
	}
	e := Refuse(CodeConfirmationNeeded, "A restore drops what the cluster holds now: %s. Confirm it with exactly these words; they change while ballots come in, so stop those first.", have)
	e.Fields = []FieldError{{"confirm", have.String()}}
	return e
}

// Origin is the backup that a state was last restored from; its zero value says that
// it never was.
type Origin struct {
	Backup Digest // SHA-256 of the whole file
	Index  uint64 // log index of the restore
}

// Origin returns the backup that the state was last restored from.
func (s *State) Origin() Origin { return s.origin }

// Untouched reports whether nothing has changed since the state was restored from the
// backup with this checksum: a retry of that restore is done already.
func (s *State) Untouched(backup Digest) bool {
	if s.origin.Index == 0 || s.origin.Backup != backup {
		return false
	}
	for _, p := range s.order {
		if p.changed > s.origin.Index {
			return false
		}
	}
	return true
}

// Shift is how far the state's index is ahead of the position in this cluster's log.
// Indexes must never go back, neither for who saw the cluster that a backup was made
// of nor for who saw this one; so a restore moves on to behind both.
func (s *State) Shift() uint64 { return s.shift }

// Succession is a restore in the log.
type Succession struct {
	Backup   Digest // SHA-256 of the whole file
	Position uint64 // of the command in this cluster's log
	Confirm  string
}

// maxRestoredIndex leaves as much room again for what comes after.
const maxRestoredIndex = maxRollIndex / 2

// Succeed makes s, which was read from a backup, what old is succeeded by: old has
// begun the command, and s ends it. After a refusal old goes on as if nothing was asked.
//
// A poll's id stands for one salt for as long as the cluster exists: ballots may be
// under way that were made for a poll before the restore, and must not be counted in
// another one of the same name. Polls that the backup does not have are therefore
// left as tombstones, and a backup that has another poll under an id is refused.
func (s *State) Succeed(old *State, by Succession) *Error {
	if err := old.MayDrop(by.Confirm); err != nil {
		return err
	}
	if s.index > maxRestoredIndex {
		return Refuse(CodeInvalidBackup, "The backup's log index %d is greater than any that a cluster reaches.", s.index)
	}
	for _, o := range old.order {
		if n := s.polls[o.rules.ID]; n != nil && otherPoll(n, o) {
			return Refuse(CodePollExists, "The poll %s in the backup is another one than the poll of that id here, for which ballots may be under way. Restore into an empty cluster instead.", o.rules.ID)
		}
	}
	index := max(old.index, s.index+1)
	s.index, s.shift = index, index-by.Position
	s.clock, s.level = max(old.clock, s.clock), old.level
	s.origin = Origin{by.Backup, index}
	// Join tokens are of the cluster, not of its polls: a backup revives none.
	s.tokens = old.tokens
	s.event(eventRestored, "", by.Backup[:])
	for _, o := range old.order {
		if n := s.polls[o.rules.ID]; n == nil {
			s.entomb(o)
		} else if o.revision >= n.revision {
			n.revision = o.revision + 1 // a tag that was seen here must not come to mean something else
		}
	}
	for _, p := range s.order {
		p.changed = index // of whatever is remembered elsewhere nothing holds any more
	}
	s.closeDue()
	s.keys.expire(s.clock)
	s.tokens.expire(s.clock)
	return nil
}

// otherPoll reports whether two polls of one id have different origins. Tombstones
// that older builds left do not tell.
func otherPoll(a, b *Poll) bool {
	var unknown Salt
	x, y := a.rules.Salt, b.rules.Salt
	return x != y && x != unknown && y != unknown
}

// entomb keeps the id of a poll that is dropped.
func (s *State) entomb(old *Poll) {
	id := old.rules.ID
	p := newPoll(header{
		rules: &Rules{Definition: Definition{ID: id}, Salt: old.rules.Salt}, number: uint32(len(s.order)),
		revision: old.revision, createdAt: old.createdAt, closedAt: old.closedAt, closedIndex: old.closedIndex, deleted: true,
	})
	s.polls[id] = p
	s.order = append(s.order, p)
	s.removed++
	s.event(eventDeleted, id, nil)
}
