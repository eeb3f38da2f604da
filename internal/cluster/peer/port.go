// Package peer is the one TCP port through which the members of a cluster communicate:
// raft, internal calls, and a connection that only stands open, so that its break shows
// at once that the other process is gone. The first byte of a connection shows its
// kind.
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
	// ID is this member's id, which its greeting carries.
	ID string
	// Bind is the address to listen on, host:port; port 0 takes a free one.
	Bind string
	// Advertise is the address under which the others reach this member, host:port. Its
	// host is resolved at each dial. Default: Bind, with the port that was taken.
	Advertise string
	// Logger receives refused connections and the lines of raft's transport. Default:
	// nothing is logged.
	Logger *slog.Logger
	// Timeout bounds one dial and one raft exchange. Default DefaultTimeout.
	Timeout time.Duration
	// MaxBody bounds the body of one call and of its answer, in bytes. Default DefaultMaxBody.
	MaxBody int64
	// ServerTLS and ClientTLS must be set together, and put all connections under TLS.
	// A ClientTLS without a ServerName takes the host that is dialled.
	ServerTLS, ClientTLS *tls.Config
	// Identify returns the id of the member at the other end of a TLS connection; see
	// Port.Guard. Default: members are not identified, and every connection that the
	// TLS configurations accept may do everything.
	Identify Identifier
}

var (
	// ErrNotSent: the request certainly did not reach the peer's handler. It may be
	// sent again, to any member.
	ErrNotSent = errors.New("the request was not sent")
	// ErrTooLarge: the body is larger than Options.MaxBody.
	ErrTooLarge = errors.New("the body is too large")
	// ErrRefused: nothing listens at the peer's address; its process is gone.
	ErrRefused = errors.New("the connection was refused")
	// ErrClosed: this port was closed.
	ErrClosed = errors.New("the peer port is closed")
)

// handling is the handler of calls, and the calls that are allowed for members that
// belong to no cluster yet.
type handling struct {
	answer Handler
	open   []string
}

// Handler answers internal calls. It may keep body. ctx ends when the caller closes the
// connection or the port closes, and it carries the request that the caller's context
// carried.
type Handler = func(ctx context.Context, method string, body []byte) ([]byte, error)

// Port is one member's end of all connections to and from the others. It is safe for concurrent use.
type Port struct {
	options   Options
	advertise atomic.Pointer[string]
	listener  net.Listener
	conns     connSet // every connection, either way
	undecided undecidedQueue
	handler   atomic.Pointer[handling]
	cluster   atomic.Pointer[string] // nil or "": this member has not entered one yet
	resolve   atomic.Pointer[func(id string) string]

	guard        atomic.Pointer[guard]
	refusedLines *rate.Limiter
	unheardLines *rate.Limiter // limits what unheard logs

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

// Listen binds the port and starts to serve. Until OpenRaft, raft connections are
// closed; until Handle, calls are answered as not sent.
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
		return nil, fmt.Errorf("the peer address %q cannot be used; it must be host:port of this machine: %w", o.Bind, err)
	}
	advertise, err := advertised(o.Advertise, listener.Addr())
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	p := &Port{options: o, listener: listener, refusedLines: newLineLimit(), unheardLines: newLineLimit(), raftOpen: make(chan struct{})}
	p.advertise.Store(&advertise)
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

// advertised checks the address under which other members reach this one.
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
func (p *Port) Addr() string { return *p.advertise.Load() }

// Readvertise changes the address under which the other members reach this one. raft
// uses it from then on.
func (p *Port) Readvertise(addr string) { p.advertise.Store(&addr) }

// Bound returns the address that this port listens on, "" if that is every address of
// the machine.
func (p *Port) Bound() string {
	if tcp, ok := p.listener.Addr().(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return ""
	}
	return p.listener.Addr().String()
}

// Handle sets the handler of internal calls. It may be called before raft is up, and
// again. The open calls are allowed before both ends belong to the same cluster; all
// others only then.
func (p *Port) Handle(h func(ctx context.Context, method string, body []byte) ([]byte, error), open ...string) {
	p.handler.Store(&handling{h, open})
}

// Resolve sets a function that returns where a member is, for raft. If f returns "",
// raft uses the address that it has itself.
func (p *Port) Resolve(f func(id string) string) { p.resolve.Store(&f) }

// whereIs returns the address at which raft should dial a member; addr is the one in
// raft's membership.
func (p *Port) whereIs(id raft.ServerID, addr raft.ServerAddress) string {
	if f := p.resolve.Load(); f != nil {
		if found := (*f)(string(id)); found != "" {
			return found
		}
	}
	return string(addr)
}

// OpenRaft admits raft connections. Until then they are closed: a member that does not
// know yet which cluster it belongs to must not vote.
func (p *Port) OpenRaft() { p.openOnce.Do(func() { close(p.raftOpen) }) }

// Transport is the port as raft sees it. Closing it (raft does so when it shuts down)
// does not affect calls and watches.
func (p *Port) Transport() raft.Transport { return p.transport }

// Close closes the listener and every connection, and waits for the port's goroutines.
// The contexts of running handlers end. A second Close returns the same error.
func (p *Port) Close() error {
	p.closeOnce.Do(func() {
		// The listener is closed first: a member that watches this one and dials again
		// is then refused.
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
