// Package overlay builds the programs of the project: as they are, or with a source
// that was changed for this one build, for a negative control or a clock that jumps.
// The files on disk stay as they are.
package overlay

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Edit is a change to one file of the product.
type Edit struct {
	File string // path below the project's folder; an absolute one is a file of the toolchain
	// Old must be in the file exactly once; New replaces it.
	Old, New string
}

// write puts the changed files and the plan of the overlay into dir.
func write(root, dir string, edits []Edit) (plan string, err error) {
	texts := map[string]string{}
	for _, e := range edits {
		path := e.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(root, e.File)
		}
		source, ok := texts[path]
		if !ok {
			b, err := os.ReadFile(path)
			if err != nil {
				return "", fmt.Errorf("the edit does not find its source: %w", err)
			}
			source = string(b)
		}
		if n := strings.Count(source, e.Old); n != 1 {
			return "", fmt.Errorf("%s must hold this once, and holds it %d times:\n%s\nthe source has changed; this edit must be renewed", e.File, n, e.Old)
		}
		texts[path] = strings.Replace(source, e.Old, e.New, 1)
	}
	replace := map[string]string{}
	for path, text := range texts {
		changed := filepath.Join(dir, fmt.Sprintf("changed-%d.go", len(replace)+1))
		if err := os.WriteFile(changed, []byte(text), 0o644); err != nil {
			return "", err
		}
		replace[path] = changed
	}
	b, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return "", err
	}
	plan = filepath.Join(dir, "overlay.json")
	return plan, os.WriteFile(plan, b, 0o644)
}
