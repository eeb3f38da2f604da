package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func listen(t testing.TB, o Options) *Port {
	t.Helper()
	if o.Bind == "" {
		o.Bind = "127.0.0.1:0"
	}
	p, err := Listen(o)
	must(t, err)
	t.Cleanup(func() { _ = p.Close() })
	p.Belong(ours)
	return p
}

// ours is the cluster that members belong to in these tests.
const ours = "ours"

// greeted dials a port as a member of the same cluster does, and reads its greeting.
func greeted(t testing.TB, p *Port) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	must(t, err)
	_, err = c.Write(hello{cluster: ours, member: "raw"}.encode())
	must(t, err)
	must(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
	h, err := readHello(c)
	must(t, err)
	if h.verdict != verdictGoOn {
		t.Fatalf("refused with %d", h.verdict)
	}
	must(t, c.SetReadDeadline(time.Time{}))
	return c
}

func echo(_ context.Context, method string, body []byte) ([]byte, error) {
	if method == "fail" {
		return nil, errors.New("no such poll: " + string(body))
	}
	return append([]byte(method+":"), body...), nil
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestListenErrorsAreSentences(t *testing.T) {
	t.Parallel()
	taken := listen(t, Options{})
	for _, c := range []struct {
		name, says string
		o          Options
	}{
		{"a taken port", "is taken by another process", Options{Bind: taken.Addr()}},
		{"no port", "must be host:port", Options{Bind: "nonsense"}},
		{"every address, none advertised", "under which one the other members reach it", Options{Bind: "0.0.0.0:0"}},
		{"a wrong advertised address", "must be host:port", Options{Bind: "127.0.0.1:0", Advertise: "host"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Listen(c.o); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestCallsTellWhatHappened(t *testing.T) {
	t.Parallel()
	gone := listen(t, Options{})
	must(t, gone.Close())
	starting := listen(t, Options{})
	server := listen(t, Options{MaxBody: 1 << 20})
	release := make(chan struct{})
	server.Handle(func(ctx context.Context, method string, body []byte) ([]byte, error) {
		switch method {
		case "hang":
			<-ctx.Done()
			return nil, ctx.Err()
		case "panic":
			panic(http.ErrAbortHandler)
		case "huge":
			return make([]byte, 1<<20+1), nil
		}
		return echo(ctx, method, body)
	})
	close(release)
	client := listen(t, Options{MaxBody: 2 << 20})
	big := bytes.Repeat([]byte("x"), 1<<20)
	for _, c := range []struct {
		name, addr, method string
		body               []byte
		want               string // the answer, or
		outcome            string // what the error says: not sent, remote, unknown
	}{
		{"an answer", server.Addr(), "propose", []byte("ballot"), "propose:ballot", ""},
		{"an empty body", server.Addr(), "status", nil, "status:", ""},
		{"a large body", server.Addr(), "p", big[:1<<20-8], "p:" + string(big[:1<<20-8]), ""},
		{"the handler's error", server.Addr(), "fail", []byte("x"), "no such poll: x", "remote"},
		{"an answer over the limit", server.Addr(), "huge", nil, "more than 1048576", "remote"},
		{"nothing listens there", gone.Addr(), "status", nil, "", "not sent"},
		{"the peer has no handler yet", starting.Addr(), "status", nil, "still starting", "not sent"},
		{"not a method", server.Addr(), "a/b", nil, "", "not sent"},
		{"a body over the caller's limit", server.Addr(), "p", make([]byte, 2<<20+1), "too large", "not sent"},
		{"the handler dies", server.Addr(), "panic", []byte("x"), "", "unknown"},
		{"the handler takes too long", server.Addr(), "hang", []byte("x"), "", "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wait := 5 * time.Second
			if c.method == "hang" {
				wait = 100 * time.Millisecond
			}
			got, err := client.Call(within(t, wait), c.addr, c.method, c.body)
			var remote *RemoteError
			outcome := ""
			switch {
			case errors.Is(err, ErrNotSent):
				outcome = "not sent"
			case errors.As(err, &remote):
				outcome = "remote"
			case err != nil:
				outcome = "unknown"
			}
			text := string(got)
			if err != nil {
				text = err.Error()
			}
			if outcome != c.outcome || err == nil && text != c.want || !strings.Contains(text, c.want) {
				t.Fatalf("got %.80s, outcome %q", text, outcome)
			}
		})
	}
	// The receiver's limit is smaller than the sender's. The sender may or may not
	// receive the refusal before its connection is closed, but the handler is never
	// called.
	_, err := client.Call(within(t, 5*time.Second), server.Addr(), "p", make([]byte, 1<<20+1))
	if err == nil || errors.As(err, new(*RemoteError)) {
		t.Fatalf("a body over the receiver's limit: %v", err)
	}
}

func TestARequestThatWasWrittenIsNeitherRepeatedNorCalledNotSent(t *testing.T) {
	t.Parallel()
	// A peer that answers the first request of a connection and dies in the middle of
	// the second.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var requests atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := readHello(c); err != nil {
				return
			}
			_, _ = c.Write(hello{cluster: ours, member: "dies"}.encode())
			b := make([]byte, 4096)
			for range 2 {
				n, _ := c.Read(b)
				for n > 0 && !bytes.Contains(b[:n], []byte("BODY")) {
					m, err := c.Read(b[n:])
					if n += m; err != nil {
						break
					}
				}
				if n > 0 && requests.Add(1) == 1 {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					continue
				}
				break
			}
			_ = c.Close()
		}
	}()
	p := listen(t, Options{})
	_, err = p.Call(within(t, 5*time.Second), l.Addr().String(), "propose", []byte("BODY"))
	must(t, err)
	_, err = p.Call(within(t, 5*time.Second), l.Addr().String(), "propose", []byte("BODY"))
	if err == nil || errors.Is(err, ErrNotSent) || requests.Load() != 2 {
		t.Fatalf("got %v after %d requests", err, requests.Load())
	}
	must(t, l.Close())
	<-done
}

func TestAPeerThatRestartedIsReachedAgain(t *testing.T) {
	t.Parallel()
	server := listen(t, Options{})
	server.Handle(echo)
	client := listen(t, Options{})
	for range 20 {
		_, err := client.Call(within(t, 5*time.Second), server.Addr(), "a", []byte("x"))
		must(t, err)
		must(t, server.Close())
		server = listen(t, Options{Bind: server.Addr()})
		server.Handle(echo)
		// The pooled connection is dead. A request may fail after it was written
		// (unknown), but then the next one must get through.
		if _, err := client.Call(within(t, 5*time.Second), server.Addr(), "a", []byte("x")); err != nil {
			_, err = client.Call(within(t, 5*time.Second), server.Addr(), "a", []byte("x"))
			must(t, err)
		}
	}
}

func TestWatchReturnsAtOnceWhenTheProcessIsGone(t *testing.T) {
	t.Parallel()
	a, b := listen(t, Options{}), listen(t, Options{})
	result := make(chan error, 1)
	go func() { result <- a.Watch(within(t, 20*time.Second), b.Addr()) }()
	eventually(t, "the connection stands", func() bool { return a.Alive(b.Addr()) })
	start := time.Now()
	must(t, b.Close())
	if err := <-result; !errors.Is(err, ErrRefused) || time.Since(start) > 50*time.Millisecond {
		t.Fatalf("got %v after %v", err, time.Since(start))
	}
	if a.Alive(b.Addr()) {
		t.Fatal("still alive")
	}
}

func TestWatchSurvivesBrokenConnections(t *testing.T) {
	t.Parallel()
	a, b := listen(t, Options{}), listen(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- a.Watch(ctx, b.Addr()) }()
	for range 5 {
		var standing *conn
		eventually(t, "the connection stands", func() bool {
			b.conns.mu.Lock()
			defer b.conns.mu.Unlock()
			for c := range b.conns.all {
				standing = c
			}
			return standing != nil && a.Alive(b.Addr())
		})
		_ = standing.raw.Close()
		eventually(t, "the break is seen", func() bool {
			b.conns.mu.Lock()
			defer b.conns.mu.Unlock()
			_, still := b.conns.all[standing]
			return !still
		})
	}
	select {
	case err := <-result:
		t.Fatalf("Watch gave up: %v", err)
	default:
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	go func() { result <- a.Watch(context.Background(), b.Addr()) }()
	eventually(t, "the connection stands", func() bool { return a.Alive(b.Addr()) })
	must(t, a.Close())
	if err := <-result; !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

func TestGarbageDoesNotHarmOtherConnections(t *testing.T) {
	t.Parallel()
	p := listen(t, Options{Timeout: 300 * time.Millisecond})
	p.Handle(echo)
	p.OpenRaft()
	rng := rand.New(rand.NewPCG(1, 2))
	var open []net.Conn
	send := func(b []byte) {
		var c net.Conn
		if len(open)%3 == 0 || b == nil { // before the greeting
			var err error
			c, err = net.Dial("tcp", p.Addr())
			must(t, err)
		} else {
			c = greeted(t, p)
		}
		_, _ = c.Write(b)
		open = append(open, c)
	}
	for n := range 200 {
		b := make([]byte, rng.IntN(300)+1)
		for i := range b {
			b[i] = byte(rng.IntN(256))
		}
		// Also after a first byte that is right.
		if n%2 == 0 {
			b[0] = "\x00\x01\x02\x03\x04Pw"[rng.IntN(7)]
		}
		send(b)
	}
	send([]byte("POST /v1/peer/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"))
	send([]byte("POST /v1/peer/a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"))
	send([]byte("POST /v1/peer/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"))
	send([]byte("GET /v1/peer/a HTTP/1.1\r\nHost: x\r\n\r\n"))
	send([]byte("POST /v1/peer/a HTTP/1.1\r\nX: " + strings.Repeat("y", 100_000)))
	send([]byte("w" + strings.Repeat("w", 1000)))
	for range 2 * maxUndecided {
		send(nil)
	}
	client := listen(t, Options{})
	got, err := client.Call(within(t, 10*time.Second), p.Addr(), "a", []byte("x"))
	if err != nil || string(got) != "a:x" {
		t.Fatalf("%q %v", got, err)
	}
	p.undecided.mu.Lock()
	waiting := p.undecided.order.Len()
	p.undecided.mu.Unlock()
	if waiting > maxUndecided {
		t.Fatalf("%d undecided connections", waiting)
	}
	// The slow sender of a head is dropped.
	c := greeted(t, p)
	_, _ = io.WriteString(c, "POST /v1")
	must(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
	if _, err := io.Copy(io.Discard, c); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		t.Fatal("a slow sender is kept")
	}
	for _, c := range append(open, c) {
		_ = c.Close()
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func TestASilentConnectionIsDropped(t *testing.T) {
	t.Parallel()
	p := listen(t, Options{})
	c, err := net.Dial("tcp", p.Addr())
	must(t, err)
	defer c.Close()
	must(t, c.SetReadDeadline(time.Now().Add(silentLimit+2*time.Second)))
	if _, err := c.Read(make([]byte, 1)); isTimeout(err) {
		t.Fatal("it is kept")
	}
}

func FuzzFirstByte(f *testing.F) {
	for _, b := range []byte{0, 4, 5, 'A', 'P', 'Z', '[', 'a', 'w', 0x16, 0xff} {
		f.Add(b, []byte("rest"))
	}
	p := listen(f, Options{})
	p.Handle(echo)
	p.OpenRaft()
	f.Fuzz(func(t *testing.T, first byte, rest []byte) {
		k := kindOf(first)
		if (k == kindRaft) != (first <= 4) || (k == kindHTTP) != (first >= 'A' && first <= 'Z') || (k == kindWatch) != (first == 'w') {
			t.Fatalf("%#x is %d", first, k)
		}
		c := greeted(t, p)
		_, _ = c.Write(append([]byte{first}, rest...))
		must(t, c.Close())
		got, err := p.Call(within(t, 5*time.Second), p.Addr(), "a", rest)
		if err != nil || string(got) != "a:"+string(rest) {
			t.Fatalf("%q %v", got, err)
		}
	})
}

func benchmarkCall(b *testing.B, size int) {
	server, client := listen(b, Options{}), listen(b, Options{})
	server.Handle(func(_ context.Context, _ string, body []byte) ([]byte, error) { return body[:16], nil })
	body := make([]byte, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Call(context.Background(), server.Addr(), "propose", body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCall100B(b *testing.B)   { benchmarkCall(b, 100) }
func BenchmarkCall256KiB(b *testing.B) { benchmarkCall(b, 256<<10) }

func Example() {
	server, _ := Listen(Options{Bind: "127.0.0.1:0"})
	defer server.Close()
	server.Belong("a-cluster")
	server.Handle(func(_ context.Context, method string, body []byte) ([]byte, error) {
		return []byte(method + " " + string(body)), nil
	})
	client, _ := Listen(Options{Bind: "127.0.0.1:0"})
	defer client.Close()
	client.Belong("a-cluster")
	answer, err := client.Call(context.Background(), server.Addr(), "status", []byte("please"))
	fmt.Println(string(answer), err)
	// Output: status please <nil>
}
