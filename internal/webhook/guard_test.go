package webhook

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

func guard(t *testing.T, http bool, allow ...string) *Guard {
	t.Helper()
	g, err := NewGuard(allow, http)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// addresses are addresses of each kind, and whether deliveries may go there without a flag.
var addresses = map[string]bool{
	"1.1.1.1": true, "9.255.255.255": true, "11.0.0.0": true, "100.63.255.255": true, "100.128.0.0": true,
	"172.15.255.255": true, "172.32.0.0": true, "192.167.255.255": true, "223.255.255.255": true,
	"2606:4700:4700::1111": true, "2a00::1": true, "2001:200::1": true, "::ffff:1.1.1.1": true,

	"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.255.255.254": false, "10.0.0.1": false,
	"172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "100.64.0.1": false, "100.127.255.255": false,
	"169.254.169.254": false, "192.0.0.8": false, "192.0.2.1": false, "192.88.99.1": false, "198.18.0.1": false,
	"198.19.255.255": false, "198.51.100.7": false, "203.0.113.9": false, "224.0.0.1": false, "239.255.255.250": false,
	"240.0.0.1": false, "255.255.255.255": false,
	"::": false, "::1": false, "::127.0.0.1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
	"::ffff:169.254.169.254": false, "64:ff9b::7f00:1": false, "64:ff9b::101:101": false, "64:ff9b:1::a00:1": false,
	"100::1": false, "2001::1": false, "2001:0:4136:e378:8000:63bf:3fff:fdd2": false, "2001:db8::1": false,
	"2002:7f00:1::": false, "2002:c0a8:101::1": false, "3fff::1": false, "5f00::1": false, "fc00::1": false,
	"fd12:3456::1": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false,
	"fd00:ec2::254": false,
}

func TestOnlyPublicAddressesAreCalledWithoutAFlag(t *testing.T) {
	t.Parallel()
	g, all := guard(t, false), guard(t, false, "0.0.0.0/0", "::/0")
	for text, want := range addresses {
		err := g.Control("tcp", net.JoinHostPort(text, "443"), nil)
		var b *BlockedError
		if got := err == nil; got != want || !got && !errors.As(err, &b) {
			t.Errorf("%s: %v", text, err)
		}
		if err := all.Control("tcp", net.JoinHostPort(text, "443"), nil); (err == nil) == strings.Contains(text, "%") {
			t.Errorf("%s where all networks are allowed: %v", text, err)
		}
	}
}

// The sentence is all that somebody with a receiver in his own network has to go by.
func TestARefusalNamesTheAddressAndTheFlag(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.1.2.3:443":         "10.1.2.3 is not a public address; allow its network with --webhook-allow 10.0.0.0/8 if it is yours",
		"[::1]:443":            "::1 is not a public address; allow its network with --webhook-allow ::1/128 if it is yours",
		"[fd12::7]:443":        "fd12::7 is not a public address; allow its network with --webhook-allow fc00::/7 if it is yours",
		"[::ffff:7f00:1]:443":  "127.0.0.1 is not a public address; allow its network with --webhook-allow 127.0.0.0/8 if it is yours",
		"[64:ff9b::1:101]:443": "64:ff9b::1:101 is not a public address; allow its network with --webhook-allow 64:ff9b::/96 if it is yours",
		"[5f00::1]:443":        "5f00::1 is not a public address; allow its network with --webhook-allow 5f00::1/128 if it is yours",
		"1.1.1.1:22":           "port 22 is not one that webhooks go to; allow it with --webhook-allow 22",
		"1.1.1.1:80":           "port 80 is not one that webhooks go to; allow it with --webhook-allow 80",
	} {
		err := guard(t, false).Control("tcp", text, nil)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v", text, err)
			continue
		}
		_, flag, _ := strings.Cut(want, "--webhook-allow ")
		flag, _, _ = strings.Cut(flag, " ")
		if err := guard(t, false, flag).Control("tcp", text, nil); err != nil && !strings.HasPrefix(text, "[64:") {
			t.Errorf("%s is refused with the flag that the sentence names: %v", text, err)
		}
	}
}

