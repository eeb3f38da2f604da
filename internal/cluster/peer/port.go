// Package peer is the one TCP port through which the members of a cluster talk to each other: raft, internal calls, and a
// connection that only stands, so that its breaking tells at once that the other process is gone. The first byte of a
// connection says which it is.
package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
	"golang.org/x/time/rate"
)

// Options says where and how a member listens. Bind is required.
type Options struct {
	// Bind is the address to listen on, host:port; port 0 takes a free one.
	Bind string
	// Advertise is the address under which the others reach this member, host:port. Its host is resolved at each dial. Default
	// is Bind, with the port that was taken.
	Advertise string
	// Logger hears of refused connections and of raft's transport. Default: nobody.
	Logger *slog.Logger
	// Timeout bounds one dial and one raft exchange. Default DefaultTimeout.
	Timeout time.Duration
	// MaxBody bounds the body of one call and of its answer, in bytes. Default DefaultMaxBody.
	MaxBody int64
	// ServerTLS and ClientTLS, set together, put all connections under TLS. A ClientTLS without a ServerName takes the
	// host that is dialled.
	ServerTLS, ClientTLS *tls.Config
	// Identify names the member at the other end of a TLS connection; see Port.Guard. Default: nobody is named, and whoever
	// the TLS configurations let in may do everything.
	Identify Identifier
}

var (
	// ErrNotSent: the request certainly did not reach the peer's handler; it may be sent again anywhere.
	ErrNotSent = errors.New("the request was not sent")
	// ErrTooLarge: the body is larger than Options.MaxBody.
	ErrTooLarge = errors.New("the body is too large")
	// ErrRefused: nothing listens at the peer's address; its process is gone.
	ErrRefused = errors.New("the connection was refused")
	// ErrClosed: this port was closed.
	ErrClosed = errors.New("the peer port is closed")
)

// Handler answers internal calls. body is the handler's to keep. ctx ends when the caller hangs up or the port closes, and carries the
// request that the caller's context carried.
type Handler = func(ctx context.Context, method string, body []byte) ([]byte, error)

// Port is one member's end of all connections to and from the others. It is safe for concurrent use.
type Port struct {
	options   Options
	advertise string
	listener  net.Listener
	conns     connSet // every connection, either way
	undecided undecidedQueue
	handler   atomic.Pointer[Handler]

	guard      atomic.Pointer[guard]
	complaints *rate.Limiter

	http      *http.Server
	httpConns *connQueue
	client    *http.Client

	raftOpen  chan struct{} // closed by OpenRaft
	openOnce  sync.Once
	raftConns *connQueue
	transport *transport

	watches watchSet

	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	running   sync.WaitGroup // the port's own goroutines
	closeOnce sync.Once
	closeErr  error
}

// Listen binds the port at once and starts to serve. Raft connections are closed until OpenRaft; calls are answered as not
// sent until Handle.
func Listen(o Options) (*Port, error) {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if (o.ServerTLS == nil) != (o.ClientTLS == nil) {
		return nil, errors.New("the peer port needs TLS for both directions or for none")
	}
	listener, err := net.Listen("tcp", o.Bind)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the peer address %s is taken by another process; stop that one or choose another port: %w", o.Bind, err)
	} else if err != nil {
		return nil, fmt.Errorf("the peer address %q cannot be listened on; it must be host:port of this machine: %w", o.Bind, err)
	}
	advertise, err := advertised(o.Advertise, listener.Addr())
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	p := &Port{options: o, advertise: advertise, listener: listener, complaints: newComplaints(), raftOpen: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.httpConns = newConnQueue(listener.Addr())
	p.raftConns = newConnQueue(raftAddr(advertise))
	p.client = p.newClient()
	p.http = p.newServer()
	p.transport = p.newTransport()
	p.running.Go(p.accept)
	p.running.Go(func() { _ = p.http.Serve(p.httpConns) })
	return p, nil
}

// advertised checks the address under which others find the member.
func advertised(advertise string, bound net.Addr) (string, error) {
	if advertise != "" {
		host, port, err := net.SplitHostPort(advertise)
		if err != nil || host == "" || port == "" || port == "0" {
			return "", fmt.Errorf("the advertised peer address %q must be host:port, as the other members reach it", advertise)
		}
		return advertise, nil
	}
	if tcp, ok := bound.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return "", fmt.Errorf("the peer port listens on every address (%s), so --advertise-peer must say under which one the other members reach it", bound)
	}
	return bound.String(), nil
}

// Addr returns the address under which the other members reach this one.
func (p *Port) Addr() string { return p.advertise }

// Handle sets who answers internal calls. It may be called before raft is up, and again.
func (p *Port) Handle(h func(ctx context.Context, method string, body []byte) ([]byte, error)) {
	handler := Handler(h)
	p.handler.Store(&handler)
}

// OpenRaft admits raft connections. Until then they are closed: a member that has not decided yet which cluster it belongs
// to must not vote.
func (p *Port) OpenRaft() { p.openOnce.Do(func() { close(p.raftOpen) }) }

// Transport is raft's view of the port. Closing it (raft does, when it shuts down) leaves calls and watches alone.
func (p *Port) Transport() raft.Transport { return p.transport }

// Close closes the listener and every connection, and waits for the port's goroutines. Handlers that still run see their
// context end. Again: the same error.
func (p *Port) Close() error {
	p.closeOnce.Do(func() {
		// The listener first: whoever watches this member and dials again is then refused.
		p.closeErr = p.listener.Close()
		p.cancel()
		_ = p.transport.Close()
		_ = p.http.Close()
		p.conns.closeAll()
		p.client.CloseIdleConnections()
		p.running.Wait()
	})
	return p.closeErr
}
