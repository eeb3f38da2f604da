package server

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/internal/pki"
	"voted/internal/ports/portstest"
	"voted/internal/survey"
	"voted/internal/usage"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// guarded is members in this process under TLS, with certificates of one CA.
type guardedCluster struct {
	t       *testing.T
	dir     string
	ca      *pki.CA
	members []survey.Peer
	ends    map[string]func() error
	nodes   map[string]*Server
}

func newGuardedCluster(t *testing.T, ids ...string) *guardedCluster {
	t.Helper()
	dir := t.TempDir()
	ca, err := pki.Init(filepath.Join(dir, "ca"), "test", time.Now())
	must(t, err)
	g := &guardedCluster{t: t, dir: dir, ca: ca, ends: map[string]func() error{}, nodes: map[string]*Server{}}
	for _, id := range ids {
		g.members = append(g.members, survey.Peer{ID: id, Addr: portstest.Addr(t)})
	}
	for _, id := range ids {
		g.start(g.options(id))
	}
	return g
}

func (g *guardedCluster) options(id string) Options {
	g.t.Helper()
	cert, key, err := g.ca.IssueTo(filepath.Join(g.dir, "ca"), id, pki.Request{Member: id, Hosts: []string{"127.0.0.1"}, Now: time.Now()})
	must(g.t, err)
	o := Options{
		ID: id, DataDir: filepath.Join(g.dir, id), API: "127.0.0.1:0",
		Security: Security{TLSCert: cert, TLSKey: key, PeerCA: g.caFile(), PeerCert: cert, PeerKey: key},
	}
	if at := slices.IndexFunc(g.members, func(m survey.Peer) bool { return m.ID == id }); at >= 0 {
		o.Cluster, o.Peer = g.members, g.members[at].Addr
	}
	return o
}

func (g *guardedCluster) caFile() string { return filepath.Join(g.dir, "ca", "ca.crt") }

func (g *guardedCluster) start(o Options) *Server {
	g.t.Helper()
	s, err := New(o)
	must(g.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	end := func() error {
		cancel()
		err := <-done
		done <- err
		return err
	}
	g.ends[o.ID], g.nodes[o.ID] = end, s
	g.t.Cleanup(func() { _ = end() })
	return s
}

// client talks to some nodes under TLS.
func (g *guardedCluster) client(ids ...string) *client.Client {
	g.t.Helper()
	config, err := pki.ClientTLS(quietLog, pki.Files{CA: g.caFile()})
	must(g.t, err)
	var urls []string
	for _, id := range ids {
		urls = append(urls, g.nodes[id].URL())
	}
	c, err := client.New(urls, client.WithTLSConfig(config), client.WithDeadline(20*time.Second))
	must(g.t, err)
	g.t.Cleanup(c.Close)
	return c
}

func (g *guardedCluster) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	g.t.Cleanup(cancel)
	return ctx
}

func (g *guardedCluster) eventually(what string, f func() bool) {
	g.t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatalf("never: %s", what)
		}
	}
}

func (g *guardedCluster) roles(c *client.Client) string {
	status, err := c.Cluster(g.ctx())
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, m := range status.Members {
		all = append(all, fmt.Sprintf("%s:%s:%t", m.ID, m.Role, m.Healthy))
	}
	return strings.Join(all, " ")
}

func TestAClusterUnderTLSLetsInWhoWasAddedAndCutsOffWhoWasRemoved(t *testing.T) {
	t.Parallel()
	g := newGuardedCluster(t, "n1", "n2", "n3")
	c := g.client("n1", "n3")
	if _, err := c.CreatePoll(g.ctx(), client.Definition{ID: "p", Options: []client.PollOption{{ID: "a"}, {ID: "b"}}}); err != nil {
		t.Fatal(err)
	}
	cast := func(voter string) {
		t.Helper()
		if _, err := c.Cast(g.ctx(), "p", voter, client.Choose("a")); err != nil {
			t.Fatal(err)
		}
	}
	cast("v1")
	// n4 has a certificate of the CA; it waits until it is added.
	o := g.options("n4")
	o.Peer = portstest.Addr(t)
	o.Join = []string{g.members[0].Addr, g.members[1].Addr, g.members[2].Addr}
	n4 := g.start(o)
	if n4.Node().Ready()["started"] == nil {
		t.Fatal("n4 has entered before it was let in")
	}
	must(t, c.AddMember(g.ctx(), "n4", o.Peer))
	g.eventually("n4 votes", func() bool { return strings.Contains(g.roles(c), "n4:voter:true") })
	// n2 is removed: no one talks to it, and it notices.
	must(t, c.RemoveMember(g.ctx(), "n2"))
	g.eventually("n2 is alone", func() bool { return g.nodes["n2"].Node().Leader() == "" })
	cast("v2")
	// It comes back as the member it was, with its data and the first line.
	stopsAsRemoved := func(s *Server) {
		t.Helper()
		select {
		case <-s.Node().Failed():
		case <-time.After(20 * time.Second):
			t.Fatal("a removed member runs on")
		}
		if err := g.ends["n2"](); !usage.Is(err) || !strings.Contains(err.Error(), "n2 was removed from its cluster") {
			t.Errorf("a removed member ends with %v", err)
		}
	}
	stopsAsRemoved(g.nodes["n2"])
	back := g.start(g.options("n2"))
	cast("v3")
	stopsAsRemoved(back)
	if leader := back.Node().Leader(); leader != "" {
		t.Errorf("a removed member follows %s", leader)
	}
	if got := g.roles(c); strings.Contains(got, "n2") {
		t.Errorf("n2 is back: %s", got)
	}
}

func TestAMemberThatWasAwayFollowsALeaderThatJoinedMeanwhile(t *testing.T) {
	t.Parallel()
	g := newGuardedCluster(t, "n1", "n2", "n3")
	c := g.client("n1", "n2")
	g.eventually("all are up", func() bool { return strings.Count(g.roles(c), ":true") == 3 })
	must(t, g.ends["n3"]())
	o := g.options("n4")
	o.Peer, o.Join = portstest.Addr(t), []string{g.members[0].Addr, g.members[1].Addr}
	g.start(o)
	must(t, c.AddMember(g.ctx(), "n4", o.Peer))
	g.eventually("n4 votes", func() bool { return strings.Contains(g.roles(c), "n4:voter:true") })
	must(t, c.TransferLeadership(g.ctx(), "n4"))
	// n3 has never heard of n4, which leads.
	back := g.start(g.options("n3"))
	g.eventually("n3 follows n4", func() bool { return back.Node().Leader() == "n4" })
	g.eventually("n3 is well", func() bool { return strings.Contains(g.roles(c), "n3:voter:true") })
}

func TestANodeDoesNotStartWithAnotherMembersCertificate(t *testing.T) {
	t.Parallel()
	g := newGuardedCluster(t)
	o := g.options("n1")
	o.ID = "n2"
	_, err := New(o)
	if !usage.Is(err) || !strings.Contains(err.Error(), "give each member its own") {
		t.Fatalf("got %v", err)
	}
}

var quietLog = slog.New(slog.DiscardHandler)
