package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

func theGrammar(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := newParser(&commandLine{}, &bytes.Buffer{}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

func TestAVariableThatStandsForNoFlagIsSaidWithTheNearestOne(t *testing.T) {
	t.Parallel()
	app := theGrammar(t)
	for variable, want := range map[string]string{
		"VOTED_AUDTI=x":             "is it VOTED_AUDIT (--audit)?",
		"VOTED_BACKUP_DRI=/tmp/x":   "is it VOTED_BACKUP_DIR (--backup-dir)?",
		"VOTED_BACKUPDIR=/tmp/x":    "is it VOTED_BACKUP_DIR (--backup-dir)?",
		"VOTED_RATE_PER_ADRESS=5":   "is it VOTED_RATE_PER_ADDRESS (--rate-per-address)?",
		"VOTED_RATE_PER_CLIENTS=5":  "is it VOTED_RATE_PER_CLIENT (--rate-per-client)?",
		"VOTED_SOMETHING_ELSE_ALL=": "",
		"VOTED_IMAGE_OF_THE_DAY=x":  "VOTED_IMAGE_OF_THE_DAY, which stands for no flag of any command and is not used",
		"VOTED_AUDIT=x":             "",
		"VOTED_TOKEN=x":             "",
		"VOTEDAUDIT=x":              "",
		// What Kubernetes sets for services called voted and voted-peers.
		"VOTED_SERVICE_HOST=10.0.0.1":                 "",
		"VOTED_SERVICE_PORT=8080":                     "",
		"VOTED_SERVICE_PORT_API=8080":                 "",
		"VOTED_PORT=tcp://10.0.0.1:8080":              "",
		"VOTED_PORT_8080_TCP=tcp://10.0.0.1:8080":     "",
		"VOTED_PEERS_PORT_9080_TCP_ADDR=10.0.0.1":     "",
		"VOTED_PEERS_SERVICE_HOST=10.0.0.1":           "",
		"VOTED_PEERS_PORT=tcp://10.0.0.1:9080":        "",
		"VOTED_PEERS_SERVICE_PORT_PEER=9080":          "",
		"VOTED_PEERS_PORT_9080_TCP_PROTO=tcp":         "",
		"VOTED_PEERS_PORT_9080_TCP_PORT=9080":         "",
		"VOTED_PEERS_PORT_9080_TCP=tcp://10.0.0.1:90": "",
	} {
		got := strings.Join(strayVariables(app, []string{"HOME=/root", variable}), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q", variable, got)
		}
	}
}

func TestAMisspeltVariableIsAWarningAndNoError(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		variable string
		line     []string
		code     int
		says     string
	}{
		"of a command":          {"VOTED_LOG_LEVLE=warn", []string{"version"}, 0, "voted: warning: the environment has VOTED_LOG_LEVLE"},
		"of what is missing":    {"VOTED_DTA=x", []string{"serve", "--id", "n1"}, exitConfig, "is it VOTED_DATA (--data)?"},
		"of a node, in its log": {"VOTED_AUDTI=x", []string{"serve", "--id", "n1", "--data", "x", "--cluster", "n2=127.0.0.1:1"}, exitConfig, `"level":"WARN","msg":"the environment has VOTED_AUDTI`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(testContext(t, 20*time.Second), os.Args[0], x.line...)
			cmd.Dir = t.TempDir()
			cmd.Env = append(os.Environ(), asVoted+"=1", x.variable)
			out, _ := cmd.CombinedOutput() // the exit code is looked at
			if code := cmd.ProcessState.ExitCode(); code != x.code || !strings.Contains(string(out), x.says) {
				t.Errorf("exit code %d\n%s", code, out)
			}
		})
	}
}

// A name in the environment or in a configuration file reaches every command that has a
// flag of that name, so they must all mean the same.
func TestAFlagOfACredentialHasOneMeaning(t *testing.T) {
	t.Parallel()
	meanings := map[string][]string{}
	_ = kong.Visit(theGrammar(t), func(n kong.Visitable, next kong.Next) error { // only next fails
		if f, ok := n.(*kong.Flag); ok {
			for _, name := range f.Envs {
				if !slices.Contains(meanings[name], f.Help) {
					meanings[name] = append(meanings[name], f.Help)
				}
			}
		}
		return next(nil)
	})
	for _, name := range []string{"VOTED_CA", "VOTED_CERT", "VOTED_KEY", "VOTED_SIGNING_KEY", "VOTED_TOKEN_FILE", "VOTED_TLS_KEY", "VOTED_PEER_KEY"} {
		if len(meanings[name]) != 1 {
			t.Errorf("$%s is %q", name, meanings[name])
		}
	}
}

