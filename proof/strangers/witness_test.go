package strangers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	formats "github.com/transparency-dev/formats/note"
	theirclient "github.com/transparency-dev/witness/client/http"
	"github.com/transparency-dev/witness/persistence/inmemory"
	theirwitness "github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"

	"voted/internal/witness"
	ours "voted/proof"
)

const witnessed = "votes.example/acme/board-2026/1"

// headOf is a head of the numbered log, as a collector of the cluster signs it.
func headOf(t *testing.T, tree ours.Tree, size uint64, members ...int) []byte {
	t.Helper()
	return headOfLog(t, witnessed, tree, size, members...)
}

func headOfLog(t *testing.T, origin string, tree ours.Tree, size uint64, members ...int) []byte {
	t.Helper()
	v, err := tree.At(size, numbered)
	must(t, err)
	root, err := v.Root()
	must(t, err)
	n := ours.Note{Text: ours.Checkpoint{Origin: origin, Size: size, Root: root}.String()}
	log, err := ours.NewLogSigner(memberSeed(members[0]), origin)
	must(t, err)
	n.Signatures = append(n.Signatures, log.Sign(n.Text, 0))
	for _, m := range members {
		s, err := ours.NewCosigner(memberSeed(m), fmt.Sprintf("votes.example/acme/n%d", m))
		must(t, err)
		n.Signatures = append(n.Signatures, s.Sign(n.Text, 1796112000))
	}
	return n.Append(nil)
}

func memberSeed(m int) (s [ours.SeedBytes]byte) {
	s[0] = byte(m)
	return s
}

// step is a head that a witness is asked to cosign.
type step struct {
	tree      ours.Tree
	old, size uint64
	members   []int
}

func (s step) path(t *testing.T) []ours.Hash {
	t.Helper()
	if s.old == 0 || s.old >= s.size {
		return nil
	}
	v, err := s.tree.At(s.size, numbered)
	must(t, err)
	path, err := v.Consistency(s.old)
	must(t, err)
	return path
}

// A witness of others cosigns the heads of our clusters for our client, and refuses what does
// not continue them.
func TestAWitnessOfOthersTakesOurHeads(t *testing.T) {
	t.Parallel()
	secret, public, err := note.GenerateKey(nil, "observer.example/w1")
	must(t, err)
	signer, err := formats.NewSignerForCosignatureV1(secret)
	must(t, err)
	log, err := ours.NewLogSigner(memberSeed(1), witnessed)
	must(t, err)
	verifier, err := note.NewVerifier(log.Verifier.String())
	must(t, err)
	w, err := theirwitness.New(t.Context(), theirwitness.Opts{
		Persistence: inmemory.New(), Signers: []note.Signer{signer},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			return verifier, origin == witnessed, nil
		},
	})
	must(t, err)
	served := httptest.NewServer(http.HandlerFunc(theirwitness.NewHTTPHandler(w).AddCheckpoint))
	defer served.Close()
	cosigner, err := formats.NewVerifierForCosignatureV1(public)
	must(t, err)
	key, err := ours.ParseVerifier(formatsKey(t, public))
	must(t, err)
	c, err := witness.NewClient(ours.PolicyWitness{Name: "w1", Key: key, URL: served.URL}, served.Client())
	must(t, err)

	tree := grown(t, 5000)
	for _, size := range []uint64{1, 256, 1000, 5000} {
		old := map[uint64]uint64{1: 0, 256: 1, 1000: 256, 5000: 1000}[size]
		head := headOf(t, tree, size, 1, 2)
		s, err := c.Add(t.Context(), old, step{tree, old, size, nil}.path(t), head)
		must(t, err)
		n, err := ours.ParseNote(head)
		must(t, err)
		n.Signatures = append(n.Signatures, s)
		if opened, err := note.Open(n.Append(nil), note.VerifierList(cosigner, verifier)); err != nil || len(opened.Sigs) != 2 {
			t.Errorf("with the witness's signature the head of %d is read as %+v, %v", size, opened, err)
		}
	}
	// What it refuses our client tells apart.
	var size *witness.SizeError
	if _, err := c.Add(t.Context(), 0, nil, headOf(t, tree, 5000, 1, 2)); !errors.As(err, &size) || size.Size != 5000 {
		t.Errorf("without its size: %v", err)
	}
	var refused *witness.RefusedError
	if _, err := c.Add(t.Context(), 0, nil, headOfLog(t, "votes.example/acme/lunch/1", tree, 5000, 1, 2)); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
		t.Errorf("of a log that it does not watch: %v", err)
	}
	wrong := step{tree, 4000, 4999, nil}.path(t)
	bigger := grown(t, 5100)
	if _, err := c.Add(t.Context(), 5000, wrong, headOf(t, bigger, 5100, 1, 2)); !errors.Is(err, witness.ErrInconsistent) {
		t.Errorf("with a proof of something else: %v", err)
	}
}

