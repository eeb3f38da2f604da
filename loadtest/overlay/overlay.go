// Package overlay builds a node whose source was changed for this one build: a
// negative control, or a clock that jumps. The files on disk stay as they are.
package overlay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Edit is a change to one file of the product.
type Edit struct {
	File string // below the project's folder, or absolute: of the toolchain
	// Old must be in the file exactly once; New replaces it.
	Old, New string
}

// Root returns the project's folder, in or above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module voted\n") {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("the project's folder is not here; run from inside a checkout")
		}
		dir = up
	}
}

// Build compiles the node with the edits into dir and returns the path of the
// binary. An edit whose Old is not there exactly once is an error: the source has
// changed, and the control must be renewed. No edits: the node as it is.
func Build(ctx context.Context, dir string, edits ...Edit) (string, error) {
	return BuildPackage(ctx, dir, "voted/cmd/voted", edits...)
}

// BuildPackage is Build of another main package.
func BuildPackage(ctx context.Context, dir, pkg string, edits ...Edit) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, filepath.Base(pkg))
	args := []string{"build", "-o", to}
	if len(edits) > 0 {
		plan, err := write(root, dir, edits)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", plan)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s cannot be built (%w):\n%s", pkg, errors.Join(err, ctx.Err()), out)
	}
	return to, nil
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
			return "", fmt.Errorf("%s holds %d times, where once was expected:\n%s\nthe source has changed; this edit must be renewed", e.File, n, e.Old)
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
