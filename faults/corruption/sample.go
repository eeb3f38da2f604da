package corruption

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/raft"

	"voted/internal/cluster/storage"
)

const (
	logDir      = "log"
	valuesName  = "raft.db"
	markName    = "raft.mark"
	snapshotDir = "snapshots"
	pageSize    = 4096 // bytes, of raft.db
	steps       = 6    // of the history of a sample
)

// files are the contents of a directory's files, by their paths within it.
type files map[string][]byte

// sample is a member's directory with its history: a copy after each step, the
// newest last.
type sample struct {
	history []files
	next    files  // the newest copy with one more append, which was never acknowledged
	log     string // digest of what raft sees of the newest copy's log and values
	whole   string // digest that includes its newest snapshot
}

// now returns the newest copy.
func (s *sample) now() files { return s.history[len(s.history)-1] }

// newSample writes a store in dir as raft does: votes, batches, conflicts, snapshots,
// compactions.
func newSample(dir string, dice *rand.Rand) (*sample, error) {
	s := &sample{}
	var last, term uint64
	for step := range steps {
		store, err := storage.Open(dir, storage.Options{})
		if err != nil {
			return nil, err
		}
		term++
		err = errors.Join(
			store.SetUint64([]byte("CurrentTerm"), term), store.SetUint64([]byte("LastVoteTerm"), term),
			store.Set([]byte("LastVoteCand"), fmt.Appendf(nil, "node-%d", step)),
		)
		for range 12 {
			err = errors.Join(err, appendBatch(store, &last, term, dice))
		}
		if step > 0 {
			// A new leader has other entries at the end of its log.
			err = errors.Join(err, store.DeleteRange(last-4, last))
			last -= 5
			err = errors.Join(err, appendBatch(store, &last, term, dice))
		}
		if step == 2 || step == 4 {
			err = errors.Join(err, snapshot(store, last-20, term, dice), store.DeleteRange(1, last-60))
		}
		if step == steps-1 {
			s.log, s.whole, err = digests(store, err)
		}
		if err := errors.Join(err, store.Close()); err != nil {
			return nil, err
		}
		copied, err := read(dir)
		if err != nil {
			return nil, err
		}
		s.history = append(s.history, copied)
	}
	store, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return nil, err
	}
	err = errors.Join(appendBatch(store, &last, term, dice), store.Close())
	if err == nil {
		s.next, err = read(dir)
	}
	return s, err
}

// appendBatch appends one to eight entries after the last one.
func appendBatch(s *storage.Store, last *uint64, term uint64, dice *rand.Rand) error {
	logs := make([]*raft.Log, 1+dice.IntN(8))
	for i := range logs {
		data := make([]byte, 20+dice.IntN(8000)) // so that the log has several segments
		for k := range data {
			data[k] = byte(dice.Uint32())
		}
		*last++
		logs[i] = &raft.Log{Index: *last, Term: term, Type: raft.LogCommand, Data: data}
	}
	return s.StoreLogs(logs)
}

// snapshot writes a snapshot of random content.
func snapshot(s *storage.Store, index, term uint64, dice *rand.Rand) error {
	_, network := raft.NewInmemTransport("") // it only encodes addresses
	sink, err := s.Snapshots().Create(1, index, term, raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "host-a:1"}}}, 1, network)
	if err != nil {
		return err
	}
	state := make([]byte, 6000)
	for k := range state {
		state[k] = byte(dice.Uint32())
	}
	if _, err := sink.Write(state); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// digests returns two digests of what raft can see: log is of the log and the values alone,
// whole includes the newest snapshot. If before is an error, it only returns that.
func digests(s *storage.Store, before error) (log, whole string, err error) {
	if before != nil {
		return "", "", before
	}
	sum := fnv.New128a()
	first, err1 := s.FirstIndex()
	last, err2 := s.LastIndex()
	if err := errors.Join(err1, err2); err != nil {
		return "", "", err
	}
	for i := first; i <= last; i++ {
		var l raft.Log
		if err := s.GetLog(i, &l); err != nil {
			return "", "", err
		}
		fmt.Fprintf(sum, "%d %d %d %x %x\n", l.Index, l.Term, l.Type, l.Extensions, l.Data)
	}
	term, err1 := s.GetUint64([]byte("CurrentTerm"))
	votedIn, err2 := s.GetUint64([]byte("LastVoteTerm"))
	votedFor, err3 := s.Get([]byte("LastVoteCand"))
	fmt.Fprintf(sum, "%d %d %d %d %s\n", first, last, term, votedIn, votedFor)
	log = fmt.Sprintf("%d-%d %x", first, last, sum.Sum(nil))
	metas, err4 := s.Snapshots().List()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return "", "", err
	}
	if len(metas) > 0 {
		meta, state, err := s.Snapshots().Open(metas[0].ID)
		if err != nil {
			return "", "", err
		}
		fmt.Fprintf(sum, "%d %d %v\n", meta.Index, meta.Term, meta.Configuration)
		_, err = io.Copy(sum, state)
		if err := errors.Join(err, state.Close()); err != nil {
			return "", "", err
		}
	}
	return log, fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// read reads all files below dir.
func read(dir string) (files, error) {
	all := files{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			all[name], err = os.ReadFile(path)
		}
		return err
	})
	return all, err
}

// write makes dir hold these files and no others.
func (f files) write(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for name, b := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			return err
		}
	}
	return os.MkdirAll(dir, 0o755)
}

// names returns the files' names in order.
func (f files) names() []string { return slices.Sorted(maps.Keys(f)) }

// below returns the names of the files below a directory.
func (f files) below(dir string) []string {
	return slices.DeleteFunc(f.names(), func(n string) bool { return !strings.HasPrefix(n, dir+"/") })
}

// replaced returns a copy in which a directory is as it was in old.
func (f files) replaced(dir string, old files) files {
	changed := maps.Clone(f)
	maps.DeleteFunc(changed, func(name string, _ []byte) bool { return strings.HasPrefix(name, dir+"/") })
	for _, name := range old.below(dir) {
		changed[name] = old[name]
	}
	return changed
}

// with returns a copy in which one file has another content.
func (f files) with(name string, b []byte) files {
	changed := maps.Clone(f)
	changed[name] = b
	return changed
}
