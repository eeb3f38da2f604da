package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"voted/client"
	"voted/proof"
)

// promise is the member of an answer with the promise of ballot number n for the voter, by key.
func (b board) promise(n uint64, key proof.Signer) string {
	nonce := proof.VoterNonce([16]byte{1}, b.voter)
	e := proof.BallotEntry{Key: proof.VoterKey(nonce, b.voter), Supersedes: 3, Seal: proof.Hash{5}}
	note := proof.Promise{Origin: b.policy.Logs[0].Key.Name(), Number: n, Leaf: e.Leaf()}.Sign(key)
	return fmt.Sprintf(`,"promise":{"note":%s,"key_nonce":%s,"supersedes":3,"seal":%q}`, quotedJSON(string(note)), quotedBytes(nonce[:]), e.Seal)
}

func quotedBytes(b []byte) string {
	var h proof.Hash
	copy(h[:], b)
	return `"` + h.String()[:22] + `=="` // of 16 bytes: the rest is zero
}

func TestACastReturnsOnlyWithAPromiseThatWasChecked(t *testing.T) {
	t.Parallel()
	b := newBoard(t, "p", "v", 1)
	stranger, other, another := newBoard(t, "p", "v", 2), newBoard(t, "q", "v", 1), newBoard(t, "p", "w", 1)
	good := b.promise(7, b.signers[0])
	for name, c := range map[string]struct {
		answer string
		want   error // nil: it is returned
	}{
		"a good promise":                  {good, nil},
		"signed by a stranger":            {b.promise(7, stranger.signers[0]), proof.ErrUnsigned},
		"signed by a member's own key":    {b.promise(7, b.signers[1]), proof.ErrUnsigned},
		"changed under its signature":     {strings.Replace(good, `\n7\n`, `\n8\n`, 1), proof.ErrSignature},
		"of another poll":                 {other.promise(7, other.signers[0]), proof.ErrOrigin},
		"of another voter":                {another.promise(7, another.signers[0]), proof.ErrVoter},
		"of another ballot":               {b.promise(6, b.signers[0]), proof.ErrNotInTree},
		"another seal beside it":          {strings.Replace(good, `"seal":"B`, `"seal":"C`, 1), proof.ErrVoter},
		"another predecessor beside it":   {strings.Replace(good, `"supersedes":3`, `"supersedes":0`, 1), proof.ErrVoter},
		"a nonce that is cut":             {strings.Replace(good, `"key_nonce":"`, `"key_nonce":"AAA=","x":"`, 1), proof.ErrMalformed},
		"no promise but something else":   {`,"promise":{"note":"none"}`, proof.ErrMalformed},
		"a node that makes none says why": {``, proof.ErrMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if !slices.Contains(r.Header.Values("Prefer"), "promise") || slices.Contains(r.Header.Values("Prefer"), "proof") {
					t.Errorf("Prefer is %q", r.Header.Values("Prefer"))
				}
				answerJSON(w, 201, b.receipt(c.answer))
			})
			cl := newClient(t, []string{url}, client.WithPromise(newBoard(t, "p", "v", 3).policy, newBoard(t, "elsewhere", "v", 3).policy, b.policy))
			r, err := cl.Cast(t.Context(), "p", "v", client.Choose("a"))
			if r.Ballot != 7 || !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("%+v, %v; want %v", r, err, c.want)
			}
			var failed *client.PromiseError
			if c.want != nil && (!errors.As(err, &failed) || failed.Receipt.Ballot != 7 || !strings.Contains(err.Error(), "is counted")) {
				t.Errorf("the error does not say that the ballot is counted: %v", err)
			}
			if c.want == nil && (r.Promise == nil || !strings.HasPrefix(r.Promise.Note, "voted promise v1\nvotes.example/p/1\n7\n")) {
				t.Errorf("the promise is %+v", r.Promise)
			}
		})
	}
}

// Two voters must not be shown one ballot, also where the receipt names the other one.
func TestAnAnswerAboutAnotherVoterIsNoProofAndNoPromise(t *testing.T) {
	t.Parallel()
	b, another := newBoard(t, "p", "v", 1), newBoard(t, "p", "w", 1)
	answer := another.receipt(another.promise(7, another.signers[0]) + `,"proof":` + quotedJSON(another.proof(t, 7, 3)))
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 201, answer) })
	for name, option := range map[string]client.Option{"proof": client.WithProof(b.policy), "promise": client.WithPromise(b.policy)} {
		cl := newClient(t, []string{url}, option)
		if r, err := cl.Cast(t.Context(), "p", "v", client.Choose("a")); !errors.Is(err, proof.ErrVoter) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if r, err := cl.Cast(t.Context(), "p", "w", client.Choose("a")); err != nil || r.Ballot != 7 {
			t.Errorf("%s, for the voter that it is about: %+v, %v", name, r, err)
		}
	}
}

func TestAPolicyOfPromisesThatIsNilIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := client.New([]string{"http://127.0.0.1:1"}, client.WithPromise(nil)); err == nil || !strings.Contains(err.Error(), "WithPromise") {
		t.Errorf("got %v", err)
	}
}
