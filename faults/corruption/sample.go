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
	logName  = "raft.db"
	markName = "raft.mark"
	pageSize = 4096
	steps    = 6 // of the history of a sample
)

// files are a directory's, by their paths within it.
type files map[string][]byte

// sample is a member's directory with its history: a copy after each step. The last
// is the present.
type sample struct {
	history []files
	log     string // what raft sees of the log and the values, at present
	whole   string // and of the snapshots
}

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
			// A new leader has other entries at the end.
			err = errors.Join(err, store.DeleteRange(last-4, last))
			last -= 5
			err = errors.Join(err, appendBatch(store, &last, term, dice))
		}
		if step == 2 || step == 4 {
			err = errors.Join(err, snapshot(store, last-20, term, dice), store.DeleteRange(1, last-60))
		}
		if step == steps-1 {
			s.log, s.whole, err = see(store, err)
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
	return s, nil
}

func appendBatch(s *storage.Store, last *uint64, term uint64, dice *rand.Rand) error {
	logs := make([]*raft.Log, 1+dice.IntN(8))
	for i := range logs {
		data := make([]byte, 20+dice.IntN(700))
		for k := range data {
			data[k] = byte(dice.Uint32())
		}
		*last++
		logs[i] = &raft.Log{Index: *last, Term: term, Type: raft.LogCommand, Data: data}
	}
	return s.StoreLogs(logs)
}

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

// see returns a digest of all that raft can see: of the log and the values alone, and
// with the newest snapshot.
func see(s *storage.Store, before error) (log, whole string, err error) {
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
	of, err2 := s.GetUint64([]byte("LastVoteTerm"))
	who, err3 := s.Get([]byte("LastVoteCand"))
	fmt.Fprintf(sum, "%d %d %d %d %s\n", first, last, term, of, who)
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

// write makes dir hold these files and no other.
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

// snapshots returns the names of snapshots' files.
func (f files) snapshots() []string {
	return slices.DeleteFunc(f.names(), func(n string) bool { return !strings.HasPrefix(n, "snapshots/") })
}

// with returns a copy in which one file is another.
func (f files) with(name string, b []byte) files {
	changed := maps.Clone(f)
	changed[name] = b
	return changed
}
