package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/raft"

	"voted/internal/cluster/storage/journal"
)

// files is the bottom of the stack: entries in the journal, values in raft.db.
type files struct {
	*journal.Journal
	raft.StableStore
	bolt engine
}

// background carries out what no caller waits for; *disk is one.
type background interface {
	// call runs f. It returns an error if f hangs, and runs nothing after it.
	call(f func() error) error
}

var _ engine = (*files)(nil)

// Close implements engine. raft.db is closed last: its lock covers the log.
func (f *files) Close() error { return errors.Join(f.Journal.Close(), f.bolt.Close()) }

// openFiles opens raft.db and the log in dir, and carries the entries of an older store
// over. covered returns the index of the newest snapshot, 0 if there is none. Segments are
// made through making.
func openFiles(dir string, covered func() (uint64, error), faults *faults, making background) (_ *files, err error) {
	bolt, err := openBolt(dir)
	if err != nil {
		return nil, err
	}
	id, known, err := logID(bolt)
	if err == nil && !known {
		if err = carryOver(dir, bolt, covered); err == nil {
			// The file may be another one now.
			if err = bolt.Close(); err != nil {
				return nil, err
			}
			if bolt, err = openBolt(dir); err != nil {
				return nil, err
			}
			id, _, err = logID(bolt)
		}
	}
	if err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	log, err := journal.Open(filepath.Join(dir, logDir), id, journal.Options{
		Free:    func() (uint64, error) { return freeSpace(dir, making) },
		Call:    making.call,
		OnFault: func(err error) { faults.report(sentence(dir, "make a segment", err)) },
	})
	if err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	return &files{Journal: log, StableStore: &checksummed{bolt}, bolt: bolt}, nil
}

// freeSpace asks the file system, which may hang, too.
func freeSpace(dir string, on background) (uint64, error) {
	var free uint64 // after an abandoned call no one looks at it
	err := on.call(func() (err error) {
		free, _, err = volume(dir)
		return err
	})
	if err != nil {
		return 0, err
	}
	return free, nil
}

// logFormat is the format of the store in which the entries are in the journal. A store
// without a logName has its entries in raft.db.
const logFormat = 1

// logName is the value of keyLog: the format, and the id of the log.
func logName(id journal.ID) []byte {
	return append(binary.BigEndian.AppendUint32(nil, logFormat), id[:]...)
}

// logID returns the id of the store's log; known is false if the entries are in raft.db.
func logID(bolt engine) (id journal.ID, known bool, err error) {
	table, err := (&stableTable{engine: &checksummed{bolt}}).load()
	if err != nil {
		return id, false, err
	}
	name, known := table[keyLog]
	switch {
	case !known:
		return id, false, nil
	case len(name) < 4:
		return id, false, fmt.Errorf("%w: the name of the log is too short", ErrDamaged)
	}
	if f := binary.BigEndian.Uint32(name); f > logFormat {
		return id, false, fmt.Errorf("%w: its log has format %d, and this version reads formats up to %d", ErrLater, f, logFormat)
	}
	if len(name) != 4+len(id) {
		return id, false, fmt.Errorf("%w: the name of the log has %d bytes", ErrDamaged, len(name))
	}
	return journal.ID(name[4:]), true, nil
}
