package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sabotage is a change to the product's source that lives only in one build.
type sabotage struct {
	file string // below the project's folder
	// edits are pairs of what must be there, exactly once, and what replaces it.
	edits [][2]string
}

// buildWith builds a node with a sabotaged source. It fails where the source has
// changed so that the sabotage does not apply: then the control must be renewed.
func buildWith(t *testing.T, s sabotage) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, s.file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("the sabotage does not find its source: %v", err)
	}
	source := string(text)
	for _, e := range s.edits {
		if n := strings.Count(source, e[0]); n != 1 {
			t.Fatalf("%s holds %d times, where once was expected:\n%s\nThe source has changed; this negative control must be renewed.", s.file, n, e[0])
		}
		source = strings.Replace(source, e[0], e[1], 1)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "changed.go")
	overlay := filepath.Join(dir, "overlay.json")
	plan, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{changed: []byte(source), overlay: plan} {
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	binary, err := build(t.Context(), dir, "-overlay", overlay)
	if err != nil {
		t.Fatalf("the sabotaged node does not build: %v", err)
	}
	return binary
}
