package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"voted/internal/auth"
)

func TestOneAddressIsLimitedWhateverItClaims(t *testing.T) {
	t.Parallel()
	g := newRig(t, func(o *Options) { o.Limits.PerAddress = Rate{PerSecond: 0.01, Burst: 2} })
	send := func(from string, header ...string) answer {
		r := httptest.NewRequest("GET", "/v1/polls", nil)
		r.RemoteAddr = from
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		rec := httptest.NewRecorder()
		g.h.ServeHTTP(rec, r)
		return g.checked("GET", "/v1/polls", rec.Result())
	}
	send("192.0.2.1:1000").want(200).has("RateLimit-Policy", `"address";q=2;w=200`).has("RateLimit", `"address";r=1;t=100`)
	send("192.0.2.1:1001").want(200)
	a := send("192.0.2.1:1002").want(429).code("too_many_requests")
	if n, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || n < 90 {
		t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	for i, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip"} {
		send("192.0.2.1:1003", name, fmt.Sprintf("198.51.100.%d", i)).want(429)
	}
	send("192.0.2.2:1000").want(200)
	send("[2001:db8::1]:1").want(200)
	send("[2001:db8::2]:1").want(200)
	send("[2001:db8::3]:1").want(429) // the same /64
	send("[2001:db8:0:1::3]:1").want(200)
	// Loopback is limited like any other, and is not the network around it.
	for _, from := range []string{"127.0.0.1:1", "[::1]:1"} {
		send(from).want(200)
		send(from).want(200)
		send(from).want(429)
	}
	send("[::2]:1").want(200)
	// Probes are not counted.
	for range 5 {
		g.do("GET", "/livez", "").want(200)
	}
}

func TestOneCredentialIsLimitedFromAllItsAddresses(t *testing.T) {
	t.Parallel()
	g := guardedRig(t, func(o *Options) { o.Limits.PerClient = Rate{PerSecond: 0.01, Burst: 1} })
	g.do("GET", "/v1/polls", "", as("reader")...).want(200)
	g.do("GET", "/v1/polls", "", as("reader")...).want(429)
	g.do("GET", "/v1/polls", "", as("gateway")...).want(200)
	g.do("GET", "/v1/polls", "").want(401)
}

func TestAClientCannotTakeMoreThanItsShare(t *testing.T) {
	t.Parallel()
	g := guardedRig(t, func(o *Options) { o.MaxBulk = 8 })
	gateway, voter := auth.Identity{Roles: auth.Gateway, Name: "gateway"}, auth.Identity{Roles: auth.Voter, Name: "voter:1"}
	for _, c := range []struct {
		name     string
		who      auth.Identity
		template string
		method   string
		limit    int
	}{
		{"a gateway's bulk uploads", gateway, "/v1/polls/{poll}/ballots", http.MethodPost, 2},
		{"a gateway's ballots", gateway, "/v1/polls/{poll}/ballots/{voter}", http.MethodPut, maxCastsPerClient},
		{"a voter's requests", voter, "/v1/polls/{poll}/results/stream", http.MethodGet, maxPerVoter},
	} {
		var leave []func()
		for range c.limit {
			l, err := g.h.share(c.who, c.template, c.method)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			leave = append(leave, l)
		}
		if _, err := g.h.share(c.who, c.template, c.method); err == nil {
			t.Errorf("%s: more than the share was taken", c.name)
		}
		if l, err := g.h.share(auth.Identity{Roles: auth.Gateway, Name: "another"}, c.template, c.method); err != nil {
			t.Errorf("%s: another client is starved: %v", c.name, err)
		} else {
			l()
		}
		for _, l := range leave {
			l()
		}
	}
	if n := len(g.h.access.shares.taken); n != 0 {
		t.Errorf("%d shares are still taken", n)
	}
}
