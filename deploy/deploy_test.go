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

// run runs a program in this folder and returns its output.
func run(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // some build the program first
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

// maxExposure is the highest score of 100 that systemd-analyze may give the unit: it
// uses the network and reads the host's files, and may do nothing else.
const maxExposure = "15"

func TestTheUnitIsValidAndExposesLittle(t *testing.T) {
	t.Parallel()
	analyze := tool(t, "systemd-analyze", "systemd")
	// The program is not installed here; another one that exists takes its place.
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

// The exit codes of the Go runtime when it crashes, and of voted serve when another
// command line is needed.
func TestTheUnitStartsAgainAfterACrashAndNotAfterAWrongCommandLine(t *testing.T) {
	t.Parallel()
	unit := read(t, "systemd/voted.service")
	for _, line := range []string{"\nRestart=on-failure\n", "\nRestartPreventExitStatus=78\n", "\nStartLimitIntervalSec=0\n"} {
		if strings.Count(unit, line) != 1 {
			t.Errorf("the unit has no line %q", line)
		}
	}
	if strings.Count(unit, "RestartPreventExitStatus") != 1 || strings.Contains(unit, "SuccessExitStatus") {
		t.Error("other exit codes keep the unit from starting again")
	}
}

func TestTheManualsDropInForBackups(t *testing.T) {
	t.Parallel()
	analyze := tool(t, "systemd-analyze", "systemd")
	blocks := regexp.MustCompile("(?s)```ini\n(.*?)```").FindAllStringSubmatch(read(t, "../docs/operations.md"), -1)
	if len(blocks) != 1 {
		t.Fatalf("the manual has %d drop-ins", len(blocks))
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "voted.service")
	text := strings.Replace(read(t, "systemd/voted.service"), "/usr/local/bin/voted", self, 1)
	for path, content := range map[string]string{unit: text, filepath.Join(unit+".d", "override.conf"): blocks[0][1]} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := run(t, analyze, "verify", "--man=no", unit); err != nil || out != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	// The directory that the unit may write is the one that the node writes to.
	_, dir, there := strings.Cut(blocks[0][1], "VOTED_BACKUP_DIR=")
	if dir, _, _ = strings.Cut(dir, "\n"); !there || !strings.Contains(blocks[0][1], "ReadWritePaths="+dir+"\n") {
		t.Errorf("the unit may not write to %q", dir)
	}
}

var variable = regexp.MustCompile(`\bVOTED_[A-Z_]+`)

// TestEveryVariableIsAFlag reads the names of flags from the program's own source: kong
// derives the VOTED_… variables from them.
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
	for _, file := range []string{"Dockerfile", "compose/compose.yaml", "systemd/voted.service", "systemd/voted.env", "helm/voted/templates/statefulset.yaml"} {
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

// The image is built of some folders alone. That one is missing would show only where there is Docker.
func TestTheImageIsBuiltOfAllFoldersThatTheProgramNeeds(t *testing.T) {
	t.Parallel()
	out, err := run(t, "go", "list", "-deps", "voted/cmd/voted")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dockerfile, sent := read(t, "Dockerfile"), read(t, "../.dockerignore")
	folders := map[string]bool{}
	for line := range strings.Lines(out) {
		if rest, ours := strings.CutPrefix(strings.TrimSpace(line), "voted/"); ours {
			folder, _, _ := strings.Cut(rest, "/")
			folders[folder] = true
		}
	}
	for folder := range folders {
		if !strings.Contains(dockerfile, "\nCOPY "+folder+" "+folder+"\n") || !strings.Contains(sent, "\n!"+folder+"\n") {
			t.Errorf("the program needs the folder %s: name it in deploy/Dockerfile and in .dockerignore", folder)
		}
	}
	if !folders["cmd"] || !folders["client"] || !folders["internal"] {
		t.Errorf("the folders were not found: %v", folders)
	}
}
