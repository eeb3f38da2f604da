package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"voted/internal/cluster/storage/journal"
	"voted/internal/durable"

	"github.com/hashicorp/raft"
)

// A mark is a file next to the log and the values. It records how far they had come: the
// newest entry, how often the values were written, and how many appends the journal has.
// If they are behind their mark,
// they are not what this member wrote last: an old copy was put back, a damaged page
// hides the newest values, or the disk has forgotten the newest entries. Checksums cannot
// show that, since everything that is left is whole. And a member that has lost what it
// acknowledged, or its vote, must not take part.
//
// The mark is written after each append, into the page cache, without an fsync. So
// after a power cut it may be behind the log file, but never ahead of it. Only before
// the log becomes shorter, the lower mark is made durable first.
//
// It also records how far this member had applied the log. Applied entries were
// committed, so no leader may ever replace them. If one does, another member has lost
// what it had acknowledged, and this directory may be the last that holds it
// (ErrUndone).
//
// It does not show that the whole directory, mark included, is an old copy.
const (
	markMagic = "votedmk2"
	// magic, last index, its term, writes of the stored values, last applied index,
	// batches of the journal, CRC-32C over all that.
	markBytes = len(markMagic) + 5*8 + sumBytes
	// oldMagic is of stores with their entries in raft.db, and has no batches. Builds that
	// read no other store take today's mark for none.
	oldMagic     = "votedmk1"
	oldMarkBytes = markBytes - 8
)

// mark records how far a log file has come.
type mark struct {
	last   uint64 // index of the newest entry
	term   uint64 // of that entry; 0: not known
	writes uint64 // of the stored values
	// applied is the index of the newest applied entry that was recorded: with the
	// append after it, or when the store was closed.
	applied uint64
	batches uint64 // of the journal, since it was made
}

// ErrUndone: a leader replaces entries that this member had applied.
var ErrUndone = errors.New("committed entries are being undone")

