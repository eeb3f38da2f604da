package peer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/time/rate"
)

// Gate knows who belongs to the cluster. It is asked about members whose
// certificates have been checked already.
type Gate interface {
	// Admits reports whether a member may talk to this one. It may ask others, until ctx ends.
	Admits(ctx context.Context, id string) bool
	// MemberAt returns the member that is known at an address, "" where none is.
	MemberAt(addr string) string
}

// guard is a gate and the calls that pass by it.
type guard struct {
	Gate
	open []string
}

// Guard sets who is let in, once there is TLS: raft, standing connections and calls are for those that the gate admits,
// the open calls for every member with a certificate of the CA. Without TLS nobody is asked.
func (p *Port) Guard(g Gate, open ...string) { p.guard.Store(&guard{g, open}) }

// Named reports whether connections have names: whether there is TLS, and who is at the other end is looked at.
func (p *Port) Named() bool { return p.options.Identify != nil }

// Recheck closes the connections of members that are not admitted any more.
func (p *Port) Recheck(ctx context.Context) {
	verdicts := map[string]bool{}
	for _, c := range p.conns.named() {
		id := c.id
		admitted, known := verdicts[id]
		if !known {
			admitted = p.admits(ctx, id)
			verdicts[id] = admitted
		}
		if !admitted {
			_ = c.raw.Close()
		}
	}
}

func (p *Port) admits(ctx context.Context, id string) bool {
	g := p.guard.Load()
	return g != nil && g.Admits(ctx, id)
}

// ErrStranger marks a member with a valid certificate that does not belong to the cluster.
var ErrStranger = errors.New("not a member of this cluster; let it in first with `voted cluster add`")

// enters decides about a connection from outside, other than one of calls: those are decided one by one.
func (p *Port) enters(c *conn) error {
	if c.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.options.Timeout)
	defer cancel()
	if !p.admits(ctx, c.id) {
		return fmt.Errorf("%s is %w", c.id, ErrStranger)
	}
	return nil
}

// mayCall decides about one call.
func (p *Port) mayCall(ctx context.Context, method string) error {
	id := Caller(ctx)
	g := p.guard.Load()
	if id == "" || g == nil || slices.Contains(g.open, method) || g.Admits(ctx, id) {
		return nil
	}
	return fmt.Errorf("%s is %w", id, ErrStranger)
}

type callerKey struct{}

// Caller returns the id of the member that makes a call, as its certificate says; "" without TLS.
func Caller(ctx context.Context) string {
	id, _ := ctx.Value(callerKey{}).(string)
	return id
}

// identify names the member at the other end of a connection whose handshake is done. dialled is the address that was
// dialled, "" for a connection from outside.
func (p *Port) identify(c *conn, state tls.ConnectionState, dialled string) error {
	if p.options.Identify == nil {
		return nil
	}
	if len(state.PeerCertificates) == 0 {
		return errors.New("no certificate was shown")
	}
	id, err := p.options.Identify(state.PeerCertificates[0])
	if err != nil {
		return err
	}
	if g := p.guard.Load(); g != nil && dialled != "" {
		if want := g.MemberAt(dialled); want != "" && want != id {
			return fmt.Errorf("at %s answers member %s, and member %s was expected there", dialled, id, want)
		}
	}
	p.conns.name(c, id)
	return nil
}

// name notes whose connection it is.
func (s *connSet) name(c *conn, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.id = id
}

// named returns the connections of members that have shown a certificate.
func (s *connSet) named() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*conn
	for c := range s.all {
		if c.id != "" {
			all = append(all, c)
		}
	}
	return all
}

// complaints bounds how often refused connections are logged: strangers must not fill the log.
func newComplaints() *rate.Limiter {
	return rate.NewLimiter(rate.Every(complaintEvery), complaintBurst)
}

// complain logs why a connection was refused, where TLS keeps strangers out: an operator's mistake shows here first.
func (p *Port) complain(c *conn, err error) {
	if p.options.ServerTLS != nil && p.ctx.Err() == nil && p.complaints.Allow() {
		p.options.Logger.Warn("a connection to the peer port was refused", "from", c.RemoteAddr().String(), "error", err)
	}
}

// Identifier names the member that a certificate belongs to.
type Identifier = func(*x509.Certificate) (id string, err error)
