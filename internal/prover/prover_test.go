package prover_test

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/prover"
	"voted/internal/prover/provertest"
	"voted/proof"
)

const fresh = 1100 * time.Millisecond // within which a ballot has a head

func TestEachMemberHasAHeadThatAMajoritySignedAndProvesEachLeaf(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		leaves := upTo(700)
		r.cast("board", leaves...)
		r.all(func(m *place) {
			h := m.await("board", 700, fresh)
			if h.Root != rootOf(leaves) || h.Origin != (proof.Origin{Log: logName, Poll: "board", Lineage: "1"}) {
				t.Fatalf("%s has the head %+v", m.id, h)
			}
			v, err := m.prover.View(t.Context(), h)
			must(t, err)
			for _, i := range []uint64{0, 255, 256, 511, 699} {
				path, err := v.Inclusion(i)
				must(t, err)
				must(t, proof.CheckInclusion(h.Root, h.Size, i, proof.LeafHash(binary.BigEndian.AppendUint64(nil, i)), path))
			}
			keys, err := m.prover.Keys()
			must(t, err)
			if len(keys) != 3 || keys[0].Member != "n1" || keys[2].Cosigner.Equal(keys[1].Cosigner) {
				t.Errorf("%s knows the keys %+v", m.id, keys)
			}
		})
	})
}

func TestALogIsSignedOnceAnIntervalAndNotAtAllWhileNothingChanges(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		r.cast("board", 1)
		r.members["n2"].await("board", 1, fresh)
		time.Sleep(5 * time.Second) // members greet one another at first
		calls := func() int {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.asked["n2"]
		}
		before := calls()
		time.Sleep(10 * time.Second)
		if n := calls() - before; n != 0 {
			t.Errorf("nothing changed, and %d calls were made", n)
		}
		for range 100 {
			r.cast("board", 2)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(fresh)
		if n := calls() - before; n < 16 || n > 24 { // one to ask, and one to tell
			t.Errorf("in ten seconds of changes %d calls were made", n)
		}
	})
}

func TestAClosingIsSignedAtOnce(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		r.cast("board", upTo(10)...)
		r.members["n1"].await("board", 10, fresh)
		time.Sleep(300 * time.Millisecond)
		r.all(func(m *place) { m.boxes.end("board") })
		r.members["n3"].await("board", 11, 150*time.Millisecond)
	})
}

func TestWithoutAMajorityThereIsNoHeadAndItComesWhenThereIsOne(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		r.silence("n2", true)
		r.silence("n3", true)
		r.cast("board", 1)
		time.Sleep(20 * time.Second)
		r.all(func(m *place) {
			if h, ok := m.prover.Head("board"); ok {
				t.Errorf("%s has the head %s", m.id, h.Note)
			}
		})
		r.silence("n3", false)
		r.members["n1"].await("board", 1, 4*time.Second)
		r.members["n3"].await("board", 1, fresh)
	})
}

func TestTheSignaturesOfEachMemberAreCountedWhereTheyAreCollected(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		r.cast("board", 1)
		r.members["n1"].await("board", 1, fresh)
		r.silence("n3", true)
		r.cast("board", 2)
		r.members["n1"].await("board", 2, fresh)
		families, err := r.members["n1"].measured.Gather()
		must(t, err)
		signed := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "voted_proof_signatures_total" {
					signed[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
				}
			}
		}
		if want := map[string]float64{"n1": 2, "n2": 2, "n3": 1}; !maps.Equal(signed, want) {
			t.Errorf("the signatures are %v, want %v", signed, want)
		}
	})
}

func TestALeaderThatCollectsNothingIsStoodInFor(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		r.lead("")
		r.cast("board", 1)
		time.Sleep(4900 * time.Millisecond)
		if _, ok := r.members["n1"].prover.Head("board"); ok {
			t.Error("a member stood in at once")
		}
		r.members["n2"].await("board", 1, 3*time.Second)
	})
}

