package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"voted/internal/ports"
	"voted/internal/ports/portstest"
	"voted/internal/survey"
)

// alone starts a cluster of one member.
func alone(t *testing.T, change func(*Options)) *Server {
	t.Helper()
	peer := portstest.Addr(t)
	o := Options{ID: "n1", DataDir: t.TempDir(), API: "127.0.0.1:0", Peer: peer, Cluster: []survey.Peer{{ID: "n1", Addr: peer}}}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	for end := time.Now().Add(30 * time.Second); len(s.Node().Ready()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the node is not ready")
		}
	}
	return s
}

// say opens a connection and sends some bytes.
func say(t testing.TB, addr, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, text)
	must(t, err)
	return c
}

// asNode makes the test binary be a node, so that its memory is its own.
const asNode = "TEST_BINARY_IS_NODE"

func TestMain(m *testing.M) {
	dir := os.Getenv(asNode)
	if dir == "" {
		os.Exit(m.Run())
	}
	peer, err := ports.Claim(1)
	if err != nil {
		panic(err)
	}
	addr := peer.Addr(0)
	s, err := New(Options{ID: "n1", DataDir: dir, API: "127.0.0.1:0", Peer: addr, Cluster: []survey.Peer{{ID: "n1", Addr: addr}}})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends with the test that started this process
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	fmt.Println(s.APIAddr())
	_ = s.Run(ctx)
}

// rss returns the anonymous memory of a process, in bytes.
func rss(t *testing.T, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("memory is read from /proc")
	}
	_, rest, _ := strings.Cut(string(b), "RssAnon:")
	var kib int64
	_, err = fmt.Sscan(rest, &kib)
	must(t, err)
	return kib << 10
}

func TestTenThousandIdleAndSlowConnectionsTakeBoundedMemory(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("opens ten thousand connections, and measures memory")
	}
	const connections, perConnection = 10_000, 32 << 10
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < connections+1000 {
		t.Skipf("this test needs %d file descriptors, and %d are allowed", connections+1000, limit.Cur)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asNode+"="+t.TempDir())
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	addr = strings.TrimSpace(addr)
	ready := func() bool {
		return statusOf(t, say(t, addr, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")) == http.StatusOK
	}
	for end := time.Now().Add(30 * time.Second); !ready(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the node is not ready")
		}
	}
	before := rss(t, cmd.Process.Pid)
	kinds := []string{
		"", // says nothing
		"GET /livez HTTP/1.1\r\nHost: localhost\r\n",     // never ends its header
		"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", // idle after its answer
		"PUT /v1/polls/p HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n\r\n{", // never ends its body
	}
	for i := range connections {
		say(t, addr, kinds[i%len(kinds)])
	}
	if !ready() {
		t.Error("among them no request is answered")
	}
	taken := rss(t, cmd.Process.Pid) - before
	t.Logf("%d bytes a connection", taken/connections)
	if taken > connections*perConnection {
		t.Errorf("%d connections take %d bytes, more than %d each", connections, taken, perConnection)
	}
}

func statusOf(t testing.TB, c net.Conn) int {
	t.Helper()
	must(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestANodeServesOnIPv6Alone(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(portstest.Addr(t))
	must(t, err)
	peer := net.JoinHostPort("::1", port)
	s := alone(t, func(o *Options) { o.API, o.Peer, o.Cluster = "[::1]:0", peer, []survey.Peer{{ID: "n1", Addr: peer}} })
	resp, err := http.Get(s.URL() + "/readyz")
	must(t, err)
	must(t, resp.Body.Close())
	if !strings.HasPrefix(s.URL(), "http://[::1]:") || resp.StatusCode != http.StatusOK {
		t.Errorf("%s answers %d", s.URL(), resp.StatusCode)
	}
}

func TestOneConnectionTooManyIsClosedAtOnceAndAPlaceIsGivenBack(t *testing.T) {
	t.Parallel()
	s := alone(t, func(o *Options) { o.MaxConnections = 2 })
	first := say(t, s.APIAddr(), "")
	second := say(t, s.APIAddr(), "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if got := statusOf(t, second); got != http.StatusOK {
		t.Fatal(got)
	}
	third, err := net.Dial("tcp", s.APIAddr())
	must(t, err)
	must(t, third.SetReadDeadline(time.Now().Add(5*time.Second)))
	if _, err := third.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the third connection stands: %v", err)
	}
	must(t, first.Close())
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", s.APIAddr())
		must(t, err)
		_, _ = io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
		must(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
		_, err = http.ReadResponse(bufio.NewReader(c), nil)
		_ = c.Close()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the place of a closed connection is not given back")
		}
	}
}

func TestTheAPIUnderTLSSpeaksNothingElse(t *testing.T) {
	t.Parallel()
	g := newGuardedCluster(t, "n1")
	s := g.nodes["n1"]
	c := say(t, s.APIAddr(), "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
	must(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	b, _ := io.ReadAll(c)
	if !strings.Contains(string(b), "400 Bad Request") || !strings.Contains(string(b), "HTTPS") {
		t.Errorf("plaintext is answered with %q", b)
	}
	for name, config := range map[string]*tls.Config{
		"TLS 1.2":    {InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12},
		"another CA": {ServerName: "127.0.0.1"},
	} {
		conn, err := tls.Dial("tcp", s.APIAddr(), config)
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s was spoken", name)
		}
	}
}

func TestThePublicPortHasAllItsTimeouts(t *testing.T) {
	t.Parallel()
	s := alone(t, nil)
	h := s.http
	for name, d := range map[string]time.Duration{
		"ReadHeaderTimeout": h.ReadHeaderTimeout, "ReadTimeout": h.ReadTimeout, "WriteTimeout": h.WriteTimeout, "IdleTimeout": h.IdleTimeout,
	} {
		if d <= 0 || d > 5*time.Minute {
			t.Errorf("%s is %v", name, d)
		}
	}
	if h.ReadTimeout <= s.opts.RequestTimeout || h.WriteTimeout <= s.opts.RequestTimeout {
		t.Error("a request that is held through an election would be cut off")
	}
	if h.MaxHeaderBytes <= 0 || h.MaxHeaderBytes > 64<<10 {
		t.Errorf("headers may have %d bytes", h.MaxHeaderBytes)
	}
	// What is too long is refused, not read.
	c := say(t, s.APIAddr(), "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: "+strings.Repeat("x", 2*h.MaxHeaderBytes)+"\r\n\r\n")
	if got := statusOf(t, c); got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long header is answered with %d", got)
	}
	c = say(t, s.APIAddr(), fmt.Sprintf("PUT /v1/polls/p HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", 1<<40))
	if got := statusOf(t, c); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body is answered with %d", got)
	}
}
