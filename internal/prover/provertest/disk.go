// Package provertest has a disk in memory for provers: what survives a crash of a process is
// exactly what it synced.
package provertest

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"sync"

	"voted/internal/prover"
)

// Disk is what was synced. Its methods may be called from any goroutine.
type Disk struct {
	mu    sync.Mutex
	files map[string][]byte // guarded by mu; a slice is never changed
	fault error             // guarded by mu; of every sync
}

// NewDisk returns an empty disk.
func NewDisk() *Disk { return &Disk{files: map[string][]byte{}} }

// Copy returns a disk with the same content, to be put in the place of this one later.
func (d *Disk) Copy() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &Disk{files: maps.Clone(d.files)}
}

// Fail makes syncs fail; nil: they work again.
func (d *Disk) Fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = err
}

// File returns the synced content of a file.
func (d *Disk) File(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.files[name])
}

// Put sets the content of a file.
func (d *Disk) Put(name string, b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[name] = bytes.Clone(b)
}

// Process returns the disk as one process has it.
func (d *Disk) Process() *Process { return &Process{disk: d} }

// Process is a disk until its process is killed. It implements prover.Disk.
type Process struct {
	mu   sync.Mutex
	disk *Disk // guarded by mu; nil after Kill
}

// Kill makes everything that is synced later invisible.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.disk = nil
}

func (p *Process) sync(name string, b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.disk == nil {
		return nil
	}
	p.disk.mu.Lock()
	defer p.disk.mu.Unlock()
	if p.disk.fault == nil {
		p.disk.files[name] = bytes.Clone(b)
	}
	return p.disk.fault
}

// Open implements prover.Disk.
func (p *Process) Open(name string) (prover.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &file{process: p, name: name}
	if p.disk != nil {
		f.b = p.disk.File(name)
	}
	return f, nil
}

// Replace implements prover.Disk.
func (p *Process) Replace(name string, write func(io.Writer) error) (prover.File, error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return nil, err
	}
	f := &file{process: p, name: name, b: b.Bytes()}
	return f, f.Sync()
}

// file is an open file, with what was not synced yet.
type file struct {
	process *Process
	name    string

	mu sync.Mutex
	b  []byte // guarded by mu
}

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(b []byte, at int64) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at < int64(len(f.b)) {
		n = copy(b, f.b[at:])
	}
	if n < len(b) {
		err = io.EOF
	}
	return n, err
}

// WriteAt implements io.WriterAt.
func (f *file) WriteAt(b []byte, at int64) (int, error) {
	if at < 0 {
		return 0, errors.New("a place before the file")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if end := int(at) + len(b); end > len(f.b) {
		f.b = append(f.b, make([]byte, end-len(f.b))...)
	}
	return copy(f.b[at:], b), nil
}

// Size implements prover.File.
func (f *file) Size() (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(len(f.b)), nil
}

// Truncate implements prover.File.
func (f *file) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.b = f.b[:size:size]
	return nil
}

// Sync implements prover.File.
func (f *file) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.process.sync(f.name, f.b)
}

// Close implements prover.File.
func (*file) Close() error { return nil }
