package simtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/cluster/peer"
)

// transport is raft's part of a port: one request at a time on a connection, no
// pipeline and no fast path for heartbeats, as in the product.
type transport struct {
	port     *port
	consumer chan raft.RPC
	ctx      context.Context // ends with Close, or with the process
	close    context.CancelFunc
}

var (
	_ raft.Transport   = (*transport)(nil)
	_ raft.WithPreVote = (*transport)(nil)
	_ raft.WithClose   = (*transport)(nil)
)

func newTransport(p *port) *transport {
	t := &transport{port: p, consumer: make(chan raft.RPC)}
	t.ctx, t.close = context.WithCancel(p.ctx)
	return t
}

// Close implements raft.WithClose.
func (t *transport) Close() error {
	t.close()
	return nil
}

// Consumer implements raft.Transport.
func (t *transport) Consumer() <-chan raft.RPC { return t.consumer }

// LocalAddr implements raft.Transport.
func (t *transport) LocalAddr() raft.ServerAddress { return raft.ServerAddress(t.port.addr) }

// EncodePeer implements raft.Transport.
func (t *transport) EncodePeer(_ raft.ServerID, a raft.ServerAddress) []byte { return []byte(a) }

// DecodePeer implements raft.Transport.
func (t *transport) DecodePeer(b []byte) raft.ServerAddress { return raft.ServerAddress(b) }

// SetHeartbeatHandler implements raft.Transport; heartbeats queue with all else.
func (t *transport) SetHeartbeatHandler(func(raft.RPC)) {}

// AppendEntriesPipeline implements raft.Transport: there is none.
func (t *transport) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

// AppendEntries implements raft.Transport. As in the product, a failed attempt does not
// return until the member can be reached again.
func (t *transport) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	sent, err := ask(t, id, target, args, nil, resp)
	heartbeat := len(args.Entries) == 0 && args.PrevLogEntry == 0 && args.LeaderCommitIndex == 0
	if !sent && !heartbeat {
		t.awaitPeer(id, target)
	}
	return err
}

// awaitMax is how long one attempt is delayed, as in the product.
const awaitMax = 30 * time.Second

func (t *transport) awaitPeer(id raft.ServerID, member raft.ServerAddress) {
	limit := time.NewTimer(awaitMax)
	defer limit.Stop()
	for {
		target, there, back, changed := t.port.net.at(t.port.addr, t.port.whereIs(id, member))
		if target != nil && there && back {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			return
		case <-t.ctx.Done():
			return
		}
	}
}

// RequestVote implements raft.Transport.
func (t *transport) RequestVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	_, err := ask(t, id, target, args, nil, resp)
	return err
}

// RequestPreVote implements raft.WithPreVote.
func (t *transport) RequestPreVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	_, err := ask(t, id, target, args, nil, resp)
	return err
}

// TimeoutNow implements raft.Transport.
func (t *transport) TimeoutNow(id raft.ServerID, target raft.ServerAddress, args *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	_, err := ask(t, id, target, args, nil, resp)
	return err
}

// InstallSnapshot implements raft.Transport. In bad weather the state may be cut short.
func (t *transport) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	state, err := io.ReadAll(data)
	if err != nil {
		return err
	}
	n := t.port.net
	if n.draw.chance(n.now().LostRequest) {
		state = state[:len(state)/2]
	}
	_, err = ask(t, id, target, args, bytes.NewReader(state), resp)
	if err == nil && resp.Success {
		n.installs.Add(1)
	}
	return err
}

// ElectNow implements cluster.RaftNetwork.
func (p *port) ElectNow(id raft.ServerID) error {
	self := raft.ServerAddress(p.addr)
	request := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(id), Addr: []byte(self),
	}}
	return p.transport.TimeoutNow(id, self, request, new(raft.TimeoutNowResponse))
}

// ask carries out one raft exchange. sent is false if the request did not arrive.
func ask[Resp any](t *transport, id raft.ServerID, target raft.ServerAddress, args any, data io.Reader, resp *Resp) (sent bool, err error) {
	// A process that is gone sends nothing: what goes on in it believes that its private
	// copy of the disk is one.
	if t.ctx.Err() != nil {
		return true, raft.ErrTransportShutdown
	}
	type result struct {
		resp any
		sent bool
		err  error
	}
	back := make(chan result, 1)
	n := t.port.net
	n.courier(func() {
		r, sent, err := t.exchange(id, t.port.whereIs(id, target), args, data)
		back <- result{r, sent, err}
	})
	timeout := time.NewTimer(exchangeTimeout)
	defer timeout.Stop()
	select {
	case r := <-back:
		if r.err == nil {
			*resp = *r.resp.(*Resp)
		}
		return r.sent, r.err
	case <-timeout.C:
		return true, fmt.Errorf("raft exchange with %s: timed out", target)
	case <-t.ctx.Done():
		return true, raft.ErrTransportShutdown
	}
}

func (t *transport) exchange(id raft.ServerID, addr string, args any, data io.Reader) (resp any, sent bool, err error) {
	n := t.port.net
	n.travel()
	if !n.pass(t.ctx, way{t.port.addr, addr}, exchangeTimeout) {
		return nil, false, errBroken
	}
	if n.draw.chance(n.now().LostRequest) {
		n.lost.Add(1)
		return nil, true, errBroken
	}
	target, _, _, _ := n.at(t.port.addr, addr)
	if target == nil {
		return nil, false, fmt.Errorf("%w by %s", peer.ErrRefused, addr)
	}
	target.mu.Lock()
	open := target.raftOpen
	target.mu.Unlock()
	if !open {
		return nil, false, fmt.Errorf("%s takes no raft messages yet", addr)
	}
	if err := t.port.greet(target, string(id)); err != nil {
		return nil, false, err
	}
	if !t.port.akin(target) {
		return nil, false, fmt.Errorf("%s does not belong to the cluster yet", addr)
	}
	rpc := raft.RPC{Command: args, Reader: data}
	answers := make(chan raft.RPCResponse, 1)
	rpc.RespChan = answers
	var r raft.RPCResponse
	select {
	case target.transport.consumer <- rpc:
	case <-target.transport.ctx.Done():
		return nil, true, errBroken
	}
	select {
	case r = <-answers:
	case <-target.transport.ctx.Done():
		return nil, true, errBroken
	}
	if target.ctx.Err() != nil || n.draw.chance(n.now().LostAnswer) {
		n.lost.Add(1)
		return nil, true, errBroken
	}
	n.travel()
	if !n.pass(t.ctx, way{addr, t.port.addr}, exchangeTimeout) {
		return nil, true, errBroken
	}
	return r.Response, true, r.Error
}
