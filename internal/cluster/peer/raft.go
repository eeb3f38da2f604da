package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// transport is raft's own network transport without the heartbeat fast path. That path
// handles heartbeats concurrently with raft's main goroutine and changes its term and
// state meanwhile (hashicorp/raft issue 695); without a handler they queue with all
// other RPCs. RequestPreVote and Close of the embedded transport stay visible, because
// raft looks for both.
type transport struct {
	*raft.NetworkTransport
	port   *Port
	closed context.Context
	close  context.CancelFunc
}

var (
	_ raft.Transport   = (*transport)(nil)
	_ raft.WithPreVote = (*transport)(nil)
	_ raft.WithClose   = (*transport)(nil)
)

// EncodePeer implements raft.Transport. raft passes the address that this member had
// when it started.
func (t *transport) EncodePeer(id raft.ServerID, addr raft.ServerAddress) []byte {
	if string(id) == t.port.options.ID {
		return []byte(t.port.Addr())
	}
	return t.NetworkTransport.EncodePeer(id, addr)
}

// SetHeartbeatHandler does nothing, on purpose.
func (*transport) SetHeartbeatHandler(func(raft.RPC)) {}

// AppendEntries does not return a failed attempt until the member can be reached again.
// raft itself would wait after each failure, twice as long each time, up to ten
// seconds: a member that came back would stay behind for as long as it had been away.
func (t *transport) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	err := t.NetworkTransport.AppendEntries(id, t.meant(id, target), args, resp)
	heartbeat := len(args.Entries) == 0 && args.PrevLogEntry == 0 && args.LeaderCommitIndex == 0
	if errors.Is(err, ErrNotSent) && !heartbeat {
		t.awaitPeer(id, target)
	}
	return err
}

// RequestVote implements raft.Transport.
func (t *transport) RequestVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return t.NetworkTransport.RequestVote(id, t.meant(id, target), args, resp)
}

// RequestPreVote implements raft.WithPreVote.
func (t *transport) RequestPreVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return t.NetworkTransport.RequestPreVote(id, t.meant(id, target), args, resp)
}

// InstallSnapshot implements raft.Transport.
func (t *transport) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	return t.NetworkTransport.InstallSnapshot(id, t.meant(id, target), args, resp, data)
}

// TimeoutNow implements raft.Transport.
func (t *transport) TimeoutNow(id raft.ServerID, target raft.ServerAddress, args *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return t.NetworkTransport.TimeoutNow(id, t.meant(id, target), args, resp)
}

// meant returns the address that raftStream.Dial receives: the id of the member that
// raft means and where it is now. raft itself knows only the address in the membership,
// and a vote must never be counted for another member than the one that gave it.
func (t *transport) meant(id raft.ServerID, target raft.ServerAddress) raft.ServerAddress {
	return meaning(id, t.port.whereIs(id, target))
}

// awaitPeer returns when a connection to the member can be made, when the transport closes, or after awaitPeerMax.
func (t *transport) awaitPeer(id raft.ServerID, target raft.ServerAddress) {
	ctx, cancel := context.WithTimeout(t.closed, awaitPeerMax)
	defer cancel()
	for pause := awaitPeerMin; ctx.Err() == nil; pause = min(2*pause, awaitPeerPause) {
		dialer := net.Dialer{Timeout: t.port.options.Timeout}
		if c, err := dialer.DialContext(ctx, "tcp", t.port.whereIs(id, target)); err == nil {
			_ = c.Close() // it was only a test
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// How often a member that cannot be reached is tried, and for how long one attempt of
// raft is delayed. The longest pause is how late a returning member may be noticed. The
// limit ends the waiting for members that were removed.
const (
	awaitPeerMin   = 10 * time.Millisecond
	awaitPeerPause = 200 * time.Millisecond
	awaitPeerMax   = 30 * time.Second
)

// Close ends raft's part of the port. Connections that raft keeps in its pool are closed, too; raft leaves them open.
func (t *transport) Close() error {
	t.close()
	err := t.NetworkTransport.Close()
	t.CloseStreams()
	return err
}

func (p *Port) newTransport() *transport {
	t := &transport{port: p}
	t.closed, t.close = context.WithCancel(p.ctx)
	t.NetworkTransport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:  &raftStream{connQueue: p.raftConns, port: p},
		MaxPool: raftPool,
		// One request at a time on a connection. With more, raft uses pipelines, and a
		// pipeline can get stuck while heartbeats look healthy (hashicorp/raft issue
		// 612).
		MaxRPCsInFlight:         1,
		Timeout:                 p.options.Timeout,
		Logger:                  transportLogger(p.options.Logger),
		MsgpackUseNewTimeFormat: true,
	})
	return t
}

// raftStream makes raft's connections. Its address is the advertised one, which a
// leader sends as its own.
type raftStream struct {
	*connQueue
	port *Port
}

// Dial implements raft.StreamLayer.
func (s *raftStream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.port.ctx, timeout)
	defer cancel()
	want, addr := meantBy(address)
	return s.port.dial(ctx, addr, want, net.KeepAliveConfig{Enable: true})
}

// meansAt separates the id and the address in what raft dials. No id contains it.
const meansAt = "@"

func meaning(id raft.ServerID, addr string) raft.ServerAddress {
	return raft.ServerAddress(string(id) + meansAt + addr)
}

func meantBy(a raft.ServerAddress) (id, addr string) {
	if id, addr, ok := strings.Cut(string(a), meansAt); ok {
		return id, addr
	}
	return "", string(a)
}

// raftAddr is an advertised address: a host name, not resolved.
type raftAddr string

// Network implements net.Addr.
func (raftAddr) Network() string { return "tcp" }

// String implements net.Addr.
func (a raftAddr) String() string { return string(a) }

// ElectNow makes this member, whose raft id is given, start an election at once, as if
// a leader had handed over to it. It returns when raft has accepted the request, within
// Options.Timeout. A leader stands for election again.
func (p *Port) ElectNow(id raft.ServerID) error {
	self := raft.ServerAddress(p.Addr())
	request := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(id), Addr: []byte(self),
	}}
	if err := p.transport.TimeoutNow(id, self, request, new(raft.TimeoutNowResponse)); err != nil {
		return fmt.Errorf("this member did not take the request to start an election: %w", err)
	}
	return nil
}

// transportLogger logs the lines of raft's transport to l, as debug: its errors are
// ordinary here, such as a peer that went away.
func transportLogger(l *slog.Logger) hclog.Logger {
	logger := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft-transport", Level: hclog.Off})
	logger.RegisterSink(slogSink{l})
	return logger
}

type slogSink struct{ to *slog.Logger }

// Accept implements hclog.SinkAdapter.
func (s slogSink) Accept(_ string, _ hclog.Level, msg string, args ...any) {
	// Its errors, too, are ordinary: a peer went away.
	if s.to.Enabled(context.Background(), slog.LevelDebug) {
		s.to.Debug("raft transport: "+msg, args...)
	}
}
