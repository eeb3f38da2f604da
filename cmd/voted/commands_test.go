package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// step is a command line and what it must come to.
type step struct {
	line string
	code int
	says []string // all of them, in stdout or stderr
}

// follow runs steps in order against endpoints.
func follow(t *testing.T, endpoints []string, steps []step) {
	t.Helper()
	for _, s := range steps {
		args := strings.Fields(s.line)
		for _, e := range endpoints {
			args = append(args, "--endpoint", e)
		}
		got := voted(args...)
		if got.code != s.code {
			t.Fatalf("`voted %s` exits %d, want %d\n%s%s", s.line, got.code, s.code, got.out, got.errout)
		}
		for _, says := range s.says {
			if !strings.Contains(got.out+got.errout, says) {
				t.Errorf("`voted %s` does not say %q:\n%s%s", s.line, says, got.out, got.errout)
			}
		}
	}
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommandsAgainstACluster(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cluster := startCluster(t, 3, "")
	csv := write(t, filepath.Join(dir, "in.csv"), "voter,ranking\nv1,ann;bo\nv2,bo\nv3,zoe\n,bo\nv4,bo;ann\n")
	ndjson := write(t, filepath.Join(dir, "in.ndjson"), `{"voter":"v1","ranking":["ann","bo"]}`+"\n"+`{"voter":"v5","ranking":["bo"]}`+"\n")
	definition := write(t, filepath.Join(dir, "poll.json"), `{"id":"wines","options":["merlot","syrah"],"method":"score"}`)
	exported, rejects := filepath.Join(dir, "out.csv"), filepath.Join(dir, "rejects")
	follow(t, cluster.Endpoints(), []step{
		{"poll list", 0, []string{"no polls; create one"}},
		{"poll create lunch pizza sushi --revote until_close", 0, []string{"state    open", "until_close"}},
		{"poll create lunch pizza sushi --revote until_close", 0, []string{"state    open"}},
		{"poll create lunch pizza salad", 1, []string{"voted: "}},
		{"poll create board ann=Ann bo=Bo --method irv --max-selections 2", 0, []string{"ann  Ann"}},
		{"poll create --file " + definition, 0, []string{"method   score"}},
		{"cast lunch ann pizza", 0, []string{"counted  ballot 1 of lunch, version 1"}},
		{"cast lunch ann pizza", 0, []string{"replayed  ballot 1 of lunch, version 1"}},
		{"cast lunch ann sushi", 1, []string{"--if-version 1"}},
		{"cast lunch ann sushi --if-version 1", 0, []string{"replaced  ballot 2 of lunch, version 2"}},
		{"cast lunch bob curry", 1, []string{"curry"}},
		{"cast wines ann merlot=5 syrah=2", 0, []string{"counted"}},
		{"cast wines bob merlot", 2, []string{"such as ann=5"}},
		{"cast nosuch ann x", 1, []string{"there is no such poll", "voted poll list"}},
		{"import board " + csv + " --rejects " + rejects, 1, []string{"counted  3", "refused  2", "invalid_ballot", "the voter id is empty", rejects}},
		{"import board " + ndjson, 0, []string{"counted   1", "replayed  1  had been counted before"}},
		{"import board " + csv + " --json", 1, []string{`"complete":true`, `"replayed":3`, `"refused":2`, `"line":4`}},
		{"import nosuch " + ndjson, 1, []string{"there is no such poll"}},
		{"results board", 0, []string{"irv · open · 4 ballots", "Bo ", "75.0 %", "leads"}},
		{"results board --stale --json", 0, []string{`"winners":["bo"]`}},
		{"export board", 1, []string{"once the poll has closed"}},
		{"export board --audit --format csv", 2, []string{"--audit writes NDJSON"}},
		{"export board --audit", 0, []string{`"ranking":["ann","bo"]`, `"nonce":"`}},
		{"poll list", 0, []string{"POLL", "lunch", "board", "wines"}},
		{"poll list --state closed", 0, []string{"no poll is closed; see all of them with"}},
		{"poll list --json", 0, []string{`"id":"lunch"`, `"id":"board"`}},
		{"poll delete board", 1, []string{"voted poll close"}},
		{"poll close board", 0, []string{"state    closed"}},
		{"poll close board", 0, []string{"state    closed"}},
		{"export board --format csv -o " + exported, 0, []string{"wrote " + exported}},
		{"export board", 0, []string{`"ranking":["ann","bo"],"count":1`}},
		{"cast board v9 ann", 1, []string{"closed"}},
		{"results board --watch", 0, []string{"closed, final", "✓ wins"}},
		{"results board --watch --json", 0, []string{`"certified":true`}},
		{"poll delete board", 0, []string{"poll board is deleted"}},
		{"results board", 1, []string{"there is no such poll"}},
		{"cluster status", 0, []string{"quorum 2 · can lose 1 more", "n1", "n2", "n3"}},
		{"cluster status --json", 0, []string{`"quorum":2`}},
	})
	for path, want := range map[string]int{exported: 4, rejects: 2} {
		data, err := os.ReadFile(path)
		if err != nil || strings.Count(string(data), "\n") != want {
			t.Errorf("%s has not %d lines: %v\n%s", path, want, err, data)
		}
	}
	if _, err := os.Stat(exported + ".partial"); !os.IsNotExist(err) {
		t.Errorf("the partial file is still there: %v", err)
	}
}

func TestLeadershipIsHandedOverAndADeadMemberIsSeen(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, 3, "")
	ctx := testContext(t, time.Minute)
	leader, err := cluster.Leader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	next := cluster.Nodes[0]
	if next == leader {
		next = cluster.Nodes[1]
	}
	follow(t, cluster.Endpoints(), []step{{"cluster lead " + next.ID, 0, []string{"leadership was handed over", "leader " + next.ID}}})
	if err := leader.Kill(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		got := voted("cluster", "status", "--endpoint", next.URL)
		if got.code == 1 && strings.Contains(got.out, "unreachable") && strings.Contains(got.out, "not ok") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the dead member is not seen: %+v", got)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if got := voted("cluster", "lead", leader.ID, "--endpoint", next.URL, "--timeout", "20s"); got.code != exitFailed || !strings.Contains(got.errout, "member "+leader.ID+" does not answer and so cannot lead, and nothing was changed") {
		t.Errorf("a dead member is told to lead: %+v", got)
	}
}

