package journal

import (
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"syscall"
	"time"
)

const (
	// ahead is how many segments are ready before they are needed: one is written in the
	// time in which the next one is filled with zeros.
	ahead = 2
	// sparesKept is how many segments that are no longer needed wait to be used again.
	sparesKept = 2
	// leastBytes keeps a log small in which little happens. mostBytes bounds what a start
	// reads in a segment whose entries are deleted, and what is made ahead.
	leastBytes, mostBytes = 1 << 20, 16 << 20
	// freeShare: a segment that is made ahead has at most an eighth of what is free.
	freeShare = 8
	// syncEvery is how many bytes of zeros are written between two syncs: an append that
	// syncs at the same time waits at most for these.
	syncEvery = 4 << 20
	// zeroBytes is how much is written at once.
	zeroBytes = 256 << 10
	// fullPause is how long a full disk is left alone before a segment is made ahead again.
	fullPause = time.Second
	// keptBuffer bounds the memory that is kept between two appends.
	keptBuffer = 1 << 20

	newPrefix    = "new-"        // not finished
	biggerPrefix = "new-bigger-" // not finished, and made by the append that needs it
	sparePrefix  = "spare-"      // of a segment that is no longer needed
)

// sizes bounds segments, in sectors.
type sizes struct{ least, most uint32 }

var defaultSizes = sizes{leastBytes / sectorBytes, mostBytes / sectorBytes}

// errStopped: the journal is being closed.
var errStopped = errors.New("the journal is closed")

// isFull reports whether err says that the disk, or this user's quota on it, is full.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// makeSegment makes the file of a segment, durably and under its own name.
func makeSegment(in folder, prefix string, id ID, number uint64, sectors uint32, stopped func() bool) (*segment, error) {
	name := prefix + nameOf(number)
	f, err := in.create(name)
	if err != nil {
		return nil, err
	}
	return finishSegment(in, f, name, newSegment(id, number, sectors, unwatched(f)), id, stopped)
}

// finishSegment fills the file with zeros, writes its head and gives it its name.
func finishSegment(in folder, f file, name string, s *segment, id ID, stopped func() bool) (*segment, error) {
	err := fillZeros(f, int64(s.sectors)*sectorBytes, stopped)
	if err == nil {
		_, err = f.WriteAt(headOf(id, s.number, s.sectors), 0)
	}
	if err == nil {
		err = f.sync()
	}
	if err == nil {
		err = in.rename(name, s.name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), in.remove(name)) // gives its space back
	}
	if err := in.sync(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

func fillZeros(f file, size int64, stopped func() bool) error {
	zeros := make([]byte, min(size, zeroBytes))
	unsynced := 0
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if stopped != nil && stopped() {
			return errStopped
		}
		zeros = zeros[:min(size-at, int64(len(zeros)))]
		if _, err := f.WriteAt(zeros, at); err != nil {
			return err
		}
		if unsynced += len(zeros); unsynced >= syncEvery {
			unsynced = 0
			if err := f.sync(); err != nil {
				return err
			}
		}
	}
	return nil
}

// maker makes segments ahead and removes those that are no longer needed, on a goroutine
// of its own, in the order in which it is asked.
type maker struct {
	in     folder
	id     ID
	opts   Options
	sizes  sizes
	inline bool // it works on the goroutine that asks
	made   chan made

	// Used by the maker's goroutine alone.
	spares  []spare
	retired []*segment // still to be removed, the oldest first

	mu    sync.Mutex
	queue []func()      // guarded by mu
	over  bool          // guarded by mu; nothing new is begun
	wake  chan struct{} // holds one
	ended chan struct{}
}

// made is what became of a segment that was asked for.
type made struct {
	segment *segment
	err     error
}

// spare is the file of a segment that is no longer needed.
type spare struct {
	name    string
	file    file
	sectors uint32
}

func startMaker(in folder, id ID, o Options, sizes sizes, inline bool) *maker {
	if o.Call != nil {
		in = watched{in, o.Call}
	}
	m := &maker{
		in: in, id: id, opts: o, sizes: sizes, inline: inline,
		made: make(chan made, 1), wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go m.run()
	return m
}

// do runs f on the maker's goroutine.
func (m *maker) do(f func()) {
	if m.inline {
		f()
		return
	}
	m.mu.Lock()
	m.queue = append(m.queue, f)
	m.mu.Unlock()
	m.signal()
}

func (m *maker) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *maker) run() {
	defer close(m.ended)
	for range m.wake {
		for {
			f, over := m.next()
			if over {
				return
			}
			if f == nil {
				break
			}
			f()
		}
	}
}

