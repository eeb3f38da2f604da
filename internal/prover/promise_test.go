package prover_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"voted/internal/prover"
	"voted/proof"
)

func leafOf(n uint64) proof.Hash { return proof.LeafHash(binary.BigEndian.AppendUint64(nil, n)) }

// promised asks a member for its promise of an entry, and reads it.
func (m *place) promised(poll string, number uint64, leaf proof.Hash) (p proof.Promise, file []byte, err error) {
	m.rig.t.Helper()
	if file, err = m.prover.Promise(poll, number, leaf); err != nil {
		return p, nil, err
	}
	p, err = proof.ParsePromise(file)
	must(m.rig.t, err)
	return p, file, nil
}

func TestAPromiseIsOfWhatIsRecordedAndTheSameBytesEachTime(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		// Given ballots that no head covers, on members that know each other,
		r.cast("lunch", 1)
		r.members["n1"].await("lunch", 1, fresh)
		r.cast("board", upTo(5)...)
		// when they are asked for promises,
		files := map[string]string{}
		r.all(func(m *place) {
			p, file, err := m.promised("board", 3, leafOf(3))
			must(t, err)
			if want := (proof.Promise{Origin: logName + "/board/1", Number: 3, Leaf: leafOf(3)}); p != want {
				t.Errorf("%s promises %+v, want %+v", m.id, p, want)
			}
			files[string(file)] = m.id
		})
		// then each signs the same with its own key, and signs it again in the same way, a head later too.
		if len(files) != 3 {
			t.Errorf("three members made %d promises", len(files))
		}
		r.cast("board", 5)
		r.all(func(m *place) {
			m.await("board", 6, fresh)
			_, file, err := m.promised("board", 3, leafOf(3))
			must(t, err)
			if files[string(file)] != m.id {
				t.Errorf("%s promises otherwise than before: %s", m.id, file)
			}
		})
	})
}

func TestAMemberPromisesOnlyWhatItHasItself(t *testing.T) {
	bubble(t, 1, func(r *rig) {
		m := r.members["n1"]
		m.boxes.cast("board", upTo(5)...)
		m.await("board", 5, fresh)
		refused := func(name, poll string, number uint64, leaf proof.Hash) {
			t.Helper()
			if p, _, err := m.promised(poll, number, leaf); !errors.Is(err, prover.ErrPending) {
				t.Errorf("%s: it promises %+v, %v", name, p, err)
			}
		}
		refused("another ballot", "board", 3, leafOf(4))
		refused("a ballot that it does not have yet", "board", 5, leafOf(5))
		refused("the definition", "board", 0, leafOf(0))
		refused("a poll that it does not have", "none", 3, leafOf(3))
		votes := func(is bool) {
			r.mu.Lock()
			defer r.mu.Unlock()
			m.follow = !is
		}
		votes(false)
		refused("without a vote", "board", 3, leafOf(3))
		votes(true)
		m.boxes.mu.Lock()
		m.boxes.doubt = errors.New("digests differ")
		m.boxes.mu.Unlock()
		refused("while it doubts its state", "board", 3, leafOf(3))
		m.boxes.mu.Lock()
		m.boxes.doubt = nil
		m.boxes.mu.Unlock()
		if _, _, err := m.promised("board", 3, leafOf(3)); err != nil {
			t.Errorf("what it has it does not promise: %v", err)
		}
		// After a restore it promises in the name of the other log.
		m.boxes.replace("r77", map[string][]uint64{"board": upTo(4)})
		if p, _, err := m.promised("board", 3, leafOf(3)); err != nil || p.Origin != logName+"/board/r77" {
			t.Errorf("after a restore it promises %+v, %v", p, err)
		}
	})
}

func TestAMemberThatDoesNotKnowWhatItSignedPromisesNothing(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		m := r.members["n1"]
		r.cast("board", upTo(5)...)
		m.await("board", 5, fresh)
		// Given a member that starts while no other one answers,
		m.kill()
		r.silence("n2", true)
		r.silence("n3", true)
		m.start()
		time.Sleep(5 * time.Second)
		if p, _, err := m.promised("board", 3, leafOf(3)); !errors.Is(err, prover.ErrPending) {
			t.Errorf("it promises %+v, %v", p, err)
		}
		// when one does, then it promises again.
		r.silence("n2", false)
		time.Sleep(2 * time.Second)
		if _, _, err := m.promised("board", 3, leafOf(3)); err != nil {
			t.Error(err)
		}
		// With a damaged file of marks it does not.
		m.kill()
		m.disk.Put("proof.mark", []byte("these are no marks of proofs, but something that is as long as a slot."))
		m.start()
		time.Sleep(5 * time.Second)
		if p, _, err := m.promised("board", 3, leafOf(3)); !errors.Is(err, prover.ErrPending) {
			t.Errorf("without its marks it promises %+v, %v", p, err)
		}
	})
}

func TestNothingIsPromisedOfALogThatIsForked(t *testing.T) {
	bubble(t, 1, func(r *rig) {
		// Given a member that finds that its ballots are not those that it signed,
		m := r.members["n1"]
		m.boxes.cast("lunch", upTo(3)...)
		m.boxes.cast("board", upTo(6)...)
		m.await("board", 6, fresh)
		m.boxes.replace("1", map[string][]uint64{"board": append(upTo(5), 1000, 1001), "lunch": upTo(3)})
		time.Sleep(20 * time.Second)
		if p, _, err := m.promised("board", 6, leafOf(1001)); !errors.Is(err, prover.ErrPending) {
			t.Errorf("it promises %+v, %v", p, err)
		}
		// when it starts again, then it remembers that by its mark, before it looks at the log again.
		m.kill()
		m.start()
		time.Sleep(300 * time.Millisecond)
		if n := len(m.prover.Forked()); n != 0 {
			t.Fatalf("it has looked at %d logs already", n)
		}
		if p, _, err := m.promised("board", 6, leafOf(1001)); !errors.Is(err, prover.ErrPending) {
			t.Errorf("after a start it promises %+v, %v", p, err)
		}
		if _, _, err := m.promised("lunch", 2, leafOf(2)); err != nil {
			t.Errorf("in another log it promises nothing: %v", err)
		}
	})
}