// formatsKey is the key of a cosigner as policies have it: theirs is of the type of logs.
func formatsKey(t *testing.T, public string) string {
	t.Helper()
	v, err := note.NewVerifier(public)
	must(t, err)
	ed, err := ours.ParseVerifier(public)
	must(t, err)
	k, err := ours.NewVerifier(v.Name(), ours.Cosignature, ed.Public())
	must(t, err)
	return k.String()
}

// A feeder of others is served by our witness.
func TestOurWitnessServesAClientOfOthers(t *testing.T) {
	t.Parallel()
	policy := &ours.Policy{Quorum: "members", Groups: []ours.PolicyGroup{{Name: "members", Need: 2, Members: []string{"n1", "n2", "n3"}}}}
	for m := 1; m <= 3; m++ {
		log, err := ours.NewLogSigner(memberSeed(m), witnessed)
		must(t, err)
		c, err := ours.NewCosigner(memberSeed(m), fmt.Sprintf("votes.example/acme/n%d", m))
		must(t, err)
		policy.Logs = append(policy.Logs, ours.PolicyLog{Key: log.Verifier})
		policy.Witnesses = append(policy.Witnesses, ours.PolicyWitness{Name: fmt.Sprintf("n%d", m), Key: c.Verifier})
	}
	signer, err := ours.NewCosigner(memberSeed(9), "observer.example/w1")
	must(t, err)
	dir, err := witness.OpenDir(t.TempDir())
	must(t, err)
	w, err := witness.New(policy, "votes.example/acme/", signer, dir, func() uint64 { return 1796112001 })
	must(t, err)
	served := httptest.NewServer(w.Handler(slog.New(slog.DiscardHandler), nil))
	defer served.Close()
	at, err := url.Parse(served.URL)
	must(t, err)
	client := theirclient.NewWitness(at, served.Client())

	tree := grown(t, 5000)
	ask := func(s step) ([]byte, uint64, error) {
		var path [][]byte
		for _, h := range s.path(t) {
			path = append(path, h[:])
		}
		return client.Update(t.Context(), s.old, headOf(t, s.tree, s.size, s.members...), path)
	}
	for _, s := range []step{{tree, 0, 1000, []int{1, 2}}, {tree, 1000, 5000, []int{3, 2}}} {
		lines, _, err := ask(s)
		must(t, err)
		n, err := ours.ParseNote(append(headOf(t, s.tree, s.size, s.members...), lines...))
		must(t, err)
		if good, err := n.Verify(signer.Verifier); err != nil || len(good) != 1 {
			t.Errorf("their client got %q: %v", lines, err)
		}
	}
	for name, c := range map[string]struct {
		step
		want error
	}{
		"another size":     {step{tree, 1000, 5000, []int{1, 2}}, theirwitness.ErrCheckpointStale},
		"one member alone": {step{tree, 5000, 5000, []int{1}}, theirwitness.ErrNoValidSignature},
	} {
		if _, size, err := ask(c.step); !errors.Is(err, c.want) || errors.Is(err, theirwitness.ErrCheckpointStale) && size != 5000 {
			t.Errorf("%s: their client reads %d, %v", name, size, err)
		}
	}
}
