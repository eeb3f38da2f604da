package api

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"
)

const (
	votingPage  = "https://vote.example.org"
	foreignPage = "https://evil.example"
)

// formPost is what chromium sends when a form is submitted to loopback from a page
// of another origin.
func formPost(origin string) []string {
	return []string{
		"Origin", origin, "Content-Type", "application/x-www-form-urlencoded",
		"Cache-Control", "max-age=0", "Upgrade-Insecure-Requests", "1",
		"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
		"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-User", "?1", "Sec-Fetch-Dest", "document",
		"Referer", origin + "/", "Accept-Language", "en-US,en;q=0.9",
	}
}

// fetched is what chromium sends for fetch() on a page of another origin.
func fetched(origin string, more ...string) []string {
	return append([]string{
		"Origin", origin, "Accept", "*/*", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Referer", origin + "/",
	}, more...)
}

// asked is a preflight as chromium sends it.
func asked(origin, method, headers string) []string {
	return fetched(origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers)
}

func allowing(origins ...string) func(*Options) { return func(o *Options) { o.Origins = origins } }

func TestAPageOfAnotherOriginChangesNothing(t *testing.T) {
	t.Parallel()
	for name, header := range map[string][]string{
		"a form of a foreign page":                       formPost(foreignPage),
		"a form of a file, or in a sandbox":              formPost("null"),
		"a script that asks for no answer":               {"Origin", foreignPage, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "empty"},
		"a page of another port on this machine":         {"Origin", "http://localhost:9999", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"},
		"a browser that knows no Sec-Fetch, or by http:": {"Origin", foreignPage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, allowing(votingPage))
			g.poll("lunch", twoOptions)
			for _, path := range []string{"/v1/polls/lunch/close", "/v1/cluster/leader", "/v1/polls/no-such-poll/close", "/v1/novel", "/readyz"} {
				a := g.do("POST", path, "", header...).want(403).code("cross_origin").has("Access-Control-Allow-Origin", "")
				for _, voted := range []string{"Voted-Node", "Voted-Leader", "Voted-Index"} {
					a.has(voted, "")
				}
			}
			g.do("GET", "/v1/polls/lunch", "").want(200).holds(`"state":"open"`)
		})
	}
}

func TestNoRouteThatChangesSomethingIsOpenToForeignPages(t *testing.T) {
	t.Parallel()
	g := newRig(t, allowing(votingPage))
	tried := 0
	err := g.h.router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		e := route.GetHandler().(routed)
		for method := range e.actions {
			if method == http.MethodGet || method == http.MethodHead {
				continue
			}
			tried++
			path := strings.NewReplacer("{poll}", "p", "{voter}", "v", "{id}", "n9", "{code}", "c").Replace(e.template)
			g.do(method, path, "", fetched(foreignPage)...).want(403).code("cross_origin")
		}
		return nil
	})
	if err != nil || tried < 12 {
		t.Fatalf("%d methods, %v", tried, err)
	}
}

func TestWhatIsNoForeignPageIsServed(t *testing.T) {
	t.Parallel()
	for name, header := range map[string][]string{
		"a program, which sends neither Origin nor Sec-Fetch": nil,
		"a page of the node's own origin":                     {"Origin", "https://127.0.0.1:8080", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"},
		"the user, by the address bar":                        {"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"},
		"an old browser on the node's own page":               {"Origin", "http://example.com"}, // the Host of httptest
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("lunch", twoOptions)
			g.do("POST", "/v1/polls/lunch/close", "", header...).want(200)
		})
	}
}

func TestAForeignPageDoesNotActWithTheClientCertificateOfWhoLooksAtIt(t *testing.T) {
	t.Parallel()
	g := guardedRig(t, allowing(votingPage))
	g.do("PUT", "/v1/polls/lunch", twoOptions, as("admin")...).want(201)
	closing := func(header ...string) answer {
		t.Helper()
		r := httptest.NewRequest("POST", "https://127.0.0.1:8080/v1/polls/lunch/close", nil)
		leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "admin"}}
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf}}}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		rec := httptest.NewRecorder()
		g.h.ServeHTTP(rec, r)
		return g.checked("POST", "/v1/polls/lunch/close", rec.Result())
	}
	closing(formPost(foreignPage)...).want(403).code("cross_origin")
	// A page of an allowed origin is to send a token; the certificate is the user's.
	closing(fetched(votingPage)...).want(401).code("unauthenticated")
	closing(fetched(votingPage, as("ann")...)...).want(403).code("forbidden")
	closing().want(200)
}

