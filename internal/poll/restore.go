package poll

import (
	"fmt"
	"slices"

	"voted/internal/refusal"
)

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

// MayDrop returns nil if a restore with this confirmation may replace the state, and
// otherwise the refusal that says what would be dropped.
func (s *State) MayDrop(confirm string) *refusal.Error {
	have := s.Holdings()
	if have.Polls == 0 || confirm == have.String() {
		return nil
	}
	return &refusal.Error{
		Code: refusal.ConfirmationNeeded, Subject: have.String(),
		Fields: []refusal.FieldError{{Field: "confirm", Detail: have.String()}},
	}
}

// Origin is the backup that a state was last restored from, or the recovery of its cluster;
// zero: there was neither.
type Origin struct {
	Backup Digest // SHA-256 of the whole file; zero: it was a recovery
	Index  uint64 // log index of the restore, or of what was applied last before the recovery
}

// Origin returns the backup that the state was last restored from.
func (s *State) Origin() Origin { return s.origin }

// Recover makes the state that of a cluster which goes on from one member. What the others had
// beyond it is gone, whether it was signed or not, so other logs of the polls begin. Webhooks
// are paused: the old cluster may go on elsewhere and call the same receivers.
func (s *State) Recover() {
	s.origin = Origin{Index: s.index}
	s.pauseEndpoints(ReasonRecovered)
}

// Restored reports whether the state was restored from the backup with this checksum
// after log index since. The restore of a sender that had seen the log up to since is
// then done already, whatever was changed afterwards. since is 0 if the sender did not
// say what it had seen; Restored then returns false.
func (s *State) Restored(backup Digest, since uint64) bool {
	return since != 0 && s.origin.Index > since && s.origin.Backup == backup
}

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
// Clients may have seen indexes of the cluster that the backup was made of, and of this
// one. Neither may see an index go back, so a restore continues after the higher of both.
func (s *State) Shift() uint64 { return s.shift }

// Succession is a restore in the log.
type Succession struct {
	Backup   Digest // SHA-256 of the whole file
	Position uint64 // of the command in this cluster's log
	Confirm  string
}

// maxRestoredIndex leaves as many indexes again for the time after the restore.
const maxRestoredIndex = maxRollIndex / 2

// Succeed makes s, which was read from a backup, the successor of old: old has begun the
// command, and s ends it. After a refusal old goes on unchanged.
//
// A poll's id stands for one salt for as long as the cluster exists: ballots that were
// made for a poll before the restore may still be under way, and must not be counted in
// another poll of that id. Polls that the backup does not have therefore become
// tombstones, and a backup that has another poll under an id is refused.
func (s *State) Succeed(old *State, by Succession) *refusal.Error {
	if err := old.MayDrop(by.Confirm); err != nil {
		return err
	}
	if s.index > maxRestoredIndex {
		return refusal.For(refusal.BackupTooFarAhead)
	}
	for _, o := range old.order {
		if n := s.polls[o.rules.ID]; n != nil && otherPoll(n, o) {
			taken := refusal.For(refusal.PollInUse)
			taken.Subject = o.rules.ID
			return taken
		}
	}
	index := max(old.index, s.index+1)
	s.index, s.shift = index, index-by.Position
	s.clock, s.level = max(old.clock, s.clock), old.level
	s.until = s.clock
	s.origin = Origin{by.Backup, index}
	// Join tokens belong to the cluster, not to its polls: a backup brings none back.
	s.tokens = old.tokens
	s.keepTasks(old)
	s.keepEndpoints(old)
	// So does the journal: its numbers go on, and what it tells happened here.
	s.rolls = nil
	// The digest of before goes in, too: it has what is kept of the old state, and members that
	// differ in that must not come to look alike.
	s.fold(foldRestored, "", slices.Concat(by.Backup[:], old.digest[:]))
	for _, o := range old.order {
		if n := s.polls[o.rules.ID]; n == nil {
			s.entomb(o)
		} else if o.revision >= n.revision {
			n.revision = o.revision + 1 // a tag that was seen here must not get another meaning
		}
	}
	for _, p := range s.order {
		p.changed, p.news = index, nil // invalidates all caches and ETags
	}
	s.journal = old.journal.renumbered(old, s)
	s.happened(StateRestored, nil, 0, 0)
	s.keepTimes(s.clock)
	s.late = nil // they were due elsewhere
	s.keys.expire(s.clock)
	s.tokens.expire(s.clock)
	s.endpoints.expire(s.clock)
	return nil
}

// otherPoll reports whether two polls of one id have different origins.
func otherPoll(a, b *Poll) bool { return a.rules.Salt != b.rules.Salt }

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
	s.fold(foldDeleted, id, nil)
}
