package client

import (
	"context"
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
	// Given a node that does no handshake yet, and that answers once all requests have
	// come, so that each needs a connection of its own.
	var began, came, resumed atomic.Int64
	full, shake, all := make(chan struct{}), make(chan struct{}), make(chan struct{})
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
		if began.Add(1) == handshakesAtOnce {
			close(full)
		}
		<-shake
		return nil, nil
	}}
	node.StartTLS()
	defer node.Close()
	pool := x509.NewCertPool()
	pool.AddCert(node.Certificate())
	// When many requests need a connection at the same moment, on a machine of any speed.
	transport := &http.Transport{MaxIdleConnsPerHost: requests}
	turns := newTurnstile(&tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool}, time.Minute)
	turns.guard(transport)
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
	<-full
	// Then the requests beyond the limit wait, and the node sees nothing of them.
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := turns.dial(ctx, "tcp", node.Listener.Addr().String()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one more connection: %v", err)
	}
	if got := began.Load(); got != handshakesAtOnce {
		t.Errorf("%d handshakes are under way at once, want %d", got, handshakesAtOnce)
	}
	// And when the node goes on all are answered, by short handshakes too.
	close(shake)
	work.Wait()
	if resumed.Load() == 0 {
		t.Error("no connection was resumed from an earlier one's session")
	}
}

func TestANodeThatHangsInItsHandshakeIsGivenUpAsNeverSentTo(t *testing.T) {
	t.Parallel()
	// Given a node that accepts connections and sends nothing.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := &http.Client{Timeout: time.Minute, Transport: Connect(&http.Transport{}, &tls.Config{MinVersion: tls.VersionTLS13})}
	// When more requests come than handshakes may be under way.
	var work sync.WaitGroup
	for range 2 * handshakesAtOnce {
		work.Go(func() {
			resp, err := client.Get("https://" + l.Addr().String())
			if err == nil {
				_ = resp.Body.Close()
			}
			// Then each of them ends with an error which says that nothing was sent.
			var op *net.OpError
			if !errors.As(err, &op) || op.Op != "dial" {
				t.Errorf("got %v", err)
			}
		})
	}
	work.Wait()
}
