package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"voted/client"
	"voted/proof"
)

// board is a log of one ballot, the seventh, as two of three members sign it.
type board struct {
	poll, voter string
	policy      *proof.Policy
	signers     []proof.Signer // the log's first
}

func newBoard(t *testing.T, poll, voter string, keys byte) board {
	t.Helper()
	b := board{poll: poll, voter: voter, policy: &proof.Policy{Quorum: "members"}}
	origin := proof.Origin{Log: "votes.example", Poll: poll, Lineage: "1"}
	log, err := proof.NewLogSigner([32]byte{keys}, origin.String())
	must(t, err)
	b.signers = append(b.signers, log)
	b.policy.Logs = []proof.PolicyLog{{Key: log.Verifier}}
	group := proof.PolicyGroup{Name: "members", Need: 2}
	for i, name := range []string{"n1", "n2", "n3"} {
		c, err := proof.NewCosigner([32]byte{keys, byte(i)}, "votes.example/"+name)
		must(t, err)
		b.signers = append(b.signers, c)
		b.policy.Witnesses = append(b.policy.Witnesses, proof.PolicyWitness{Name: name, Key: c.Verifier})
		group.Members = append(group.Members, name)
	}
	b.policy.Groups = []proof.PolicyGroup{group}
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// proof is that of ballot number n for the voter, with so many cosignatures.
func (b board) proof(t *testing.T, n uint64, cosigned int) string {
	t.Helper()
	r := proof.Receipt{Poll: b.poll, Voter: b.voter, Number: n}
	r.KeyNonce = proof.VoterNonce([16]byte{1}, b.voter)
	r.Ballot.Key = proof.VoterKey(r.KeyNonce, b.voter)
	leaves := func(from, to uint64) iter.Seq[[]byte] {
		return func(yield func([]byte) bool) {
			for i := from; i < to; i++ {
				entry := fmt.Appendf(nil, "entry %d", i)
				if i == n {
					entry = r.Ballot.Append(nil)
				}
				if !yield(entry) {
					return
				}
			}
		}
	}
	size := max(n, 7) + 1
	v, err := proof.Tree{}.At(size, leaves)
	must(t, err)
	root, err := v.Root()
	must(t, err)
	r.Path, err = v.Inclusion(n)
	must(t, err)
	note := proof.Note{Text: proof.Checkpoint{Origin: b.policy.Logs[0].Key.Name(), Size: size, Root: root}.String()}
	for _, s := range b.signers[:1+cosigned] {
		note.Signatures = append(note.Signatures, s.Sign(note.Text, 1))
	}
	r.Checkpoint = note.Append(nil)
	return string(r.Append(nil))
}

// receipt is the answer to a cast, with these further members.
func (b board) receipt(more string) string {
	return fmt.Sprintf(`{"poll":%q,"voter":%q,"outcome":"counted","version":1,"ballot":7,"index":12,"cast_at":"2026-12-01T08:00:03.125Z"%s}`, b.poll, b.voter, more)
}

func quotedJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestACastReturnsOnlyWithAProofThatWasChecked(t *testing.T) {
	t.Parallel()
	b := newBoard(t, "p", "v", 1)
	stranger, other, another := newBoard(t, "p", "v", 2), newBoard(t, "q", "v", 1), newBoard(t, "p", "w", 1)
	good := b.proof(t, 7, 2)
	for name, c := range map[string]struct {
		answer string
		want   error // nil: it is returned
	}{
		"a good proof":                         {`,"proof":` + quotedJSON(good), nil},
		"one signature too few":                {`,"proof":` + quotedJSON(b.proof(t, 7, 1)), proof.ErrQuorum},
		"signed by others":                     {`,"proof":` + quotedJSON(stranger.proof(t, 7, 3)), proof.ErrUnsigned},
		"of another poll":                      {`,"proof":` + quotedJSON(other.proof(t, 7, 3)), proof.ErrOrigin},
		"of another voter":                     {`,"proof":` + quotedJSON(another.proof(t, 7, 3)), proof.ErrVoter},
		"of another ballot":                    {`,"proof":` + quotedJSON(b.proof(t, 6, 3)), proof.ErrSuperseded},
		"of a ballot that was moved":           {`,"proof":` + quotedJSON(strings.Replace(good, "index 7", "index 6", 1)), proof.ErrNotInTree},
		"no proof but something else":          {`,"proof":"none"`, proof.ErrMalformed},
		"a node that keeps no logs says none":  {``, client.CodeNotFound},
		"a node that has a proof after a time": {`,"proof_pending":true`, client.CodeNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					answerProblem(w, 404, "not_found")
					return
				}
				if got := r.Header.Values("Prefer"); len(got) != 2 || got[1] != "proof" {
					t.Errorf("Prefer is %q", got)
				}
				answerJSON(w, 201, b.receipt(c.answer))
			})
			cl := newClient(t, []string{url}, client.WithProof(newBoard(t, "elsewhere", "v", 3).policy, b.policy))
			r, err := cl.Cast(t.Context(), "p", "v", client.Choose("a"))
			if r.Ballot != 7 || !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("%+v, %v; want %v", r, err, c.want)
			}
			var failed *client.ProofError
			if c.want != nil && (!errors.As(err, &failed) || failed.Receipt.Ballot != 7 || !strings.Contains(err.Error(), "is counted")) {
				t.Errorf("the error does not say that the ballot is counted: %v", err)
			}
			if c.want == nil && r.Proof != good {
				t.Errorf("the proof is %q", r.Proof)
			}
		})
	}
}

