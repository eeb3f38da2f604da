package prover_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/prover"
	"voted/internal/prover/provertest"
	"voted/internal/witness"
	"voted/proof"
)

// observer is a witness of another party, and what stands between it and the cluster.
type observer struct {
	*witness.Client
	key proof.Verifier

	mu     sync.Mutex
	serve  http.Handler                       // guarded by mu
	answer func(*http.Request) *http.Response // instead of serve, if it is not nil; guarded by mu
	silent func(*http.Request) error          // instead of an answer, if it is not nil; guarded by mu
	asked  int                                // guarded by mu
	heads  map[string][]byte                  // by log
}

// Last implements witness.Store.
func (o *observer) Last(origin string) ([]byte, error) { return o.heads[origin], nil }

// Keep implements witness.Store.
func (o *observer) Keep(origin string, note []byte) error {
	o.heads[origin] = note
	return nil
}

// RoundTrip implements http.RoundTripper without a network.
func (o *observer) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	o.asked++
	serve, answer, silent := o.serve, o.answer, o.silent
	o.mu.Unlock()
	if silent != nil {
		return nil, silent(r)
	}
	if answer != nil {
		return answer(r), nil
	}
	rec := httptest.NewRecorder()
	serve.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// set changes what the witness does.
func (o *observer) set(how func(o *observer)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	how(o)
}

func (o *observer) requests() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked
}

// observe makes a witness that trusts a quorum of three members.
func observe(t *testing.T, name string, key byte) *observer {
	t.Helper()
	p := &proof.Policy{Quorum: "members", Groups: []proof.PolicyGroup{{Name: "members", Need: 2}}}
	for i := 1; i <= 3; i++ {
		id, s := fmt.Sprintf("n%d", i), seed{byte(i)}
		log, err := s.Log(proof.Origin{Log: logName, Poll: "p", Lineage: "1"})
		must(t, err)
		c, err := s.Cosigner(logName, id)
		must(t, err)
		p.Logs = append(p.Logs, proof.PolicyLog{Key: log.Verifier})
		p.Witnesses = append(p.Witnesses, proof.PolicyWitness{Name: id, Key: c.Verifier})
		p.Groups[0].Members = append(p.Groups[0].Members, id)
	}
	signer, err := seed{key}.Cosigner("observer.example", name)
	must(t, err)
	o := &observer{key: signer.Verifier, heads: map[string][]byte{}}
	w, err := witness.New(p, logName+"/", signer, o, func() uint64 { return 9 })
	must(t, err)
	o.serve = w.Handler(slog.New(slog.DiscardHandler), nil)
	o.Client, err = witness.NewClient(proof.PolicyWitness{Name: name, Key: signer.Verifier, URL: "https://" + name + ".example/"}, &http.Client{Transport: o})
	must(t, err)
	return o
}

// Key implements prover.Witness.
func (o *observer) Key() proof.Verifier { return o.key }

// says answers every request alike.
func says(status int, text string) func(*observer) {
	return func(o *observer) {
		o.answer = func(*http.Request) *http.Response {
			rec := httptest.NewRecorder()
			rec.WriteHeader(status)
			_, _ = rec.WriteString(text)
			return rec.Result()
		}
	}
}

// witnessed reports whether the newest head of p that a member serves bears the signature of a
// witness, and how large it is.
func (m *place) witnessed(o *observer) (size uint64, is bool) {
	m.rig.t.Helper()
	h, ok := m.prover.Head("p")
	if !ok {
		return 0, false
	}
	n, err := proof.ParseNote(h.Note)
	must(m.rig.t, err)
	good, err := n.Verify(o.key)
	must(m.rig.t, err)
	return h.Size, len(good) == 1
}

