package webhook

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
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

func TestWhyNoAnswerCameIsSaid(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	hanging := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hanging }))
	t.Cleanup(func() {
		close(hanging)
		hangs.Close()
	})
	secure := httptest.NewTLSServer(http.NotFoundHandler()) // nobody has signed its certificate
	secure.Config.ErrorLog = nil
	t.Cleanup(secure.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, c := range map[string]struct {
		url     string
		timeout time.Duration
		want    poll.Fault
		says    string
	}{
		"it hangs":                   {hangs.URL, 200 * time.Millisecond, poll.FaultTimeout, "within 200ms"},
		"nobody listens":             {gone.URL, time.Minute, poll.FaultConnect, "No connection was made"},
		"its certificate is unknown": {secure.URL, time.Minute, poll.FaultTLS, "No TLS connection"},
		"it knows no TLS":            {strings.Replace(plain.URL, "http", "https", 1), time.Minute, poll.FaultTLS, "No TLS connection"},
		"there is no such name":      {"http://nowhere.invalid:" + portOf(t, plain.URL) + "/", time.Minute, poll.FaultName, "nowhere.invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := calls(t, c.url, c.timeout); got.Fault != c.want || !strings.Contains(got.Failure, c.says) || got.Status != 0 || got.Result() != Failed {
				t.Errorf("%+v, want %v: %q", got, c.want, c.says)
			}
		})
	}
}
