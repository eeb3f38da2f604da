package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/client"
	"voted/internal/pki"
	"voted/internal/proofkey"
	"voted/proof"
)

func TestTheFlagsOfProofsAreCheckedTogether(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p    Proofs
		says string // "" for taken
	}{
		"none":                        {Proofs{}, ""},
		"name and key":                {Proofs{LogName: "votes.example/acme", ProofKey: "k"}, ""},
		"a name without a key":        {Proofs{LogName: "votes.example"}, "go together"},
		"a key without a name":        {Proofs{ProofKey: "k"}, "go together"},
		"a name with a scheme":        {Proofs{LogName: "https://votes.example", ProofKey: "k"}, "cannot begin the name of a log"},
		"a name with a plus":          {Proofs{LogName: "votes+example", ProofKey: "k"}, "cannot begin the name of a log"},
		"a name that ends in a slash": {Proofs{LogName: "votes.example/", ProofKey: "k"}, "cannot begin the name of a log"},
		"a name that is too long":     {Proofs{LogName: strings.Repeat("x", 129), ProofKey: "k"}, "128 bytes"},
		"an interval of a minute":     {Proofs{LogName: "v", ProofKey: "k", ProofInterval: time.Minute}, ""},
		"an interval of no time":      {Proofs{LogName: "v", ProofKey: "k", ProofInterval: time.Millisecond}, "is not from"},
		"public logs that are none":   {Proofs{PublicLogs: true}, "do nothing without"},
		"witnesses of no logs":        {Proofs{WitnessPolicy: "w"}, "do nothing without"},
	} {
		if err := c.p.check(); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestWitnessesThatCannotBeAskedStopANodeBeforeItBegins(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := proof.NewCosigner([proof.SeedBytes]byte{1}, "observer.example/w1")
	must(t, err)
	key := s.Verifier.String()
	for name, c := range map[string]struct{ policy, says string }{
		"one with a URL":       {"witness w1 " + key + " https://w1.example/\nquorum w1\n", ""},
		"none with a URL":      {"witness w1 " + key + "\nquorum w1\n", "nobody to ask"},
		"a URL of a file":      {"witness w1 " + key + " file:///w1\nquorum w1\n", "must begin with https://"},
		"a key that is none":   {"witness w1 " + key[1:] + " https://w1.example/\nquorum w1\n", "line 1"},
		"a file that is empty": {"", "no line that begins with quorum"},
	} {
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		must(t, os.WriteFile(file, []byte(c.policy), 0o600))
		all, err := Proofs{WitnessPolicy: file}.witnesses()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) || (len(all) == 1) != (c.says == "") {
			t.Errorf("%s: %d witnesses, %v, want %q", name, len(all), err, c.says)
		}
	}
	if _, err := (Proofs{WitnessPolicy: filepath.Join(dir, "none")}).witnesses(); err == nil || !strings.Contains(err.Error(), "--witness-policy") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// policyOf makes the policy of a poll of the keys themselves, as somebody has it who does not
// ask the nodes.
func policyOf(t *testing.T, keys map[string]proofkey.Key, poll string) *proof.Policy {
	t.Helper()
	of := proofkey.PolicyOf{Log: proof.Origin{Log: testLogName, Poll: poll, Lineage: "1"}}
	for id, k := range keys {
		public, err := k.Public(id)
		must(t, err)
		of.Keys = append(of.Keys, pki.ProofKeys{Member: id, Log: public.Log, Cosigner: public.Cosigner})
	}
	policy, err := of.Policy()
	must(t, err)
	return policy
}

// Each ballot that was cast while the leader died has a proof that its sender checked: of one
// ballot, under a head that a majority signed.
func TestBallotsCastWhileTheLeaderDiesAreProven(t *testing.T) {
	t.Parallel()
	change, keys := withLogs(t)
	c := newTrio(t, change)
	follower, leader := c.places()
	c.do(follower, "PUT", "/v1/polls/board", `{"options":["ann","bo"]}`)
	policy := policyOf(t, keys, "board")
	var urls []string
	for _, s := range c.nodes {
		urls = append(urls, s.URL())
	}
	cl, err := client.New(urls, client.WithProof(policy))
	must(t, err)
	t.Cleanup(cl.Close)
	// What the cluster claims, once all members have told their keys, is what the keys make.
	if claimed, err := cl.LogFile(t.Context(), "board", client.LogPolicy); err != nil || string(claimed) != policy.String() {
		t.Errorf("%v: the cluster's policy is\n%s\nand not\n%s", err, claimed, policy)
	}
	const voters = 60
	var wait sync.WaitGroup
	receipts, faults := make([]client.Receipt, voters), make([]error, voters)
	for i := range voters {
		wait.Go(func() {
			receipts[i], faults[i] = cl.Cast(t.Context(), "board", fmt.Sprint("v", i), client.Choose("ann"))
		})
		if i == voters/2 {
			c.nodes[leader].Node().Fail(errors.New("killed by the test"))
		}
	}
	wait.Wait()
	numbers := map[uint64]string{}
	for i, r := range receipts {
		if faults[i] != nil {
			t.Fatalf("v%d: %v", i, faults[i])
		}
		p, err := proof.ParseReceipt([]byte(r.Proof))
		must(t, err)
		if _, err := p.Check(policy); err != nil || numbers[p.Number] != "" || p.Voter != r.Voter {
			t.Errorf("%s: ballot %d, also of %q: %v", r.Voter, p.Number, numbers[p.Number], err)
		}
		numbers[p.Number] = r.Voter
	}
	c.provenAfterTheClose(follower, policy, voters)
}

// provenAfterTheClose closes the poll and checks what the API then has of its log.
func (c *trio) provenAfterTheClose(node string, policy *proof.Policy, voters int) {
	c.t.Helper()
	c.do(node, "POST", "/v1/polls/board/close", "")
	cl, err := client.New([]string{c.nodes[node].URL()})
	must(c.t, err)
	c.t.Cleanup(cl.Close)
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	closing, err := cl.LogFile(ctx, "board", client.LogClosing) // waits for the last head
	must(c.t, err)
	end, err := proof.ParseClosingProof(closing)
	must(c.t, err)
	if _, err := end.Check(policy); err != nil || int(end.Closing.Voters) != voters {
		c.t.Errorf("it closed with %+v, %v", end.Closing, err)
	}
	var all []string
	for i := range voters {
		all = append(all, fmt.Sprint("v", i))
	}
	for p, err := range cl.Proofs(ctx, "board", all) {
		must(c.t, errors.Join(err, p.Err))
		r, err := proof.ParseReceipt(p.Proof)
		must(c.t, err)
		if _, err := r.Check(policy); err != nil || r.Final == nil || r.Voter != p.Voter {
			c.t.Errorf("%s: %v", p.Voter, err)
		}
	}
}