// metric is one of a member, by its name and labels.
func (m *place) metric(name string, labels ...string) (value float64) {
	m.rig.t.Helper()
	families, err := m.measured.Gather()
	must(m.rig.t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, x := range f.GetMetric() {
			text := x.String()
			fits := true
			for _, l := range labels {
				fits = fits && strings.Contains(text, `"`+l+`"`)
			}
			if fits {
				value += x.GetCounter().GetValue() + x.GetGauge().GetValue()
			}
		}
	}
	return value
}

// bubbleOf runs a test of three members and witnesses in virtual time.
func bubbleOf(t *testing.T, names []string, f func(r *rig, all []*observer)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all []*observer
		var witnesses []prover.Witness
		for i, name := range names {
			o := observe(t, name, byte(0x40+i))
			all, witnesses = append(all, o), append(witnesses, o)
		}
		f(newRig(t, 3, witnesses...), all)
	})
}

func TestHeadsOnAllMembersBearTheSignatureOfAWitness(t *testing.T) {
	bubbleOf(t, []string{"w1"}, func(r *rig, all []*observer) {
		size := uint64(0)
		for range 5 {
			r.cast("p", upTo(300)...)
			size += 300
			r.all(func(m *place) { m.await("p", size, 5*time.Second) })
			time.Sleep(2 * feedMoment)
			r.all(func(m *place) {
				if got, is := m.witnessed(all[0]); got != size || !is {
					r.t.Errorf("%s serves a head of %d of %d, witnessed: %t", m.id, got, size, is)
				}
			})
		}
		if n := r.members["n1"].metric("voted_proof_witness_cosignatures_total", "w1"); n != 5 {
			r.t.Errorf("%v cosignatures are counted", n)
		}
		if n := r.members["n1"].metric("voted_proof_witness_failures_total"); n != 0 {
			r.t.Errorf("%v failures are counted", n)
		}
		// What the witness signed outlives a restart, and is not asked for again.
		before := all[0].requests()
		r.members["n1"].kill()
		r.members["n1"].start()
		time.Sleep(5 * time.Second)
		if _, is := r.members["n1"].witnessed(all[0]); !is || all[0].requests() != before {
			r.t.Errorf("after a restart the head is witnessed: %t, and %d requests were made", is, all[0].requests()-before)
		}
	})
}

// feedMoment is longer than a feeder needs for a witness that answers.
const feedMoment = 300 * time.Millisecond