func (m mark) encode() []byte {
	b := []byte(markMagic)
	for _, n := range []uint64{m.last, m.term, m.writes, m.applied, m.batches} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeMark returns false if b is no mark.
func decodeMark(b []byte) (m mark, ok bool) {
	isMark := len(b) == markBytes && string(b[:len(markMagic)]) == markMagic
	if !isMark && (len(b) != oldMarkBytes || string(b[:len(oldMagic)]) != oldMagic) {
		return m, false
	}
	body := b[:len(b)-sumBytes]
	if binary.BigEndian.Uint32(b[len(body):]) != crc32.Checksum(body, castagnoli) {
		return m, false
	}
	n := body[len(markMagic):]
	m = mark{
		last: binary.BigEndian.Uint64(n), term: binary.BigEndian.Uint64(n[8:]),
		writes: binary.BigEndian.Uint64(n[16:]), applied: binary.BigEndian.Uint64(n[24:]),
	}
	if isMark {
		m.batches = binary.BigEndian.Uint64(n[32:])
	}
	return m, true
}

// marked keeps the mark of the engine below. Only the disk goroutine may call it.
type marked struct {
	engine
	table   *stableTable // the engine's values, whose writes are counted
	covered func() (uint64, error)
	batches func() uint64 // of the journal; nil: there is none
	file    *os.File
	at      mark
	applied atomic.Uint64 // the newest one reported; written with the next mark
}

// openMarked compares the engine with the mark in dir, and then keeps that mark. It
// makes a new mark if there is none (a directory of an older version) or if it cannot
// be read (a damaged mark says nothing about the log).
func openMarked(dir string, table *stableTable, covered func() (uint64, error), batches func() uint64) (*marked, error) {
	m := &marked{engine: table, table: table, covered: covered, batches: batches}
	now, err := m.measure()
	if err != nil {
		return nil, err
	}
	was, err := m.judge(dir, now)
	if err != nil {
		return nil, err
	}
	now.applied = was.applied
	m.applied.Store(was.applied)
	if m.file, err = os.OpenFile(filepath.Join(dir, markFile), os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	m.at = now
	// From now on it is overwritten in place: it has only one sector, which is replaced
	// as a whole.
	err = m.file.Truncate(int64(markBytes))
	if err == nil {
		err = m.write(true)
	}
	if err == nil {
		err = durable.SyncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(err, m.file.Close())
	}
	return m, nil
}

// judge reads the mark in dir, and compares how far the engine is now with it. The mark
// is zero if there is none.
func (m *marked) judge(dir string, now mark) (was mark, err error) {
	old, err := os.ReadFile(filepath.Join(dir, markFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return was, err
	}
	was, ok := decodeMark(old)
	if !ok {
		return mark{}, nil
	}
	return was, m.compare(was, now)
}

// measure reads how far the engine has come.
func (m *marked) measure() (now mark, err error) {
	if now.writes, err = m.table.writes(); err != nil {
		return now, err
	}
	now.batches = m.batchesNow()
	if now.last, err = m.engine.LastIndex(); err != nil || now.last == 0 {
		return now, err
	}
	now.term, err = m.termOf(now.last)
	return now, err
}

func (m *marked) batchesNow() uint64 {
	if m.batches == nil {
		return 0
	}
	return m.batches()
}

// termOf returns the term of an entry, 0 if the log does not hold it.
func (m *marked) termOf(index uint64) (uint64, error) {
	if index == 0 {
		return 0, nil // before the first entry
	}
	var l raft.Log
	err := m.engine.GetLog(index, &l)
	if errors.Is(err, raft.ErrLogNotFound) {
		return 0, nil
	}
	return l.Term, err
}

// damagedLog is damage of the log as a whole.
func damagedLog(format string, args ...any) error {
	return &journal.Damage{What: fmt.Sprintf(format, args...)}
}

// compare returns ErrDamaged if the engine is behind its mark.
func (m *marked) compare(was, now mark) error {
	if now.writes < was.writes {
		return fmt.Errorf("%w: it is older than what this member wrote last: %d of its %d votes and other values are gone. Was an old copy put back?",
			ErrDamaged, was.writes-now.writes, was.writes)
	}
	covered, err := m.covered()
	if err != nil {
		return err
	}
	if max(now.last, covered) < was.last {
		return damagedLog("it ends with entry %d, and this member had written up to entry %d. Was an old copy put back?",
			max(now.last, covered), was.last)
	}
	term, err := m.termOf(was.last)
	if err != nil {
		return err
	}
	if was.term != 0 && term != 0 && term != was.term {
		return damagedLog("entry %d is of term %d, and this member had written one of term %d. Was an old copy put back?",
			was.last, term, was.term)
	}
	if now.batches < was.batches {
		return damagedLog("it ends with append %d, and this member had made %d. Was an old copy put back?", now.batches, was.batches)
	}
	return nil
}

func (m *marked) write(durable bool) error {
	m.at.applied = max(m.at.applied, m.applied.Load())
	m.at.batches = m.batchesNow()
	if _, err := m.file.WriteAt(m.at.encode(), 0); err != nil {
		return err
	}
	if durable {
		return m.file.Sync()
	}
	return nil
}

// StoreLog implements raft.LogStore.
func (m *marked) StoreLog(log *raft.Log) error { return m.StoreLogs([]*raft.Log{log}) }

// StoreLogs implements raft.LogStore.
func (m *marked) StoreLogs(logs []*raft.Log) error {
	if err := m.engine.StoreLogs(logs); err != nil || len(logs) == 0 {
		return err
	}
	newest := logs[len(logs)-1]
	m.at.last, m.at.term = newest.Index, newest.Term
	return m.write(false)
}

// DeleteRange implements raft.LogStore. If the newest entries are deleted, the lower
// mark is made durable first: otherwise a power cut could bring back a mark that is
// ahead of the log.
func (m *marked) DeleteRange(lo, hi uint64) error {
	last, err := m.engine.LastIndex()
	if err != nil {
		return err
	}
	if last == 0 || hi < last || m.at.last < lo {
		return m.delete(lo, hi)
	}
	covered, err := m.covered()
	if err != nil {
		return err
	}
	if decided := m.applied.Load(); decided >= lo && decided > covered {
		return fmt.Errorf("%w: the leader replaces log entries %d to %d, and this member had applied up to entry %d. Another member has lost what it had acknowledged, "+
			"for instance because it was restored from an old copy. Nothing was removed here; keep a copy of this data directory, and compare the cluster's results with it before you continue",
			ErrUndone, lo, last, decided)
	}
	// The mark does not go below what a snapshot covers.
	down := mark{last: lo - 1, writes: m.at.writes, applied: m.at.applied}
	if kept := min(m.at.last, covered); kept > down.last {
		down.last = kept
	} else if down.term, err = m.termOf(down.last); err != nil {
		return err
	}
	if down.last < m.at.last {
		m.at = down
		if err := m.write(true); err != nil {
			return err
		}
	}
	return m.delete(lo, hi)
}

func (m *marked) delete(lo, hi uint64) error {
	if err := m.engine.DeleteRange(lo, hi); err != nil {
		return err
	}
	return m.write(false)
}

// Set implements raft.StableStore.
func (m *marked) Set(key, value []byte) error {
	if err := m.engine.Set(key, value); err != nil {
		return err
	}
	return m.counted()
}

// SetUint64 implements raft.StableStore.
func (m *marked) SetUint64(key []byte, value uint64) error {
	if err := m.engine.SetUint64(key, value); err != nil {
		return err
	}
	return m.counted()
}

func (m *marked) counted() (err error) {
	if m.at.writes, err = m.table.writes(); err != nil {
		return err
	}
	return m.write(false)
}

// Close implements engine.
func (m *marked) Close() error {
	return errors.Join(m.write(false), m.file.Close(), m.engine.Close())
}
