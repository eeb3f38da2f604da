package cluster_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"voted/internal/cluster"
	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/refusal"
)

func takeBackup(t *testing.T, n *cluster.Node) []byte {
	t.Helper()
	b, err := n.Backup(ctxFor(t, 20*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func restoreBackup(t *testing.T, n *cluster.Node, b []byte, confirm string) (poll.Result, error) {
	t.Helper()
	return n.Restore(ctxFor(t, 60*time.Second), bytes.NewReader(b), int64(len(b)), sha256.Sum256(b), confirm, 0)
}

// A restore through a follower, with leadership handed on and on meanwhile, happens at
// one index on every member; receipts stay, and a member that starts again has it too.
func TestARestoreHappensAtOneIndexThroughChangesOfLeader(t *testing.T) {
	t.Parallel()
	first := newTestCluster(t, 1)
	old := first.nodes["n1"]
	createPoll(t, old, "p")
	const voters = 20_000
	receipts := map[string]poll.Outcome{}
	for from := 0; from < voters; from += 5000 { // several pieces' worth
		var many []poll.Ballot
		for i := range 5000 {
			many = append(many, *ballot("p", fmt.Sprint("v", from+i), byte(i%2)))
		}
		outcomes, err := old.CastMany(ctxFor(t, 20*time.Second), many)
		if err != nil {
			t.Fatal(err)
		}
		receipts[fmt.Sprint("v", from)], receipts[fmt.Sprint("v", from+2)] = outcomes[0], outcomes[2]
	}
	before := old.Index()
	b := takeBackup(t, old)
	info, err := fsm.CheckBackup(bytes.NewReader(b))
	if err != nil || info.Index < before || info.Index > old.Index() {
		t.Fatalf("%+v, %v", info, err)
	}

	c := newTestCluster(t, 3)
	c.leader()
	done := make(chan struct{})
	handed := make(chan struct{})
	go func() {
		defer close(handed)
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
				_ = c.nodes["n1"].TransferLeadership(ctxFor(t, 5*time.Second), fmt.Sprint("n", i%3+1))
			}
		}
	}()
	r, err := restoreBackup(t, c.nodes["n2"], b, "")
	close(done)
	<-handed
	if err != nil || r.Index <= info.Index {
		t.Fatalf("%+v, %v", r, err)
	}
	c.leader()
	for _, n := range c.nodes {
		if err := n.Sync(ctxFor(t, 20*time.Second)); err != nil {
			t.Fatal(err)
		}
		n.Read(func(s *poll.State) {
			if !s.Untouched(sha256.Sum256(b)) || s.Holdings().Ballots != voters {
				t.Errorf("%s holds %s, restored at %d", n.ID(), s.Holdings(), s.Origin().Index)
			}
		})
	}
	c.agree()
	c.stop("n3")
	c.restart("n3")
	for voter, want := range receipts {
		got, err := c.nodes["n3"].Cast(ctxFor(t, 20*time.Second), ballot("p", voter, 0))
		if err != nil || got.Kind != poll.Replayed || got.Receipt != want.Receipt {
			t.Fatalf("%s: %+v, %v; it was %+v", voter, got, err, want)
		}
	}
	if _, err := restoreBackup(t, c.nodes["n1"], b, "no polls"); !isCode(err, refusal.ConfirmationNeeded) {
		t.Errorf("over data: %v", err)
	}
	if _, err := restoreBackup(t, c.nodes["n1"], b[:len(b)-1], "1 poll and 20000 ballots"); !isCode(err, refusal.InvalidBackup) {
		t.Errorf("a truncated backup: %v", err)
	}
}

func isCode(err error, code refusal.Code) bool {
	var refused *refusal.Error
	return errors.As(err, &refused) && refused.Code == code
}

func TestABackupIsRestoredIntoAClusterThatWasJustFounded(t *testing.T) {
	t.Parallel()
	// Given a backup in the newest formats, and a cluster that does not use them yet.
	source := newTestCluster(t, 1)
	createPoll(t, source.nodes["n1"], "p")
	b := takeBackup(t, source.nodes["n1"])
	c := newTestClusterWith(t, 3, func(string, *cluster.Options) {})
	// When it is sent until the cluster is there, then the cluster holds it.
	_, err := restoreBackup(t, c.nodes["n2"], b, "")
	for ctx := ctxFor(t, 20*time.Second); isCode(err, refusal.Unavailable) && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		_, err = restoreBackup(t, c.nodes["n2"], b, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	c.nodes["n2"].Read(func(s *poll.State) {
		if s.Find("p") == nil {
			t.Error("the poll is not there")
		}
	})
}