func TestAWitnessThatFailsHoldsUpNeitherHeadsNorAnotherWitness(t *testing.T) {
	stranger, err := seed{0x77}.Cosigner("observer.example", "w1")
	must(t, err)
	own, err := seed{0x40}.Cosigner("observer.example", "w1")
	must(t, err)
	// A signature that is good, of another tree.
	other := proof.Checkpoint{Origin: "votes.example/p/1", Size: 7}.String()
	down := errors.New("connection refused")
	for name, c := range map[string]struct {
		how     func(*observer)
		reasons string
	}{
		"refuses the keys":              {says(403, "no key of this log\n"), "refused"},
		"does not know the log":         {says(404, "which log?\n"), "refused"},
		"has another log of this name":  {says(422, "not consistent\n"), "inconsistent"},
		"has another head of this size": {says(409, "another root\n"), "inconsistent"},
		"answers garbage":               {says(200, "hello\n"), "garbage"},
		"answers nothing":               {says(200, ""), "garbage"},
		"answers without end":           {says(200, strings.Repeat("x", 1<<20)), "garbage"},
		"signs with another key":        {says(200, stranger.Sign(other, 9).String()), "garbage"},
		"signs another tree":            {says(200, own.Sign(other, 9).String()), "garbage"},
		"fails":                         {says(500, "out of order\n"), "unreachable"},
		"is away":                       {func(o *observer) { o.silent = func(*http.Request) error { return down } }, "unreachable"},
		"hangs": {func(o *observer) {
			o.silent = func(r *http.Request) error { <-r.Context().Done(); return r.Context().Err() }
		}, "unreachable"},
		"sends the asker somewhere else":   {says(307, ""), "refused"},
		"is of a size that no log has":     {func(o *observer) { o.answer = sized("nine\n") }, "garbage"},
		"says that it is ahead of all":     {func(o *observer) { o.answer = sized("900\n") }, "other_size inconsistent"},
		"says that it has always nothing":  {func(o *observer) { o.answer = sized("0\n") }, "other_size"},
		"says that it has another size":    {func(o *observer) { o.answer = sized("3\n") }, "other_size"},
		"says a size with a leading zero ": {func(o *observer) { o.answer = sized("-1\n") }, "garbage"},
	} {
		t.Run(name, func(t *testing.T) {
			bubbleOf(t, []string{"w1", "w2"}, func(r *rig, all []*observer) {
				all[0].set(c.how)
				for i := 1; i <= 3; i++ {
					r.cast("p", upTo(10)...)
					r.all(func(m *place) { m.await("p", uint64(10*i), 2*time.Second) })
					time.Sleep(feedMoment)
					r.all(func(m *place) {
						if size, is := m.witnessed(all[1]); !is || size != uint64(10*i) {
							r.t.Errorf("%s serves a head of %d without the other witness: %t", m.id, size, is)
						}
						if _, is := m.witnessed(all[0]); is {
							r.t.Errorf("%s serves the signature of the witness that fails", m.id)
						}
					})
				}
				time.Sleep(10 * time.Second)
				n1 := r.members["n1"]
				left := n1.metric("voted_proof_witness_failures_total", "w1")
				for reason := range strings.FieldsSeq(c.reasons) {
					n := n1.metric("voted_proof_witness_failures_total", "w1", reason)
					if left -= n; n == 0 {
						r.t.Errorf("no failure is counted as %s", reason)
					}
				}
				if left != 0 {
					r.t.Errorf("%v failures are counted otherwise than as %s", left, c.reasons)
				}
				if n := all[0].requests(); n > 40 {
					r.t.Errorf("it was asked %d times in 16 s", n)
				}
				// When it works again it signs what it missed.
				all[0].set(func(o *observer) { o.answer, o.silent = nil, nil })
				time.Sleep(11 * time.Minute)
				r.cast("p", upTo(1)...)
				time.Sleep(3 * time.Second)
				if size, is := r.members["n3"].witnessed(all[0]); !is || size != 31 {
					r.t.Errorf("once it works again it has signed the head of %d: %t", size, is)
				}
			})
		})
	}
}

// sized says that the last head has a size.
func sized(text string) func(*http.Request) *http.Response {
	return func(*http.Request) *http.Response {
		rec := httptest.NewRecorder()
		rec.Header().Set("Content-Type", "text/x.tlog.size")
		rec.WriteHeader(http.StatusConflict)
		_, _ = rec.WriteString(text)
		return rec.Result()
	}
}

func TestTheNextLeaderGivesTheWitnessWhatItDoesNotHave(t *testing.T) {
	bubbleOf(t, []string{"w1"}, func(r *rig, all []*observer) {
		all[0].set(func(o *observer) { o.silent = func(*http.Request) error { return errors.New("away") } })
		r.cast("p", upTo(600)...)
		r.all(func(m *place) { m.await("p", 600, 5*time.Second) })
		if n := r.members["n1"].metric("voted_proof_witness_waiting_seconds"); n < 0 {
			r.t.Error("nothing waits for the witness")
		}
		// Given that the leader is gone, and that the witness is there again
		r.members["n1"].kill()
		all[0].set(func(o *observer) { o.silent = nil })
		r.lead("n2")
		time.Sleep(3 * time.Second)
		// then the heads that were signed before are signed by it too, on all members.
		for _, id := range []string{"n2", "n3"} {
			if size, is := r.members[id].witnessed(all[0]); !is || size != 600 {
				r.t.Errorf("%s serves a head of %d, witnessed: %t", id, size, is)
			}
		}
		// One that the witness has from another member is the beginning of what it is given next.
		r.cast("p", upTo(5)...)
		time.Sleep(3 * time.Second)
		if size, is := r.members["n3"].witnessed(all[0]); !is || size != 605 {
			r.t.Errorf("n3 serves a head of %d, witnessed: %t", size, is)
		}
	})
}

