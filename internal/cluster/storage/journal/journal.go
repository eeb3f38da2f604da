package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/durable"
)

// Options configures a Journal. The zero value is usable.
type Options struct {
	// Free returns how many bytes the file system has left. nil: not known.
	Free func() (uint64, error)
	// Call runs each change that is made to the files in the background. It may return an
	// error while f still runs, if that takes too long: then it runs nothing after it.
	// nil: f is called.
	Call func(f func() error) error
	// OnFault is called if a segment cannot be made, or one that is no longer needed
	// cannot be removed, unless the disk is only full. It runs on a goroutine of the
	// journal and must not wait for it.
	OnFault func(error)
}

// Journal is raft's log in segments. It implements raft.LogStore. One goroutine at a
// time may use it. After an error of a method that writes, it must not be used again.
type Journal struct {
	in    folder
	id    ID
	maker *maker

	segments []*segment // in use, the oldest first; the last one is written to
	ready    []*segment // made ahead, in order of their numbers
	making   bool       // the maker has been asked for one more
	again    time.Time  // before that, no segment is made ahead: the disk is full
	spared   int        // segments at the beginning that are no longer needed
	torn     *segment   // holds what a torn append has left
	settled  bool

	number uint64 // of the newest batch
	chain  uint32 // its last sector's CRC

	first   uint64 // the index of entries[0]
	entries []place

	records, image []byte // used again by each append

	keepTorn bool // negative controls only: Settle leaves what is torn
}

// place is where an entry's record is.
type place struct {
	in    *segment
	at, n uint32 // in the contents of the segment, bytes
}

var _ raft.LogStore = (*Journal)(nil)

// Create makes an empty log in dir, durably. What is in dir is removed: call it only for
// a log that was never used.
func Create(dir string, id ID) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil {
		return err
	}
	if err := create(directory(dir), id, defaultSizes); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(dir))
}

func create(in folder, id ID, sizes sizes) error {
	s, err := makeSegment(in, newPrefix, id, 1, sizes.least, nil)
	if err != nil {
		return err
	}
	return s.file.Close()
}

// Open opens the log with that id in dir, and reads and checks all of it. The caller must
// call Settle before it relies on the log, and Close in the end. Open removes files that
// were never finished, and changes nothing else. Errors: *Damage, ErrLater, and those of
// the files.
func Open(dir string, id ID, o Options) (*Journal, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, damaged("", "the directory of the log is missing")
	}
	return open(directory(dir), id, o, defaultSizes, false)
}

// open is Open. inline: segments are made by the goroutine that needs them.
func open(in folder, id ID, o Options, sizes sizes, inline bool) (*Journal, error) {
	j := &Journal{in: in, id: id}
	if err := j.load(); err != nil {
		j.closeFiles()
		return nil, err
	}
	j.maker = startMaker(in, id, o, sizes, inline)
	return j, nil
}

// Settle makes the log trustworthy: what a torn append has left is filled with zeros, and
// the last batch is written again and synced, as it may have been read from the page cache
// alone. The log can be read before. Methods that write call Settle if the caller has not.
func (j *Journal) Settle() error {
	if j.settled {
		return nil
	}
	if s := j.torn; s != nil && !j.keepTorn {
		if _, err := s.file.WriteAt(make([]byte, int(s.torn-s.end)*sectorBytes), int64(s.end)*sectorBytes); err != nil {
			return err
		}
		if err := s.file.sync(); err != nil {
			return err
		}
		s.torn, j.torn = 0, nil
	}
	if tail := j.tail(); tail.batches > 0 {
		b := make([]byte, int(tail.end-tail.last)*sectorBytes)
		if _, err := tail.file.ReadAt(b, int64(tail.last)*sectorBytes); err != nil {
			return err
		}
		if _, err := tail.file.WriteAt(b, int64(tail.last)*sectorBytes); err != nil {
			return err
		}
		if err := tail.file.sync(); err != nil {
			return err
		}
	}
	if err := j.in.sync(); err != nil {
		return err
	}
	j.settled = true
	j.retire(j.spared)
	j.spared = 0
	return nil
}

func (j *Journal) tail() *segment { return j.segments[len(j.segments)-1] }

// FirstIndex implements raft.LogStore; 0: there is no entry.
func (j *Journal) FirstIndex() (uint64, error) {
	if len(j.entries) == 0 {
		return 0, nil
	}
	return j.first, nil
}

// LastIndex implements raft.LogStore; 0: there is no entry.
func (j *Journal) LastIndex() (uint64, error) { return j.last(), nil }

func (j *Journal) last() uint64 {
	if len(j.entries) == 0 {
		return 0
	}
	return j.first + uint64(len(j.entries)) - 1
}

// Batches returns how many batches the log ever had, those that are gone included.
func (j *Journal) Batches() uint64 { return j.number }

