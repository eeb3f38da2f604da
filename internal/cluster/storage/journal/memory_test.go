package journal

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"syscall"
)

// memory is a folder whose power can be cut. What was not synced may then be there or
// not: each sector, and each name from some change on.
type memory struct {
	mu      sync.Mutex
	names   map[string]*memoryFile // as a process sees them
	durable map[string]*memoryFile // as a power cut leaves them at least
	changes []change               // of names, not synced yet
	space   int64                  // bytes that are free; negative: any number
	before  func(op, name string) error
}

// change is one change of names, in order.
type change struct {
	name string
	file *memoryFile // nil: removed
	from string      // renamed from
}

type memoryFile struct {
	in      *memory
	now     []byte
	synced  []byte
	unsafed map[int]bool // sectors that were written since the last sync
}

func newMemory() *memory {
	return &memory{names: map[string]*memoryFile{}, durable: map[string]*memoryFile{}, space: -1}
}

func (m *memory) step(op, name string) error {
	if m.before != nil {
		return m.before(op, name)
	}
	return nil
}

func (m *memory) list() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.names)), m.step("list", "")
}

func (m *memory) create(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step("create", name); err != nil {
		return nil, err
	}
	f := &memoryFile{in: m, unsafed: map[int]bool{}}
	m.names[name] = f
	m.changes = append(m.changes, change{name: name, file: f})
	return handle{f, name}, nil
}

func (m *memory) open(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.names[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return handle{f, name}, m.step("open", name)
}

func (m *memory) rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step("rename", from); err != nil {
		return err
	}
	f, ok := m.names[from]
	if !ok {
		return fs.ErrNotExist
	}
	if old := m.names[to]; old != nil && m.space >= 0 {
		m.space += int64(len(old.now))
	}
	delete(m.names, from)
	m.names[to] = f
	m.changes = append(m.changes, change{name: to, file: f, from: from})
	return nil
}

func (m *memory) remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step("remove", name); err != nil {
		return err
	}
	f, ok := m.names[name]
	if !ok {
		return fs.ErrNotExist
	}
	if m.space >= 0 {
		m.space += int64(len(f.now))
	}
	delete(m.names, name)
	m.changes = append(m.changes, change{name: name})
	return nil
}

func (m *memory) sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step("sync", ""); err != nil {
		return err
	}
	m.settleNames(len(m.changes))
	return nil
}

// settleNames makes the first n changes durable.
func (m *memory) settleNames(n int) {
	for _, c := range m.changes[:n] {
		if c.from != "" {
			delete(m.durable, c.from)
		}
		if c.file == nil {
			delete(m.durable, c.name)
		} else {
			m.durable[c.name] = c.file
		}
	}
	m.changes = m.changes[n:]
}

// copy returns the folder as another process would see it: nothing is lost.
func (m *memory) copy() *memory { return m.after(nil, func(int) bool { return true }) }

// cut returns the folder after a power cut: each sector that was not synced is kept if
// keep says so for its number among them, and so many changes of names are.
func (m *memory) cut(names func(n int) int, keep func(i int) bool) *memory {
	return m.after(names, keep)
}

func (m *memory) after(names func(n int) int, keep func(i int) bool) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := newMemory()
	all := maps.Clone(m.durable)
	if names == nil {
		all = m.names
	} else {
		half := &memory{durable: all, changes: slices.Clone(m.changes)}
		half.settleNames(names(len(m.changes)))
	}
	i := 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f := all[name]
		g := &memoryFile{in: n, now: slices.Clone(f.synced), unsafed: map[int]bool{}}
		for _, sector := range slices.Sorted(maps.Keys(f.unsafed)) {
			if keep(i) {
				end := min((sector+1)*sectorBytes, len(f.now))
				if len(g.now) < end {
					g.now = append(g.now, make([]byte, end-len(g.now))...)
				}
				copy(g.now[sector*sectorBytes:end], f.now[sector*sectorBytes:end])
			}
			i++
		}
		g.synced = slices.Clone(g.now)
		n.names[name], n.durable[name] = g, g
	}
	return n
}

// handle is an open file.
type handle struct {
	*memoryFile
	name string
}

func (h handle) ReadAt(b []byte, at int64) (int, error) {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	if err := h.in.step("read", h.name); err != nil {
		return 0, err
	}
	if at >= int64(len(h.now)) {
		return 0, io.EOF
	}
	n := copy(b, h.now[at:])
	if n < len(b) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

func (h handle) WriteAt(b []byte, at int64) (int, error) {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	if err := h.in.step("write", h.name); err != nil {
		return 0, err
	}
	end := int(at) + len(b)
	if grow := end - len(h.now); grow > 0 {
		if h.in.space >= 0 {
			if int64(grow) > h.in.space {
				return 0, syscall.ENOSPC
			}
			h.in.space -= int64(grow)
		}
		h.now = append(h.now, make([]byte, grow)...)
	}
	copy(h.now[at:], b)
	for sector := int(at) / sectorBytes; sector*sectorBytes < end; sector++ {
		h.unsafed[sector] = true
	}
	return len(b), nil
}

func (h handle) size() (int64, error) {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	return int64(len(h.now)), nil
}

func (h handle) sync() error {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	if err := h.in.step("fdatasync", h.name); err != nil {
		return err
	}
	h.synced = slices.Clone(h.now)
	clear(h.unsafed)
	return nil
}

func (h handle) Close() error { return nil }

var errBroken = errors.New("input/output error")