func TestBehindNAT64TheAddressOfIPv4Decides(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[64:ff9b::101:101]:443":   "",
		"[64:ff9b::7f00:1]:443":    "64:ff9b::7f00:1 leads to 127.0.0.1, and 127.0.0.1 is not a public address; allow its network with --webhook-allow 127.0.0.0/8 if it is yours",
		"[64:ff9b::a9fe:a9fe]:443": "64:ff9b::a9fe:a9fe leads to 169.254.169.254, and 169.254.169.254 is not a public address; allow its network with --webhook-allow 169.254.0.0/16 if it is yours",
		"[64:ff9b::a00:1]:443":     "", // 10.0.0.1, which is allowed too
	} {
		err := guard(t, false, "64:ff9b::/96", "10.0.0.0/8").Control("tcp", text, nil)
		if got := fmt.Sprint(err); got != want && (want != "" || err != nil) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestURLsAreRefusedBeforeTheyAreCalled(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://example.org/hooks?a=b":  "",
		"https://example.org:8443":       "",
		"https://example.org:443/":       "",
		"https://1.1.1.1/":               "",
		"HTTPS://EXAMPLE.ORG/":           "",
		"http://example.org/":            "--webhook-allow-http",
		"https://example.org:9000/":      "--webhook-allow 9000",
		"https://example.org:0/":         "port 0",
		"https://example.org:99999/":     "is no port",
		"https://example.org:/":          "port after the host is missing",
		"https://ann@example.org/":       "user or a password",
		"https://ann:secret@example.org": "user or a password",
		"https://example.org/#top":       "fragment",
		"https://example.org/#":          "fragment",
		"https://127.0.0.1/":             "--webhook-allow 127.0.0.0/8",
		"https://[::1]/":                 "--webhook-allow ::1/128",
		"https://[fe80::1%25eth0]/":      "within one network",
		"ftp://example.org/":             "https:// only",
		"https:example.org":              "not a URL with a host",
		"https://":                       "not a URL with a host",
		"https://:443/":                  "not a URL with a host",
		"//example.org/":                 "https:// only",
		"example.org":                    "not a URL with a host",
		"https://example.org/\x00":       "not a URL with a host",
	} {
		err := guard(t, false).CheckURL(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in %v", err)
		}
	}
	if err := guard(t, true).CheckURL("http://example.org/"); err != nil {
		t.Errorf("http, which is allowed: %v", err)
	}
}

func TestWhatIsAllowedIsReadOrRefused(t *testing.T) {
	t.Parallel()
	g := guard(t, true, "10.0.0.0/8", "9000", "192.168.1.7", "fd00::/8", "::ffff:172.16.0.1")
	if got := fmt.Sprint(g.Allowed()); got != "[10.0.0.0/8 192.168.1.7/32 fd00::/8 172.16.0.1/32 9000 http]" {
		t.Errorf("allowed is %v", got)
	}
	for text, want := range map[string]string{
		"10.0.0.1:9000":     "",
		"192.168.1.7:80":    "",
		"192.168.1.8:80":    "192.168.1.8 is not",
		"[fd00::1]:443":     "",
		"[fc00::1]:443":     "fc00::1 is not",
		"172.16.0.1:443":    "",
		"172.16.0.2:443":    "172.16.0.2 is not",
		"no address at all": "no address with a port",
	} {
		err := g.Control("tcp", text, nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"", "0", "65536", "10.0.0.1/8", "10.0.0.0/33", "example.org", "-1", "::ffff:10.0.0.0/104", "fe80::1%eth0", "10.0.0.0/8,9000"} {
		if _, err := NewGuard([]string{text}, false); err == nil {
			t.Errorf("--webhook-allow %q is taken", text)
		}
	}
}

// network is a machine's network: an inner server on loopback, a name server that answers for
// every name, and a dialler that never calls anybody else.
type network struct {
	t       *testing.T
	inner   *httptest.Server
	reached atomic.Int64 // how often the inner server was
	called  atomic.Int64 // how often a public address would have been
	answers atomic.Int64 // of the name server
	first   netip.Addr   // which it answers first
	then    netip.Addr
	names   net.PacketConn
}

func newNetwork(t *testing.T, first, then string) *network {
	t.Helper()
	n := &network{t: t, first: netip.MustParseAddr(first), then: netip.MustParseAddr(then)}
	n.inner = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.reached.Add(1) }))
	t.Cleanup(n.inner.Close)
	names, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.names = names
	done := make(chan struct{})
	go func() { defer close(done); n.serveNames() }() // ends with the socket
	t.Cleanup(func() { _ = names.Close(); <-done })
	return n
}

