package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"voted/bridge/natstest"
)

func TestHelpHasExamples(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--help"}, {"ballots", "--help"}, {"feed", "--help"}} {
		var out, errs strings.Builder
		if code := run(args, &out, &errs); code != exitDone || errs.Len() > 0 {
			t.Errorf("%q: exit code %d, %s", args, code, errs.String())
		}
		if len(args) == 2 && !strings.Contains(out.String(), "\n    voted-bridge "+args[0]+" --endpoint ") {
			t.Errorf("%q shows no example:\n%s", args, out.String())
		}
	}
}

func TestAWrongCommandLineEndsWithACodeThatNoSupervisorTriesAgain(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("two words"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, args := range map[string][]string{
		"unknown flag":                 {"ballots", "--frobnicate"},
		"unexpected argument":          {"ballot"},
		"--cert and --key go together": {"ballots", "--cert", "x"},
		"--nats-cert and --nats-key":   {"ballots", "--nats-cert", "x"},
		"--max-in-flight must be":      {"ballots", "--max-in-flight", "0"},
		"put it into a file":           {"ballots", "--nats", "nats://user:secret@127.0.0.1:1"},
		"no subject can end with":      {"feed", "--ballots", "a..b"},
		"it must be the token alone":   {"ballots", "--token-file", token},
		"no/such.creds":                {"ballots", "--nats-creds", "no/such.creds"},
		"cannot listen on":             {"ballots", "--metrics", "256.0.0.1:1"},
	} {
		var out, errs strings.Builder
		if code := run(args, &out, &errs); code != exitConfig || !strings.Contains(errs.String(), says) || strings.Contains(errs.String(), "secret") {
			t.Errorf("%q: exit code %d, %s", args, code, errs.String())
		}
	}
}

func TestABrokerWithoutTheStreamIsAFaultOfUsage(t *testing.T) {
	t.Parallel()
	var out, errs strings.Builder
	code := run([]string{"ballots", "--nats", natstest.Start(t).URL()}, &out, &errs)
	if code != exitConfig || !strings.Contains(errs.String(), "nats stream add") {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
}

// hostile is a broker that greets and then ends the connection with an error, over which the library does not connect again.
func hostile(t *testing.T) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, `INFO {"server_id":"hostile","version":"2.15.3","headers":true,"max_payload":1048576}`+"\r\n")
			for lines := bufio.NewScanner(conn); lines.Scan() && lines.Text() != "PING"; {
			}
			fmt.Fprint(conn, "PONG\r\n-ERR 'Go Away'\r\n")
		}
	}()
	return "nats://" + l.Addr().String()
}

func TestABridgeWhoseConnectionIsClosedForGoodEndsSoThatItIsStartedAgain(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"ballots", "feed"} {
		var out, errs strings.Builder
		code := run([]string{command, "--nats", hostile(t), "--endpoint", "http://127.0.0.1:1"}, &out, &errs)
		if code != exitFailed || !strings.Contains(errs.String(), "closed for good: nats: Go Away\n") {
			t.Errorf("%s: exit code %d, %s", command, code, errs.String())
		}
	}
}

// TestMain is the program itself where a test starts it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("BRIDGE_AS_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

var servedAt = regexp.MustCompile(`metrics are served.*address=(\S+)`)

func TestABridgeIsWatchedAndEndsInOrderOnSIGTERM(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t)
	makeStreams(t, server.URL())
	cmd := exec.Command(os.Args[0], "ballots", "--nats", server.URL(), "--metrics", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "BRIDGE_AS_PROGRAM=1")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // an error if it has ended
	lines, said := bufio.NewScanner(log), ""
	at := ""
	for !strings.Contains(said, "ballots are taken") && lines.Scan() {
		said += lines.Text() + "\n"
		if m := servedAt.FindStringSubmatch(lines.Text()); m != nil {
			at = m[1]
		}
	}
	for path, want := range map[string]string{"/livez": "ok", "/readyz": "ready", "/metrics": `voted_bridge_messages_total{outcome="counted"} 0`} {
		resp, err := http.Get("http://" + at + path)
		if err != nil {
			t.Fatalf("%v; it said\n%s", err, said)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was read to its end
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s %v\n%s", path, resp.Status, err, body)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		said += lines.Text() + "\n"
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(said, "what was not acknowledged is delivered again") {
		t.Errorf("%v; it said\n%s", err, said)
	}
}

// makeStreams makes what docs/bridge.md tells an operator to make.
func makeStreams(t *testing.T, url string) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for name, subject := range map[string]string{"BALLOTS": "ballots.>", "DEAD": "dead.>"} {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{subject}}); err != nil {
			t.Fatal(err)
		}
	}
	c := jetstream.ConsumerConfig{Durable: "voted-bridge", AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1}
	if _, err := js.CreateConsumer(t.Context(), "BALLOTS", c); err != nil {
		t.Fatal(err)
	}
}
