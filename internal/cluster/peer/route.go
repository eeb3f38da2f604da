package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// kind is what a connection is for.
type kind int

const (
	kindUnknown kind = iota
	kindRaft
	kindHTTP
	kindWatch
)

const (
	// lastRaftRPC is the highest of raft's RPC type bytes (append, vote, install
	// snapshot, timeout now, pre-vote). Such a byte begins each connection of raft's
	// network transport.
	lastRaftRPC = 4
	// watchByte begins a connection that only stands open. It is a lowercase letter,
	// since HTTP methods begin with uppercase ones.
	watchByte = 'w'
)

// kindOf decides the kind by the first byte.
func kindOf(first byte) kind {
	switch {
	case first <= lastRaftRPC:
		return kindRaft
	case 'A' <= first && first <= 'Z':
		return kindHTTP
	case first == watchByte:
		return kindWatch
	}
	return kindUnknown
}

// accept runs until the listener closes.
func (p *Port) accept() {
	for {
		raw, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// For example, out of file descriptors: some open ones must be closed
			// first.
			p.options.Logger.Warn("the peer port cannot accept a connection", "error", err)
			select {
			case <-p.ctx.Done():
				return
			case <-time.After(watchRetryMax):
			}
			continue
		}
		if c := p.conns.add(raw); c != nil {
			leave := p.undecided.enter(c)
			p.running.Go(func() { p.route(c, leave) })
		}
	}
}

// route reads the first byte and passes the connection on.
func (p *Port) route(c *conn, leave func()) {
	k, err := p.decide(c)
	if err != nil {
		p.answerStranger(c, err)
	}
	leave()
	if err == nil && k != kindHTTP {
		err = p.enters(c)
	}
	if err == nil && k == kindWatch && !p.inSameCluster(c) {
		err = errNotAkin
	}
	switch {
	case err != nil:
		p.logRefused(c, err)
		p.options.Logger.Debug("a connection to the peer port did not identify itself", "from", c.RemoteAddr(), "error", err)
	case k == kindHTTP:
		p.httpConns.give(c)
		return
	case k == kindRaft && p.awaitOpen() && p.inSameCluster(c): // only now this member knows its cluster for certain
		p.raftConns.give(c)
		return
	case k == kindWatch:
		p.keepWatch(c)
	default:
		p.options.Logger.Debug("a connection to the peer port was refused", "from", c.RemoteAddr(), "raft", k == kindRaft)
	}
	_ = c.Close()
}

// awaitOpen waits until raft messages are admitted, and reports whether they are. raft
// on other members retries a member that is starting, and waits longer after each
// refusal; a message that is delayed instead is there when the member is ready.
func (p *Port) awaitOpen() bool {
	timer := time.NewTimer(raftPatience)
	defer timer.Stop()
	select {
	case <-p.raftOpen:
		return true
	case <-timer.C:
	case <-p.ctx.Done():
	}
	return false
}

// raftPatience is shorter than raft's wait for an answer.
const raftPatience = 4 * time.Second

func (p *Port) decide(c *conn) (kind, error) {
	if err := c.SetDeadline(time.Now().Add(silentLimit)); err != nil {
		return kindUnknown, err
	}
	if p.options.ServerTLS != nil {
		secured := tls.Server(c.Conn, p.options.ServerTLS)
		if err := secured.HandshakeContext(p.ctx); err != nil {
			return kindUnknown, err
		}
		c.Conn = secured
		if err := p.identify(c, secured.ConnectionState(), ""); err != nil {
			return kindUnknown, err
		}
	}
	if err := p.welcome(c); err != nil {
		return kindUnknown, err
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(c.Conn, first); err != nil {
		return kindUnknown, err
	}
	c.first = first
	return kindOf(first[0]), c.SetDeadline(time.Time{})
}

// keepWatch keeps a watching peer's connection open until it breaks, or sends too much.
func (p *Port) keepWatch(c *conn) {
	b := make([]byte, watchMaxBytes)
	for said := 0; said < watchMaxBytes; {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		said += n
	}
}

// dial connects to a member. Every error means that nothing was sent. A member's own
// address leads to its own listener directly, since it may be unreachable from here.
// want is the member that should be there, "" if that is not known.
func (p *Port) dial(ctx context.Context, addr, want string, keepAlive net.KeepAliveConfig) (net.Conn, error) {
	if p.ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, ErrClosed)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	target := addr
	if addr == p.Addr() {
		target = loopback(p.listener.Addr())
	}
	d := net.Dialer{Timeout: p.options.Timeout, KeepAliveConfig: keepAlive}
	raw, err := d.DialContext(ctx, "tcp", target)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	c := p.conns.add(raw)
	if c == nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, ErrClosed)
	}
	if p.options.ClientTLS != nil {
		if err := p.secureClient(ctx, c, addr); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotSent, errors.Join(p.unheard(ctx, addr, want, err), c.Close()))
		}
	}
	if err := p.greet(c, addr, want); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, errors.Join(p.unheard(ctx, addr, want, err), c.Close()))
	}
	return c, nil
}

func (p *Port) secureClient(ctx context.Context, c *conn, addr string) error {
	config := p.options.ClientTLS
	if config.ServerName == "" && !config.InsecureSkipVerify {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return err
		}
		config = config.Clone()
		config.ServerName = host
	}
	ctx, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	secured := tls.Client(c.Conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return err
	}
	c.Conn = secured
	return p.identify(c, secured.ConnectionState(), addr)
}

// loopback returns the address at which a member reaches its own listener. A listener
// on every address accepts IPv4, too, even if its address looks like IPv6 (Go makes no
// other kind), while most containers lack IPv6 on loopback.
func loopback(bound net.Addr) string {
	tcp, ok := bound.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return bound.String()
	}
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
}