func TestAHeadThatAnotherMembersOvertakesHoldsUpNoneOfTheSameCall(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		r.cast("a", 1)
		r.all(func(m *place) { m.await("a", 1, fresh) })
		// Given a leader that asks for two logs, one of which n2 does not have yet, and whose answers are held up,
		asked, held := make(chan struct{}, 2), make(chan struct{})
		hold := func(question, answer []byte) []byte {
			if isAsk := binary.BigEndian.Uint16(question[1:]) == 2; isAsk {
				asked <- struct{}{}
				<-held
			}
			return answer
		}
		r.mu.Lock()
		r.members["n2"].lie, r.members["n3"].lie = hold, hold
		r.mu.Unlock()
		r.members["n1"].boxes.cast("b", 1)
		r.members["n3"].boxes.cast("b", 1)
		r.cast("a", 2)
		<-asked
		// when the next leader's head of one of them comes first,
		r.lead("n2")
		r.members["n1"].await("a", 2, fresh)
		close(held)
		// then the other one is kept, and sent to all, all the same.
		r.members["n1"].await("b", 1, time.Second)
		r.members["n3"].await("b", 1, time.Second)
	})
}

func TestAMemberThatIsAskedForMoreThanItHasSaysBehindAndSignsLater(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		r.silence("n3", true)
		r.members["n1"].boxes.cast("board", 1, 2)
		time.Sleep(3 * time.Second)
		if _, ok := r.members["n1"].prover.Head("board"); ok {
			t.Fatal("a head was signed by a member that does not have its records")
		}
		r.members["n2"].boxes.cast("board", 1, 2)
		r.members["n1"].await("board", 2, 2*fresh)
	})
}

func TestAHeadThatDiffersFromAMembersOwnBallotsIsNotSignedByIt(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		r.silence("n3", true)
		r.members["n1"].boxes.cast("board", 1, 2)
		r.members["n2"].boxes.cast("board", 1, 3)
		time.Sleep(20 * time.Second)
		r.all(func(m *place) {
			if h, ok := m.prover.Head("board"); ok {
				t.Errorf("%s has the head %s", m.id, h.Note)
			}
		})
	})
}

func TestAMemberInDoubtSignsNothing(t *testing.T) {
	bubble(t, 1, func(r *rig) {
		m := r.members["n1"]
		m.boxes.doubt = errors.New("the members differ")
		m.boxes.cast("board", 1)
		time.Sleep(10 * time.Second)
		if _, ok := m.prover.Head("board"); ok {
			t.Error("it signed")
		}
		m.boxes.mu.Lock()
		m.boxes.doubt = nil
		m.boxes.mu.Unlock()
		m.await("board", 1, fresh)
	})
}

// The state is rolled back under a member that alone makes a majority: the worst case.
func TestAMemberWhoseBallotsAreSetBackSignsNoFork(t *testing.T) {
	for name, again := range map[string]func(m *place){
		"by another state":             func(*place) {},
		"by another state and a start": func(m *place) { m.kill(); m.start() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(r *rig) {
				m := r.members["n1"]
				m.boxes.cast("board", upTo(600)...)
				first := m.await("board", 600, fresh)
				m.boxes.replace("1", map[string][]uint64{"board": append(upTo(599), 1000, 1001)})
				again(m)
				time.Sleep(20 * time.Second)
				if h, _ := m.prover.Head("board"); h.Point != first.Point {
					t.Fatalf("it signed %s after %s", h.Note, first.Note)
				}
				if forked := m.prover.Forked(); !slices.Equal(forked, []string{logName + "/board/1"}) {
					t.Errorf("it says that these are forked: %v", forked)
				}
				if _, err := m.prover.View(t.Context(), first); err == nil {
					t.Error("it proves leaves by a tree that is not that of the head")
				}
				// The right ballots come back: what it has seen, it does not forget.
				m.boxes.replace("1", map[string][]uint64{"board": upTo(601)})
				m.kill()
				m.start()
				time.Sleep(20 * time.Second)
				if h, _ := m.prover.Head("board"); h.Point != first.Point {
					t.Error("it signed a log again that it had found forked")
				}
				// A restore begins another log.
				m.boxes.replace("r77", map[string][]uint64{"board": upTo(300)})
				if h := m.await("board", 300, fresh); h.Origin.Lineage != "r77" {
					t.Errorf("the head after the restore is of %s", h.Origin)
				}
			})
		})
	}
}