// process starts voted as a process of its own and returns the lines it prints.
func process(t *testing.T, args ...string) (*exec.Cmd, <-chan string) {
	t.Helper()
	cmd := exec.CommandContext(testContext(t, time.Minute), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asVoted+"=1", "TMPDIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() { // ends with the process
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return cmd, lines
}

// until reads lines up to one with a text in it.
func until(t *testing.T, lines <-chan string, text string) string {
	t.Helper()
	var seen []string
	for line := range lines {
		if strings.Contains(line, text) {
			return line
		}
		seen = append(seen, line)
	}
	t.Fatalf("it ended without %q:\n%s", text, strings.Join(seen, "\n"))
	return ""
}

func emptyTemp(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	for _, e := range cmd.Env {
		if dir, ok := strings.CutPrefix(e, "TMPDIR="); ok {
			if left, _ := filepath.Glob(filepath.Join(dir, "voted-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		}
	}
}

func TestAnInterruptEndsInOrderAndCleansUp(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	cmd, lines := process(t, "demo", "--stay", "--ballots", "500", "--nodes", "3")
	until(t, lines, "EXACT")
	until(t, lines, "Ctrl-C stops it.")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for range lines {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the demonstration was EXACT, and then interrupted: %v", err)
	}
	emptyTemp(t, cmd)

	cmd, lines = process(t, "demo")
	until(t, lines, "counted")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for range lines {
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("a demonstration that was interrupted exits %d", cmd.ProcessState.ExitCode())
	}
	emptyTemp(t, cmd)
}

func TestServeDrainsOnSIGTERM(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, lines := process(t, "serve", "--id", "n1", "--data", dir, "--api", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--log-format", "text", "--log-level", "error", "--cluster", "n1=127.0.0.1:29999")
	serving := until(t, lines, "node n1 serves http://127.0.0.1:")
	if strings.Contains(serving, ":0 ") {
		t.Errorf("it does not say which port: %q", serving)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, lines, "has stopped in order")
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func TestWhereTheLogIsJSONEachLineOfANodeIsJSON(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(testContext(t, time.Minute), os.Args[0], "serve", "--id", "n1", "--data", t.TempDir(), "--api", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--cluster", "n1=127.0.0.1:29999")
	cmd.Env = append(os.Environ(), asVoted+"=1")
	out, into, err := os.Pipe() // both go to one place, as under systemd
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = into, into
	if err := errors.Join(cmd.Start(), into.Close()); err != nil {
		t.Fatal(err)
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var line struct {
			Message string `json:"msg"`
			API     string `json:"api"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("%q: %v", lines.Text(), err)
		}
		said = append(said, line.Message)
		if line.Message == "serving" {
			if !strings.HasPrefix(line.API, "http://127.0.0.1:") || strings.HasSuffix(line.API, ":0") {
				t.Errorf("it serves at %q", line.API)
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if !slices.Contains(said, "serving") || said[len(said)-1] != "this node has stopped in order" {
		t.Errorf("it said %q", said)
	}
}

func TestDevKeepsItsDataAndStopsOnCtrlC(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster twice")
	}
	dir := filepath.Join(t.TempDir(), "data")
	for _, round := range []struct{ cast, outcome string }{{"cast", "counted"}, {"again", "replayed"}} {
		cmd, lines := process(t, "dev", "--nodes", "1", "--data", dir, "--port", "14580")
		until(t, lines, "1 node ready")
		cast, check := until(t, lines, "voted cast lunch bo sushi --proof"), until(t, lines, "voted verify receipt lunch.bo.tlog-proof")
		until(t, lines, "Ctrl-C stops all nodes.")
		follow(t, []string{"http://127.0.0.1:14580"}, []step{{"poll create lunch pizza sushi", 0, nil}, {"cast lunch ann pizza --json", 0, []string{`"outcome":"` + round.outcome + `"`}}})
		receipt := filepath.Join(t.TempDir(), "receipt")
		for _, shown := range []string{cast + " -o " + receipt, strings.Replace(check, "lunch.bo.tlog-proof", receipt, 1)} {
			if got := voted(strings.Fields(shown)[1:]...); got.code != 0 || !strings.Contains(got.out, "Your ballot in lunch is counted: record 2 of 2") {
				t.Errorf("%s: exit code %d\n%s%s", shown, got.code, got.out, got.errout)
			}
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		for range lines {
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("after Ctrl-C: %v", err)
		}
	}
}

func TestJSONIsOneObject(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, 1, "")
	endpoint := cluster.Nodes[0].URL
	for _, line := range []string{"poll create lunch pizza sushi --json", "cast lunch ann pizza --json", "results lunch --json", "poll show lunch --json", "cluster status --json", "poll close lunch --json", "poll delete lunch --json"} {
		got := voted(append(strings.Fields(line), "--endpoint", endpoint)...)
		var v map[string]any
		if err := json.Unmarshal([]byte(got.out), &v); err != nil || got.code != 0 || strings.Count(got.out, "\n") != 1 {
			t.Errorf("`voted %s` exits %d: %v\n%s%s", line, got.code, err, got.out, got.errout)
		}
	}
}
