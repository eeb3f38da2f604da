package main

import (
	"testing"

	"voted/loadtest/overlay"
)

// sabotage is a change to the product's source that lives only in one build.
type sabotage struct {
	file string // below the project's folder
	// edits are pairs of what must be there, exactly once, and what replaces it.
	edits [][2]string
}

// buildWith builds a node with a sabotaged source.
func buildWith(t *testing.T, s sabotage) string {
	t.Helper()
	var edits []overlay.Edit
	for _, e := range s.edits {
		edits = append(edits, overlay.Edit{File: s.file, Old: e[0], New: e[1]})
	}
	binary, err := overlay.Build(t.Context(), t.TempDir(), edits...)
	if err != nil {
		t.Fatalf("the negative control cannot be made: %v", err)
	}
	return binary
}