// GetLog implements raft.LogStore. It checks every sector that it reads.
func (j *Journal) GetLog(index uint64, l *raft.Log) error {
	if len(j.entries) == 0 || index < j.first || index > j.last() {
		return raft.ErrLogNotFound
	}
	p := j.entries[index-j.first]
	b, err := p.in.read(p.at, p.n)
	if err != nil {
		var d *Damage
		if errors.As(err, &d) {
			d.What = fmt.Sprintf("entry %d cannot be read: %s", index, d.What)
		}
		return err
	}
	entry, err := readEntry(b)
	if err != nil || entry.Index != index {
		return damaged(p.in.name, "entry %d cannot be read: another record is in its place", index)
	}
	*l = entry
	return nil
}

// StoreLog implements raft.LogStore.
func (j *Journal) StoreLog(l *raft.Log) error { return j.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore. The entries must follow the newest one, without a
// gap; the first entry of an empty log may have any index. After a crash the first of them
// may be there without the others.
func (j *Journal) StoreLogs(logs []*raft.Log) error {
	if err := j.Settle(); err != nil {
		return err
	}
	next := j.last() + 1
	for i, l := range logs {
		if want := next + uint64(i); l.Index != want && (i > 0 || len(j.entries) > 0) || l.Index == 0 {
			return fmt.Errorf("raft stores entry %d where entry %d belongs", l.Index, want)
		}
		if i == 0 {
			next = l.Index
		}
	}
	for len(logs) > 0 {
		n, bytes := fitting(logs, j.tail().room())
		if n == 0 {
			if err := j.advance(entryBytes(logs[0])); err != nil {
				return err
			}
			continue
		}
		if err := j.storeBatch(logs[:n], bytes); err != nil {
			return err
		}
		logs = logs[n:]
	}
	j.order()
	return nil
}

// fitting returns how many of the entries fit into so much room, and their size.
func fitting(logs []*raft.Log, room int) (n, bytes int) {
	for _, l := range logs {
		size := entryBytes(l)
		if bytes+size > room {
			break
		}
		n, bytes = n+1, bytes+size
	}
	return n, bytes
}

// storeBatch appends entries that fit into the last segment.
func (j *Journal) storeBatch(logs []*raft.Log, bytes int) error {
	tail := j.tail()
	at := tail.end*contentBytes + batchHead
	j.records = j.records[:0]
	for _, l := range logs {
		j.records = appendEntry(j.records, l)
	}
	if err := j.append(j.records); err != nil {
		return err
	}
	if len(j.entries) == 0 {
		j.first = logs[0].Index
	}
	for _, l := range logs {
		n := uint32(entryBytes(l))
		j.entries = append(j.entries, place{tail, at, n})
		at += n
	}
	if cap(j.records) > keptBuffer {
		j.records = nil
	}
	return nil
}

// append writes one batch of records that fit into the last segment.
func (j *Journal) append(records []byte) (err error) {
	tail := j.tail()
	if j.image, err = tail.write(j.number+1, j.chain, records, j.image); err != nil {
		return err
	}
	if cap(j.image) > keptBuffer {
		j.image = nil
	}
	j.number, j.chain = j.number+1, tail.sum
	return nil
}

// DeleteRange implements raft.LogStore. The entries lo to hi must be at one end of the log,
// or all of it. It is one append: after a crash all of them are there, or none.
func (j *Journal) DeleteRange(lo, hi uint64) error {
	if err := j.Settle(); err != nil {
		return err
	}
	last := j.last()
	if len(j.entries) == 0 || lo > hi || lo > last || hi < j.first {
		return nil
	}
	prefix := lo <= j.first
	if !prefix && hi < last {
		return fmt.Errorf("entries %d to %d are in the middle of the log, which holds %d to %d", lo, hi, j.first, last)
	}
	if need := max(suffixBytes, prefixBytes); j.tail().room() < need {
		if err := j.advance(need); err != nil {
			return err
		}
	}
	if !prefix {
		if err := j.append(appendSuffix(nil, lo)); err != nil {
			return err
		}
		j.cutSuffix(lo)
		return nil
	}
	from := j.tail()
	if hi < last {
		from = j.entries[hi+1-j.first].in
	}
	if err := j.append(appendPrefix(nil, hi+1, from.number)); err != nil {
		return err
	}
	j.cutPrefix(hi + 1)
	needless := 0
	for j.segments[needless] != from {
		needless++
	}
	j.retire(needless)
	return nil
}

// cutSuffix drops the entries from an index on.
func (j *Journal) cutSuffix(from uint64) {
	if from < j.first+uint64(len(j.entries)) {
		j.entries = j.entries[:max(from, j.first)-j.first]
	}
}

// cutPrefix drops the entries before an index.
func (j *Journal) cutPrefix(first uint64) {
	if first > j.first {
		j.entries = j.entries[min(first-j.first, uint64(len(j.entries))):]
		j.first = first
	}
}

// Close ends the maker and closes the files. Everything that was stored is durable
// already.
func (j *Journal) Close() error {
	j.maker.stop()
	select {
	case m := <-j.maker.made:
		j.take(m)
	default:
	}
	return j.closeFiles()
}

func (j *Journal) closeFiles() error {
	var errs []error
	for _, s := range append(j.segments, j.ready...) {
		errs = append(errs, s.file.Close())
	}
	j.segments, j.ready = nil, nil
	return errors.Join(errs...)
}