func answerProof(w http.ResponseWriter, file string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, file)
}

func TestAProofThatItsWitnessesSignAMomentLaterIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBoard(t, "p", "v", 1)
	early, late := b.proof(t, 7, 1), b.proof(t, 7, 2)
	var asked atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet:
			answerJSON(w, 201, b.receipt(`,"proof":`+quotedJSON(early)))
		case asked.Add(1) == 1:
			answerProof(w, early)
		default:
			answerProof(w, late)
		}
	})
	r, err := newClient(t, []string{url}, client.WithProof(b.policy)).Cast(t.Context(), "p", "v", client.Choose("a"))
	if err != nil || r.Proof != late || asked.Load() != 2 {
		t.Errorf("after %d more requests: %+v, %v", asked.Load(), r, err)
	}
}

func TestAProofThatComesLaterIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBoard(t, "p", "v", 1)
	var asked atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			answerJSON(w, 201, b.receipt(`,"proof_pending":true`))
		case r.URL.Path != "/v1/polls/p/ballots/v/proof" || r.Header.Get("Accept") != "text/plain":
			answerProblem(w, 400, "malformed_request")
		case asked.Add(1) < 3:
			answerProblem(w, 503, "proof_pending")
		default:
			answerProof(w, b.proof(t, 7, 2))
		}
	})
	cl := newClient(t, []string{url}, client.WithProof(b.policy), unhedged(), client.WithRetryPolicy(client.RetryPolicy{MaxDelay: time.Millisecond}))
	r, err := cl.Cast(t.Context(), "p", "v", client.Choose("a"))
	if err != nil || r.Proof == "" || asked.Load() != 3 {
		t.Errorf("%+v, %v after %d tries", r, err, asked.Load())
	}
}

func TestWaitingForAProofCostsNoBudgetAndBreaksNoCircuit(t *testing.T) {
	t.Parallel()
	b := newBoard(t, "p", "v", 1)
	// given a client that may try again once, and leaves a node after two failures
	policy := client.RetryPolicy{MaxDelay: time.Millisecond, BudgetRatio: 1e-9, BudgetPerSecond: 1e-9, BudgetBurst: 1, BreakerFailures: 2}
	for code, want := range map[string]bool{"proof_pending": true, "unavailable": false} {
		var asked, broken atomic.Int32
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) < 20 {
				answerProblem(w, 503, code)
				return
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, b.proof(t, 7, 2))
		})
		cl := newClient(t, []string{url}, unhedged(), client.WithRetryPolicy(policy), client.WithHooks(client.Hooks{
			OnBreaker: func(string, client.BreakerState) { broken.Add(1) },
		}))
		// when the proof is there at the twentieth try
		_, err := cl.Proof(t.Context(), "p", "v")
		// then it is waited for, and a node that is at fault is not
		if (err == nil) != want || want && broken.Load() > 0 {
			t.Errorf("%s: %v after %d tries, with %d changes of the breaker", code, err, asked.Load(), broken.Load())
		}
	}
}

func TestProofsOfManyVotersComeInTheirOrder(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/x-ndjson")
		for i, line := range strings.Split(strings.TrimSpace(string(body)), "\n") {
			if strings.Contains(line, "none") {
				fmt.Fprintf(w, `{"line":%d,"code":"ballot_not_found","detail":"D"}`+"\n", i+1)
				continue
			}
			fmt.Fprintf(w, `{"line":%d,"voter":"v","proof":%s}`+"\n", i+1, quotedJSON("of "+line))
		}
	})
	cl := newClient(t, []string{url})
	voters := []string{"none"}
	for i := range 1500 {
		voters = append(voters, fmt.Sprint("v", i))
	}
	n := 0
	for p, err := range cl.Proofs(t.Context(), "p", voters) {
		must(t, err)
		if p.Voter != voters[n] {
			t.Fatalf("answer %d is of %s", n, p.Voter)
		}
		if missing := errors.Is(p.Err, client.CodeBallotNotFound); missing != (n == 0) || !missing && string(p.Proof) != `of {"voter":"`+p.Voter+`"}` {
			t.Fatalf("%s: %q, %v", p.Voter, p.Proof, p.Err)
		}
		n++
	}
	if n != len(voters) {
		t.Errorf("%d answers", n)
	}
}

func TestAnswersForProofsThatAreCutShortAreNotTaken(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"fewer lines":     `{"line":1,"voter":"a","proof":"x"}` + "\n",
		"half a line":     `{"line":1,"voter":"a","proof":"x"}` + "\n" + `{"line":2,"voter":"b","pro`,
		"the wrong order": `{"line":2,"voter":"b","proof":"x"}` + "\n" + `{"line":1,"voter":"a","proof":"x"}` + "\n",
	} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-ndjson")
			_, _ = io.WriteString(w, body)
		})
		cl := newClient(t, []string{url}, client.WithRetryPolicy(client.RetryPolicy{MaxAttempts: 1}))
		for p, err := range cl.Proofs(t.Context(), "p", []string{"a", "b"}) {
			if err == nil {
				t.Errorf("%s: %+v was taken", name, p)
			}
		}
	}
}

func TestAPolicyThatIsNilIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := client.New([]string{"http://127.0.0.1:1"}, client.WithProof(nil)); err == nil || !strings.Contains(err.Error(), "policy") {
		t.Errorf("%v", err)
	}
}
