package cluster_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"voted/internal/ports/portstest"
	"voted/internal/refusal"
	"voted/internal/usage"

	"voted/internal/cluster"
	"voted/internal/cluster/peer"
	"voted/internal/livefile"
	"voted/internal/pki"
	"voted/internal/poll"
)

// newSecureCluster starts members under TLS, with certificates of one CA.
func newSecureCluster(t *testing.T, size int) *testCluster {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ca")
	ca, err := pki.Init(dir, "test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return startTestCluster(&testCluster{t: t, secure: func(id string, o *peer.Options) {
		cert, key, err := ca.IssueTo(dir, id, pki.Request{Member: id, Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		files := pki.Files{Cert: cert, Key: key, CA: filepath.Join(dir, "ca.crt")}
		o.Identify = pki.Member
		if o.ServerTLS, o.ClientTLS, err = pki.Peer(livefile.NewWatch(slog.New(slog.DiscardHandler)), files, id); err != nil {
			t.Fatal(err)
		}
	}}, size, func(string, *cluster.Options) {})
}

// token makes a join token; it tries again while the cluster is still starting.
func (c *testCluster) token(through, id string, ttl time.Duration) string {
	c.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		token, _, err := c.nodes[through].NewJoinToken(ctxFor(c.t, 10*time.Second), id, ttl)
		var refused *refusal.Error
		if errors.As(err, &refused) && refused.Code == refusal.Unavailable && time.Now().Before(deadline) {
			continue
		}
		if err != nil {
			c.t.Fatal(err)
		}
		return token
	}
}

// joining starts a member that joins with a token.
func (c *testCluster) joining(id, token string, change func(*cluster.Options)) *cluster.Node {
	c.t.Helper()
	var through []string
	for _, s := range c.servers {
		through = append(through, s.Addr)
	}
	c.start(id, portstest.Addr(c.t), func(o *cluster.Options) {
		o.Join = through
		o.JoinToken = func() (string, error) { return token, nil }
		if change != nil {
			change(o)
		}
	})
	return c.nodes[id]
}

// enters waits until a member has been admitted, votes and serves.
func (c *testCluster) enters(id string) {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		status, err := c.nodes[c.leader()].Status(ctxFor(c.t, 5*time.Second))
		for _, m := range status.Members {
			if err == nil && m.ID == id && m.Votes() && m.Healthy {
				return
			}
		}
	}
	c.t.Fatalf("%s did not enter: %v", id, c.nodes[id].Failure())
}

// refused waits until a member has given up, and wants a sentence.
func (c *testCluster) refused(id, says string) {
	c.t.Helper()
	n := c.nodes[id]
	select {
	case <-n.Failed():
	case <-time.After(30 * time.Second):
		c.t.Fatalf("%s was not refused", id)
	}
	if err := n.Failure(); !usage.Is(err) || !strings.Contains(err.Error(), says) {
		c.t.Errorf("%s was refused because: %v, want %q", id, err, says)
	}
	c.stop(id)
}

func TestAJoinTokenLetsItsMemberInOnce(t *testing.T) {
	t.Parallel()
	c := newSecureCluster(t, 3)
	createPoll(t, c.nodes[c.leader()], "p")
	token := c.token("n2", "n4", time.Hour)
	// Given a token that one member made, and a new leader …
	before := c.leader()
	c.stop(before)
	for _, x := range []struct{ id, token, says string }{
		{"n5", token, "made for another member than n5"},
		{"n4", token[:len(token)-1] + "_", "is not known here, or was withdrawn; have a new one made with `voted cluster token n4`"},
		{"n4", "voted_something", "this is not a join token"},
	} {
		c.joining(x.id, x.token, nil)
		c.refused(x.id, x.says)
	}
	// … then its member is admitted, and the token is refused on another disk.
	c.joining("n4", token, nil)
	c.enters("n4")
	c.restart(before) // without it and n4, two of four would be left, and none of them leads
	c.stop("n4")
	delete(c.dirs, "n4")
	c.joining("n4", token, nil)
	c.refused("n4", "was used already, and each lets a member in once; have a new one made")
}

