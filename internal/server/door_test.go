package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"voted/internal/source"
)

// sayFrom opens a connection to a node from an address of the loopback network.
func sayFrom(t testing.TB, from, addr, what string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", addr)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, _ = io.WriteString(c, what) // it may have been closed already
	return c
}

func closedByTheNode(t testing.TB, c net.Conn) bool {
	t.Helper()
	must(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err := c.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestOneAddressCannotTakeAllConnections(t *testing.T) {
	t.Parallel()
	const probe = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
	s := alone(t, func(o *Options) { o.MaxConnections, o.MaxConnectionsPerAddress = 100, 3 })
	var greedy []net.Conn
	for range 3 {
		greedy = append(greedy, sayFrom(t, "127.0.0.2", s.APIAddr(), probe))
	}
	for i, c := range greedy {
		if got := statusOf(t, c); got != http.StatusOK {
			t.Fatalf("connection %d: %d", i, got)
		}
	}
	for range 5 {
		if !closedByTheNode(t, sayFrom(t, "127.0.0.2", s.APIAddr(), "")) {
			t.Fatal("one address holds more connections than it may")
		}
	}
	metrics := sayFrom(t, "127.0.0.3", s.APIAddr(), "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	must(t, metrics.SetReadDeadline(time.Now().Add(10*time.Second)))
	answer, err := http.ReadResponse(bufio.NewReader(metrics), nil)
	must(t, err)
	b, err := io.ReadAll(answer.Body)
	must(t, err)
	must(t, answer.Body.Close())
	for _, line := range []string{`voted_connections_refused_total{limit="address"} 5`, `voted_connections_refused_total{limit="total"} 0`, "voted_connections 4"} {
		if !strings.Contains(string(b), line+"\n") {
			t.Errorf("the metrics lack %q", line)
		}
	}
	// A place that is given back is the same address's again.
	must(t, greedy[0].Close())
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c := sayFrom(t, "127.0.0.2", s.APIAddr(), probe)
		must(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
		if _, err := c.Read(make([]byte, 1)); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the place of a closed connection is not given back")
		}
	}
}

func TestHowManyConnectionsAnAddressMayHold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit, each int
		address     string
		want        int
	}{
		"by default a quarter":                   {0, 0, "192.0.2.1", defaultConnections / 4},
		"a quarter of a limit that was given":    {100, 0, "192.0.2.1", 25},
		"one at least":                           {2, 0, "192.0.2.1", 1},
		"a proxy on this machine, by default":    {100, 0, "127.0.0.1", 100},
		"the same by IPv6":                       {100, 0, "::1", 100},
		"loopback, where a limit was given":      {100, 10, "127.0.0.1", 10},
		"an IPv4 address written as IPv6":        {100, 0, "::ffff:192.0.2.1", 25},
		"loopback written as IPv6":               {100, 0, "::ffff:127.0.0.1", 100},
		"more than all: the total limit decides": {100, 1000, "192.0.2.1", 100},
		"an IPv6 address":                        {100, 0, "2001:db8::1", 25},
	} {
		d := newDoor(nil, c.limit, c.each)
		got := 0
		for d.enter(source.Of(stranger(c.address).RemoteAddr().String())) == "" {
			got++
		}
		if got != c.want {
			t.Errorf("%s: %d connections, want %d", name, got, c.want)
		}
	}
}

func TestAnIPv6NetworkIsOneClientAndItsNeighbourAnother(t *testing.T) {
	t.Parallel()
	d := newDoor(nil, 100, 2)
	enter := func(address string) string { return d.enter(source.Of(stranger(address).RemoteAddr().String())) }
	first, second, third := enter("2001:db8:0:1::1"), enter("2001:db8:0:1:ffff::2"), enter("2001:db8:0:1::3")
	if first != "" || second != "" || third != beyondAddress {
		t.Errorf("addresses of one /64: %q, %q, %q", first, second, third)
	}
	if got := enter("2001:db8:0:2::1"); got != "" {
		t.Errorf("another /64 is refused: %s", got)
	}
	d.leave(source.Of("[2001:db8:0:1::3]:1"))
	d.leave(source.Of("[2001:db8:0:1::3]:1"))
	d.leave(source.Of("[2001:db8:0:2::3]:1"))
	if len(d.from) != 0 || d.open != 0 {
		t.Errorf("when all have gone %d are counted, of %v", d.open, d.from)
	}
}

// stranger is a connection from an address that this machine does not have.
func stranger(address string) net.Conn {
	return from{at: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1234))}
}

type from struct {
	net.Conn
	at net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.at }
