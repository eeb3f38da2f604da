// Package toolchain builds the programs that a measurement needs, out of the
// checkout that it runs in.
package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Root returns the directory of the checkout that the working directory is in.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("the programs to measure are built with go, which does not run: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if mod == "" || mod == os.DevNull {
		return "", errors.New("the programs to measure are built from source: start this inside the checkout")
	}
	root := filepath.Dir(mod)
	// A module inside the checkout, such as that of the peers' clients, has a
	// parent that is meant.
	for dir := root; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "cmd", "voted")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not the checkout of voted: start this inside it", root)
		}
	}
}

// Build compiles a package, named relative to its module's directory, as a program
// into dir.
func Build(ctx context.Context, module, pkg, dir string) (string, error) {
	// "." stands for the module's own directory.
	path := filepath.Join(dir, filepath.Base(filepath.Join(module, pkg)))
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, pkg)
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s in %s cannot be built: %w\n%s", pkg, module, errors.Join(err, ctx.Err()), out)
	}
	return path, nil
}
