package localcluster

import (
	"net"
	"slices"
	"testing"
)

func TestNodesKnowEachOtherByWhatStandsInFrontOfThem(t *testing.T) {
	t.Parallel()
	var behind []string
	front := []string{"127.0.0.1:1", "127.0.0.1:2"}
	c := startNodes(t, "plain", Options{Nodes: 2, Front: func(peers []string) ([]string, error) {
		behind = peers
		return front, nil
	}})
	for i, n := range c.Nodes {
		if n.Flag("--peer") != behind[i] || n.Flag("--advertise-peer") != front[i] || n.Flag("--cluster") != "n1=127.0.0.1:1,n2=127.0.0.1:2" {
			t.Errorf("%s was started with %q; behind the front is %v", n.ID, n.Args, behind)
		}
	}
}

func TestANodeServesItsPeersWhereItWasMoved(t *testing.T) {
	t.Parallel()
	ended := make(chan string, 8)
	c := startNodes(t, "plain", Options{Nodes: 2, OnExit: func(n *Node, _ error) { ended <- n.ID }})
	ctx := testContext(t)
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	others, err := c.OtherPeers()
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.OtherPeers()
	if err != nil || !slices.Equal(others, again) {
		t.Errorf("the other addresses were %v, then %v (%v)", others, again, err)
	}
	n := c.Nodes[1]
	if n.Flag("--peer") != n.PeerAddr || n.Flag("--join") != "" || slices.Contains(others, n.PeerAddr) {
		t.Fatalf("it is at %s, joins %q, and may go to %v", n.Flag("--peer"), n.Flag("--join"), others)
	}
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	n.SetFlag("--peer", others[1])
	if err := n.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := n.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", others[1])
	if err != nil {
		t.Fatalf("nothing listens where it was moved: %v", err)
	}
	_ = conn.Close()
	// One that is expected to end is not reported; one that is not is.
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	n.SetFlag("--peer", "no address")
	for _, restart := range []func() error{n.RestartToEnd, n.Restart} {
		if err := restart(); err != nil {
			t.Fatal(err)
		}
		if err := n.Wait(ctx); err == nil {
			t.Error("it served at no address")
		}
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	if close(ended); len(ended) != 1 {
		t.Errorf("%d ends were reported, want that of the last start alone", len(ended))
	}
}
