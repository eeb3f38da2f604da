package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"voted/client"
	"voted/internal/localcluster"
	"voted/internal/proofkey"
	"voted/proof"
)

// A promise is made of what was recorded: whoever asks again, of whichever member and after a failover, is promised the
// same entry under the same number. The signature is another member's then.
func TestAPromiseIsTheSameAfterAFailoverAndTheLogKeepsIt(t *testing.T) {
	t.Parallel()
	// Given ballots with promises, one by way of the leader and one by way of another member,
	c := startOfficial(t)
	policyFile := c.policy("board")
	policy, err := proof.ParsePolicy(contentOf(t, policyFile))
	if err != nil {
		t.Fatal(err)
	}
	c.as("admin", c.Nodes[0], 0, "poll", "create", "board", "ann", "bo", "cy")
	leader := leaderOf(t, c.Cluster)
	var others []*localcluster.Node
	for _, n := range c.Nodes {
		if n != leader {
			others = append(others, n)
		}
	}
	cast := func(at *localcluster.Node, voter string) client.Receipt {
		t.Helper()
		r, err := c.client("gateway", []string{at.URL}, client.WithPromise(policy)).Cast(t.Context(), "board", voter, client.Choose("ann"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first, second := cast(leader, "v-1"), cast(others[0], "v-2")
	// when the leader is killed, and the same ballot is sent again,
	if err := leader.Kill(); err != nil {
		t.Fatal(err)
	}
	again := cast(others[1], "v-1")
	// then the same entry is promised, by another key,
	before, after := promiseOf(t, policy, first), promiseOf(t, policy, again)
	if again.Outcome != client.Replayed || after.Promise != before.Promise || after.By == before.By {
		t.Errorf("before the failover it was %+v, and then %+v", before, after)
	}
	// and the log keeps what was promised.
	receipt := func(voter string) string {
		file := filepath.Join(t.TempDir(), voter)
		c.as("gateway", others[1], 0, "proof", "get", "board", voter, "--policy", policyFile, "-o", file)
		return file
	}
	theirs := receipt("v-2")
	mine := receipt("v-1") // of a head that has both records, as it comes after the other one
	fraud := func(promise []byte, file string, code int, says string) {
		t.Helper()
		out, errs, got := voted(t, "verify", "fraud", written(t, promise), file, "--policy", policyFile)
		if got != code || !strings.Contains(out, says) {
			t.Errorf("exit code %d, want %d with %q: %s%s", got, code, says, out, errs)
		}
	}
	fraud([]byte(first.Promise.Note), mine, 1, "The promise is kept: record 1 of board is the ballot that was promised")
	fraud([]byte(again.Promise.Note), mine, 1, "The promise is kept")
	fraud([]byte(second.Promise.Note), theirs, 1, "The promise is kept: record 2 of board")
	// A member that promises one voter the place of another one is found out.
	key, err := proofkey.Load(c.issued(others[0].ID + ".proof.key"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := key.Log(proof.Origin{Log: logName, Poll: "board", Lineage: "1"})
	if err != nil {
		t.Fatal(err)
	}
	lie := before.Promise
	lie.Number = 2
	fraud(lie.Sign(signer), theirs, 0, "This is proof against the member whose key it is")
	fraud(lie.Sign(signer), mine, 2, "does not show which ballot record 2 is")
}

func promiseOf(t *testing.T, policy *proof.Policy, r client.Receipt) proof.Promised {
	t.Helper()
	p, err := policy.Promised([]byte(r.Promise.Note))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
