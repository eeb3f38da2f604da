package storage

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// A snapshot's state.bin ends with a seal: sealMagic and a CRC-32C over the description
// in meta.json. raft's own checksum covers state.bin, seal included, but not meta.json,
// which holds the cluster's configuration.
const (
	sealMagic = "snapseal"
	sealBytes = int64(len(sealMagic) + sumBytes)
)

// snapshotStore is raft's file snapshot store, made to report damage: raft would
// silently use an older snapshot. Damage is a fault. A failed write is one, too, unless
// the disk is merely full: then only the log stays longer.
type snapshotStore struct {
	files  *raft.FileSnapshotStore
	dir    string // the member's directory
	faults *faults
}

func openSnapshots(dir string, f *faults) (*snapshotStore, error) {
	files, err := raft.NewFileSnapshotStoreWithLogger(dir, snapshotsKept, hclog.NewNullLogger())
	if err != nil {
		return nil, fmt.Errorf("the snapshots in %s cannot be used; check permissions and free space: %w",
			filepath.Join(dir, snapshotDir), err)
	}
	return &snapshotStore{files: files, dir: dir, faults: f}, nil
}

func (s *snapshotStore) path(id, file string) string {
	return filepath.Join(s.dir, snapshotDir, id, file)
}

// damaged raises a fault that names the file.
func (s *snapshotStore) damaged(path, format string, args ...any) error {
	err := fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
	return s.faults.raise(damagedFile(path, s.dir, err))
}

// failed returns a write's error, and raises it as a fault unless the disk is full.
func (s *snapshotStore) failed(err error) error {
	if err == nil || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return s.faults.raise(fmt.Errorf("the snapshot in %s could not be written: %w", filepath.Join(s.dir, snapshotDir), err))
}

// Create implements raft.SnapshotStore.
func (s *snapshotStore) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configurationIndex uint64, trans raft.Transport,
) (raft.SnapshotSink, error) {
	if err := s.faults.err(); err != nil {
		return nil, err
	}
	sink, err := s.files.Create(version, index, term, configuration, configurationIndex, trans)
	if err != nil {
		return nil, s.failed(err)
	}
	meta := raft.SnapshotMeta{
		Version: version, Index: index, Term: term, Configuration: configuration, ConfigurationIndex: configurationIndex,
	}
	return &sealingSink{SnapshotSink: sink, store: s, sum: metaSum(&meta)}, nil
}

// metaSum covers what raft uses from meta.json, except the size and checksum of
// state.bin, which are checked against the file.
func metaSum(m *raft.SnapshotMeta) uint32 {
	// These are numbers and strings, so encoding cannot fail.
	b, _ := json.Marshal([]any{m.Version, m.Index, m.Term, m.Configuration, m.ConfigurationIndex})
	return crc32.Checksum(b, castagnoli)
}

// sealingSink appends the seal when the snapshot is complete.
type sealingSink struct {
	raft.SnapshotSink
	store *snapshotStore
	sum   uint32
	done  atomic.Bool

	unsynced int      // bytes written since the last sync
	file     *os.File // the same file, opened again to sync it; nil until needed
}

// syncEvery is how many bytes of a snapshot are written between two syncs. Without
// them, hundreds of megabytes are flushed at once at the end, and each fsync of the log
// waits for that.
const syncEvery = 2 << 20

// Write implements io.Writer.
func (k *sealingSink) Write(b []byte) (int, error) {
	n, err := k.SnapshotSink.Write(b)
	if k.unsynced += n; err == nil && k.unsynced >= syncEvery {
		k.unsynced = 0
		err = k.sync()
	}
	return n, k.store.failed(err)
}

// sync flushes what has been written so far.
func (k *sealingSink) sync() (err error) {
	if k.file == nil {
		if k.file, err = os.OpenFile(k.store.path(k.ID()+".tmp", "state.bin"), os.O_WRONLY, 0); err != nil {
			return err
		}
	}
	return k.file.Sync()
}

func (k *sealingSink) closeFile() {
	if k.file != nil {
		_ = k.file.Close() // nothing was written through it
	}
}

// Close makes the snapshot durable. If it fails, there is no such snapshot.
func (k *sealingSink) Close() error {
	if k.done.Swap(true) {
		return nil
	}
	k.closeFile()
	seal := binary.BigEndian.AppendUint32([]byte(sealMagic), k.sum)
	if _, err := k.SnapshotSink.Write(seal); err != nil {
		_ = k.SnapshotSink.Cancel()
		return k.store.failed(err)
	}
	return k.store.failed(k.SnapshotSink.Close())
}

// Cancel drops the snapshot.
func (k *sealingSink) Cancel() error {
	if k.done.Swap(true) {
		return nil
	}
	k.closeFile()
	return k.SnapshotSink.Cancel()
}

