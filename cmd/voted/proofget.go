package main

import (
	"net/url"

	"voted/client"
	"voted/cmd/voted/verify"
	"voted/internal/usage"
	"voted/proof"
)

type proofGet struct {
	connection
	Poll   string `arg:"" help:"Id of the poll."`
	Voter  string `arg:"" help:"Who voted."`
	Policy string `help:"Check the proof by this policy of the poll, which came another way than from its nodes." placeholder:"FILE"`
	Output string `help:"Write to this file instead of the standard output; with --policy, POLL.VOTER.tlog-proof by default." short:"o" placeholder:"FILE"`
}

func (proofGet) Help() string {
	return `The proof is a file that shows that the voter's ballot is counted. It waits until the members have signed that.

    voted proof get board-2026 v-17 --policy board-2026.policy
    voted proof get board-2026 v-17 > mine.tlog-proof`
}

// Run fetches the proof, and checks it where there is a policy.
func (c *proofGet) Run(s *session) error {
	policies, err := proofPolicies(c.Policy)
	if err != nil {
		return err
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	file, err := cl.Proof(s.ctx, c.Poll, c.Voter)
	if err != nil {
		return err
	}
	if policies == nil {
		if c.Output == "" {
			_, err := s.stdout.Write(file)
			return err
		}
		return writeSmall(c.Output, file)
	}
	return c.keepProof(s, file, c.Poll, c.Voter, c.Output, policies[0])
}

// proofPolicies reads a policy, "" is none.
func proofPolicies(name string) ([]*proof.Policy, error) {
	if name == "" {
		return nil, nil
	}
	_, policy, err := readSigned(name)
	if err != nil {
		return nil, err
	}
	return []*proof.Policy{policy}, nil
}

// keepProof writes a proof to a file, and says in words what it shows, or why it is not good.
func (c *connection) keepProof(s *session, file []byte, poll, voter, name string, p *proof.Policy) error {
	if err := c.writeProof(s, file, poll, voter, name); err != nil {
		return err
	}
	f := verdictFlags{JSON: c.JSON, UTC: c.UTC}
	return f.show(s, verify.Receipt(file, p, voter, nil, f.words()))
}

// writeProof writes a proof to a file. It does so in any case: a proof that is not good may be
// needed against those who signed it.
func (*connection) writeProof(s *session, file []byte, poll, voter, name string) error {
	if name == "" {
		name = url.PathEscape(poll) + "." + url.PathEscape(voter) + ".tlog-proof"
	}
	if err := writeSmall(name, file); err != nil {
		return err
	}
	s.stderr.Linef("the proof is in %s", name)
	return nil
}

// provingClient opens a client that checks the proof of each ballot that it casts.
func (c *connection) provingClient(policy string) (*client.Client, *proof.Policy, error) {
	if policy == "" {
		return nil, nil, usage.Errorf("--proof needs --policy: the policy of the poll, as it was published with it, not as a node sends it")
	}
	policies, err := proofPolicies(policy)
	if err != nil {
		return nil, nil, err
	}
	cl, err := c.openWith(client.WithProof(policies...))
	return cl, policies[0], err
}
