package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"voted/proof"
)

func TestABackupIsHeldAgainstAHeadThatWasSigned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoint := startCluster(t, 1, "").Endpoints()[0]
	backup := filepath.Join(dir, "board.backup")
	follow(t, []string{endpoint}, []step{
		{"poll create board ann bo", 0, nil},
		{"cast board v1 ann", 0, nil},
		{"backup " + backup, 0, nil},
	})
	// The head of the definition alone, as an auditor can compute it.
	var first struct{ Entry []byte }
	line, _, _ := strings.Cut(voted("export", "board", "--audit", "--endpoint", endpoint).out, "\n")
	if err := json.Unmarshal([]byte(line), &first); err != nil {
		t.Fatal(err)
	}
	seed := [proof.SeedBytes]byte{1}
	head := func(name, origin string, size uint64, root proof.Hash) string {
		s, err := proof.NewLogSigner(seed, origin)
		if err != nil {
			t.Fatal(err)
		}
		text := proof.Checkpoint{Origin: origin, Size: size, Root: root}.String()
		n := proof.Note{Text: text, Signatures: []proof.Signature{s.Sign(text, 0)}}
		return write(t, filepath.Join(dir, name), string(n.Append(nil)))
	}
	const origin = "votes.example/board/1"
	good := head("good", origin, 1, proof.LeafHash(first.Entry))
	golden := func(name string) string { return filepath.Join("..", "..", "proof", "testdata", "golden", name) }
	for line, want := range map[string]struct {
		code int
		says string
	}{
		" --against " + good:                                                    {0, "The backup has all that was signed of " + origin + ": 1 of 1 entries."},
		" --against " + good + " --json":                                        {0, `"whole":true`},
		" --against " + head("other", origin, 1, proof.Hash{}):                  {1, "has other entries than the 1 that were signed"},
		" --against " + head("more", origin, 9, proof.Hash{}):                   {1, "has 2 of the 9 entries that were signed: restoring it drops 7"},
		" --against " + head("more", origin, 9, proof.Hash{}) + " --json":       {1, `"held":2`},
		" --against " + head("gone", "votes.example/lunch/1", 1, proof.Hash{}):  {1, "does not have the poll lunch"},
		" --against " + head("past", "votes.example/board/r9", 1, proof.Hash{}): {1, "of the history r9"},
		" --against " + good + " --policy " + golden("board-2026.policy"):       {1, "is not to be trusted"},
		" --against " + golden("counted.tlog-proof"):                            {2, "is no head of a log"},
		" --against " + filepath.Join(dir, "none"):                              {2, "none"},
		" --policy " + golden("board-2026.policy"):                              {2, "--policy is for --against"},
		" --against " + good + " --policy " + golden("counted.tlog-proof"):      {2, "cannot be used"},
	} {
		got := voted(strings.Fields("verify backup " + backup + line)...)
		if got.code != want.code || !strings.Contains(got.out+got.errout, want.says) {
			t.Errorf("`verify backup%s` exits %d, want %d and %q:\n%s%s", line, got.code, want.code, want.says, got.out, got.errout)
		}
	}
}
