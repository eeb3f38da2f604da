package simtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/cluster"
	"voted/internal/cluster/peer"
	"voted/internal/trace"
)

// port is one process's end of the network. It implements cluster.Network.
type port struct {
	net       *network
	id        string // of the member
	addr      string
	transport *transport

	ctx  context.Context // ends when the process is gone
	gone context.CancelFunc

	mu       sync.Mutex
	handler  peer.Handler        // guarded by mu
	open     []string            // guarded by mu; the calls allowed before both ends have one cluster
	cluster  string              // guarded by mu; "" before the member has entered one
	find     func(string) string // guarded by mu
	raftOpen bool                // guarded by mu
	standing map[string]int      // guarded by mu; standing watches, by address
}

var _ cluster.Network = (*port)(nil)

// listen opens the port of a member's process at addr, replacing the last one there.
func (n *network) listen(id, addr string) *port {
	p := &port{net: n, id: id, addr: addr, standing: map[string]int{}}
	p.ctx, p.gone = context.WithCancel(n.ctx)
	p.transport = newTransport(p)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports[addr] = p
	n.changes()
	return p
}

// crash makes the process invisible from this instant on.
func (p *port) crash() {
	p.gone()
	n := p.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ports[p.addr] == p {
		delete(n.ports, p.addr)
	}
	n.changes()
}

// Close implements cluster.Network.
func (p *port) Close() error {
	p.crash()
	return p.transport.Close()
}

// Handle implements cluster.Network.
func (p *port) Handle(h func(ctx context.Context, method string, body []byte) ([]byte, error), open ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler, p.open = h, open
}

// Belong implements cluster.Network.
func (p *port) Belong(cluster string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cluster = cluster
}

// Readvertise implements cluster.Network. Members of the simulation always listen at
// their own address.
func (p *port) Readvertise(string) {}

// Resolve implements cluster.Network.
func (p *port) Resolve(find func(id string) string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.find = find
}

func (p *port) belongs() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cluster
}

// whereIs returns the address at which raft should reach a member; addr is the one in
// the membership.
func (p *port) whereIs(id raft.ServerID, addr raft.ServerAddress) string {
	p.mu.Lock()
	find := p.find
	p.mu.Unlock()
	if find != nil {
		if found := find(string(id)); found != "" {
			return found
		}
	}
	return string(addr)
}

// greet does what the greeting of both ends does in the product; want is the member
// that should be there, "" if that is not known.
func (p *port) greet(target *port, want string) error {
	if p.net.noGreeting {
		return nil
	}
	own, theirs := p.belongs(), target.belongs()
	switch {
	case own != "" && theirs != "" && own != theirs:
		return &peer.OtherClusterError{Addr: target.addr, Member: target.id, Cluster: theirs, Own: own}
	case want != "" && want != target.id:
		return &peer.OtherMemberError{Addr: target.addr, Member: target.id, Dialled: want}
	}
	return nil
}

// akin reports whether both ends belong to the same cluster.
func (p *port) akin(target *port) bool {
	own := p.belongs()
	return p.net.noGreeting || own != "" && own == target.belongs()
}

// OpenRaft implements cluster.Network.
func (p *port) OpenRaft() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raftOpen = true
}

// Transport implements cluster.Network.
func (p *port) Transport() raft.Transport { return p.transport }

// answer is what comes back for a call.
type answer struct {
	body []byte
	err  error
}

// Call implements cluster.Network.
func (p *port) Call(ctx context.Context, addr, method string, body []byte) ([]byte, error) {
	if p.net.overlay != nil {
		return p.net.overlay(p)(ctx, addr, method, body)
	}
	return p.call(ctx, addr, method, body)
}

func (p *port) call(ctx context.Context, addr, method string, body []byte) ([]byte, error) {
	if p.ctx.Err() != nil || ctx.Err() != nil {
		return nil, fmt.Errorf("%w: this end is closed", peer.ErrNotSent)
	}
	n := p.net
	// Half of the calls need a new connection, which needs both directions; the others
	// are sent into the cut, and their outcome is unknown.
	if _, there, back, _ := n.at(p.addr, addr); (!there || !back) && n.draw.chance(0.5) {
		if !n.pass(ctx, way{p.addr, addr}, dialTimeout) || !n.pass(ctx, way{addr, p.addr}, dialTimeout) {
			return nil, fmt.Errorf("%w: %s cannot be reached", peer.ErrNotSent, addr)
		}
	}
	back := make(chan answer, 1)
	n.courier(func() { back <- p.exchange(ctx, addr, method, bytes.Clone(body)) })
	select {
	case a := <-back:
		return a.body, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("call %q to %s: %w", method, addr, ctx.Err())
	case <-p.ctx.Done():
		return nil, fmt.Errorf("call %q to %s: %w", method, addr, peer.ErrClosed)
	}
}