func TestAMarkThatWasRolledBackIsMovedUpByWhatTheOthersRemember(t *testing.T) {
	for name, spoil := range map[string]func(m *place, yesterday *provertest.Disk){
		"yesterday's disk": func(m *place, yesterday *provertest.Disk) { m.disk = yesterday },
		"no mark at all":   func(m *place, _ *provertest.Disk) { m.disk = provertest.NewDisk() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 3, func(r *rig) {
				m := r.members["n1"]
				r.cast("board", upTo(5)...)
				m.await("board", 5, fresh)
				yesterday := m.disk.Copy()
				r.cast("board", 5, 6, 7)
				r.members["n2"].await("board", 8, fresh)
				// Given a member whose disk forgets, and whose ballots are others than before, …
				m.kill()
				var said strings.Builder
				m.logger = slog.New(slog.NewTextHandler(&said, nil))
				spoil(m, yesterday)
				m.boxes.replace("1", map[string][]uint64{"board": append(upTo(6), 100, 101, 102)})
				// … when it starts, and collects for as long as it may, …
				m.start()
				time.Sleep(20 * time.Second)
				// … then it knows that it has signed something else, and says that its disk was set back.
				if forked := m.prover.Forked(); len(forked) != 1 {
					t.Errorf("it does not know that its log is forked; it has %v", forked)
				}
				m.kill()
				if !strings.Contains(said.String(), "it was set back or replaced") {
					t.Errorf("it says %s", said.String())
				}
			})
		})
	}
}

func TestAMemberSignsNothingBeforeAMajorityHasSaidWhatItSigned(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		m := r.members["n1"]
		r.cast("board", 1)
		r.members["n3"].await("board", 1, fresh)
		m.kill()
		m.disk = provertest.NewDisk()
		r.silence("n1", true)
		m.start()
		m.boxes.cast("board", 2)
		time.Sleep(10 * time.Second)
		if b := m.disk.File("proof.mark"); len(b) > 64 {
			t.Errorf("it has marks in %d bytes", len(b))
		}
	})
}

func TestAfterAStartHeadsAreThereAtOnceAndTreesAreMadeAgain(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		m := r.members["n2"]
		r.cast("board", upTo(5000)...)
		h := m.await("board", 5000, fresh)
		m.kill()
		m.start()
		again, ok := m.prover.Head("board")
		if !ok || again.Point != h.Point || string(again.Note) != string(h.Note) {
			t.Fatalf("after the start the head is %+v", again)
		}
		v, err := m.prover.View(t.Context(), again)
		must(t, err)
		if root, err := v.Root(); err != nil || root != h.Root {
			t.Errorf("%v, %v", root, err)
		}
		if keys, err := m.prover.Keys(); err != nil || len(keys) != 3 {
			t.Errorf("it knows %d keys, %v", len(keys), err)
		}
	})
}

func TestADiskThatFailsHoldsUpOnlyItsOwnSignatures(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		m := r.members["n1"]
		m.disk.Fail(errors.New("no space left"))
		r.cast("board", upTo(3)...)
		// n1 leads, cannot write its mark, and so collects nothing: another one stands in.
		h := r.members["n2"].await("board", 3, 9*time.Second)
		n, err := proof.ParseNote(h.Note)
		must(t, err)
		for _, s := range n.Signatures {
			if s.Name == logName+"/n1" {
				t.Error("n1 signed without a mark")
			}
		}
		m.disk.Fail(nil)
		time.Sleep(6 * time.Second)
		r.cast("board", 3)
		m.await("board", 4, fresh)
	})
}

func TestADamagedMarkStopsItsMembersSignaturesForGood(t *testing.T) {
	bubble(t, 1, func(r *rig) {
		m := r.members["n1"]
		m.boxes.cast("board", 1)
		m.await("board", 1, fresh)
		m.kill()
		b := m.disk.File("proof.mark")
		b[64+20] ^= 1
		m.disk.Put("proof.mark", b)
		m.start()
		m.boxes.cast("board", 2)
		time.Sleep(20 * time.Second)
		if h, _ := m.prover.Head("board"); h.Size != 1 {
			t.Errorf("it signed %s", h.Note)
		}
	})
}

func TestADeletedPollWaitsNoLongerAndIsNoLongerProved(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		r.cast("board", 1, 2)
		h := r.members["n1"].await("board", 2, fresh)
		r.all(func(m *place) { m.boxes.remove("board") })
		time.Sleep(2 * time.Second)
		if _, err := r.members["n1"].prover.View(t.Context(), h); !errors.Is(err, prover.ErrPending) {
			t.Errorf("%v", err)
		}
		if b := r.members["n1"].disk.File("proof.mark"); len(b) != 128 {
			t.Errorf("the file of marks has %d bytes", len(b))
		}
		// Its slot is used again.
		r.cast("second", 1)
		r.members["n1"].await("second", 1, fresh)
		if b := r.members["n1"].disk.File("proof.mark"); len(b) != 128 {
			t.Errorf("the file of marks has %d bytes", len(b))
		}
	})
}

