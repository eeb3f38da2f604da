package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// transport is raft's own network transport without the heartbeat fast path. That path handles heartbeats beside raft's main
// goroutine, where they change term and state under its feet (hashicorp/raft issue 695); without a handler they queue with
// all other RPCs. RequestPreVote and Close of the embedded transport stay visible: raft looks for both.
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

// SetHeartbeatHandler does nothing, on purpose.
func (*transport) SetHeartbeatHandler(func(raft.RPC)) {}

// AppendEntries holds a failed attempt back until the member can be reached again. Raft waits after each failure, twice as
// long as before, up to ten seconds: a member that came back would stay behind for as long as it had been away.
func (t *transport) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	err := t.NetworkTransport.AppendEntries(id, target, args, resp)
	heartbeat := len(args.Entries) == 0 && args.PrevLogEntry == 0 && args.LeaderCommitIndex == 0
	if errors.Is(err, ErrNotSent) && !heartbeat {
		t.awaitPeer(string(target))
	}
	return err
}

// awaitPeer returns when a connection to addr can be made, when the transport closes, or after awaitPeerMax.
func (t *transport) awaitPeer(addr string) {
	ctx, cancel := context.WithTimeout(t.closed, awaitPeerMax)
	defer cancel()
	for pause := awaitPeerMin; ctx.Err() == nil; pause = min(2*pause, awaitPeerPause) {
		dialer := net.Dialer{Timeout: t.port.options.Timeout}
		if c, err := dialer.DialContext(ctx, "tcp", addr); err == nil {
			_ = c.Close() // it was only to see
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

// How often a member that cannot be reached is tried, and for how long one attempt of raft is held back. The longest pause
// is how late a member that came back may be noticed; the limit lets go of members that were removed.
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
		// One request at a time on a connection: with more, raft pipelines, and a pipeline can wedge while heartbeats
		// look healthy (hashicorp/raft issue 612).
		MaxRPCsInFlight:         1,
		Timeout:                 p.options.Timeout,
		Logger:                  transportLogger(p.options.Logger),
		MsgpackUseNewTimeFormat: true,
	})
	return t
}

// raftStream is where raft gets its connections from. Its address is the advertised one, so that is what a leader calls itself.
type raftStream struct {
	*connQueue
	port *Port
}

// Dial implements raft.StreamLayer.
func (s *raftStream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.port.ctx, timeout)
	defer cancel()
	return s.port.dial(ctx, string(address), net.KeepAliveConfig{Enable: true})
}

// raftAddr is an advertised address: a host name, not resolved.
type raftAddr string

// Network implements net.Addr.
func (raftAddr) Network() string { return "tcp" }

// String implements net.Addr.
func (a raftAddr) String() string { return string(a) }

// ElectNow makes this member, whose raft id is given, start an election at once, as if a leader had handed over to it. It
// returns when raft has taken the request, within Options.Timeout. Calling it for a leader makes that stand for election again.
func (p *Port) ElectNow(id raft.ServerID) error {
	self := raft.ServerAddress(p.advertise)
	request := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(id), Addr: []byte(self),
	}}
	if err := p.transport.TimeoutNow(id, self, request, new(raft.TimeoutNowResponse)); err != nil {
		return fmt.Errorf("this member did not take the request to start an election: %w", err)
	}
	return nil
}

// transportLogger passes what raft's transport logs on to l. Its errors are ordinary here: a peer that went away.
func transportLogger(l *slog.Logger) hclog.Logger {
	logger := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft-transport", Level: hclog.Off})
	logger.RegisterSink(slogSink{l})
	return logger
}

type slogSink struct{ to *slog.Logger }

// Accept implements hclog.SinkAdapter.
func (s slogSink) Accept(_ string, _ hclog.Level, msg string, args ...any) {
	// Even its errors are ordinary: a peer went away.
	if s.to.Enabled(context.Background(), slog.LevelDebug) {
		s.to.Debug("raft transport: "+msg, args...)
	}
}