// exchange carries one call to a member and its answer back. It may last longer than
// the caller waits: what was sent may arrive later.
func (p *port) exchange(ctx context.Context, addr, method string, body []byte) answer {
	n := p.net
	n.travel()
	if !n.pass(context.Background(), way{p.addr, addr}, retransmission) {
		return answer{err: errBroken}
	}
	weather := n.now()
	if n.draw.chance(weather.LostRequest) {
		n.lost.Add(1)
		return answer{err: errBroken}
	}
	if ctx.Err() != nil {
		// The caller has left. Its message is mostly lost with the connection. A call
		// that changes the membership cannot be recognised when it comes again, so it
		// never arrives late.
		if !repeatable[method] || n.draw.chance(0.5) {
			return answer{err: ctx.Err()}
		}
		n.late.Add(1)
	}
	a := p.deliver(ctx, addr, method, body)
	if repeatable[method] && n.draw.chance(weather.Duplicate) {
		a = p.again(ctx, addr, method, body, a)
	}
	if n.draw.chance(weather.LostAnswer) {
		n.lost.Add(1)
		return answer{err: errBroken}
	}
	n.travel()
	if !n.pass(context.Background(), way{addr, p.addr}, retransmission) {
		return answer{err: errBroken}
	}
	return a
}

// repeatable are the calls that may arrive twice, or late: they are idempotent.
var repeatable = map[string]bool{"propose": true, "execute": true, "read-index": true, "status": true, "term": true}

// again delivers a call a second time, at once or late. The answer is the first one,
// unless that one says that nothing was done: then only the second one is true.
func (p *port) again(ctx context.Context, addr, method string, body []byte, first answer) answer {
	n := p.net
	n.duplicates.Add(1)
	if mayBeDone(method, first) && n.draw.chance(0.5) {
		after := n.draw.between(time.Millisecond, maxLate)
		n.courier(func() {
			select {
			case <-time.After(after):
				p.deliver(context.Background(), addr, method, body)
			case <-n.ctx.Done():
			}
		})
		return first
	}
	second := p.deliver(context.Background(), addr, method, body)
	if mayBeDone(method, first) {
		return first
	}
	return second
}

// mayBeDone reports whether, after this answer, the work may have been done. If the
// connection was refused, nothing was sent, so nothing can arrive late.
func mayBeDone(method string, a answer) bool {
	if errors.Is(a.err, peer.ErrNotSent) {
		return false
	}
	if a.err != nil || len(a.body) == 0 {
		return a.err != nil
	}
	certainlyNot := a.body[0] == 1 || a.body[0] == 2 // the verdicts not-appended and busy
	return method != "propose" && method != "execute" || !certainlyNot
}

// deliver calls the handler at addr.
func (p *port) deliver(ctx context.Context, addr, method string, body []byte) answer {
	target, _, _, _ := p.net.at(p.addr, addr)
	if target == nil {
		return answer{err: fmt.Errorf("%w: %s refuses connections", peer.ErrNotSent, addr)}
	}
	target.mu.Lock()
	handler, open := target.handler, target.open
	target.mu.Unlock()
	if handler == nil {
		return answer{err: fmt.Errorf("%w: %s is still starting", peer.ErrNotSent, addr)}
	}
	if err := p.greet(target, ""); err != nil {
		return answer{err: fmt.Errorf("%w: %w", peer.ErrNotSent, err)}
	}
	if !p.akin(target) && !slices.Contains(open, method) {
		return answer{err: fmt.Errorf("%w: the two members do not belong to one cluster yet", peer.ErrNotSent)}
	}
	hctx, cancel := context.WithCancel(trace.With(target.ctx, trace.From(ctx)))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	result, err := handler(hctx, method, body)
	switch {
	case target.ctx.Err() != nil:
		return answer{err: errBroken}
	case err != nil:
		return answer{err: &peer.RemoteError{Method: method, Message: err.Error()}}
	}
	return answer{body: result}
}

// Alive implements cluster.Watcher.
func (p *port) Alive(addr string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.standing[addr] > 0
}

func (p *port) stands(addr string, by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.standing[addr] += by
}

// Watch implements cluster.Watcher.
func (p *port) Watch(ctx context.Context, addr string) error {
	for {
		target, there, back, changed := p.net.at(p.addr, addr)
		switch {
		case p.ctx.Err() != nil:
			<-ctx.Done() // the shell of a dead member sees nothing
			return peer.ErrClosed
		case ctx.Err() != nil:
			return ctx.Err()
		case there && back && target == nil:
			p.net.travel()
			return fmt.Errorf("%w by %s", peer.ErrRefused, addr)
		case there && back:
			p.stand(ctx, addr, target)
		default:
			select {
			case <-changed:
			case <-ctx.Done():
			case <-p.ctx.Done():
			}
		}
	}
}

// stand holds a connection until it breaks: with the process, or a while after a cut.
func (p *port) stand(ctx context.Context, addr string, target *port) {
	p.stands(addr, 1)
	defer p.stands(addr, -1)
	for {
		_, there, back, changed := p.net.at(p.addr, addr)
		var silent <-chan time.Time
		if !there || !back {
			silent = time.After(keepalive)
		}
		select {
		case <-changed:
		case <-silent:
			return
		case <-target.ctx.Done():
			if there && back {
				return // the open direction carries the news of the break
			}
			select {
			case <-changed:
			case <-silent:
				return
			case <-ctx.Done():
				return
			case <-p.ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		case <-p.ctx.Done():
			return
		}
	}
}
