package client

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// handshakesAtOnce bounds the TLS handshakes under way with one node. While a
	// leader is missing every request that waits opens a connection; thousands of
	// handshakes at once all take too long, are given up and begun again, and load
	// the machine so much that its nodes cannot elect anybody either.
	handshakesAtOnce = 32
	// sessionsKept is more than there are nodes.
	sessionsKept = 64
)

var dialer = &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}

// Connect makes t, a transport of the caller's own, connect to nodes as a client's
// does: a few handshakes with each node at a time, later ones resumed from the session
// of an earlier one. config is for https, nil for the system's certificates. It returns t.
func Connect(t *http.Transport, config *tls.Config) *http.Transport {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.DialContext = dialer.DialContext
	newTurnstile(config, dialTimeout).guard(t)
	return t
}

// turnstile lets some handshakes with each node happen at a time.
type turnstile struct {
	config *tls.Config
	limit  time.Duration // of one attempt, waiting included
	mu     sync.Mutex
	nodes  map[string]chan struct{} // by address, a token for each handshake; under mu
}

func newTurnstile(config *tls.Config, limit time.Duration) *turnstile {
	config = config.Clone()
	if config.ClientSessionCache == nil {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(sessionsKept)
	}
	return &turnstile{config: config, limit: limit, nodes: map[string]chan struct{}{}}
}

// guard lets a transport connect through the turnstile alone.
func (g *turnstile) guard(t *http.Transport) {
	t.TLSClientConfig, t.DialTLSContext = g.config, g.dial
}

func (g *turnstile) node(address string) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, known := g.nodes[address]
	if !known {
		at = make(chan struct{}, handshakesAtOnce)
		g.nodes[address] = at
	}
	return at
}

// dial connects and shakes hands. Its errors say that nothing was sent, as those of
// a refused connection do.
func (g *turnstile) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, g.limit)
	defer cancel()
	turn := g.node(address)
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
	c, err := (&tls.Dialer{NetDialer: dialer, Config: g.config}).DialContext(ctx, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return c, nil
}
