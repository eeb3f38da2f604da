package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"voted/internal/poll"
	"voted/internal/proofkey"
	"voted/internal/prover"
	"voted/proof"
)

const testLogName = "votes.example/acme"

// withLogs gives the nodes of a cluster keys of their own.
func withLogs(t *testing.T) (change func(o *Options), keys map[string]proofkey.Key) {
	t.Helper()
	keys, dir := map[string]proofkey.Key{}, t.TempDir()
	return func(o *Options) {
		k, err := proofkey.New()
		must(t, err)
		b, err := k.PEM()
		must(t, err)
		keys[o.ID] = k
		o.LogName, o.ProofKey = testLogName, filepath.Join(dir, o.ID+".proof.key")
		must(t, os.WriteFile(o.ProofKey, b, 0o600))
	}, keys
}

// checkHead checks that a majority of the three keys signed a head, and that its leaves are
// those of a box.
func checkHead(t *testing.T, s *Server, keys map[string]proofkey.Key, h prover.Head) {
	t.Helper()
	note, err := proof.ParseNote(h.Note)
	must(t, err)
	var cosigners []proof.Verifier
	for id, k := range keys {
		key, err := k.Cosigner(testLogName, id)
		must(t, err)
		cosigners = append(cosigners, key.Verifier)
	}
	if good, err := note.Verify(cosigners...); err != nil || len(good) < 2 {
		t.Fatalf("%d members signed, %v: %s", len(good), err, h.Note)
	}
	var c poll.Capture
	s.Node().Read(func(st *poll.State) { c, _, _ = st.Capture(h.Origin.Poll) })
	v, err := s.prover.View(t.Context(), h)
	must(t, err)
	n := uint64(0)
	for e := range c.Leaves(0, h.Size) {
		path, err := v.Inclusion(n)
		must(t, err)
		must(t, proof.CheckInclusion(h.Root, h.Size, n, proof.LeafHash(e), path))
		n++
	}
	if n != h.Size {
		t.Errorf("a head of %d leaves over a box of %d", h.Size, n)
	}
}

func awaitHead(t *testing.T, s *Server, size uint64) prover.Head {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	h, err := s.prover.Await(ctx, "board", size-1)
	if err != nil {
		t.Fatalf("%s has no head of %d leaves: %v", s.opts.ID, size, err)
	}
	return h
}

// The leader dies with ballots under way: each acknowledged one is under a head that a majority
// signed, on every node that lives, and no two heads exclude each other.
func TestHeadsGoOnWhenTheLeaderDies(t *testing.T) {
	t.Parallel()
	change, keys := withLogs(t)
	c := newTrio(t, change)
	follower, leader := c.places()
	c.do(follower, "PUT", "/v1/polls/board", `{"title":"Board","options":["ann","bo"]}`)
	cast := func(from, to int) {
		for i := from; i < to; i++ {
			c.do(follower, "PUT", fmt.Sprintf("/v1/polls/board/ballots/v%d", i), `{"selections":["ann"]}`)
		}
	}
	cast(0, 300)
	first := awaitHead(t, c.nodes[follower], 301)
	checkHead(t, c.nodes[follower], keys, first)

	cast(300, 320)
	c.nodes[leader].Node().Fail(errors.New("killed by the test"))
	cast(320, 340)
	c.do(follower, "POST", "/v1/polls/board/close", "")
	for id, s := range c.nodes {
		if id == leader {
			continue
		}
		h := awaitHead(t, s, 342)
		checkHead(t, s, keys, h)
		v, err := s.prover.View(t.Context(), h)
		must(t, err)
		path, err := v.Consistency(first.Size)
		must(t, err)
		must(t, proof.CheckConsistency(first.Size, h.Size, first.Root, h.Root, path))
		if forked := s.prover.Forked(); len(forked) > 0 {
			t.Errorf("%s says that logs are forked: %v", id, forked)
		}
	}
}

func TestANodeWithoutALogNameKeepsNoFilesOfLogs(t *testing.T) {
	t.Parallel()
	c := newTrio(t, func(*Options) {})
	for _, s := range c.nodes {
		for _, name := range []string{"proof.mark", "proof.heads"} {
			if _, err := os.Stat(filepath.Join(s.opts.DataDir, name)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s has %s: %v", s.opts.ID, name, err)
			}
		}
	}
}
