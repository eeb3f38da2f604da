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

// program is the installed program in a unit.
var program = regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/\S+ `)

func TestTheUnitsAreValidAndExposeLittle(t *testing.T) {
	t.Parallel()
	analyze := tool(t, "systemd-analyze", "systemd")
	// The program is not installed here; another one that exists takes its place.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"voted.service", "voted-probe.service", "voted-bridge@.service"} {
		unit := filepath.Join(t.TempDir(), strings.Replace(name, "@.", "@feed.", 1))
		text := program.ReplaceAllString(read(t, "systemd/"+name), "ExecStart="+self+" ")
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
			t.Errorf("%s passes without its sandbox as well", name)
		}
	}
}

// A probe that Prometheus is not told of, or not given its token, tells nobody.
func TestTheProbeIsStartedWithATokenAndScraped(t *testing.T) {
	t.Parallel()
	compose, secrets, scraped := read(t, "compose/compose.yaml"), read(t, "compose/secrets.sh"), read(t, "compose/prometheus.yml")
	for name, has := range map[string]bool{
		"it listens":               strings.Contains(compose, `command: [probe, --listen, "0.0.0.0:9101"]`),
		"its token is a file":      strings.Contains(compose, "VOTED_TOKEN_FILE: /secrets/probe.token"),
		"which is made":            strings.Contains(secrets, `--name probe --tokens tokens >"$secrets/probe.token"`),
		"and put where it is read": strings.Contains(secrets, `"$secrets/probe.token" "$secrets/probe/"`) && strings.Contains(compose, "/probe:/secrets:ro"),
		"it is scraped":            strings.Contains(scraped, "job_name: voted-probe\n    static_configs:\n      - targets: [probe:9101]"),
	} {
		if !has {
			t.Errorf("in compose this is not so: %s", name)
		}
	}
	if tool := tool(t, "promtool", "prometheus"); tool != "" {
		dir := t.TempDir() // the files that the configuration names are not here
		plain := strings.ReplaceAll(scraped, "    authorization: {credentials_file: /secrets/metrics.token}\n    tls_config: {ca_file: /secrets/ca.crt}\n", "")
		for name, text := range map[string]string{"prometheus.yml": plain, "rules.yml": read(t, "prometheus/rules.yml"), "slo.yml": read(t, "prometheus/slo.yml")} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := run(t, tool, "check", "config", filepath.Join(dir, "prometheus.yml")); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// Compose names files that its script makes: one that is not there is found out when a node starts, or when somebody
// turns on what it is for.
func TestTheSecretsOfComposeHaveWhatItsNodesRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	voted, secrets := filepath.Join(dir, "voted"), filepath.Join(dir, "secrets")
	if out, err := run(t, "go", "build", "-o", voted, "voted/cmd/voted"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := run(t, "env", "VOTED="+voted, "VOTED_SECRETS="+secrets, "VOTED_ENV_FILE="+filepath.Join(dir, "env"), "compose/secrets.sh"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	environment, _, _ := strings.Cut(read(t, "compose/compose.yaml"), "\nservices:\n")
	named := regexp.MustCompile(`/secrets/([\w.]*\w)`)
	missing := func(environment string) (paths []string) {
		for _, m := range named.FindAllStringSubmatch(environment, -1) {
			for _, node := range []string{"n1", "n2", "n3"} {
				if _, err := os.Stat(filepath.Join(secrets, node, m[1])); err != nil {
					paths = append(paths, node+"/"+m[1])
				}
			}
		}
		return paths
	}
	if paths := missing(environment); paths != nil || !strings.Contains(environment, "/secrets/webhook.key") {
		t.Errorf("secrets.sh does not make %q", paths)
	}
	if paths := missing(environment + "\n  VOTED_TOKENS: /secrets/others"); len(paths) != 3 {
		t.Errorf("of a file that nobody makes only %q are missed", paths)
	}
	// What one node signs, receivers take from all.
	for _, node := range []string{"n2", "n3"} {
		if read(t, filepath.Join(secrets, node, "webhook.key")) != read(t, filepath.Join(secrets, "n1", "webhook.key")) {
			t.Errorf("%s has another key for webhooks than n1", node)
		}
	}
}

// The exit codes of the Go runtime when it crashes, and of both programs when another
// command line is needed.
func TestTheUnitStartsAgainAfterACrashAndNotAfterAWrongCommandLine(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"voted.service", "voted-bridge@.service"} {
		unit := read(t, "systemd/"+name)
		for _, line := range []string{"\nRestart=on-failure\n", "\nRestartPreventExitStatus=78\n", "\nStartLimitIntervalSec=0\n"} {
			if strings.Count(unit, line) != 1 {
				t.Errorf("%s has no line %q", name, line)
			}
		}
		if strings.Count(unit, "RestartPreventExitStatus") != 1 || strings.Contains(unit, "SuccessExitStatus") {
			t.Errorf("other exit codes keep %s from starting again", name)
		}
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
	// The scripts' own, and those of the health check and of the probe.
	own := map[string]bool{
		"VOTED_IMAGE": true, "VOTED_SECRETS": true, "VOTED_GID": true, "VOTED_ENV_FILE": true, "VOTED_PORT": true,
		"VOTED_ENDPOINT": true, "VOTED_CA": true, "VOTED_TOKEN": true, "VOTED_TOKEN_FILE": true,
	}
	checked := 0
	for _, file := range []string{"Dockerfile", "compose/compose.yaml", "systemd/voted.service", "systemd/voted.env", "helm/voted/templates/statefulset.yaml", "helm/voted/templates/probe.yaml", "systemd/voted-probe.service"} {
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
