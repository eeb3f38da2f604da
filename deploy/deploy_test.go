package deploy

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tool returns a program's path, or skips the test with what is missing.
func tool(t *testing.T, name, from string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not on this machine; it is in Debian's package %s", name, from)
	}
	return path
}

// run runs a program in this folder and returns what it printed.
func run(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	return string(out), err
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// maxExposure is what systemd-analyze may give the unit, of 100: it talks to the
// network and reads the host's files, and may do nothing else.
const maxExposure = "15"

func TestTheUnitIsValidAndExposesLittle(t *testing.T) {
	t.Parallel()
	analyze := tool(t, "systemd-analyze", "systemd")
	// The program is not installed here; any that is there stands in for it.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "voted.service")
	text := strings.Replace(read(t, "systemd/voted.service"), "/usr/local/bin/voted", self, 1)
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, analyze, "verify", "--man=no", unit); err != nil || out != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	if out, err := run(t, analyze, "security", "--no-pager", "--offline=true", "--threshold="+maxExposure, unit); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
	// The check itself must be able to fail.
	bare := strings.ReplaceAll(strings.ReplaceAll(text, "ProtectSystem=strict", ""), "SystemCallFilter=", "#")
	if err := os.WriteFile(unit, []byte(bare), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, analyze, "security", "--no-pager", "--offline=true", "--threshold="+maxExposure, unit); err == nil {
		t.Error("a unit without its sandbox passes as well")
	}
}

var variable = regexp.MustCompile(`\bVOTED_[A-Z_]+`)

// TestEveryVariableIsAFlag reads the names of flags from the program's own source:
// kong derives VOTED_… from them.
func TestEveryVariableIsAFlag(t *testing.T) {
	t.Parallel()
	out, err := run(t, "go", "run", "voted/cmd/voted", "serve", "--help")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// The scripts' own, and those of the health check.
	own := map[string]bool{
		"VOTED_IMAGE": true, "VOTED_SECRETS": true, "VOTED_GID": true, "VOTED_ENV_FILE": true, "VOTED_PORT": true,
		"VOTED_ENDPOINT": true, "VOTED_CA": true, "VOTED_TOKEN": true,
	}
	checked := 0
	for _, file := range []string{"Dockerfile", "compose/compose.yaml", "systemd/voted.service", "systemd/voted.env"} {
		for _, name := range variable.FindAllString(read(t, file), -1) {
			checked++
			if !own[name] && !strings.Contains(out, "$"+name+")") && !strings.Contains(out, "$"+name+",") {
				t.Errorf("%s sets %s, which is no flag of voted serve", file, name)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d variables were found", checked)
	}
}
