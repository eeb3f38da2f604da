package prover_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"voted/internal/prover/provertest"
)

// recallOf asks a member for the heads after a key that bear a cosigner's signature.
func (m *place) recallOf(cosigner string, after [16]byte) (notes int, more bool, last [16]byte) {
	m.rig.t.Helper()
	question := []byte{1, 0, 0, 0, 0, 1, 0, byte(len(cosigner))}
	question = append(append(question, cosigner...), after[:]...)
	a, err := m.prover.Answer(m.rig.t.Context(), question)
	must(m.rig.t, err)
	a = a[1+32+32+2:] // past format, keys, and no verdicts
	more, a = a[0] == 1, a[1:]
	if more {
		last, a = [16]byte(a[:16]), a[16:]
	}
	return int(binary.BigEndian.Uint16(a)), more, last
}

// manyLogs is more than a member looks at in two calls.
const manyLogs = 1100

// fillLogs lets all members that run have a head of many logs.
func (r *rig) fillLogs() {
	for i := range manyLogs {
		r.cast(fmt.Sprint("lunch", i), 1)
	}
	for i := range manyLogs {
		r.members["n1"].await(fmt.Sprint("lunch", i), 1, time.Minute)
	}
}

func TestACallForWhatAMemberSignedLooksAtSomeLogsOnly(t *testing.T) {
	bubble(t, 1, func(r *rig) {
		r.fillLogs()
		n1 := r.members["n1"]
		// A member that is new has signed nothing: each answer says that, and where to go on.
		calls, more, last := 0, true, [16]byte{}
		for more {
			var notes int
			if notes, more, last = n1.recallOf(logName+"/n9", last); notes != 0 {
				t.Fatalf("%d heads bear the signature of a member that is new", notes)
			}
			calls++
		}
		if calls < 3 || calls > manyLogs/256+1 {
			t.Errorf("%d logs are looked at in %d calls", manyLogs, calls)
		}
		// All that the other one signed come, each once.
		found, more, last := 0, true, [16]byte{}
		for more {
			var notes int
			notes, more, last = n1.recallOf(logName+"/n1", last)
			found += notes
		}
		if found != manyLogs {
			t.Errorf("%d of %d heads come", found, manyLogs)
		}
	})
}

func TestAMemberFindsItsOneSignatureAmongManyLogs(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		// Given a member that signed one log, and missed the many that came later,
		m := r.members["n3"]
		r.cast("board7", 1) // its key is behind those that the first call looks at
		m.await("board7", 1, fresh)
		r.silence("n3", true)
		r.fillLogs()
		// when it starts with an empty disk,
		m.kill()
		m.disk = provertest.NewDisk()
		m.boxes.replace("1", nil)
		r.silence("n3", false)
		m.start()
		time.Sleep(5 * time.Second)
		// then it has that mark again.
		if b := m.disk.File("proof.mark"); len(b) != 2*64 {
			t.Errorf("it has marks in %d bytes", len(b))
		}
	})
}