// List implements raft.SnapshotStore: newest first. raft skips a snapshot whose
// meta.json it cannot read. If that is the newest one, the member would continue with
// older state, so it is a fault.
func (s *snapshotStore) List() ([]*raft.SnapshotMeta, error) {
	if err := s.faults.err(); err != nil {
		return nil, err
	}
	// This comes before the list: a snapshot that appears in between is then newer than
	// expected, not missing.
	before, newest, err := s.finished()
	if err != nil {
		return nil, s.failed(err)
	}
	metas, err := s.files.List()
	if err != nil {
		return nil, s.failed(err)
	}
	if err := s.inTheirPlaces(metas, before); err != nil {
		return nil, err
	}
	for _, m := range metas {
		m.Size -= sealBytes
		if id := nameOf(m.ID); id.index != m.Index || id.term != m.Term || m.Size < 0 {
			return nil, s.damaged(s.path(m.ID, "meta.json"), "it describes another snapshot than the one its directory is named after")
		}
	}
	if newest.text == "" || (len(metas) > 0 && !nameOf(metas[0].ID).before(newest)) {
		return metas, nil
	}
	return nil, s.damaged(s.path(newest.text, "meta.json"), "it cannot be read as the description of the newest snapshot")
}

// snapshotName is the name of a snapshot's directory: term-index-milliseconds.
type snapshotName struct {
	text               string
	term, index, milli uint64
}

func nameOf(text string) snapshotName {
	n := snapshotName{text: text}
	if _, err := fmt.Sscanf(text, "%d-%d-%d", &n.term, &n.index, &n.milli); err != nil ||
		fmt.Sprintf("%d-%d-%d", n.term, n.index, n.milli) != text {
		return snapshotName{}
	}
	return n
}

func (n snapshotName) before(m snapshotName) bool {
	if n.term != m.term {
		return n.term < m.term
	}
	if n.index != m.index {
		return n.index < m.index
	}
	return n.milli < m.milli
}

// finished returns the directories of finished snapshots, readable or not, and the newest of them by name.
func (s *snapshotStore) finished() (all map[string]bool, newest snapshotName, err error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, snapshotDir))
	if err != nil {
		return nil, newest, err
	}
	all = map[string]bool{}
	for _, e := range entries {
		n := nameOf(e.Name())
		if !e.IsDir() || n.text == "" {
			continue
		}
		all[n.text] = true
		if newest.text == "" || newest.before(n) {
			newest = n
		}
	}
	return all, newest, nil
}

// inTheirPlaces raises damage if a description names another directory than its own:
// raft would look for the snapshot there, and conclude that it had been replaced.
func (s *snapshotStore) inTheirPlaces(metas []*raft.SnapshotMeta, before map[string]bool) error {
	for _, m := range metas {
		if before[m.ID] {
			continue
		}
		// The directory may be new. One that exists now and that no description names
		// is wrong.
		now, _, err := s.finished()
		if err != nil {
			return s.failed(err)
		}
		if now[m.ID] {
			continue
		}
		at := m.ID
		for name := range now {
			if !slices.ContainsFunc(metas, func(m *raft.SnapshotMeta) bool { return m.ID == name }) {
				at = name
			}
		}
		return s.damaged(s.path(at, "meta.json"), "it describes the snapshot %s, which is not there", m.ID)
	}
	return nil
}

// newestIndex returns the index of the newest snapshot, 0 if there is none.
func (s *snapshotStore) newestIndex() (uint64, error) {
	metas, err := s.List()
	if err != nil || len(metas) == 0 {
		return 0, err
	}
	return metas[0].Index, nil
}

// Open implements raft.SnapshotStore. It reads and checks the whole file before it
// returns. If newer snapshots replaced this one meanwhile, the error is fs.ErrNotExist.
func (s *snapshotStore) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	if err := s.faults.err(); err != nil {
		return nil, nil, err
	}
	meta, state, err := s.files.Open(id)
	if err != nil {
		return nil, nil, s.openError(id, err)
	}
	seal, err := s.readSeal(id, meta.Size)
	if err == nil && (string(seal[:len(sealMagic)]) != sealMagic ||
		binary.BigEndian.Uint32(seal[len(sealMagic):]) != metaSum(meta)) {
		err = errors.New("it does not belong to the description in its meta.json")
	}
	if err != nil {
		_ = state.Close()
		return nil, nil, s.damaged(s.path(id, "state.bin"), "%w", err)
	}
	meta.Size -= sealBytes
	return meta, &sealedState{Reader: io.LimitReader(state, meta.Size), Closer: state}, nil
}

func (s *snapshotStore) openError(id string, err error) error {
	if _, missing := os.Stat(s.path(id, "")); errors.Is(missing, fs.ErrNotExist) {
		return fmt.Errorf("the snapshot %s is gone: %w", id, fs.ErrNotExist)
	}
	path := s.path(id, "state.bin")
	// raft's error for a wrong checksum can be recognised only by its text. Every other
	// one names its file or is about the JSON.
	if !strings.Contains(err.Error(), "CRC") {
		var pathError *fs.PathError
		if !errors.As(err, &pathError) || filepath.Base(pathError.Path) != "state.bin" {
			path = s.path(id, "meta.json")
		}
	}
	return s.damaged(path, "%w", err)
}

func (s *snapshotStore) readSeal(id string, size int64) ([]byte, error) {
	f, err := os.Open(s.path(id, "state.bin"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != size || size < sealBytes {
		return nil, fmt.Errorf("it has %d bytes, not %d", info.Size(), size)
	}
	seal := make([]byte, sealBytes)
	_, err = f.ReadAt(seal, size-sealBytes)
	return seal, err
}

// sealedState reads a snapshot's state without the seal.
type sealedState struct {
	io.Reader
	io.Closer
}