func TestTheConfigurationFileIsReadStrictly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]string{
		`{"log-level":"warn","log-level":"info"}`: `the name "log-level" stands twice; keep one`,
		`{"log-level":"warn","log_level":"info"}`: `the flag --log-level stands twice, with a dash and with an underscore`,
		`{"log-level":"warn"} {}`:                 "it must be a JSON object",
		`{"log-level":"warn"`:                     "it must be a JSON object",
		`{"log-level":{"is":"warn"}}`:             `the value of "log-level" must be a string, a number, true, false or a list`,
		`{"log-level":null}`:                      `the value of "log-level" must be`,
		`{"log-levle":"warn"}`:                    `it has "log-levle", which is no flag of any command`,
		`{"log-level":["warn",5]}`:                `the list of "log-level" must hold strings`,
		`[]`:                                      "it must be a JSON object",
	} {
		file := filepath.Join(dir, "voted.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := voted("version", "--config", file)
		if got.code != exitUsage || !strings.Contains(got.errout, want) || !strings.Contains(got.errout, file) {
			t.Errorf("%s: exit %d, %q", text, got.code, got.errout)
		}
	}
}

func TestTheConfigurationFileTakesTheMembersAsAList(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "voted.json")
	if err := os.WriteFile(file, []byte(`{"id":"n1","data":"x","cluster":["n2=127.0.0.1:1","n3=127.0.0.1:2"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := voted("serve", "--config", file); !strings.Contains(got.errout, "--cluster does not name this member") {
		t.Errorf("exit %d, %q", got.code, got.errout)
	}
}

func TestAValueOfAnotherTypeInTheConfigurationFileIsRefusedInWords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]string{
		`{"cluster":5}`:            `"5" is not ID=HOST:PORT`,
		`{"cluster":true}`:         `"true" is not ID=HOST:PORT`,
		`{"join":[5]}`:             `the list of "join" must hold strings`,
		`{"backup-keep":2.5}`:      `"2.5"`,
		`{"request-timeout":5}`:    `"5"`,
		`{"insecure":3}`:           `"3"`,
		`{"snapshot-every":70000}`: "the data directory is empty", // a number is one
		`{"insecure":true}`:        "the data directory is empty",
	} {
		file := filepath.Join(dir, "voted.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := voted("serve", "--config", file, "--id", "n1", "--data", filepath.Join(dir, "data"), "--api", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--log-level", "error")
		if got.code != exitConfig || !strings.Contains(got.errout, want) || strings.Contains(got.errout, "Go value") || strings.Contains(got.errout, "interface") {
			t.Errorf("%s: exit %d, %q", text, got.code, got.errout)
		}
	}
}

func TestAFlagThatDoesNothingWithoutAnotherIsSaid(t *testing.T) {
	t.Parallel()
	alone := serveCommand{BackupEvery: time.Hour, BackupKeep: 3, JoinTokenFile: "n4.token", OTLPHeaders: "a=b"}
	alone.RatePerClient = 5
	want := []string{
		"--backup-every does nothing without --backup-dir", "--backup-keep does nothing without --backup-dir",
		"--join-token-file does nothing without --join", "--otlp-headers does nothing without --otlp-endpoint",
		"--rate-per-client does nothing without credentials, such as --tokens",
	}
	if got := alone.idle(); !slices.Equal(got, want) {
		t.Errorf("it says %q", got)
	}
	together := alone
	together.BackupDir, together.Join, together.OTLPEndpoint, together.Tokens = "b", []string{"h:1"}, "http://h", "tokens"
	if got := together.idle(); got != nil {
		t.Errorf("with what they need it says %q", got)
	}
}

func TestTheVersionIsPrintedAsJSON(t *testing.T) {
	t.Parallel()
	if got := voted("version", "--json"); got.code != 0 || !strings.HasPrefix(got.out, `{"arch":"`) || !strings.Contains(got.out, `"version":"`) {
		t.Errorf("exit %d, %q", got.code, got.out)
	}
}