// serveNames answers questions for addresses of IPv4 (RFC 1035, section 4); other types of
// addresses no name has, and names under "invalid" do not exist.
func (n *network) serveNames() {
	const header, typeA = 12, 1
	b := make([]byte, 1<<10)
	for {
		size, from, err := n.names.ReadFrom(b)
		if err != nil {
			return
		}
		name := bytes.IndexByte(b[header:size], 0) + 1
		end := header + name + 4 // of the question: its type and class follow the name
		if name == 0 || end > size {
			continue
		}
		answer := append(b[:2:2], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0)
		answer = append(answer, b[header:end]...)
		switch {
		case bytes.HasSuffix(b[header:header+name], []byte("\x07invalid\x00")):
			answer[3] |= 3 // there is no such name
		case binary.BigEndian.Uint16(b[header+name:]) == typeA:
			a := n.then
			if n.answers.Add(1) == 1 {
				a = n.first
			}
			answer[7] = 1 // answer: of the name at the 12th byte, for no time, of 4 bytes
			answer = append(answer, 0xc0, header, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4)
			answer = append(answer, a.AsSlice()...)
		}
		_, _ = n.names.WriteTo(answer, from)
	}
}

func (n *network) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", n.names.LocalAddr().String())
	}}
}

var errPretended = errors.New("a public address, which this test does not call")

// within is a control that has the last word: nothing leaves the machine.
func (n *network) within(control Control) Control {
	return func(kind, address string, c syscall.RawConn) error {
		if err := control(kind, address, c); err != nil {
			return err
		}
		if !netip.MustParseAddrPort(address).Addr().Unmap().IsLoopback() {
			n.called.Add(1)
			return errPretended
		}
		return nil
	}
}

// transport is that of a Sender, with the network's names.
func (n *network) transport(control Control) *http.Transport {
	transport := NewSender(control, DefaultTimeout).(*client).transport
	transport.DialContext = (&net.Dialer{Timeout: connectTimeout, Control: n.within(control), Resolver: n.resolver()}).DialContext
	n.t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// post sends a request without a redirect being followed, as a Sender does.
func (n *network) post(transport *http.Transport, target string) (status int, err error) {
	r, err := http.NewRequestWithContext(n.t.Context(), http.MethodPost, target, bytes.NewReader(nil))
	if err != nil {
		return 0, err
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Body.Close()
}

func (n *network) port() string {
	u, err := url.Parse(n.inner.URL)
	if err != nil {
		n.t.Fatal(err)
	}
	return u.Port()
}

func TestANameThatLeadsElsewhereAMomentLaterReachesNothing(t *testing.T) {
	t.Parallel()
	for name, guarded := range map[string]bool{"guarded": true, "control: a check of the name before": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, "1.1.1.1", "127.0.0.1")
			g := guard(t, true, n.port())
			found, err := n.resolver().LookupNetIP(t.Context(), "ip4", "hooks.example")
			if err != nil || len(found) != 1 || g.checkAddress(found[0]) != nil {
				t.Fatalf("when it is looked at, the name leads to %v, %v", found, err)
			}
			control := g.Control
			if !guarded {
				control = func(string, string, syscall.RawConn) error { return nil } // it was checked already
			}
			_, err = n.post(n.transport(control), "http://hooks.example:"+n.port()+"/")
			var b *BlockedError
			if guarded != errors.As(err, &b) || guarded == (n.reached.Load() > 0) {
				t.Errorf("the inner server was reached %d times; %v", n.reached.Load(), err)
			}
		})
	}
}

func TestNoSpellingOfLoopbackReachesIt(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "127.0.0.1", "127.0.0.1")
	g := guard(t, true, n.port())
	for _, host := range []string{
		"localhost", "localhost.", "LOCALHOST", "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0x7f000001",
		"[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "0", "0.0.0.0", "[::]", "127.0.0.1.", "127.255.255.254", "hooks.example",
	} {
		if _, err := n.post(n.transport(g.Control), "http://"+host+":"+n.port()+"/"); err == nil {
			t.Errorf("%s was called", host)
		}
	}
	if n.reached.Load() > 0 {
		t.Errorf("the inner server was reached %d times", n.reached.Load())
	}
	if _, err := n.post(n.transport(guard(t, true, n.port(), "127.0.0.0/8").Control), n.inner.URL); err != nil || n.reached.Load() != 1 {
		t.Errorf("where it is allowed, the inner server was reached %d times; %v", n.reached.Load(), err)
	}
}

