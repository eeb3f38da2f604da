package storage

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/hashicorp/raft"
)

// Verify reads everything that a restart needs: the structure of raft.db, every entry,
// the vote and term, and the whole newest snapshot. It also checks that the log
// begins where the snapshot ends. It returns the first damage, as a sentence that names
// the file (and the entry) and says what to do; this damage is a fault of the Store.
// progress, if not nil, is called with how many of the entries are done. Verify may run
// while raft does.
func (s *Store) Verify(progress func(done, total uint64)) error {
	return s.verify(s.snapshots.verifyNewest, progress)
}

// VerifyLog is Verify without reading the whole snapshot. Use it at a start, where
// restoring the snapshot reads and checks it anyway.
func (s *Store) VerifyLog(progress func(done, total uint64)) error {
	return s.verify(s.snapshots.newestIndex, progress)
}

func (s *Store) verify(newest func() (covered uint64, err error), progress func(done, total uint64)) error {
	if err := s.guard.faults.err(); err != nil {
		return err
	}
	path := filepath.Join(s.dir, valuesFile)
	// On the disk goroutine, so that no write is in the middle of changing pages.
	if err := s.guard.disk.run(noLimit, func() error { return checkPages(path) }); err != nil {
		return s.guard.faults.raise(sentence(s.dir, "verify", err))
	}
	term, err := s.verifyValues()
	if err != nil {
		return err
	}
	// The log's beginning is read before the snapshot: entries compacted in between are
	// covered by a newer snapshot.
	first, err := s.FirstIndex()
	if err != nil {
		return err
	}
	covered, err := newest()
	if err != nil {
		return err
	}
	if covered != 0 && term == 0 {
		return s.guard.faults.raise(sentence(s.dir, "verify", fmt.Errorf("%w: there is a snapshot but no term", ErrDamaged)))
	}
	if first > covered+1 {
		return s.damaged("the log begins with entry %d and the newest snapshot ends with entry %d", first, covered)
	}
	return s.verifyLog(first, term, progress)
}

// damaged raises damage of the log as a whole.
func (s *Store) damaged(format string, args ...any) error {
	return s.guard.faults.raise(sentence(s.dir, "verify", damagedLog(format, args...)))
}

// verifyValues reads the values and returns raft's term, 0 if there is none.
func (s *Store) verifyValues() (uint64, error) {
	term, err := s.GetUint64([]byte(keyCurrentTerm))
	if err != nil && !isAnswer(err) {
		return 0, err
	}
	return term, nil
}

func (s *Store) verifyLog(first, term uint64, progress func(done, total uint64)) error {
	last, err := s.LastIndex()
	if err != nil || last == 0 {
		return err
	}
	var entry raft.Log
	for index := first; index <= last; index++ {
		// Not through the cache: the disk is to be checked.
		err := s.guard.GetLog(index, &entry)
		if err != nil && !errors.Is(err, raft.ErrLogNotFound) {
			return err
		}
		if err == nil && entry.Term > term {
			// raft is running, so the term may have changed.
			if term, err = s.verifyValues(); err != nil {
				return err
			}
		}
		if err == nil && entry.Term > term {
			return s.damaged("entry %d is of term %d, and the member's own term is %d", index, entry.Term, term)
		}
		if progress != nil {
			progress(index-first+1, last-first+1)
		}
	}
	return nil
}

// verifyNewest reads the newest snapshot whole and returns its index, 0 if there is none.
func (s *snapshotStore) verifyNewest() (uint64, error) {
	metas, err := s.List()
	if err != nil || len(metas) == 0 {
		return 0, err
	}
	meta, state, err := s.Open(metas[0].ID)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, state)
	if err == nil && n != meta.Size {
		err = fmt.Errorf("it ends after %d of %d bytes", n, meta.Size)
	}
	if cerr := state.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return 0, s.damaged(s.path(meta.ID, "state.bin"), "%w", err)
	}
	return meta.Index, nil
}
