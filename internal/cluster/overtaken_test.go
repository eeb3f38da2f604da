package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"voted/internal/ports/portstest"
	"voted/internal/survey"

	"github.com/hashicorp/raft"

	"voted/internal/cluster"
	"voted/internal/cluster/peer"
	"voted/internal/cluster/storage"
	"voted/internal/fsm"
)

// ledBy is a member n1 on a real disk and port, and the test as its leader n2.
type ledBy struct {
	*testCluster
	port *peer.Port
}

const (
	common      = 5 // the last entry that n1 and its leader share
	oldTerm     = 2 // in which n1 led, and stored entries that no other member has
	leaderTerm  = 3
	lastInstall = 20 // where the leader's snapshot ends
)

func entry(index, term uint64) *raft.Log {
	return &raft.Log{Index: index, Term: term, Type: raft.LogNoop}
}

// leading gives n1 a log up to last, whose entries after the common ones are of term.
func leading(t *testing.T, last, term uint64) *ledBy {
	t.Helper()
	l := &ledBy{testCluster: &testCluster{t: t, nodes: map[string]*cluster.Node{}, dirs: map[string]string{"n1": t.TempDir()}}}
	for i, addr := range portstest.Addrs(t, 2) {
		l.servers = append(l.servers, survey.Peer{ID: []string{"n1", "n2"}[i], Addr: addr})
	}
	var err error
	if l.port, err = peer.Listen(peer.Options{ID: "n2", Bind: l.addrOf("n2")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.port.Close() })
	l.port.Belong("theirs")
	l.port.Handle(func(context.Context, string, []byte) ([]byte, error) {
		return nil, errors.New("it speaks raft alone")
	})
	store, err := storage.Open(l.dirs["n1"], storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	logs := []*raft.Log{{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(l.configuration())}}
	for i := uint64(2); i <= last; i++ {
		logs = append(logs, entry(i, 1))
		if i > common {
			logs[i-1].Term = term
		}
	}
	if err := errors.Join(store.SetValue("cluster", []byte("theirs")), store.SetUint64([]byte("CurrentTerm"), leaderTerm), store.StoreLogs(logs), store.Close()); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *ledBy) configuration() (c raft.Configuration) {
	for _, s := range l.servers {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(s.ID), Address: raft.ServerAddress(s.Addr)})
	}
	return c
}

// run starts n1, which never stands for election itself.
func (l *ledBy) run(trailing uint64) {
	l.t.Helper()
	l.port.Transport().(interface{ CloseStreams() }).CloseStreams() // to the process before
	l.start("n1", l.addrOf("n1"), func(o *cluster.Options) {
		o.HeartbeatTimeout, o.TrailingLogs, o.SnapshotEvery = time.Hour, trailing, 1<<40
	})
}

func (l *ledBy) header() raft.RPCHeader {
	return raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("n2"), Addr: []byte(l.addrOf("n2"))}
}

// install sends the snapshot.
func (l *ledBy) install() {
	l.t.Helper()
	state := fsm.New(nil)
	defer state.Close()
	state.Belong("theirs")
	snapshot, err := state.Snapshot()
	if err != nil {
		l.t.Fatal(err)
	}
	defer snapshot.Release()
	var b buffer
	if err := snapshot.Persist(&b); err != nil {
		l.t.Fatal(err)
	}
	req := &raft.InstallSnapshotRequest{
		RPCHeader: l.header(), SnapshotVersion: raft.SnapshotVersionMax, Term: leaderTerm,
		LastLogIndex: lastInstall, LastLogTerm: leaderTerm, Size: int64(b.Len()),
		Configuration: raft.EncodeConfiguration(l.configuration()), ConfigurationIndex: 1,
	}
	var resp raft.InstallSnapshotResponse
	if err := l.port.Transport().InstallSnapshot("n1", raft.ServerAddress(l.addrOf("n1")), req, &resp, &b); err != nil || !resp.Success {
		l.t.Fatalf("the snapshot was not installed: %+v, %v", resp, err)
	}
}

// buffer is a raft.SnapshotSink.
type buffer struct{ bytes.Buffer }

func (*buffer) Close() error  { return nil }
func (*buffer) ID() string    { return "" }
func (*buffer) Cancel() error { return nil }

var _ io.Reader = (*buffer)(nil)

// send sends n entries after prev, and says that all up to commit are committed.
func (l *ledBy) send(prev, n, commit uint64) {
	l.t.Helper()
	req := &raft.AppendEntriesRequest{
		RPCHeader: l.header(), Term: leaderTerm,
		PrevLogEntry: prev, PrevLogTerm: leaderTerm, LeaderCommitIndex: commit,
	}
	for i := range n {
		req.Entries = append(req.Entries, entry(prev+1+i, leaderTerm))
	}
	var resp raft.AppendEntriesResponse
	if err := l.port.Transport().AppendEntries("n1", raft.ServerAddress(l.addrOf("n1")), req, &resp); err != nil || !resp.Success {
		l.t.Fatalf("%d entries after %d were refused: %+v, %v", n, prev, resp, err)
	}
}

