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

// Gate decides which members belong to the cluster. Their certificates have already
// been checked.
type Gate interface {
	// Admits reports whether a member may use this port. It may ask other members,
	// until ctx ends.
	Admits(ctx context.Context, id string) bool
	// MemberAt returns the member that is known at an address, "" if there is none.
	MemberAt(addr string) string
}

// guard is a gate and the calls that it does not apply to.
type guard struct {
	Gate
	open []string
}

// Guard sets the gate for connections under TLS. Raft, standing connections and calls
// are only for members that the gate admits; the open calls are for every member with a
// certificate of the CA. Without TLS the gate is not asked.
func (p *Port) Guard(g Gate, open ...string) { p.guard.Store(&guard{g, open}) }

// Named reports whether connections are identified: whether there is TLS and
// Options.Identify is set.
func (p *Port) Named() bool { return p.options.Identify != nil }

// Recheck closes the connections of members that are no longer admitted.
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
var ErrStranger = errors.New("not a member of this cluster; admit it first with `voted cluster add`")

// enters decides about a connection from outside, except one of calls: calls are
// decided one by one.
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

// errNotAkin refuses what only members of the same cluster may do.
var errNotAkin = errors.New("the two members do not belong to the same cluster yet")

// mayCall decides about one call. unentered are the calls that are allowed before both
// ends belong to one cluster.
func (p *Port) mayCall(ctx context.Context, method string, unentered []string) error {
	if c, ok := ctx.Value(callerKey{}).(*conn); ok && !p.inSameCluster(c) {
		if foreign(p.Cluster(), c.cluster) || !slices.Contains(unentered, method) {
			return errNotAkin
		}
	}
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
	if c, ok := ctx.Value(callerKey{}).(*conn); ok {
		return c.id
	}
	return ""
}

// identify finds the member at the other end of a connection whose handshake is done.
// dialled is the address that was dialled, "" for a connection from outside.
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
			return &OtherMemberError{Addr: dialled, Member: id, Dialled: want}
		}
	}
	p.conns.name(c, id)
	return nil
}

// name records the member at the other end of a connection.
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

// newLineLimit bounds how often refused connections are logged, so that strangers
// cannot fill the log.
func newLineLimit() *rate.Limiter {
	return rate.NewLimiter(rate.Every(lineEvery), lineBurst)
}

// logRefused logs why a connection was refused under TLS: an operator's mistake is
// visible here first.
func (p *Port) logRefused(c *conn, err error) {
	if p.options.ServerTLS != nil && p.ctx.Err() == nil && p.refusedLines.Allow() {
		p.options.Logger.Warn("a connection to the peer port was refused", "from", c.RemoteAddr().String(), "error", err)
	}
}

// Identifier names the member that a certificate belongs to.
type Identifier = func(*x509.Certificate) (id string, err error)