func TestAMemberThatDoesNotLeadAsksNoWitness(t *testing.T) {
	bubbleOf(t, []string{"w1"}, func(r *rig, all []*observer) {
		r.lead("")
		r.cast("p", upTo(10)...)
		// Another member stands in and collects signatures; it asks no witness for them.
		r.members["n2"].await("p", 10, 20*time.Second)
		time.Sleep(5 * time.Second)
		if n := all[0].requests(); n != 0 {
			r.t.Errorf("the witness was asked %d times", n)
		}
	})
}

func TestTheLeaderGivesAWitnessTheHeadsThatOthersCollected(t *testing.T) {
	bubbleOf(t, []string{"w1"}, func(r *rig, all []*observer) {
		// Given a leader that signs nothing, so that another member stands in for it,
		n1 := r.members["n1"]
		n1.kill()
		n1.disk.Put("proof.mark", []byte("these are no marks of proofs, but something that is as long as a slot."))
		n1.start()
		// when that member has collected a head,
		for size := uint64(10); size <= 30; size += 10 {
			r.cast("p", upTo(10)...)
			r.all(func(m *place) { m.await("p", size, 30*time.Second) })
			time.Sleep(2 * feedMoment)
			// then the leader has asked the witness, and all members serve its signature.
			r.all(func(m *place) {
				if got, is := m.witnessed(all[0]); got != size || !is {
					r.t.Errorf("%s serves a head of %d of %d, witnessed: %t", m.id, got, size, is)
				}
			})
		}
		if n := all[0].requests(); n != 3 {
			r.t.Errorf("the witness was asked %d times for 3 heads", n)
		}
	})
}

func TestAWitnessLearnsTheTurnoutOfAPollThatHidesItWhenItCloses(t *testing.T) {
	bubbleOf(t, []string{"w1"}, func(r *rig, all []*observer) {
		r.all(func(m *place) { m.boxes.hidden["p"] = true })
		for size := uint64(10); size <= 30; size += 10 {
			r.cast("p", upTo(10)...)
			r.all(func(m *place) { m.await("p", size, 5*time.Second) })
		}
		// A new leader looks through all heads; it gives this one to no witness either.
		r.lead("n2")
		time.Sleep(5 * time.Second)
		if n := all[0].requests(); n != 0 {
			r.t.Errorf("the witness was told %d times how many have voted", n)
		}
		r.all(func(m *place) { m.boxes.end("p") })
		r.all(func(m *place) { m.await("p", 31, 5*time.Second) })
		time.Sleep(2 * feedMoment)
		r.all(func(m *place) {
			if size, is := m.witnessed(all[0]); size != 31 || !is {
				r.t.Errorf("after the close %s serves a head of %d, witnessed: %t", m.id, size, is)
			}
		})
		// Polls that show their results are given as ever: see the other tests.
	})
}

