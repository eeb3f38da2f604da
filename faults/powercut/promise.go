package powercut

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"voted/internal/cluster/storage"
)

// promise is what a store has acknowledged, and must have after a cut.
type promise struct {
	terms     map[uint64]uint64 // raft's term of each entry that must be there, by its index
	term      uint64            // the store's term must be at least this one
	snapshot  uint64            // the newest snapshot must reach at least to this index
	compacted uint64            // entries up to this index may be gone
	opened    bool              // the writer has opened the store
	total     uint64            // how many entries were ever acknowledged
}

func newPromise() *promise { return &promise{terms: map[uint64]uint64{}} }

// add takes one whole line that the writer has printed. Any other text is an error.
func (p *promise) add(line string) error {
	var word string
	var a, b, term uint64
	n, _ := fmt.Sscan(line, &word, &a, &b, &term)
	switch {
	case word == lineOpen && n == 1:
		p.opened = true
	case word == lineTruncate && n == 2:
		for i := range p.terms {
			if i >= a {
				delete(p.terms, i)
			}
		}
	case word == lineAppended && n == 4:
		for i := a; i <= b; i++ {
			p.terms[i] = term
		}
		p.total += b - a + 1
	case word == lineTerm && n == 2:
		p.term = a
	case word == lineSnapshot && n == 2:
		p.snapshot = a
	case word == lineCompacted && n == 2:
		p.compacted = max(p.compacted, a)
		for i := range p.terms {
			if i <= p.compacted {
				delete(p.terms, i)
			}
		}
	default:
		return fmt.Errorf("the writer printed %q, which is none of its lines", line)
	}
	return nil
}

// breach says how a promise was broken.
type breach struct {
	lost uint64 // how many acknowledged entries are gone or changed
	what string // one thing that is wrong, in a sentence
}

// check opens the store in dir and compares it with the promise. broken is nil if the
// promise was kept. A store that does not open, or is damaged, has broken it. err only
// means that the store could not be closed.
func (p *promise) check(dir string) (broken *breach, err error) {
	s, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return &breach{uint64(len(p.terms)), "the store does not open after the cut: " + err.Error()}, nil
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Verify(nil); err != nil {
		return &breach{uint64(len(p.terms)), "the store is damaged after the cut: " + err.Error()}, nil
	}
	var missing uint64
	what := ""
	for index, term := range p.terms {
		if why := wrongEntry(s, index, term); why != "" {
			missing++
			what = why
		}
	}
	if missing > 0 {
		return &breach{missing, what}, nil
	}
	term, err := s.GetUint64([]byte("CurrentTerm"))
	if term < p.term {
		return &breach{what: fmt.Sprintf("term %d was durable, and it is %d now (%v)", p.term, term, err)}, nil
	}
	if p.term > 0 {
		votedIn, err := s.GetUint64([]byte("LastVoteTerm"))
		votedFor, err2 := s.Get([]byte("LastVoteCand"))
		if votedIn < p.term || !bytes.Equal(votedFor, candidate(votedIn)) {
			return &breach{what: fmt.Sprintf("the vote of term %d is now one of term %d for %q (%v)", p.term, votedIn, votedFor, errors.Join(err, err2))}, nil
		}
	}
	if covered, err := newestSnapshot(s); covered < p.snapshot {
		return &breach{what: fmt.Sprintf("the snapshot up to %d is gone, the newest reaches to %d (%v)", p.snapshot, covered, err)}, nil
	}
	return nil, nil
}

// wrongEntry returns what is wrong with an acknowledged entry, "" if nothing is.
func wrongEntry(s *storage.Store, index, term uint64) string {
	var l raft.Log
	if err := s.GetLog(index, &l); err != nil {
		return fmt.Sprintf("entry %d was acknowledged and cannot be read: %v", index, err)
	}
	if l.Term != term || !bytes.Equal(l.Data, content(index, term)) {
		return fmt.Sprintf("entry %d was acknowledged in term %d and is another one now, of term %d", index, term, l.Term)
	}
	return ""
}