func (m *maker) next() (f func(), over bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over {
		return nil, true
	}
	if len(m.queue) > 0 {
		f, m.queue = m.queue[0], m.queue[1:]
	}
	return f, false
}

func (m *maker) stopped() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.over
}

// stop ends the goroutine and waits for it. What it has not begun is left: the next Open
// finds it.
func (m *maker) stop() {
	m.mu.Lock()
	m.over = true
	m.mu.Unlock()
	m.signal()
	<-m.ended
	for _, s := range m.spares {
		_ = s.file.Close() // nothing of it is needed
	}
	for _, s := range m.retired {
		_ = s.file.Close()
	}
}

// watch returns a file of a segment for the maker's own use.
func (m *maker) watch(f file) file {
	if w, ok := m.in.(watched); ok {
		return watchedFile{f, w.call}
	}
	return f
}

// make makes the segment of that number, about as large as the log is now. Its result is
// in made.
func (m *maker) make(number uint64, log uint32) {
	s, err := m.makeOnce(number, m.sizeFor(log))
	if isFull(err) && m.dropSpares() {
		s, err = m.makeOnce(number, m.sizes.least)
	}
	if err != nil {
		err = fmt.Errorf("segment %s of the log cannot be made: %w", nameOf(number), err)
		if !isFull(err) && !errors.Is(err, errStopped) {
			m.fault(err)
		}
	}
	m.made <- made{s, err}
}

func (m *maker) makeOnce(number uint64, sectors uint32) (*segment, error) {
	for i, s := range m.spares {
		if s.sectors == sectors {
			m.spares = append(m.spares[:i:i], m.spares[i+1:]...)
			return finishSegment(m.in, m.watch(s.file), s.name, newSegment(m.id, number, sectors, s.file), m.id, m.stopped)
		}
	}
	return makeSegment(m.in, newPrefix, m.id, number, sectors, m.stopped)
}

// sizeFor returns the size of the next segment: a power of two, so that spares fit.
func (m *maker) sizeFor(log uint32) uint32 {
	size := min(m.sizes.most, max(m.sizes.least, floor2(log)))
	if m.opts.Free != nil {
		if free, err := m.opts.Free(); err == nil {
			share := min(free/freeShare/sectorBytes, maxSectors)
			size = max(m.sizes.least, min(size, floor2(uint32(share))))
		}
	}
	return size
}

// floor2 returns the largest power of two that is not above n, 0 for 0.
func floor2(n uint32) uint32 {
	if n == 0 {
		return 0
	}
	return 1 << (bits.Len32(n) - 1)
}

// retire removes segments that are no longer needed, the oldest first, or keeps their
// files to be used again.
func (m *maker) retire(old []*segment) {
	m.retired = append(m.retired, old...)
	for len(m.retired) > 0 && !m.stopped() {
		if err := m.retireOne(m.retired[0]); err != nil {
			// The next one must not go before it. A full disk is tried again later.
			if !isFull(err) {
				m.fault(fmt.Errorf("segment %s of the log, which is no longer needed, cannot be removed: %w", m.retired[0].name, err))
			}
			return
		}
		m.retired = m.retired[1:]
	}
}

func (m *maker) retireOne(s *segment) error {
	if len(m.spares) < sparesKept {
		name := sparePrefix + s.name
		if err := m.in.rename(s.name, name); err != nil {
			return err
		}
		m.spares = append(m.spares, spare{name, s.file, s.sectors})
	} else {
		if err := m.in.remove(s.name); err != nil {
			return err
		}
		_ = m.watch(s.file).Close() // nothing of it is needed
	}
	return m.in.sync()
}

// dropSpares gives the space of unused files back, and reports whether there was any.
func (m *maker) dropSpares() bool {
	had := len(m.spares) > 0
	for _, s := range m.spares {
		_ = m.watch(s.file).Close() // nothing of it is needed
		_ = m.in.remove(s.name)     // the next Open removes it
	}
	m.spares = nil
	return had
}

func (m *maker) fault(err error) {
	if m.opts.OnFault != nil {
		m.opts.OnFault(err)
	}
}