func TestAPageOfAnAllowedOriginVotesWithATokenAndReadsTheAnswer(t *testing.T) {
	t.Parallel()
	g := guardedRig(t, allowing("http://localhost:5173", votingPage))
	g.do("PUT", "/v1/polls/p", twoOptions, as("admin")...).want(201)
	const ballot = "/v1/polls/p/ballots/ann"
	a := g.do("OPTIONS", ballot, "", asked(votingPage, "PUT", "authorization,content-type,if-match")...).want(204)
	a.has("Access-Control-Allow-Origin", votingPage).has("Access-Control-Allow-Methods", "GET, HEAD, PUT").has("Vary", "Origin").
		has("Access-Control-Allow-Credentials", "").has("Access-Control-Max-Age", "600").has("Voted-Index", "")
	for _, wanted := range []string{"Authorization", "Content-Type", "If-Match"} {
		if !slices.Contains(strings.Split(a.header.Get("Access-Control-Allow-Headers"), ", "), wanted) {
			t.Errorf("%s may not be sent: %s", wanted, a.header.Get("Access-Control-Allow-Headers"))
		}
	}
	readable := func(a answer) answer {
		t.Helper()
		return a.has("Access-Control-Allow-Origin", votingPage).has("Access-Control-Allow-Credentials", "").has("Vary", "Origin")
	}
	a = readable(g.do("PUT", ballot, forAnn, fetched(votingPage, as("ann")...)...).want(201))
	if exposed := a.header.Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, "ETag") || !strings.Contains(exposed, "Idempotent-Replayed") {
		t.Errorf("exposed are %s", exposed)
	}
	// Refusals can be read, too.
	readable(g.do("PUT", ballot, forBo, fetched(votingPage, as("ann")...)...).want(409).code("already_voted"))
	readable(g.do("PUT", ballot, forBo, fetched(votingPage)...).want(401).code("unauthenticated"))
	readable(g.do("GET", "/v2", "", fetched(votingPage)...).want(404))
	// The other one as well, in its own name.
	g.do("GET", ballot, "", fetched("http://localhost:5173", as("ann")...)...).want(200).has("Access-Control-Allow-Origin", "http://localhost:5173")
	// Responses to senders that are no pages vary by Origin, too, and say so to caches.
	g.do("GET", ballot, "", as("ann")...).want(200).has("Vary", "Origin").has("Access-Control-Allow-Origin", "")
}

func TestAPreflightOfAnyOtherOriginIsRefused(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{
		foreignPage, "null", "*", "http://vote.example.org", "https://vote.example.org:8443", "https://vote.example.org.evil.example",
		"https://evil.example/https://vote.example.org", "https://VOTE.example.org", "https://vote.example.org/",
	} {
		for _, rig := range []*rig{newRig(t), newRig(t, allowing(votingPage))} {
			a := rig.do("OPTIONS", "/v1/polls/p/ballots/v", "", asked(origin, "PUT", "content-type")...).want(403).code("cross_origin")
			a.has("Access-Control-Allow-Origin", "").has("Access-Control-Allow-Methods", "")
		}
	}
	// OPTIONS that is no preflight is a method like any other.
	newRig(t).do("OPTIONS", "/v1/polls", "").want(405).has("Allow", "GET, HEAD, POST")
}

func TestAnExportVariesWithOriginAndAccept(t *testing.T) {
	t.Parallel()
	g := newRig(t, allowing(votingPage))
	g.poll("p", shownSecret)
	a := g.do("GET", "/v1/polls/p/ballots", "", fetched(votingPage)...).want(200)
	if vary := a.header.Values("Vary"); !slices.Equal(vary, []string{"Origin", "Accept"}) {
		t.Errorf("Vary is %v", vary)
	}
	if len(varyOrigin) != 1 {
		t.Errorf("the value that responses share is now %v", varyOrigin)
	}
}

