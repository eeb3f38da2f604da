package webhook

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/internal/poll"
)

// calls sends one request to a receiver on this machine.
func calls(t *testing.T, url string, timeout time.Duration) Answer {
	t.Helper()
	g, err := NewGuard([]string{"127.0.0.0/8", portOf(t, url)}, true)
	if err != nil {
		t.Fatal(err)
	}
	return NewSender(g.Control, timeout).Send(t.Context(), Request{Method: http.MethodPost, URL: url, Header: http.Header{}, Body: []byte("{}")})
}

func portOf(t *testing.T, url string) string {
	t.Helper()
	_, host, _ := strings.Cut(url, "://")
	host, _, _ = strings.Cut(host, "/")
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestWhatAReceiverAnswersIsReadAndNoMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   Answer
	}{
		"204": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, Answer{Status: 204}},
		"429 with a time": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(429)
		}, Answer{Status: 429, Wait: 7 * time.Second, Failure: "It answered 429 Too Many Requests."}},
		"a time that counts nowhere else": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(500)
		}, Answer{Status: 500, Failure: "It answered 500 Internal Server Error."}},
		"its rate": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("WebHook-Allowed-Rate", "120") }, Answer{Status: 200, Allowed: 120}},
		"any rate": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("WebHook-Allowed-Rate", "*") }, Answer{Status: 200}},
		"a long body": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat("secret ", 1<<20))) // the sender stops to read
		}, Answer{Status: 200}},
		"a long header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 2*maxHeaderBytes))
		}, Answer{Fault: poll.FaultAnswer}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(c.answer)
			defer s.Close()
			got := calls(t, s.URL, time.Minute)
			if got.Address != s.Listener.Addr().String() {
				t.Errorf("%s was called", got.Address)
			}
			if got.Took <= 0 {
				t.Errorf("it took %v", got.Took)
			}
			if c.want.Fault != poll.FaultNone {
				c.want.Failure = got.Failure
			}
			if got.Address, got.Took = "", 0; got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// listens is a listener on this machine, and has each connection handled by serve. It returns
// its URL.
func listens(t *testing.T, serve func(net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tasks sync.WaitGroup
	tasks.Go(func() { // ends with the listener
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			tasks.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	t.Cleanup(tasks.Wait)
	t.Cleanup(func() { _ = l.Close() })
	return "http://" + l.Addr().String()
}

// readsOn reads until the other side closes the connection.
func readsOn(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func TestWhyNoAnswerCameIsSaid(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler()) // nobody has signed its certificate
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(secure.Close)
	silent := listens(t, readsOn)
	closes := listens(t, func(net.Conn) {})
	banner := listens(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1)) // the request comes first
		_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.9 secret\r\n")
		readsOn(c)
	})
	n := newNetwork(t, "127.0.0.1", "127.0.0.1")
	for name, c := range map[string]struct {
		url     string
		timeout time.Duration
		want    poll.Fault
		says    string
	}{
		"it hangs":                      {silent, 200 * time.Millisecond, poll.FaultTimeout, "No answer came within "},
		"it does not answer by TLS":     {overTLS(silent), time.Hour, poll.FaultTimeout, "No answer came within "},
		"it closes connections":         {closes, time.Minute, poll.FaultConnect, "No connection was made"},
		"its certificate is unknown":    {secure.URL, time.Minute, poll.FaultTLS, "No TLS connection"},
		"it knows no TLS":               {overTLS(plain.URL), time.Minute, poll.FaultTLS, "No TLS connection"},
		"there is no such name":         {"http://nowhere.invalid.:" + portOf(t, plain.URL) + "/", time.Minute, poll.FaultName, "nowhere.invalid"},
		"it speaks, and it is not HTTP": {banner, time.Minute, poll.FaultAnswer, "no answer of HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewSender(guard(t, true, "127.0.0.0/8", portOf(t, c.url)).Control, c.timeout).(*client)
			defer s.transport.CloseIdleConnections()
			s.transport.DialContext = (&net.Dialer{Resolver: n.resolver()}).DialContext
			s.transport.TLSHandshakeTimeout = time.Second
			got := s.Send(t.Context(), Request{Method: http.MethodPost, URL: c.url, Header: http.Header{}, Body: []byte("{}")})
			if got.Fault != c.want || !strings.Contains(got.Failure, c.says) || got.Status != 0 || got.Result() != Failed {
				t.Errorf("%+v, want %v: %q", got, c.want, c.says)
			}
			if took := got.Took.Round(100 * time.Millisecond).String(); c.want == poll.FaultTimeout && !strings.Contains(got.Failure, took) {
				t.Errorf("%q, after %v", got.Failure, got.Took)
			}
			if strings.Contains(got.Failure, "SSH") || strings.Contains(got.Failure, "secret") {
				t.Errorf("it keeps what came: %q", got.Failure)
			}
		})
	}
}

func overTLS(url string) string { return strings.Replace(url, "http:", "https:", 1) }
