package main

import (
	"encoding/hex"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"voted/proof"
)

// goldenLog serves the golden log of package proof as a node does.
func goldenLog(t *testing.T, checkpoint string) *httptest.Server {
	t.Helper()
	golden := filepath.Join("..", "..", "proof", "testdata", "golden")
	text, err := os.ReadFile(filepath.Join(golden, "entries"))
	if err != nil {
		t.Fatal(err)
	}
	var entries [][]byte
	for line := range strings.Lines(string(text)) {
		b, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, b)
	}
	source := func(from, to uint64) iter.Seq[[]byte] { return slices.Values(entries[from:to]) }
	note, err := os.ReadFile(filepath.Join(golden, checkpoint))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, "/v1/polls/board-2026/log/")
		switch tile, err := proof.ParseTilePath(name); {
		case !ok:
			http.NotFound(w, r)
		case name == "checkpoint":
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write(note)
		case name == "definition":
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write([]byte("the canonical definition"))
		case err == nil && tile.Level == proof.EntryBundle:
			var b []byte
			for e := range source(tile.Number*proof.TileWidth, tile.Number*proof.TileWidth+uint64(tile.Width)) {
				b, _ = proof.AppendBundle(b, e)
			}
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write(b)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestAMirrorIsALogThatVerifies(t *testing.T) {
	t.Parallel()
	policy := filepath.Join("..", "..", "proof", "testdata", "golden", "board-2026.policy")
	dir := filepath.Join(t.TempDir(), "log")
	for _, c := range []struct{ checkpoint, says string }{
		{"checkpoint-200", "199 records, 199 voters, 0 replaced."},
		{"checkpoint-302", "300 records, 290 voters, 10 replaced. The poll is closed, and nothing follows."},
	} {
		got := voted("mirror", "board-2026", dir, "--policy", policy, "--endpoint", goldenLog(t, c.checkpoint).URL)
		if got.code != 0 || !strings.HasPrefix(got.out, c.says) {
			t.Fatalf("the mirror exits %d and says %s%s", got.code, got.out, got.errout)
		}
		if again := voted("verify", "log", dir, "--policy", policy); again.code != 0 || again.out != got.out {
			t.Fatalf("verify log exits %d and says %s%s", again.code, again.out, again.errout)
		}
	}
	other := voted("mirror", "lunch", dir, "--policy", policy, "--endpoint", goldenLog(t, "checkpoint-302").URL, "--timeout", "1s")
	if other.code == 0 {
		t.Errorf("the log of a poll that is not there: %s", other.out)
	}
}