// The lists are written by hand; the reference knows what there is.
func TestPagesMaySendAndReadAllHeadersOfTheReference(t *testing.T) {
	t.Parallel()
	components := theReference(t).root["components"].(object)
	taken := strings.Split(takenHeaders[0], ", ")
	for _, p := range components["parameters"].(object) {
		if p := p.(object); p["in"] == "header" && !slices.Contains(taken, p["name"].(string)) {
			t.Errorf("%s is a header of a request, and pages may not send it", p["name"])
		}
	}
	exposed := strings.Split(exposedHeaders[0], ", ")
	for name := range components["headers"].(object) {
		// Browsers show the first to any page; the others are for caches and proxies.
		ours := !slices.Contains([]string{"Cache-Control", "Vary", "X-Accel-Buffering"}, name)
		if ours != slices.Contains(exposed, name) {
			t.Errorf("%s is a header of a response; exposed to pages: %v", name, !ours)
		}
	}
}

func TestAnOpenNodeIsCalledByItsOwnNamesAlone(t *testing.T) {
	t.Parallel()
	hosts := NewHosts("n1", "Votes.Example.org", "")
	for host, known := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:8080": true, "10.0.0.7:8080": true, "[::1]:8080": true, "[::1]": true, "[2001:db8::7]:80": true, // no one can rebind an address
		"localhost": true, "localhost:8080": true, "LOCALHOST.:8080": true, "my.localhost:8080": true,
		"n1:8080": true, "N1": true, "votes.example.org:443": true, "votes.example.org.": true, "": true,
		"evil.example": false, "evil.example:8080": false, "127.0.0.1.evil.example": false, "localhost.evil.example": false,
		"n2": false, "n1.evil.example": false, "notlocalhost": false, "127.0.0.1@evil.example": false, "[evil.example]": false,
		"0x7f.1": false, "2130706433": false, "::1": false,
	} {
		if got := hosts.Know(host); got != known {
			t.Errorf("Host %q: %v, want %v", host, got, known)
		}
	}
}

func TestAForeignHostIsMisdirectedAndLearnsNothing(t *testing.T) {
	t.Parallel()
	g := newRig(t, func(o *Options) { o.Hosts = NewHosts("n1") })
	call := func(method, path, host string, header ...string) answer {
		t.Helper()
		r := httptest.NewRequest(method, "http://"+host+path, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		rec := httptest.NewRecorder()
		g.h.ServeHTTP(rec, r)
		return g.checked(method, path, rec.Result())
	}
	g.h.browser.hosts.names["example.com"] = true // of the rig's requests
	g.poll("lunch", twoOptions)
	// After rebinding the page is of the node's own origin, for its browser.
	rebound := []string{"Origin", "http://evil.example:8080", "Sec-Fetch-Site", "same-origin"}
	for _, path := range []string{"/v1/polls/lunch/close", "/v1/polls/lunch", "/v1/backup", "/metrics", "/livez", "/nowhere"} {
		for _, method := range []string{"GET", "POST"} {
			a := call(method, path, "evil.example:8080", rebound...).want(421).code("misdirected")
			a.has("Voted-Node", "").has("Voted-Index", "").lacks("evil")
		}
	}
	g.do("GET", "/v1/polls/lunch", "").want(200).holds(`"state":"open"`)
	call("POST", "/v1/polls/lunch/close", "n1:8080").want(200)
	// Credentials guard by themselves: there the node may be called as one likes.
	guardedRig(t).do("GET", "/livez", "", "Host", "evil.example").want(200)
}

func TestVotedHeadersAreForSendersThatTheNodeKnows(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	g.do("PUT", "/v1/polls/p", twoOptions, as("admin")...).want(201)
	named := func(a answer, want bool) {
		t.Helper()
		for _, name := range []string{"Voted-Node", "Voted-Index", "Voted-Leader"} {
			if got := a.header.Get(name) != ""; got != want {
				t.Errorf("%d %.60s: %s is %q", a.status, a.body, name, a.header.Get(name))
			}
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/readyz?verbose", "/openapi.yaml", "/problems/forbidden", "/nowhere", "/v1/polls/p", "/v1/polls/p/results/stream"} {
		named(g.do("GET", path, ""), false)
		named(g.do("GET", path, "", as("nobody")...), false)
	}
	named(g.do("DELETE", "/v1/polls", "").want(405), false)
	for _, who := range []string{"ann", "reader", "gateway", "admin"} {
		named(g.do("GET", "/v1/polls/p", "", as(who)...).want(200), true)
	}
	named(g.do("GET", "/v1/cluster", "", as("ann")...).want(403), true)
	// Without authentication every sender is known.
	named(newRig(t).do("GET", "/livez", "").want(200), true)
}
