package client_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"voted/client"
)

// noise discards what servers log about handshakes that are meant to fail.
var noise = log.New(io.Discard, "", 0)

func TestAnEndpointOfAnotherKindIsNamedAndTheNextOneIsAsked(t *testing.T) {
	t.Parallel()
	answers := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"p"}`) // the test sees what does not arrive
	})
	start := func(tls bool, change func(*httptest.Server)) string {
		s := httptest.NewUnstartedServer(answers)
		s.Config.ErrorLog = noise
		change(s)
		if tls {
			s.StartTLS()
		} else {
			s.Start()
		}
		t.Cleanup(s.Close)
		return s.URL
	}
	same := func(*httptest.Server) {}
	plain, secure := start(false, same), start(true, same)
	peer := start(true, func(s *httptest.Server) { s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert} })
	stray := start(false, func(s *httptest.Server) {
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "This is the peer port of a voted node, where …", http.StatusBadRequest)
		})
	})
	scheme := func(url, scheme string) string { return scheme + url[strings.Index(url, "://"):] }
	for name, x := range map[string]struct{ wrong, good, says string }{
		"a TLS port without TLS": {scheme(secure, "http"), plain, scheme(secure, "http") + " speaks TLS; name it as " + secure},
		"a plain port over TLS":  {scheme(plain, "https"), secure, "speaks HTTP without TLS; name it as " + plain},
		"a peer port":            {peer, secure, "if it is the peer port of a node, name the node's API address"},
		"a peer port that says":  {stray, plain, stray + " is the peer port of a node, which only members use; name the node's API address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dial := func(endpoints ...string) *client.Client {
				c, err := client.New(endpoints, client.WithTLSConfig(&tls.Config{InsecureSkipVerify: true}))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(c.Close)
				return c
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			// Alone its error comes at once, without retries;
			began := time.Now()
			if _, err := dial(x.wrong).Poll(ctx, "p"); err == nil || !strings.Contains(err.Error(), x.says) {
				t.Errorf("it says: %v", err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it was asked for %v", took)
			}
			// with a good endpoint in the list, that one is asked.
			if p, err := dial(x.wrong, x.good).Poll(ctx, "p"); err != nil || p.ID != "p" {
				t.Errorf("the next one was not asked: %+v, %v", p, err)
			}
		})
	}
}
