package overlay

import (
	"path/filepath"
	"testing"
)

func TestEveryPlantedBugFindsItsSource(t *testing.T) {
	t.Parallel()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	for name, edits := range map[string][]Edit{
		"no deduplication":      {NoDeduplication},
		"early acknowledgement": {EarlyAcknowledgement},
		"wrong proof":           {WrongProof},
		"no greeting":           NoGreeting,
		"no hold":               {NoHold},
		"no flush":              NoFlush,
		"resurrected tail":      ResurrectedTail,
		"early match":           {EarlyMatch},
		"alone behind":          {AloneBehind},
		"no assurance":          {NoAssurance},
		"a stop at the mark":    StopAtMark,
	} {
		if _, err := write(root, t.TempDir(), edits); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnEditWhoseSourceHasChangedIsRefused(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]Edit{
		"not there":        {File: "go.mod", Old: "module novel\n", New: ""},
		"there often":      {File: "go.mod", Old: "\n", New: ""},
		"without a file":   {File: "internal/novel.go", Old: "x", New: "y"},
		"of the toolchain": {File: filepath.Join(t.TempDir(), "time.go"), Old: "x", New: "y"},
	} {
		if program, err := Build(t.Context(), t.TempDir(), Node, e); err == nil {
			t.Errorf("an edit that is %s was built, as %s", name, program)
		}
	}
}