// Nothing inside a cluster can notice that all of its machines were set back together.
func TestAWitnessThatHasMoreThanTheClusterIsReported(t *testing.T) {
	for name, closes := range map[string]bool{"the poll goes on": false, "the poll closes": true} {
		t.Run(name, func(t *testing.T) {
			bubbleOf(t, []string{"w1"}, func(r *rig, _ []*observer) {
				r.cast("p", upTo(300)...)
				r.all(func(m *place) { m.await("p", 300, 5*time.Second) })
				yesterday := map[string]*provertest.Disk{}
				r.all(func(m *place) { yesterday[m.id] = m.disk.Copy() })
				r.cast("p", upTo(200)...)
				r.all(func(m *place) { m.await("p", 500, 5*time.Second) })
				time.Sleep(2 * feedMoment)
				// Given machines that all go back to yesterday, and other ballots since,
				var said strings.Builder
				r.all(func(m *place) {
					m.kill()
					m.disk = yesterday[m.id]
					m.boxes.replace("1", map[string][]uint64{"p": append(upTo(300), upTo(120)...)})
				})
				r.members["n1"].logger = slog.New(slog.NewTextHandler(&said, nil))
				r.all(func(m *place) { m.start() })
				if closes {
					r.all(func(m *place) { m.boxes.end("p") })
				}
				r.all(func(m *place) { m.await("p", 420, 5*time.Second) })
				time.Sleep(15 * time.Second)
				// then the leader says that the witness has another log.
				if n := r.members["n1"].metric("voted_proof_witness_failures_total", "w1", "inconsistent"); n != 1 {
					r.t.Errorf("%v heads are counted as inconsistent", n)
				}
				r.members["n1"].kill()
				if n := strings.Count(said.String(), "A witness has cosigned another log"); n != 1 {
					r.t.Errorf("it says %d times that the witness has another log: %s", n, said.String())
				}
			})
		})
	}
}

func TestALeaderThatIsBehindForAMomentReportsNoOtherLog(t *testing.T) {
	bubbleOf(t, []string{"w1"}, func(r *rig, all []*observer) {
		// Given a head of 500 that the witness has not cosigned, and one of 700 that it has and n2 lacks,
		all[0].set(func(o *observer) { o.silent = func(*http.Request) error { return errors.New("away") } })
		r.cast("p", upTo(500)...)
		r.all(func(m *place) { m.await("p", 500, 5*time.Second) })
		r.silence("n2", true)
		all[0].set(func(o *observer) { o.silent = nil })
		for _, id := range []string{"n1", "n3"} {
			r.members[id].boxes.cast("p", upTo(200)...)
		}
		r.members["n3"].await("p", 700, 5*time.Second)
		time.Sleep(3 * time.Second)
		if _, is := r.members["n3"].witnessed(all[0]); !is {
			r.t.Fatal("the witness has not cosigned the head of 700")
		}
		// when n2 leads, and has all ballots five seconds later,
		n2, before := r.members["n2"], all[0].requests()
		r.members["n1"].kill()
		r.silence("n2", false)
		r.lead("n2")
		time.Sleep(5 * time.Second)
		if all[0].requests() == before {
			r.t.Fatal("the new leader has not asked the witness")
		}
		n2.boxes.cast("p", upTo(200)...)
		time.Sleep(20 * time.Second)
		// then nothing is wrong, and its head is cosigned.
		if size, is := n2.witnessed(all[0]); size != 700 || !is {
			r.t.Errorf("it serves a head of %d, witnessed: %t", size, is)
		}
		if n := n2.metric("voted_proof_witness_failures_total", "w1", "inconsistent"); n != 0 {
			r.t.Errorf("%v heads are counted as inconsistent", n)
		}
	})
}

// The pushed head may come to a member while it is cut off, or does not yet know with which keys the others sign.
func TestAMemberThatMissedAHeadGetsWhatTheWitnessSigned(t *testing.T) {
	bubbleOf(t, []string{"w1"}, func(r *rig, all []*observer) {
		r.cast("p", upTo(10)...)
		r.all(func(m *place) { m.await("p", 10, 5*time.Second) })
		// Given a member that is cut off while a head is made and cosigned, the last one for long,
		r.silence("n3", true)
		r.cast("p", upTo(10)...)
		r.members["n1"].await("p", 20, 5*time.Second)
		time.Sleep(2 * feedMoment)
		// when it is back, and collects signatures itself,
		r.silence("n3", false)
		r.members["n3"].await("p", 20, 30*time.Second)
		time.Sleep(2 * feedMoment)
		// then its head bears the signature of the witness, who was not asked again.
		if size, is := r.members["n3"].witnessed(all[0]); size != 20 || !is || all[0].requests() != 2 {
			r.t.Errorf("it serves a head of %d, witnessed: %t, after %d requests", size, is, all[0].requests())
		}
	})
}
