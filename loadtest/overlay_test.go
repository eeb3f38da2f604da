package main

import (
	"testing"

	"voted/loadtest/overlay"
)

// buildWith builds a node with a sabotaged source.
func buildWith(t *testing.T, edits ...overlay.Edit) string {
	t.Helper()
	binary, err := overlay.Build(t.Context(), t.TempDir(), edits...)
	if err != nil {
		t.Fatalf("the negative control cannot be made: %v", err)
	}
	return binary
}
