package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
)

// A mark stands beside the log file and says how far that one had come: the newest
// entry, and how often the stored values were written. A log file that lags behind
// its mark is not the one that this member wrote last: an old copy was put back, or
// a damaged page hides what was newest. Checksums cannot show that, for everything in
// such a file is whole; and a member that has forgotten what it acknowledged, or for
// whom it voted, must not take part.
//
// The mark is written after each commit, into the page cache: it costs no fsync, and
// after a power cut it may lag behind the log file, never the other way round. Only
// where the log becomes shorter the lower mark is made durable first.
//
// It does not show that the whole directory is an old copy, mark included.
const (
	markMagic = "votedmk1"
	// magic, last index, its term, writes of the stored values, CRC-32C over all that.
	markBytes = len(markMagic) + 3*8 + sumBytes
)

// mark is how far a log file has come.
type mark struct {
	last   uint64 // index of the newest entry
	term   uint64 // of that entry; 0: not known
	writes uint64 // of the stored values
}

func (m mark) encode() []byte {
	b := []byte(markMagic)
	for _, n := range []uint64{m.last, m.term, m.writes} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeMark returns false for what is no mark.
func decodeMark(b []byte) (m mark, ok bool) {
	if len(b) != markBytes || string(b[:len(markMagic)]) != markMagic {
		return m, false
	}
	body := b[:markBytes-sumBytes]
	if binary.BigEndian.Uint32(b[len(body):]) != crc32.Checksum(body, castagnoli) {
		return m, false
	}
	n := body[len(markMagic):]
	return mark{binary.BigEndian.Uint64(n), binary.BigEndian.Uint64(n[8:]), binary.BigEndian.Uint64(n[16:])}, true
}

// marked keeps the mark of the engine below. All calls come from the disk goroutine.
type marked struct {
	engine
	table   *stableTable // the engine's values, whose writes are counted
	covered func() (uint64, error)
	file    *os.File
	at      mark
}

// openMarked holds the engine against the mark in dir, and goes on with it. A mark that
// is missing (a directory of an older version) or unreadable (a mark that was damaged
// says nothing about the log) is made anew.
func openMarked(dir string, table *stableTable, covered func() (uint64, error)) (*marked, error) {
	m := &marked{engine: table, table: table, covered: covered}
	now, err := m.measure()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, markFile)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if was, ok := decodeMark(old); ok {
		if err := m.compare(was, now); err != nil {
			return nil, err
		}
	}
	if m.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	m.at = now
	// Written over in place from now on: its only sector is replaced as a whole.
	err = m.file.Truncate(int64(markBytes))
	if err == nil {
		err = m.write(true)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(err, m.file.Close())
	}
	return m, nil
}

// measure reads how far the engine has come.
func (m *marked) measure() (now mark, err error) {
	if now.writes, err = m.table.writes(); err != nil {
		return now, err
	}
	if now.last, err = m.engine.LastIndex(); err != nil || now.last == 0 {
		return now, err
	}
	now.term, err = m.termOf(now.last)
	return now, err
}

// termOf returns the term of an entry, 0 where the log does not hold it.
func (m *marked) termOf(index uint64) (uint64, error) {
	if index == 0 {
		return 0, nil // before the first
	}
	var l raft.Log
	err := m.engine.GetLog(index, &l)
	if errors.Is(err, raft.ErrLogNotFound) {
		return 0, nil
	}
	return l.Term, err
}

// compare returns ErrDamaged where the engine lags behind its mark.
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
		return fmt.Errorf("%w: it ends with entry %d, and this member had written up to entry %d. Was an old copy put back?",
			ErrDamaged, max(now.last, covered), was.last)
	}
	term, err := m.termOf(was.last)
	if err != nil {
		return err
	}
	if was.term != 0 && term != 0 && term != was.term {
		return fmt.Errorf("%w: entry %d is of term %d, and this member had written one of term %d. Was an old copy put back?",
			ErrDamaged, was.last, term, was.term)
	}
	return nil
}

func (m *marked) write(durable bool) error {
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

// DeleteRange implements raft.LogStore. Where the newest entries go, the mark goes down
// before them, durably: a mark that a power cut brings back would be ahead of the log.
func (m *marked) DeleteRange(lo, hi uint64) error {
	last, err := m.engine.LastIndex()
	if err != nil {
		return err
	}
	if last == 0 || hi < last || m.at.last < lo {
		return m.engine.DeleteRange(lo, hi)
	}
	covered, err := m.covered()
	if err != nil {
		return err
	}
	// What a snapshot covers stays promised.
	down := mark{last: lo - 1, writes: m.at.writes}
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
	return m.engine.DeleteRange(lo, hi)
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
func (m *marked) Close() error { return errors.Join(m.file.Close(), m.engine.Close()) }
