package powercut

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"voted/internal/cluster/storage"
)

// promise is what a store has acknowledged.
type promise struct {
	terms     map[uint64]uint64 // of each entry that must be there
	term      uint64            // raft's term, at least
	snapshot  uint64            // the newest one reaches at least to here
	compacted uint64            // entries up to here may be gone
	opened    bool
	total     uint64 // entries that were ever acknowledged
}

func newPromise() *promise { return &promise{terms: map[uint64]uint64{}} }

// hear takes a line of the writer. A line that was cut off in the middle is none.
func (p *promise) hear(line string) error {
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
		return fmt.Errorf("the writer says %q, which means nothing", line)
	}
	return nil
}

// broken is a promise that was not kept.
type broken struct {
	lost uint64 // acknowledged entries
	what string
}

// check opens the store in dir and holds it against the promise. Its error means that
// it could not be closed; what the store itself says is a broken promise.
func (p *promise) check(dir string) (b *broken, err error) {
	s, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return &broken{uint64(len(p.terms)), "the store does not open after the cut: " + err.Error()}, nil
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Verify(nil); err != nil {
		return &broken{uint64(len(p.terms)), "the store is damaged after the cut: " + err.Error()}, nil
	}
	var missing uint64
	what := ""
	for index, term := range p.terms {
		if why := entry(s, index, term); why != "" {
			missing++
			what = why
		}
	}
	if missing > 0 {
		return &broken{missing, what}, nil
	}
	term, err := s.GetUint64([]byte("CurrentTerm"))
	if term < p.term {
		return &broken{what: fmt.Sprintf("term %d was durable, and it is %d now (%v)", p.term, term, err)}, nil
	}
	if p.term > 0 {
		of, err := s.GetUint64([]byte("LastVoteTerm"))
		who, err2 := s.Get([]byte("LastVoteCand"))
		if of < p.term || !bytes.Equal(who, candidate(of)) {
			return &broken{what: fmt.Sprintf("the vote of term %d is now one of term %d for %q (%v)", p.term, of, who, errors.Join(err, err2))}, nil
		}
	}
	if covered, err := newestSnapshot(s); covered < p.snapshot {
		return &broken{what: fmt.Sprintf("the snapshot up to %d is gone, the newest reaches to %d (%v)", p.snapshot, covered, err)}, nil
	}
	return nil, nil
}

// entry says what is wrong with an acknowledged entry.
func entry(s *storage.Store, index, term uint64) string {
	var l raft.Log
	if err := s.GetLog(index, &l); err != nil {
		return fmt.Sprintf("entry %d was acknowledged and cannot be read: %v", index, err)
	}
	if l.Term != term || !bytes.Equal(l.Data, content(index, term)) {
		return fmt.Sprintf("entry %d was acknowledged in term %d and is another one now, of term %d", index, term, l.Term)
	}
	return ""
}
