package replica

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// played is the transport of a raft whose other members a test plays. They vote for it.
type played struct {
	raft.LoopbackTransport // its address; nothing is sent through it
	heard                  chan raft.RPC
	// answer is what a member does with entries, or with a message without any.
	answer func(to raft.ServerID, a *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error
	// install is what a member does with a snapshot; nil: it takes it.
	install func(to raft.ServerID, a *raft.InstallSnapshotRequest)
}

func newPlayed(address raft.ServerAddress) *played {
	_, t := raft.NewInmemTransport(address)
	return &played{LoopbackTransport: t, heard: make(chan raft.RPC)}
}

func (p *played) Consumer() <-chan raft.RPC { return p.heard }
func (p *played) Close() error              { return nil }

func (p *played) RequestVote(_ raft.ServerID, _ raft.ServerAddress, a *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	resp.RPCHeader, resp.Term, resp.Granted = a.RPCHeader, a.Term, true
	return nil
}

func (p *played) RequestPreVote(_ raft.ServerID, _ raft.ServerAddress, a *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	resp.RPCHeader, resp.Term, resp.Granted = a.RPCHeader, a.Term, true
	return nil
}

func (p *played) AppendEntries(to raft.ServerID, _ raft.ServerAddress, a *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	*resp = raft.AppendEntriesResponse{RPCHeader: a.RPCHeader, Term: a.Term, Success: true}
	return p.answer(to, a, resp)
}

func (p *played) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

func (p *played) InstallSnapshot(to raft.ServerID, _ raft.ServerAddress, a *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, _ io.Reader) error {
	if p.install != nil {
		p.install(to, a)
	}
	*resp = raft.InstallSnapshotResponse{RPCHeader: a.RPCHeader, Term: a.Term, Success: true}
	return nil
}

// tell gives raft a message of another member, and returns when it has answered.
func (p *played) tell(t *testing.T, message any, body io.Reader) {
	t.Helper()
	answered := make(chan raft.RPCResponse, 1)
	p.heard <- raft.RPC{Command: message, Reader: body, RespChan: answered}
	if r := <-answered; r.Error != nil {
		t.Fatal(r.Error)
	}
}

// header is that of a message of member b.
func header() raft.RPCHeader {
	return raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("b"), Addr: []byte("b")}
}

// threeVoters are a, b and c.
var threeVoters = raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "a"}, {ID: "b", Address: "b"}, {ID: "c", Address: "c"}}}

// play starts the raft of member a on a log, in a synctest bubble; the test must shut it
// down.
func play(t *testing.T, p *played, log raft.LogStore, snapshots raft.SnapshotStore) *raft.Raft {
	t.Helper()
	c := raft.DefaultConfig()
	c.LocalID = "a"
	c.Logger = hclog.NewNullLogger()
	c.NoLegacyTelemetry = true
	stable := raft.NewInmemStore()
	if err := stable.SetUint64([]byte("CurrentTerm"), 1); err != nil {
		t.Fatal(err)
	}
	r, err := raft.NewRaft(c, nothing{}, log, stable, snapshots, p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// founded is a log whose first entry is the membership.
func founded(c raft.Configuration) *raft.InmemStore {
	s := raft.NewInmemStore()
	_ = s.StoreLog(&raft.Log{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(c)}) // in memory
	return s
}

// awaitLeader waits until raft leads.
func awaitLeader(t *testing.T, r *raft.Raft) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for r.State() != raft.Leader {
		if ctx.Err() != nil {
			t.Fatal("it does not lead")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// nothing is a state machine without a state.
type nothing struct{}

func (nothing) Apply(*raft.Log) any                 { return nil }
func (nothing) Snapshot() (raft.FSMSnapshot, error) { return nothing{}, nil }
func (nothing) Persist(s raft.SnapshotSink) error   { return s.Close() }
func (nothing) Release()                            {}

func (nothing) Restore(r io.ReadCloser) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
