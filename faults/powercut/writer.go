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

// The lines that the writer prints. It says that something is durable after that is so,
// and that entries may be missing before it removes them.
const (
	lineOpen      = "open"     // the store is open
	lineTruncate  = "truncate" // entries from N on are about to be removed
	lineAppended  = "appended" // entries A to B of term T are durable
	lineTerm      = "term"     // raft's term T is durable, with the vote in it
	lineSnapshot  = "snapshot" // a snapshot up to N is durable
	lineCompacted = "compact"  // entries up to N are about to be removed
)

const (
	maxBatch     = 12       // entries
	maxEntry     = 3000     // bytes
	snapshotSize = 40 << 10 // bytes
	keptBehind   = 40       // entries kept behind a snapshot
)

// Writer is the helper process: it writes until it is killed or its disk fails. args are
// the directory and the seed. It returns the exit code.
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

// write votes, truncates, appends and writes snapshots until one of them fails, and returns
// that error.
func write(s *storage.Store, dice *rand.Rand, out io.Writer) error {
	term, err := s.GetUint64([]byte("CurrentTerm"))
	if err != nil && err.Error() != "not found" {
		return err
	}
	last, err := lastIndex(s)
	if err != nil {
		return err
	}
	printLine := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	printLine(lineOpen)
	for n := 0; ; n++ {
		var err error
		switch draw := dice.IntN(40); {
		case n == 0, draw == 0:
			err = vote(s, &term, printLine)
		case draw == 1 && last > 3:
			err = truncate(s, &last, dice, printLine)
		case draw == 2:
			err = snapshot(s, last, term, printLine)
		default:
			err = appendSome(s, &last, term, dice, printLine)
		}
		if err != nil {
			return err
		}
	}
}

// printer prints one line.
type printer func(format string, args ...any)

// vote makes the next term durable, and a vote in it.
func vote(s *storage.Store, term *uint64, printLine printer) error {
	*term++
	err := errors.Join(
		s.SetUint64([]byte("CurrentTerm"), *term),
		s.SetUint64([]byte("LastVoteTerm"), *term),
		s.Set([]byte("LastVoteCand"), candidate(*term)),
	)
	if err == nil {
		printLine("%s %d", lineTerm, *term)
	}
	return err
}

// candidate is whom the writer votes for: it follows from the term.
func candidate(term uint64) []byte { return fmt.Appendf(nil, "node-%d", term%7) }

// appendSome appends a batch of entries after the last one.
func appendSome(s *storage.Store, last *uint64, term uint64, dice *rand.Rand, printLine printer) error {
	logs := make([]*raft.Log, 1+dice.IntN(maxBatch))
	for i := range logs {
		index := *last + 1 + uint64(i)
		logs[i] = &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: content(index, term)}
	}
	if err := s.StoreLogs(logs); err != nil {
		return err
	}
	printLine("%s %d %d %d", lineAppended, *last+1, *last+uint64(len(logs)), term)
	*last += uint64(len(logs))
	return nil
}

// content is what an entry holds: it follows from its index and term.
func content(index, term uint64) []byte {
	dice := rand.New(rand.NewPCG(index, term))
	b := make([]byte, 16+dice.IntN(maxEntry))
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], dice.Uint64())
	}
	return b
}

// truncate removes the newest entries, as a follower does if its leader has others.
func truncate(s *storage.Store, last *uint64, dice *rand.Rand, printLine printer) error {
	first, err := s.FirstIndex()
	if err != nil {
		return err
	}
	from := *last - uint64(dice.IntN(3))
	// Entries that a snapshot covers are committed: raft never truncates them.
	covered, err := newestSnapshot(s)
	if err != nil || from <= max(first, covered) {
		return err
	}
	printLine("%s %d", lineTruncate, from)
	if err := s.DeleteRange(from, *last); err != nil {
		return err
	}
	*last = from - 1
	return nil
}

// snapshot writes a snapshot up to the last entry and removes old entries behind it.
func snapshot(s *storage.Store, last, term uint64, printLine printer) error {
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
	printLine("%s %d", lineSnapshot, last)
	first, err := s.FirstIndex()
	if err != nil || last <= keptBehind || first == 0 || first > last-keptBehind {
		return err
	}
	printLine("%s %d", lineCompacted, last-keptBehind)
	return s.DeleteRange(first, last-keptBehind)
}

// lastIndex returns the index up to which the log or the newest snapshot reaches.
func lastIndex(s *storage.Store) (uint64, error) {
	last, err := s.LastIndex()
	if err != nil {
		return 0, err
	}
	covered, err := newestSnapshot(s)
	return max(last, covered), err
}

// newestSnapshot returns the index up to which the newest snapshot reaches, 0 if there is
// none.
func newestSnapshot(s *storage.Store) (uint64, error) {
	metas, err := s.Snapshots().List()
	if err != nil || len(metas) == 0 {
		return 0, err
	}
	return metas[0].Index, nil
}
