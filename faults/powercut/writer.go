package powercut

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"

	"github.com/hashicorp/raft"

	"voted/internal/cluster/storage"
)

// WriterCommand is the first argument with which this command is started as the
// helper process of store cuts; the directory and a seed follow.
const WriterCommand = "store-writer"

// The lines that the writer prints. A line after the fact says what is durable; the
// one before a truncation says what no longer needs to be.
const (
	lineOpen      = "open"     // the store is open
	lineTruncate  = "truncate" // entries from N on are about to be removed
	lineAppended  = "appended" // entries A to B of term T are durable
	lineTerm      = "term"     // raft's term T is durable, with the vote in it
	lineSnapshot  = "snapshot" // a snapshot up to N is durable
	lineCompacted = "compact"  // entries up to N are about to be removed
)

const (
	maxBatch     = 12
	maxEntry     = 3000 // bytes
	snapshotSize = 40 << 10
	keptBehind   = 40 // entries kept behind a snapshot
)

// Writer is the helper process: it writes until it is killed or its disk fails.
func Writer(args []string, out io.Writer) int {
	if len(args) != 2 {
		return 2
	}
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return 2
	}
	store, err := storage.Open(args[0], storage.Options{})
	if err == nil {
		err = write(store, rand.New(rand.NewPCG(seed, 1)), out)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// write never returns without an error.
func write(s *storage.Store, r *rand.Rand, out io.Writer) error {
	term, err := s.GetUint64([]byte("CurrentTerm"))
	if err != nil && err.Error() != "not found" {
		return err
	}
	last, err := lastIndex(s)
	if err != nil {
		return err
	}
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	say(lineOpen)
	for n := 0; ; n++ {
		var err error
		switch dice := r.IntN(40); {
		case n == 0, dice == 0:
			err = vote(s, &term, say)
		case dice == 1 && last > 3:
			err = truncate(s, &last, r, say)
		case dice == 2:
			err = snapshot(s, last, term, say)
		default:
			err = appendSome(s, &last, term, r, say)
		}
		if err != nil {
			return err
		}
	}
}

type sayer func(format string, args ...any)

func vote(s *storage.Store, term *uint64, say sayer) error {
	*term++
	err := errors.Join(
		s.SetUint64([]byte("CurrentTerm"), *term),
		s.SetUint64([]byte("LastVoteTerm"), *term),
		s.Set([]byte("LastVoteCand"), candidate(*term)),
	)
	if err == nil {
		say("%s %d", lineTerm, *term)
	}
	return err
}

func candidate(term uint64) []byte { return fmt.Appendf(nil, "node-%d", term%7) }

func appendSome(s *storage.Store, last *uint64, term uint64, r *rand.Rand, say sayer) error {
	logs := make([]*raft.Log, 1+r.IntN(maxBatch))
	for i := range logs {
		index := *last + 1 + uint64(i)
		logs[i] = &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: content(index, term)}
	}
	if err := s.StoreLogs(logs); err != nil {
		return err
	}
	say("%s %d %d %d", lineAppended, *last+1, *last+uint64(len(logs)), term)
	*last += uint64(len(logs))
	return nil
}

// content is what an entry holds: it follows from its index and term.
func content(index, term uint64) []byte {
	r := rand.New(rand.NewPCG(index, term))
	b := make([]byte, 16+r.IntN(maxEntry))
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b
}

// truncate removes the newest entries, as a follower does whose leader has others.
func truncate(s *storage.Store, last *uint64, r *rand.Rand, say sayer) error {
	first, err := s.FirstIndex()
	if err != nil {
		return err
	}
	from := *last - uint64(r.IntN(3))
	// What a snapshot covers was committed, and is never taken back.
	covered, err := newestSnapshot(s)
	if err != nil || from <= max(first, covered) {
		return err
	}
	say("%s %d", lineTruncate, from)
	if err := s.DeleteRange(from, *last); err != nil {
		return err
	}
	*last = from - 1
	return nil
}

func snapshot(s *storage.Store, last, term uint64, say sayer) error {
	if last == 0 {
		return nil
	}
	var l raft.Log
	if err := s.GetLog(last, &l); errors.Is(err, raft.ErrLogNotFound) {
		return nil // the newest snapshot has it already
	} else if err != nil {
		return err
	}
	sink, err := s.Snapshots().Create(1, last, l.Term, raft.Configuration{}, 0, nil)
	if err != nil {
		return err
	}
	state := make([]byte, snapshotSize)
	copy(state, content(last, l.Term))
	if _, err := sink.Write(state); err != nil {
		return err
	}
	if err := sink.Close(); err != nil {
		return err
	}
	say("%s %d", lineSnapshot, last)
	first, err := s.FirstIndex()
	if err != nil || last <= keptBehind || first == 0 || first > last-keptBehind {
		return err
	}
	say("%s %d", lineCompacted, last-keptBehind)
	return s.DeleteRange(first, last-keptBehind)
}

// lastIndex is the newest entry's index, that of the snapshot where the log has none.
func lastIndex(s *storage.Store) (uint64, error) {
	last, err := s.LastIndex()
	if err != nil {
		return 0, err
	}
	covered, err := newestSnapshot(s)
	return max(last, covered), err
}

func newestSnapshot(s *storage.Store) (uint64, error) {
	metas, err := s.Snapshots().List()
	if err != nil || len(metas) == 0 {
		return 0, err
	}
	return metas[0].Index, nil
}