// One member of three answers whatever it likes.
func TestALyingMemberMakesNoFalseHeadAndHoldsNothingUp(t *testing.T) {
	others := map[string]func(q, a []byte) []byte{
		"answers garbage": func(_, _ []byte) []byte { return []byte("yes") },
		"answers nothing": func(_, _ []byte) []byte { return nil },
		"signs another head": func(_, a []byte) []byte {
			if len(a) < 80 {
				return a
			}
			a[len(a)-10] ^= 1
			return a
		},
		"says that it is forked": func(_, a []byte) []byte {
			if len(a) > 70 && a[67] == byte(prover.Signed) {
				return append(append(append([]byte(nil), a[:67]...), byte(prover.Forked)), 0, 0, 0)
			}
			return a
		},
	}
	for name, lie := range others {
		t.Run(name, func(t *testing.T) {
			bubble(t, 3, func(r *rig) {
				time.Sleep(2 * time.Second)
				r.mu.Lock()
				r.members["n3"].lie = lie
				r.mu.Unlock()
				r.cast("board", 1, 2, 3)
				r.members["n1"].await("board", 3, fresh)
				r.members["n2"].await("board", 3, fresh)
			})
		})
	}
}

func TestHeadsOfManyPollsComeInAFewCalls(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		time.Sleep(2 * time.Second)
		r.mu.Lock()
		before := r.asked["n2"]
		r.mu.Unlock()
		for i := range 600 {
			r.cast(pollName(i), 1, 2)
		}
		for i := range 600 {
			r.members["n3"].await(pollName(i), 2, 2*fresh)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if n := r.asked["n2"] - before; n > 12 {
			t.Errorf("%d calls for 600 polls", n)
		}
		for _, m := range r.members {
			if len(m.disk.File("proof.mark")) != 601*64 {
				t.Errorf("%s has %d bytes of marks", m.id, len(m.disk.File("proof.mark")))
			}
		}
	})
}

func pollName(i int) string {
	return "p" + string(rune('a'+i/26/26)) + string(rune('a'+i/26%26)) + string(rune('a'+i%26))
}

func TestTheFileOfHeadsIsWrittenAgainWithoutWhatIsOld(t *testing.T) {
	bubble(t, 1, func(r *rig) {
		m := r.members["n1"]
		for i := range 4000 {
			m.boxes.cast("board", uint64(i))
			m.boxes.end("board") // signed at once
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(m.disk.File("proof.heads")); n > 2<<20 {
			t.Errorf("it has %d bytes", n)
		}
		h, ok := m.prover.Head("board")
		m.kill()
		m.start()
		if again, _ := m.prover.Head("board"); !ok || again.Point != h.Point {
			t.Errorf("%+v after %+v", again, h)
		}
		synctest.Wait()
	})
}

// A member that pushes what a minority signed must not make another one serve it.
func TestAHeadThatOnlyAMinoritySignedIsNotTakenFromAnotherMember(t *testing.T) {
	bubble(t, 3, func(r *rig) {
		r.cast("board", 1)
		r.members["n2"].await("board", 1, fresh)
		origin := proof.Origin{Log: logName, Poll: "board", Lineage: "1"}
		push := func(signers ...string) {
			note := proof.Note{Text: proof.Checkpoint{Origin: origin.String(), Size: 9, Root: proof.Hash{9}}.String()}
			for _, id := range signers {
				key, err := r.members[id].key.Cosigner(logName, id)
				must(t, err)
				note.Signatures = append(note.Signatures, key.Sign(note.Text, 1))
			}
			b := note.Append(nil)
			call := append(binary.BigEndian.AppendUint16([]byte{1, 0, 0, 0, 1}, uint16(len(b))), b...)
			_, err := r.members["n2"].prover.Answer(t.Context(), append(call, 0))
			must(t, err)
		}
		push("n1")
		push("n1", "n1")
		if h, _ := r.members["n2"].prover.Head("board"); h.Size != 1 {
			t.Errorf("n2 has the head %s", h.Note)
		}
		// The control: what a majority signed is taken, whatever it says.
		push("n1", "n3")
		if h, _ := r.members["n2"].prover.Head("board"); h.Size != 9 {
			t.Errorf("n2 has the head %s", h.Note)
		}
	})
}
