package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/internal/localcluster"
)

// asVoted makes the test binary be voted, so that tests run real processes of
// the code under test.
const asVoted = "TEST_BINARY_IS_VOTED"

func TestMain(m *testing.M) {
	if os.Getenv(asVoted) != "" {
		main()
	}
	os.Exit(m.Run())
}

// outcome is what a command line came to.
type outcome struct {
	code        int
	out, errout string
}

// voted runs a command line in this process.
func voted(args ...string) outcome {
	var out, errout bytes.Buffer
	code := run(args, &out, &errout)
	return outcome{code, out.String(), errout.String()}
}

func testContext(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// startCluster runs nodes as processes until the test ends.
func startCluster(t *testing.T, nodes int, dir string) *localcluster.Cluster {
	t.Helper()
	ctx := testContext(t, time.Minute)
	c, err := localcluster.Start(ctx, localcluster.Options{
		Binary: os.Args[0], Env: []string{asVoted + "=1"}, Nodes: nodes, Dir: dir,
		Args: func(int) []string { return []string{"--log-level", "warn"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCommandLinesAndTheirExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	quiet := file("quiet.json", `{"log_level":"warn","endpoint":["http://127.0.0.1:1"],"timeout":"100ms"}`)
	wrong := file("wrong.json", `{"log-levle":"warn"}`)
	nonsense := file("nonsense.json", `log-level: warn`)
	twoKinds := file("two.csv", "voter,ranking,scores\n")
	untitled := file("untitled.csv", "ann,bo\n")
	for name, c := range map[string]struct {
		line string
		code int
		says string // in stdout or stderr
	}{
		"nothing shows the help":              {"", 0, "Usage: voted <command>"},
		"help":                                {"--help", 0, "Three nodes on this machine"},
		"help of a command has an example":    {"cast --help", 0, "voted cast lunch ann pizza"},
		"version":                             {"version", 0, "voted "},
		"an unknown command":                  {"vote", 2, "unexpected argument vote"},
		"a misspelt flag":                     {"version --log-levle warn", 2, "unknown flag --log-levle"},
		"a level that is none":                {"version --log-level loud", 2, "--log-level must be one of"},
		"a command without its arguments":     {"cast", 2, `expected "<poll> <voter>"; see ` + "`voted cast --help`"},
		"serve without an id":                 {"serve --data x", 78, "missing flags: --id"},
		"serve without data":                  {"serve --id n1", 78, "missing flags: --data"},
		"a duration that is none":             {"serve --id n1 --data x --request-timeout soon", 78, "--request-timeout"},
		"a misspelt flag of serve":            {"serve --dta x", 78, "unknown flag --dta"},
		"serve after a common flag":           {"--log-level=loud serve", 78, "--log-level must be one of"},
		"serve with a file that is none":      {"serve --id n1 --data x --config /nowhere.json", 78, "no such file"},
		"a heartbeat shorter than a pause":    {"serve --id n1 --data x --cluster n1=h:1 --heartbeat-timeout 1ms", 78, "--heartbeat-timeout 1ms is too short to work with; give 50ms or more"},
		"a heartbeat longer than patience":    {"serve --id n1 --data x --cluster n1=h:1 --heartbeat-timeout 24h", 78, "--heartbeat-timeout 24h0m0s is too long to work with; give 1m0s or less"},
		"a stall limit below a slow fsync":    {"serve --id n1 --data x --cluster n1=h:1 --stall-limit 1us", 78, "--stall-limit 1µs is too short to work with"},
		"no time for a request":               {"serve --id n1 --data x --cluster n1=h:1 --request-timeout 1ns", 78, "--request-timeout 1ns is too short to work with"},
		"a negative duration":                 {"serve --id n1 --data x --cluster n1=h:1 --stall-limit=-1s", 78, "--stall-limit cannot be negative"},
		"demo of more ballots than there are": {"demo --ballots 188572", 2, "--ballots must be between"},
		"demo of an election that is none":    {"demo --election florida-2000", 2, "--election must be one of"},
		"demo of more than a small election":  {"demo --election burlington-2009 --ballots 8981", 2, "between 1 and 8980, which is all of burlington-2009"},
		"demo without connections":            {"demo --connections 0", 2, "--connections must be between"},
		"demo that ends and stays":            {"demo --exit --stay", 2, "--exit and --stay can't be used together"},
		"dev on a port that is none":          {"dev --port 70000", 2, "--port must be between"},
		"dev with too many nodes":             {"dev --port 17000 --nodes 99", 2, "1 to 15 nodes"},
		"a poll without options":              {"poll create lunch pizza", 2, "two options or more"},
		"a poll without an id":                {"poll create", 2, "needs an id"},
		"a definition that is not there":      {"poll create --file /nowhere.json", 2, "there is no file /nowhere.json"},
		"a definition that is none":           {"poll create --file " + nonsense, 2, "is not the definition of a poll"},
		"no node answers":                     {"poll list --endpoint http://127.0.0.1:1 --timeout 2s", 1, "no node answered at http://127.0.0.1:1: is it running? Start one with `voted dev`"},
		"an endpoint that is none":            {"poll list --endpoint ftp://host", 2, "must look like http://host:port"},
		"no time at all":                      {"poll list --timeout 0s", 2, "--timeout must be longer than zero"},
		"a configuration file is read":        {"poll list --config " + quiet, 1, "no node answered at http://127.0.0.1:1"},
		"the command line beats it":           {"poll list --endpoint http://127.0.0.1:2 --config " + quiet, 1, "no node answered at http://127.0.0.1:2"},
		"a misspelt key in it":                {"version --config " + wrong, 2, `"log-levle", which is no flag`},
		"one that is no JSON":                 {"version --config " + nonsense, 2, "must be a JSON object"},
		"one that is not there":               {"version --config /nowhere.json", 2, "no such file"},
		"a file of two kinds of ballots":      {"import lunch " + twoKinds, 2, "ballots are of one kind"},
		"a file without titles":               {"import lunch " + untitled, 2, "must name the columns"},
		"an import of nothing":                {"import lunch /nowhere.csv", 2, "there is no file"},
		"an export format that is none":       {"export lunch --format xml", 2, "--format must be one of"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := voted(strings.Fields(c.line)...)
			if got.code != c.code || !strings.Contains(got.out+got.errout, c.says) {
				t.Errorf("exit %d, out %q, err %q; want exit %d and %q", got.code, got.out, got.errout, c.code, c.says)
			}
			if c.code != 0 && strings.Count(got.errout, "\n") != 1 {
				t.Errorf("it is not one line: %q", got.errout)
			}
		})
	}
}

func TestTheEnvironmentBeatsTheConfigurationFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "voted.json")
	if err := os.WriteFile(file, []byte(`{"endpoint":["http://127.0.0.1:1"],"timeout":"5s"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VOTED_CONFIG", file)
	if got := voted("poll", "list"); !strings.Contains(got.errout, "127.0.0.1:1:") {
		t.Errorf("VOTED_CONFIG was not read: %q", got.errout)
	}
	t.Setenv("VOTED_ENDPOINT", "http://127.0.0.1:2,http://127.0.0.1:3")
	if got := voted("poll", "list"); !strings.Contains(got.errout, "127.0.0.1:2") || !strings.Contains(got.errout, "127.0.0.1:3") {
		t.Errorf("VOTED_ENDPOINT was not heard: %q", got.errout)
	}
}

func TestAnEmptyVariableIsNone(t *testing.T) {
	t.Parallel()
	for name, variables := range map[string][]string{
		"of flags that exclude one another": {"VOTED_JOIN=", "VOTED_CLUSTER=n2=127.0.0.1:1"}, // does not name n1
		"of a flag with few values":         {"VOTED_LOG_LEVEL=", "VOTED_CLUSTER=n2=127.0.0.1:1"},
		"of the configuration file":         {"VOTED_CONFIG=", "VOTED_CLUSTER=n2=127.0.0.1:1"},
	} {
		cmd := exec.CommandContext(testContext(t, 20*time.Second), os.Args[0], "serve", "--id", "n1", "--data", t.TempDir())
		cmd.Env = append(append(os.Environ(), asVoted+"=1"), variables...)
		out, _ := cmd.CombinedOutput() // the exit code is looked at
		if code := cmd.ProcessState.ExitCode(); code != exitConfig || !strings.Contains(string(out), "--cluster does not name this member") {
			t.Errorf("%s: exit code %d\n%s", name, code, out)
		}
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"demo", "dev", "serve", "poll create", "poll show", "poll set", "poll list", "poll close", "poll delete", "cast", "receipt", "import", "export",
		"results", "cluster status", "cluster add", "cluster token", "cluster remove", "cluster lead", "ca init", "ca issue", "token new", "credential key", "credential issue", "proof key", "proof policy", "proof get", "proof sign", "roll load", "roll issue", "roll show", "roll drop", "version",
	} {
		got := voted(append(strings.Fields(line), "--help")...)
		if got.code != 0 || !strings.Contains(got.out, "voted "+line) || strings.Count(got.out, "voted "+line) < 2 {
			t.Errorf("`voted %s --help` exits %d without an example:\n%s", line, got.code, got.out)
		}
		for _, flag := range []string{"VOTED_LOG_LEVEL", "VOTED_CONFIG"} {
			if !strings.Contains(got.out, "$"+flag) {
				t.Errorf("`voted %s --help` does not say %s", line, flag)
			}
		}
	}
}

func TestServeRefusesInOneSentence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	foreign := startCluster(t, 1, filepath.Join(dir, "cluster"))
	if err := foreign.Stop(); err != nil {
		t.Fatal(err)
	}
	theirs := foreign.Nodes[0].DataDir
	later := map[string]bool{ // the same command line may succeed then
		"an API port that is taken": true, "a peer port that is taken": true, "an address that is not this machine's": true,
	}
	for name, line := range map[string]string{
		"a data directory that is a file":       "--data " + file + " --cluster n2=127.0.0.1:1",
		"a data directory below a file":         "--data " + filepath.Join(file, "sub") + " --cluster n2=127.0.0.1:1",
		"an API port that is taken":             "--data " + filepath.Join(dir, "a") + " --cluster n2=127.0.0.1:1 --api " + taken.Addr().String(),
		"a peer port that is taken":             "--data " + filepath.Join(dir, "b") + " --cluster n2=" + taken.Addr().String() + " --peer " + taken.Addr().String(),
		"a cluster line that is none":           "--data " + filepath.Join(dir, "c") + " --cluster n2",
		"a cluster without this member":         "--data " + filepath.Join(dir, "d") + " --cluster n1=127.0.0.1:1",
		"a cluster with a member twice":         "--data " + filepath.Join(dir, "e") + " --cluster n2=127.0.0.1:1,n2=127.0.0.1:2",
		"an address without a port":             "--data " + filepath.Join(dir, "f") + " --cluster n2=host",
		"an id that cannot be one":              "--id a/b --data " + filepath.Join(dir, "g") + " --cluster n2=127.0.0.1:1",
		"the data of another member":            "--data " + theirs + " --cluster n2=127.0.0.1:1",
		"a first member at every address":       "--data " + filepath.Join(dir, "m") + " --cluster n1=127.0.0.1:1,n2=0.0.0.0:9",
		"this member at every address":          "--data " + filepath.Join(dir, "o") + " --join 127.0.0.1:1 --advertise-peer [::]:9",
		"every address, and no other told":      "--data " + filepath.Join(dir, "p") + " --join 127.0.0.1:1 --insecure --peer 0.0.0.0:0",
		"every address to join":                 "--data " + filepath.Join(dir, "q") + " --join 0.0.0.0:9",
		"neither a cluster nor one to join":     "--data " + filepath.Join(dir, "h"),
		"an address to join that is none":       "--data " + filepath.Join(dir, "i") + " --join nowhere",
		"a join token without --join":           "--data " + filepath.Join(dir, "k") + " --cluster n2=127.0.0.1:1 --join-token-file " + file,
		"a join token without TLS":              "--data " + filepath.Join(dir, "l") + " --join 127.0.0.1:1 --join-token-file " + file,
		"an address that is not this machine's": "--data " + filepath.Join(dir, "j") + " --cluster n2=127.0.0.1:1 --insecure --api 192.0.2.1:80",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"serve", "--log-level", "error"}
			if !strings.Contains(line, "--id") {
				args = append(args, "--id", "n2")
			}
			for flag, free := range map[string]string{"--api": "127.0.0.1:0", "--peer": "127.0.0.1:0"} {
				if !strings.Contains(line, flag) {
					args = append(args, flag, free)
				}
			}
			cmd := exec.CommandContext(testContext(t, 20*time.Second), os.Args[0], append(args, strings.Fields(line)...)...)
			cmd.Env = append(os.Environ(), asVoted+"=1")
			var errout bytes.Buffer
			cmd.Stderr = &errout
			cmd.Run()
			said := errout.String()
			want := exitConfig
			if later[name] {
				want = exitFailed
			}
			if code := cmd.ProcessState.ExitCode(); code != want || strings.Count(said, "\n") != 1 || strings.Contains(said, "like this") {
				t.Errorf("exit %d, want %d and one sentence:\n%s", code, want, said)
			}
			t.Logf("%s", said)
		})
	}
}

// Fractions, equal ranks and a lot through a killed leader: the result is the published one.
func TestDemoOfEachElectionEndsWithThePublishedResult(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster and casts thousands of ballots")
	}
	for _, name := range []string{"burlington-2009", "glasgow-2007-greater-pollok"} {
		cmd := exec.CommandContext(testContext(t, 2*time.Minute), os.Args[0], "demo", "--exit", "--json", "--election", name)
		cmd.Env = append(os.Environ(), asVoted+"=1")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		for _, says := range []string{`"verdict":"EXACT"`, `"election":"` + name + `"`, `"leader_kills":1`, `{"name":"the result as published, to its last decimal","ok":true`} {
			if !strings.Contains(string(out), says) {
				t.Errorf("%s does not say %s: %s", name, says, out)
			}
		}
	}
}

func TestDemoCountsExactlyOnceWhileTheLeaderDies(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster and casts thousands of ballots")
	}
	dir := filepath.Join(t.TempDir(), "kept")
	cmd := exec.CommandContext(testContext(t, 2*time.Minute), os.Args[0], "demo", "--exit", "--json", "--ballots", "4000", "--data", dir)
	cmd.Env = append(os.Environ(), asVoted+"=1")
	var errout bytes.Buffer
	cmd.Stderr = &errout
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, errout.String())
	}
	var r struct {
		Verdict                            string
		Ballots, Sent, Duplicates, Counted int
		Replayed, Failed                   int
		LeaderKills                        int `json:"leader_kills"`
		Winners                            []string
		Rounds                             []any
		Receipt                            struct{ Voter, Moment, Sentence string }
	}
	if err := json.Unmarshal(out, &r); err != nil || bytes.Count(out, []byte("\n")) != 1 {
		t.Fatalf("it is not one JSON object: %v\n%s", err, out)
	}
	if r.Verdict != "EXACT" || r.Ballots != 4000 || r.LeaderKills != 1 || len(r.Winners) != 1 || r.Winners[0] != "peltola" || len(r.Rounds) != 2 {
		t.Errorf("the report is %s", out)
	}
	if r.Sent != 4000+r.Duplicates || r.Duplicates < 1000 || r.Counted+r.Replayed != r.Sent || r.Failed != 0 || r.Counted > 4000 {
		t.Errorf("the ledger does not balance: %s", out)
	}
	// The receipt is of a ballot that the kill concerned, and whoever has the files can check it.
	said := r.Receipt.Sentence
	if !strings.HasPrefix(said, "Your ballot in alaska-2022 is counted: record ") || !strings.Contains(said, "It was not replaced before the poll closed.") || !strings.Contains(r.Receipt.Moment, "leader was killed") {
		t.Errorf("the receipt is %+v", r.Receipt)
	}
	receipt := []string{"verify", "receipt", filepath.Join(dir, r.Receipt.Voter+".tlog-proof"), "--policy", filepath.Join(dir, "alaska-2022.policy")}
	if got := voted(receipt...); got.code != 0 || strings.TrimSpace(got.out) != said {
		t.Errorf("checked once more: exit code %d: %s%s", got.code, got.out, got.errout)
	}
	if got := voted(append(receipt, "--voter", "v-000000x")...); got.code != 1 {
		t.Errorf("as another voter's: exit code %d: %s", got.code, got.out)
	}
	if again := voted("demo", "--ballots", "10", "--data", dir); again.code != 1 || !strings.Contains(again.errout, "not empty") {
		t.Errorf("old data was taken: %+v", again)
	}
}
