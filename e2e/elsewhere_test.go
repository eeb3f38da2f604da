package e2e

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/internal/localcluster"
)

// startSecure runs three nodes under TLS, without waiting for them.
func startSecure(t *testing.T) *localcluster.Cluster {
	t.Helper()
	long(t)
	c, err := localcluster.Start(t.Context(), localcluster.Options{Binary: binary, Nodes: 3, Dir: t.TempDir(), Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// secureClient is a client of a cluster under TLS.
func secureClient(t *testing.T, c *localcluster.Cluster, endpoints ...string) *client.Client {
	t.Helper()
	all, err := client.New(endpoints, append(c.ClientOptions(), client.WithSpread(), client.WithDeadline(60*time.Second))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(all.Close)
	return all
}

// castSome casts ballots of numbered voters, from one number to before another.
func castSome(t *testing.T, all *client.Client, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if _, err := all.Cast(t.Context(), "board", "v"+strconv.Itoa(i), client.Choose("ann")); err != nil {
			t.Fatal(err)
		}
	}
}

// countsEverywhere checks what each node counts, once it has contact with the leader.
func countsEverywhere(t *testing.T, c *localcluster.Cluster, want int) {
	t.Helper()
	for _, n := range c.Nodes {
		r, err := secureClient(t, c, n.URL).Results(t.Context(), "board", client.Linearizable)
		if err != nil || int(r.Ballots) != want {
			t.Errorf("%s counts %d ballots (%v), want %d", n.ID, r.Ballots, err, want)
		}
	}
}

func stopInOrder(t *testing.T, nodes ...*localcluster.Node) {
	t.Helper()
	for _, n := range nodes {
		if err := n.Terminate(); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		if err := n.Wait(t.Context()); err != nil {
			t.Fatalf("%s did not end in order: %v", n.ID, err)
		}
	}
}

// awaitStatusOf waits until `voted cluster status` at a node prints all these texts.
func awaitStatusOf(t *testing.T, c *localcluster.Cluster, at *localcluster.Node, says ...string) {
	t.Helper()
	args := append([]string{"cluster", "status", "--endpoint", at.URL}, strings.Fields(c.Flags())...)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		out, errs, _ := voted(t, args...)
		if !slices.ContainsFunc(says, func(s string) bool { return !strings.Contains(out, s) }) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the status at %s does not say %q:\n%s%s", at.ID, says, out, errs)
		}
	}
}

func TestAClusterUnderTLSLeadsAgainWhereItHasMoved(t *testing.T) {
	t.Parallel()
	// Given a cluster of three processes with ballots …
	c := startSecure(t)
	ready(t, c)
	all := secureClient(t, c, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	castSome(t, all, 0, 20)
	before, err := all.Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// … when all are stopped and started at new addresses, with these in their flags …
	stopInOrder(t, c.Nodes...)
	now, err := c.OtherPeers()
	if err != nil {
		t.Fatal(err)
	}
	var line []string
	for i, n := range c.Nodes {
		n.SetFlag("--peer", now[i])
		line = append(line, n.ID+"="+now[i])
	}
	began := time.Now()
	for _, n := range c.Nodes {
		n.SetFlag("--cluster", strings.Join(line, ","))
		if err := n.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	// … they lead again within ten seconds …
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.WaitReady(ctx); err != nil {
		t.Fatalf("ten seconds were not enough: %v", err)
	}
	t.Logf("all are ready again after %v", time.Since(began).Round(time.Millisecond))
	// … as the same cluster, whose status names the new addresses …
	awaitStatusOf(t, c, c.Nodes[0], append(slices.Clone(now), "cluster "+before.ClusterID)...)
	// … and have lost nothing.
	countsEverywhere(t, c, 20)
	castSome(t, all, 0, 30)
	countsEverywhere(t, c, 30)
}

func TestAMemberThatMovedComesBackByItselfAndTheStatusSaysSo(t *testing.T) {
	t.Parallel()
	c := startSecure(t)
	ready(t, c)
	all := secureClient(t, c, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	castSome(t, all, 0, 5)
	now, err := c.OtherPeers()
	if err != nil {
		t.Fatal(err)
	}
	// Given a member that is started elsewhere while the others are down …
	moved, others := c.Nodes[0], c.Nodes[1:]
	stopInOrder(t, c.Nodes...)
	moved.SetFlag("--peer", now[0])
	moved.SetFlag("--advertise-peer", now[0]) // its --cluster still has the old address
	if err := moved.Restart(); err != nil {
		t.Fatal(err)
	}
	// … its log says what it waits for, and its status that it is moving …
	awaitLog(t, moved, "this member is at another address than the membership names", now[0])
	awaitStatusOf(t, c, moved, moved.ID+" came back at "+now[0])
	// … until a majority is up, whose flags do not have the new address: then the
	// membership follows.
	for _, n := range others {
		if err := n.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range c.Nodes {
		awaitStatusOf(t, c, n, now[0], others[0].PeerAddr, others[1].PeerAddr, "leader ")
	}
	ready(t, c)
	countsEverywhere(t, c, 5)
}

func TestAMemberStartedOnARehearsalsDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	// Given a rehearsal with the same ids, addresses and certificates, and of a higher term …
	c := startSecure(t)
	ready(t, c)
	rehearsed := secureClient(t, c, c.Endpoints()...)
	createPoll(t, rehearsed, client.Definition{ID: "board"})
	castSome(t, rehearsed, 0, 40)
	for range 5 {
		leaderOf(t, c)
		_ = rehearsed.TransferLeadership(t.Context(), "") // it may have changed meanwhile
	}
	old, err := rehearsed.Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stopInOrder(t, c.Nodes...)
	for _, n := range c.Nodes {
		if err := os.Rename(n.DataDir, n.DataDir+".rehearsal"); err != nil {
			t.Fatal(err)
		}
		if err := n.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	ready(t, c)
	all := secureClient(t, c, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	castSome(t, all, 0, 10)
	before, err := all.Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if before.ClusterID == old.ClusterID || old.Term <= before.Term {
		t.Fatalf("the rehearsal was cluster %s in term %d, and this is %s in term %d", old.ClusterID, old.Term, before.ClusterID, before.Term)
	}
	// … when one member is started on its directory of the rehearsal …
	astray := followerOf(t, c)
	stopInOrder(t, astray)
	args := slices.Clone(astray.Args)
	args[slices.Index(args, "--data")+1] = astray.DataDir + ".rehearsal"
	// … then it stops with a sentence that names both clusters and says what to do …
	refusesToServe(t, binary, "on the rehearsal's directory", needsAnother, args,
		"the data directory belongs to cluster "+old.ClusterID, "the members around it belong to cluster "+before.ClusterID, "Nothing was changed there", "Start "+astray.ID+" with the data directory of that cluster (--data)")
	// … and nothing has changed at the others, not even the term.
	var others []string
	for _, n := range c.Nodes {
		if n != astray {
			others = append(others, n.URL)
		}
	}
	after, err := secureClient(t, c, others...).Cluster(t.Context())
	if err != nil || after.Term != before.Term || after.Leader != before.Leader || after.ClusterID != before.ClusterID {
		t.Errorf("%s led in term %d, now %s in term %d (%v)", before.Leader, before.Term, after.Leader, after.Term, err)
	}
	if err := astray.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	countsEverywhere(t, c, 10)
}

func TestTheStatusNamesAMemberOfAnotherCluster(t *testing.T) {
	t.Parallel()
	// Given a member of another cluster at the address of one of three, which is away …
	c := startSecure(t)
	ready(t, c)
	lost := followerOf(t, c)
	all := secureClient(t, c, c.Endpoints()...)
	of, err := all.Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stopInOrder(t, lost)
	lost.SetFlag("--data", lost.DataDir+".alone")
	lost.SetFlag("--cluster", lost.ID+"="+lost.PeerAddr)
	if err := lost.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := lost.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	// … the status at the others says so, and of which cluster they are.
	for _, n := range c.Nodes {
		if n != lost {
			awaitStatusOf(t, c, n, "cluster "+of.ClusterID, "answers member "+lost.ID+" of another cluster", "Its messages are refused")
		}
	}
}
