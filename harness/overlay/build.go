package overlay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

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

// Node is the folder of voted's own main package, for Build.
const Node = "cmd/voted"

// Build compiles the main package in a folder of the project, such as Node, with the
// edits into dir, and returns the path of the program. An edit whose Old is not there
// exactly once is an error: the source has changed, and the edit must be renewed.
// Without edits the program is what the source says.
func Build(ctx context.Context, dir, folder string, edits ...Edit) (string, error) {
	return compile(ctx, []string{"build"}, dir, folder, edits)
}

// Tests is Build for the tests of a package. The program is to be run in the folder.
func Tests(ctx context.Context, dir, folder string, edits ...Edit) (string, error) {
	return compile(ctx, []string{"test", "-c"}, dir, folder, edits)
}

func compile(ctx context.Context, args []string, dir, folder string, edits []Edit) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, filepath.Base(folder))
	args = append(args, "-o", program)
	if len(edits) > 0 {
		plan, err := write(root, dir, edits)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", plan)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, ".")...)
	// In the folder itself: it may have a module of its own.
	cmd.Dir = filepath.Join(root, folder)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s cannot be built (%w):\n%s", folder, errors.Join(err, ctx.Err()), out)
	}
	return program, nil
}