func TestARedirectIsAnAnswer(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "127.0.0.1", "127.0.0.1")
	outer := httptest.NewServer(http.RedirectHandler(n.inner.URL, http.StatusTemporaryRedirect))
	defer outer.Close()
	// Both may be called, so nothing but the redirect itself keeps the inner one from it.
	s := NewSender(guard(t, true, "127.0.0.0/8", n.port(), outer.URL[strings.LastIndexByte(outer.URL, ':')+1:]).Control, DefaultTimeout)
	defer s.(*client).transport.CloseIdleConnections()
	a := s.Send(t.Context(), Request{Method: http.MethodPost, URL: outer.URL, Header: http.Header{}})
	if a.Status != http.StatusTemporaryRedirect || a.Result() != Refused || n.reached.Load() > 0 {
		t.Errorf("the answer is %+v, and the inner server was reached %d times", a, n.reached.Load())
	}
	// The control: a client that follows it gets there.
	answer, err := http.Post(outer.URL, "text/plain", strings.NewReader(""))
	if err != nil || answer.Body.Close() != nil || n.reached.Load() != 1 {
		t.Errorf("the control reached it %d times: %v", n.reached.Load(), err)
	}
}

func TestAProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	n := newNetwork(t, "127.0.0.1", "127.0.0.1")
	var proxied atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	g := guard(t, true, "127.0.0.0/8", n.port(), proxy.URL[strings.LastIndexByte(proxy.URL, ':')+1:])
	transport := n.transport(g.Control)
	if status, err := n.post(transport, "http://hooks.example:"+n.port()+"/"); err != nil || status != http.StatusOK || proxied.Load() > 0 || n.reached.Load() != 1 {
		t.Errorf("answered with %d, %v; the proxy was asked %d times, the server %d times", status, err, proxied.Load(), n.reached.Load())
	}
	// The control reads it as http.ProxyFromEnvironment does, which reads it once in a process.
	transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(os.Getenv("HTTP_PROXY")) }
	if _, err := n.post(transport, "http://hooks.example:"+n.port()+"/"); err != nil || proxied.Load() != 1 {
		t.Errorf("the control asked the proxy %d times: %v", proxied.Load(), err)
	}
}

// An endpoint may have been made at a member that allows more.
func TestASenderCallsNoURLThatItsGuardRefuses(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "127.0.0.1", "127.0.0.1")
	for url, want := range map[string]string{
		n.inner.URL: "--webhook-allow-http", "https://ann:secret@127.0.0.1/": "user or a password", "gopher://127.0.0.1/": "https:// only",
	} {
		g := guard(t, false, "127.0.0.0/8", n.port())
		a := g.Sender(NewSender(g.Control, DefaultTimeout)).Send(t.Context(), Request{Method: http.MethodPost, URL: url, Header: http.Header{}})
		if a.Result() != Blocked || !strings.Contains(a.Failure, want) || strings.Contains(a.Failure, "secret") || n.reached.Load() > 0 {
			t.Errorf("%s: %+v", url, a)
		}
	}
}

// What an endpoint answers must not be able to hold a lane or fill the memory.
func TestOfAnAnswerLittleIsRead(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	wordy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", maxHeaderBytes))
	}))
	defer wordy.Close()
	s := NewSender(func(string, string, syscall.RawConn) error { return nil }, DefaultTimeout)
	defer s.(*client).transport.CloseIdleConnections()
	if a := s.Send(t.Context(), Request{Method: http.MethodPost, URL: endless.URL, Header: http.Header{}}); a.Result() != OK {
		t.Errorf("an endless body is %+v", a)
	}
	<-ended // the connection was closed
	if a := s.Send(t.Context(), Request{Method: http.MethodPost, URL: wordy.URL, Header: http.Header{}}); a.Result() != Failed {
		t.Errorf("a header that is too long is %+v", a)
	}
}
