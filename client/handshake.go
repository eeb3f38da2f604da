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
	// handshakesAtOnce bounds the TLS handshakes under way with one node. While there
	// is no leader, every waiting request opens a connection. Thousands of handshakes
	// at once are all slow, time out and start again, and this load can keep the nodes
	// from electing a leader.
	handshakesAtOnce = 32
	// sessionsKept is more than there are nodes.
	sessionsKept = 64
)

const keepAlive = 15 * time.Second

var dialer = &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}

// Connect changes t, which must be the caller's own, to connect to nodes as a client
// does: with few handshakes at a time per node, and later ones resumed from the session
// of an earlier one. config is for https; nil: the system's certificates. It returns t.
func Connect(t *http.Transport, config *tls.Config) *http.Transport {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.DialContext = dialer.DialContext
	newTurnstile(config, dialTimeout).guard(t)
	return t
}

// turnstile bounds how many handshakes with each node are under way.
type turnstile struct {
	config *tls.Config
	limit  time.Duration // of one attempt, waiting included
	mu     sync.Mutex
	nodes  map[string]chan struct{} // by address, with one token per handshake; guarded by mu
}

func newTurnstile(config *tls.Config, limit time.Duration) *turnstile {
	config = config.Clone()
	if config.ClientSessionCache == nil {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(sessionsKept)
	}
	return &turnstile{config: config, limit: limit, nodes: map[string]chan struct{}{}}
}

// guard makes a transport connect only through the turnstile.
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

// dial connects and does the handshake. Its errors show that nothing was sent, as a
// refused connection does.
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
	// ctx bounds all of it. A time-out of the dialer's own would end a handshake that ctx
	// still allows.
	c, err := (&tls.Dialer{NetDialer: &net.Dialer{KeepAlive: keepAlive}, Config: g.config}).DialContext(ctx, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return c, nil
}
