package server

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"voted/internal/ports/portstest"
)

func TestOriginsAreTakenAsBrowsersSendThem(t *testing.T) {
	t.Parallel()
	for origin, says := range map[string]string{
		"https://vote.example.org":      "",
		"https://vote.example.org:8443": "",
		"http://localhost:5173":         "",
		"http://[::1]:3000":             "",
		"https://xn--whlen-gra.example": "",
		"https://vote.example.org/":     "write https://vote.example.org",
		"https://vote.example.org/page": "write https://vote.example.org",
		"https://Vote.Example.org":      "write https://vote.example.org",
		"https://vote.example.org:443":  "write https://vote.example.org",
		"http://vote.example.org:80":    "write http://vote.example.org",
		"https://ann@vote.example.org":  "write https://vote.example.org",
		"https://vote.example.org:":     "write https://vote.example.org",
		"https://wählen.example":        "in ASCII",
		"vote.example.org":              "is no origin",
		"*":                             "is no origin",
		"https://*.example.org":         "is no origin",
		"null":                          "is no origin",
		"":                              "is no origin",
		"file:///home/ann/vote.html":    "is no origin",
	} {
		err := CheckOrigin(origin)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", origin, err, says)
		}
		_, err = Options{ID: "n1", DataDir: "d", Security: Security{AllowOrigins: []string{origin}}}.complete()
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), "--allow-origin") {
			t.Errorf("--allow-origin %q: %v", origin, err)
		}
	}
}

func TestFurtherNamesAreForNodesThatNothingGuards(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s    Security
		says string
	}{
		"an open node":               {Security{AllowHosts: []string{"voted"}}, ""},
		"an open node, said aloud":   {Security{AllowHosts: []string{"voted.example"}, Insecure: true}, ""},
		"a node with credentials":    {Security{AllowHosts: []string{"voted"}, Tokens: "t"}, "does nothing"},
		"a node under TLS":           {Security{AllowHosts: []string{"voted"}, TLSCert: "c", TLSKey: "k"}, "does nothing"},
		"a URL instead of a name":    {Security{AllowHosts: []string{"http://voted"}}, "is no host name"},
		"a name with its port":       {Security{AllowHosts: []string{"voted:8080"}}, "is no host name"},
		"a wildcard":                 {Security{AllowHosts: []string{"*"}}, "is no host name"},
		"nothing":                    {Security{AllowHosts: []string{""}}, "is no host name"},
		"an address, taken any way ": {Security{AllowHosts: []string{"10.0.0.7"}}, ""},
	} {
		_, err := Options{ID: "n1", DataDir: "d", Security: c.s}.complete()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestAnOpenNodeAnswersToItsOwnNamesAndToAddresses(t *testing.T) {
	t.Parallel()
	profiles := portstest.Addr(t)
	s := alone(t, func(o *Options) {
		o.AdvertiseAPI, o.AllowHosts, o.Profile = "http://votes.example.org:8080", []string{"voted"}, profiles
	})
	machine, err := os.Hostname()
	must(t, err)
	status := func(url, host string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		must(t, err)
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, resp.Body.Close())
		return resp.StatusCode
	}
	for host, want := range map[string]int{
		s.APIAddr(): 200, "localhost": 200, "votes.example.org:8080": 200, "voted": 200, machine: 200, "192.0.2.7": 200,
		"evil.example": 421, "evil.example:8080": 421, "example.org": 421,
	} {
		if got := status(s.URL()+"/livez", host); got != want {
			t.Errorf("Host %s: %d, want %d", host, got, want)
		}
	}
	for host, want := range map[string]int{profiles: 200, "localhost": 200, "evil.example": 421} {
		if got := status("http://"+profiles+"/debug/pprof/", host); got != want {
			t.Errorf("profiles for Host %s: %d, want %d", host, got, want)
		}
	}
}

func TestCredentialsAndTLSNeedNoCheckOfNames(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Security{"credentials": {Tokens: "t"}, "TLS": {TLSCert: "c", TLSKey: "k"}} {
		if (Options{API: "127.0.0.1:8080", Security: s}).hosts() != nil {
			t.Errorf("with %s the node still asks for its names", name)
		}
	}
	open := Options{API: "0.0.0.0:8080", Peer: "db1.internal:9080", AdvertisePeer: "db1.example:9080"}.hosts()
	for _, host := range []string{"db1.internal", "db1.example:8080"} {
		if !open.Know(host) {
			t.Errorf("%s was given to the node, and is not its name", host)
		}
	}
	if open.Know("evil.example") {
		t.Error("a foreign name is taken")
	}
}