func (l *ledBy) hasApplied(want uint64) {
	l.t.Helper()
	if got := cluster.Applied(l.nodes["n1"]); got != want {
		l.t.Fatalf("it has applied all up to entry %d, not %d", got, want)
	}
}

// log stops n1 and returns where its log begins and the terms of the entries.
func (l *ledBy) log() (first uint64, terms []uint64) {
	l.t.Helper()
	l.stop("n1")
	store, err := storage.Open(l.dirs["n1"], storage.Options{})
	if err != nil {
		l.t.Fatal(err)
	}
	defer store.Close()
	if err := store.Verify(nil); err != nil {
		l.t.Fatal(err)
	}
	first, err = store.FirstIndex()
	last, err2 := store.LastIndex()
	if err := errors.Join(err, err2); err != nil {
		l.t.Fatal(err)
	}
	for i := first; i <= last && first > 0; i++ {
		var e raft.Log
		if err := store.GetLog(i, &e); err != nil {
			l.t.Fatal(err)
		}
		terms = append(terms, e.Term)
	}
	return first, terms
}

// TestALogThatASnapshotOvertakesIsDiscarded is hashicorp/raft issue 697: a member whose log
// went another way gets a snapshot and must be able to follow from there.
func TestALogThatASnapshotOvertakesIsDiscarded(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]uint64{
		"its log ends before the snapshot":     lastInstall - 4,
		"its log ends where the snapshot does": lastInstall,
		"its log goes on for one entry":        lastInstall + 1,
		"its log goes on for many":             lastInstall + 40,
	} {
		for kept, trailing := range map[string]uint64{"little log kept": 1, "half of it kept": 30, "all kept": 1000} {
			for restarted, again := range map[string]bool{"": false, ", restarted": true} {
				t.Run(name+", "+kept+restarted, func(t *testing.T) {
					t.Parallel()
					// Given a member with entries of its own, when the snapshot is installed …
					l := leading(t, last, oldTerm)
					l.run(trailing)
					l.install()
					if again {
						l.stop("n1")
						l.run(trailing)
					}
					// … then it takes what follows: a sign of life first, which must not
					// make it apply entries of its own …
					l.send(lastInstall, 0, lastInstall+2)
					l.hasApplied(lastInstall)
					l.send(lastInstall, 3, lastInstall+2)
					l.send(lastInstall+3, 2, lastInstall+5)
					l.hasApplied(lastInstall + 5)
					// … and nothing else is left in its log.
					first, terms := l.log()
					if first != lastInstall+1 || len(terms) != 5 {
						t.Fatalf("the log begins with entry %d: %v", first, terms)
					}
					for _, term := range terms {
						if term != leaderTerm {
							t.Fatalf("entries of its own are left: %v", terms)
						}
					}
				})
			}
		}
	}
}

// TestALogThatGoesThroughTheSnapshotIsKept: its entries after the snapshot may be the
// ones that made a majority.
func TestALogThatGoesThroughTheSnapshotIsKept(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name            string
		trailing, first uint64
		again           bool
	}{
		{"whole", 1000, 1, false},
		{"whole, restarted", 1000, 1, true},
		{"without what the snapshot covers", 1, lastInstall + 1, false},
		{"without what the snapshot covers, restarted", 1, lastInstall + 1, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			l := leading(t, lastInstall+10, leaderTerm)
			l.run(x.trailing)
			l.install()
			if x.again {
				l.stop("n1")
				l.run(x.trailing)
			}
			l.send(lastInstall, 2, lastInstall+2)
			if first, terms := l.log(); first != x.first || len(terms) != int(lastInstall+10-x.first)+1 {
				t.Fatalf("the log begins with entry %d and has %d", first, len(terms))
			}
		})
	}
}

// TestWhatFollowsASnapshotMayComeTwice: a log that begins after its snapshot does not hold
// the entry that the leader asks for when it has to ask again.
func TestWhatFollowsASnapshotMayComeTwice(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]bool{"running": false, "restarted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Given a member that has a snapshot and what follows, and whose answer was lost, …
			l := leading(t, common, oldTerm)
			l.run(1000)
			l.install()
			l.send(lastInstall, 3, lastInstall)
			if again {
				l.stop("n1")
				l.run(1000)
			}
			// … when the leader sends it again, with more, then it is taken, and once.
			l.send(lastInstall, 4, lastInstall+4)
			l.hasApplied(lastInstall + 4)
			if first, terms := l.log(); first != lastInstall+1 || len(terms) != 4 {
				t.Fatalf("the log begins with entry %d: %v", first, terms)
			}
		})
	}
}
