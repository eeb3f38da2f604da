package storage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/raft"

	"voted/internal/cluster/storage/journal"
	"voted/internal/durable"
)

// carriedBytes is about how much is carried over in one append.
const carriedBytes = 1 << 20

// carryOver makes a store whose entries are in raft.db one whose entries are in the
// journal; a new store has no entries yet. The caller holds the lock of raft.db, which may
// be another file afterwards.
//
// It is done when raft.db names the log, and that is one step. Until then the store is as
// it was: the next start, or an older build, finds its entries in raft.db, and what is in
// the directory log counts for nothing.
//
// An older build must not run on the new store. It reads the names of the member's values
// under oldPrefix, finds none, and therefore says that another version made the directory.
// The mark gets its new form first, because that build would otherwise miss the entries
// up to the mark, and call the store damaged.
func carryOver(dir string, bolt engine, covered func() (uint64, error)) error {
	old := &stableTable{engine: &checksummed{bolt}}
	table, err := old.load()
	if err != nil {
		return err
	}
	// An old copy of raft.db must not replace the log that came after it.
	m := &marked{engine: old, table: old, covered: covered}
	now, err := m.measure()
	if err != nil {
		return err
	}
	was, err := m.judge(dir, now)
	if err != nil {
		return err
	}
	var id journal.ID
	_, _ = rand.Read(id[:]) // it never fails
	log := filepath.Join(dir, logDir)
	if err = carryEntries(log, id, old); err == nil {
		err = renewMark(dir, was)
	}
	if err != nil {
		_ = os.RemoveAll(log) // gives its space back
		if errors.Is(err, ErrDamaged) {
			return err
		}
		return fmt.Errorf("the entries of the log could not be carried over into %s; nothing has changed, and this version or the older one can be started again: %w", log, err)
	}
	table = renamed(table)
	table[keyLog] = logName(id)
	if now.last == 0 {
		return old.engine.Set([]byte(keyTable), encodeTable(table))
	}
	return replaceValues(dir, table)
}

// carryEntries makes the log that has all entries of old.
func carryEntries(dir string, id journal.ID, old raft.LogStore) (err error) {
	if err := journal.Create(dir, id); err != nil {
		return err
	}
	first, err1 := old.FirstIndex()
	last, err2 := old.LastIndex()
	if err := errors.Join(err1, err2); err != nil || last == 0 {
		return err
	}
	log, err := journal.Open(dir, id, journal.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	var batch []*raft.Log
	bytes := 0
	for index := first; index <= last; index++ {
		entry := new(raft.Log)
		err := old.GetLog(index, entry)
		if errors.Is(err, raft.ErrLogNotFound) {
			return fmt.Errorf("%w: entry %d is missing between %d and %d", ErrDamaged, index, first, last)
		}
		if err != nil {
			return err
		}
		batch, bytes = append(batch, entry), bytes+len(entry.Data)
		if index < last && bytes < carriedBytes {
			continue
		}
		if err := log.StoreLogs(batch); err != nil {
			return err
		}
		batch, bytes = nil, 0
	}
	return nil
}

// renewMark gives the mark its form of today; no mark is made where there is none.
func renewMark(dir string, was mark) error {
	if was == (mark{}) {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(dir, markFile), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(was.encode(), 0) // one sector, which is replaced as a whole
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// renamed returns the table with the member's values under the names of today.
func renamed(table map[string][]byte) map[string][]byte {
	now := make(map[string][]byte, len(table)+1)
	for name, v := range table {
		if of, is := strings.CutPrefix(name, oldPrefix); is {
			name = valuePrefix + of
		}
		now[name] = v
	}
	return now
}

// replaceValues puts a raft.db that holds the table alone in the place of one that is
// large because of its entries.
func replaceValues(dir string, table map[string][]byte) error {
	f, err := os.CreateTemp(dir, newFileGlob)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // there is nothing of that name after a success
	if err := f.Close(); err != nil {
		return err
	}
	bolt, err := newBolt(f.Name())
	if err != nil {
		return err
	}
	err = (&checksummed{bolt}).Set([]byte(keyTable), encodeTable(table))
	if err := errors.Join(err, bolt.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, valuesFile)); err != nil {
		return err
	}
	return durable.SyncDir(dir)
}
