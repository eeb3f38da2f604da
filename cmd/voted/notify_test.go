package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The other end is a socket as systemd makes one for a service of Type=notify.
func TestASupervisorIsToldWhenANodeServesAndWhenItLeaves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	socket := filepath.Join(dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	told := func() string {
		t.Helper()
		b := make([]byte, 4096)
		n, err := l.Read(b)
		if err != nil {
			t.Fatalf("the supervisor was told nothing: %v", err)
		}
		return string(b[:n])
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(testContext(t, time.Minute), os.Args[0], "serve", "--id", "n1", "--data", filepath.Join(dir, "data"),
		"--api", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--join", "127.0.0.1:1") // it waits to be let in, and is ready to systemd
	cmd.Env = append(os.Environ(), asVoted+"=1", "NOTIFY_SOCKET="+socket)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() // it has ended, unless the test failed
	if got := told(); !strings.HasPrefix(got, "READY=1\nSTATUS=serving http://127.0.0.1:") {
		t.Errorf("a node that serves says %q", got)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := told(); !strings.HasPrefix(got, "STOPPING=1\n") {
		t.Errorf("a node that leaves says %q", got)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it did not leave in order: %v\n%s", err, &log)
	}
}
