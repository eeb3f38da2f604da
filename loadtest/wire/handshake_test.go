package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestManyConnectionsAtOnceShakeHandsInTurn(t *testing.T) {
	t.Parallel()
	const requests = 3 * handshakesAtOnce
	// Given a node that shakes nobody's hand before as many have come as may, and that
	// answers when all requests have come, so that each needs a connection of its own.
	var inside, most, resumed atomic.Int64
	full, all := make(chan struct{}), make(chan struct{})
	var began, came atomic.Int64
	node := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.TLS.DidResume {
			resumed.Add(1)
		}
		if came.Add(1) == requests {
			close(all)
		}
		select {
		case <-all:
		case <-r.Context().Done():
		}
	}))
	node.TLS = &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		n := inside.Add(1)
		defer inside.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		if began.Add(1) == handshakesAtOnce {
			close(full)
		}
		<-full
		return nil, nil
	}}
	node.StartTLS()
	defer node.Close()
	pool := x509.NewCertPool()
	pool.AddCert(node.Certificate())
	// When many requests need a connection at the same moment, on a machine of any speed.
	transport := &http.Transport{MaxIdleConnsPerHost: requests}
	newTurnstile(&tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool}, time.Minute).guard(transport)
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	var work sync.WaitGroup
	for range requests {
		work.Go(func() {
			resp, err := client.Get(node.URL)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		})
	}
	work.Wait()
	// Then all are answered, few handshakes went on at a time, and later ones were short.
	if got := most.Load(); got != handshakesAtOnce {
		t.Errorf("%d handshakes went on at once, want %d", got, handshakesAtOnce)
	}
	if resumed.Load() == 0 {
		t.Error("no connection was resumed from an earlier one's session")
	}
}

func TestANodeThatHangsInItsHandshakeIsGivenUpAsNeverSentTo(t *testing.T) {
	t.Parallel()
	// Given a node that takes connections and says nothing.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := &http.Client{Timeout: time.Minute, Transport: Access{TLS: &tls.Config{MinVersion: tls.VersionTLS13}}.Transport(&http.Transport{})}
	// When more requests come than handshakes may be under way.
	var work sync.WaitGroup
	for range 2 * handshakesAtOnce {
		work.Go(func() {
			resp, err := client.Get("https://" + l.Addr().String())
			if err == nil {
				_ = resp.Body.Close()
			}
			// Then each of them ends, and says that nothing was sent.
			var op *net.OpError
			if !errors.As(err, &op) || op.Op != "dial" {
				t.Errorf("got %v", err)
			}
		})
	}
	work.Wait()
}