func TestALeaderLetsInByTokenOnlyWhatItsAuditLogRecords(t *testing.T) {
	t.Parallel()
	// Given a leader whose audit log cannot be written,
	c := newSecureCluster(t, 1)
	leader := c.servers[0].ID
	token := c.token(leader, "n2", time.Hour)
	c.stop(leader)
	var full atomic.Bool
	full.Store(true)
	notes := make(chan string, 64)
	c.start(leader, c.addrOf(leader), func(o *cluster.Options) {
		o.Cluster = c.servers
		o.Audit = func(action, member, why string) error {
			notes <- action + " " + member + ": " + why
			if full.Load() {
				return errors.New("the disk is full")
			}
			return nil
		}
	})
	// when a member asks to join, it is not admitted, though it asks again;
	c.joining("n2", token, nil)
	for range 2 {
		if got, want := <-notes, "join_by_token n2: it asked from 127.0.0.1:"; !strings.HasPrefix(got, want) {
			t.Errorf("noted: %q, want %q", got, want)
		}
	}
	status, err := c.nodes[leader].Status(ctxFor(t, 10*time.Second))
	if err != nil || len(status.Members) != 1 {
		t.Errorf("members %v, %v", status.Members, err)
	}
	// once it can be written, it is.
	full.Store(false)
	c.enters("n2")
}

func TestAnExpiredTokenIsCalledThat(t *testing.T) {
	t.Parallel()
	c := newSecureCluster(t, 1)
	token := c.token("n1", "n2", time.Millisecond)
	// The replicated clock moves with what is proposed.
	for now := time.Now(); time.Since(now) < 5*time.Millisecond; {
		createPoll(t, c.nodes["n1"], "p")
	}
	c.joining("n2", token, nil)
	c.refused("n2", "has expired; have a new one made")
}

// deaf is a network that loses the first answers to a member that asks to join.
type deaf struct {
	*peer.Port
	lose atomic.Int32
}

func (d *deaf) Call(ctx context.Context, addr, method string, body []byte) ([]byte, error) {
	answer, err := d.Port.Call(ctx, addr, method, body)
	if method == "join" && err == nil && d.lose.Add(-1) >= 0 {
		return nil, errors.New("the connection broke before the answer came")
	}
	return answer, err
}

func TestAJoinWhoseAnswerGotLostIsAskedForAgain(t *testing.T) {
	t.Parallel()
	c := newSecureCluster(t, 3)
	token := c.token(c.leader(), "n4", time.Hour)
	var network *deaf
	c.joining("n4", token, func(o *cluster.Options) {
		network = &deaf{Port: o.Network.(*peer.Port)}
		network.lose.Store(3)
		o.Network = network
	})
	c.enters("n4")
	if left := network.lose.Load(); left >= 0 {
		t.Errorf("%d more answers were to be lost", left)
	}
}

func TestARemovedMemberDoesNotComeBackWithTheTokenItHad(t *testing.T) {
	t.Parallel()
	c := newSecureCluster(t, 3)
	token := c.token(c.leader(), "n4", time.Hour)
	usable := func() (usable bool) {
		c.nodes[c.leader()].Read(func(s *poll.State) { usable = s.HasTokens("n4") })
		return usable
	}
	// Given a member that was admitted, and may ask again with its token …
	c.joining("n4", token, nil)
	c.enters("n4")
	if !usable() {
		t.Error("the member could not ask again")
	}
	// … when it is removed …
	if err := c.nodes[c.leader()].RemoveMember(ctxFor(t, 10*time.Second), "n4"); err != nil {
		t.Fatal(err)
	}
	if usable() {
		t.Error("the removed member could ask again")
	}
	c.stop("n4")
	delete(c.dirs, "n4")
	c.joining("n4", token, nil)
	c.refused("n4", "was used already")
	// … then a new token lets it in again.
	c.joining("n4", c.token(c.leader(), "n4", time.Hour), nil)
	c.enters("n4")
}

func TestWithoutTLSThereAreNoJoinTokens(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 1)
	c.leader()
	_, _, err := c.nodes["n1"].NewJoinToken(ctxFor(t, 10*time.Second), "n2", time.Hour)
	var refused *refusal.Error
	if !errors.As(err, &refused) || refused.Code != refusal.Forbidden || !strings.Contains(refused.Detail, "--peer-ca") {
		t.Errorf("making one: %v", err)
	}
	c.joining("n2", "voted_join_x", nil)
	c.refused("n2", "talk without TLS")
}

func TestAStrangersTokenTellsItNothingAboutTheMembers(t *testing.T) {
	t.Parallel()
	c := newSecureCluster(t, 3)
	c.leader()
	// It claims the address of a member, and the id of another.
	taken := c.servers[0].Addr
	c.joining("n9", "voted_join_guess", func(o *cluster.Options) { o.Peer = taken })
	c.refused("n9", "is not known here, or was withdrawn")
}
