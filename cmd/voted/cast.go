package main

import (
	"errors"
	"strings"

	"voted/client"
	"voted/cmd/voted/verify"
	"voted/internal/ballotfile"
	"voted/internal/ballottext"
	"voted/internal/usage"
	"voted/proof"
)

type castCommand struct {
	connection
	Poll    string   `arg:"" help:"Id of the poll."`
	Voter   string   `arg:"" help:"Who votes."`
	Choices []string `arg:"" optional:"" name:"choice" help:"Options; in order of preference where the poll ranks (a=b: tied), with points where it scores (a=5)."`

	IfVersion uint64 `help:"Replace this version of the voter's ballot." placeholder:"N"`

	Proof  bool   `help:"Wait for the proof that the ballot is counted, check it, and write it to POLL.VOTER.tlog-proof. Needs --policy."`
	Policy string `help:"The policy of the poll, which came another way than from its nodes." placeholder:"FILE"`
	Output string `help:"Write the proof to this file instead." short:"o" placeholder:"FILE"`
}

func (castCommand) Help() string {
	return `Casting the same ballot again is safe: it is counted once, and the receipt is the same.

    voted cast lunch ann pizza
    voted cast board v-17 bo ann          (ranked: Bo first)
    voted cast wines v-17 merlot=5 syrah=2
    voted cast lunch ann sushi --if-version 1
    voted cast board v-17 bo --proof --policy board.policy`
}

// Run casts the ballot and shows the receipt.
func (c *castCommand) Run(s *session) error {
	cl, policy, err := c.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	p, err := cl.Poll(s.ctx, c.Poll)
	if err != nil {
		return err
	}
	b, err := ballotOf(p.Method, c.Choices)
	if err != nil {
		return usage.Mark(err)
	}
	var r client.Receipt
	if c.IfVersion > 0 {
		r, err = cl.Replace(s.ctx, c.Poll, c.Voter, b, c.IfVersion)
	} else {
		r, err = cl.Cast(s.ctx, c.Poll, c.Voter, b)
	}
	var unproven *client.ProofError
	if errors.As(err, &unproven) && unproven.Receipt.Proof != "" {
		return c.proven(s, unproven.Receipt, policy, err)
	}
	if err != nil {
		return err
	}
	if policy != nil {
		return c.proven(s, r, policy, nil)
	}
	return c.showReceipt(s, r)
}

// proven keeps the proof of a ballot, and says in words what it shows. wrong is what the client
// found, which may be what the file alone does not show: that it is not of the ballot that was cast.
func (c *castCommand) proven(s *session, r client.Receipt, policy *proof.Policy, wrong error) error {
	file := []byte(r.Proof)
	if err := c.writeProof(s, file, c.Poll, r.Voter, c.Output); err != nil {
		return err
	}
	f := verdictFlags{JSON: c.JSON, UTC: c.UTC}
	v := verify.Receipt(file, policy, "", nil, f.words())
	if v.Outcome == verify.Right && wrong != nil {
		return wrong
	}
	if v.Outcome == verify.Right {
		v.Sentences = append(v.Sentences, recorded(r))
	}
	return f.show(s, v)
}

// recorded says whether the choice that was cast is the one in the log.
func recorded(r client.Receipt) string {
	p, err := proof.ParseReceipt([]byte(r.Proof))
	switch {
	case r.AsCast:
		return "It is recorded as you chose."
	case err == nil && p.Opening != nil:
		return "Whether it is recorded as you chose was not looked at: the log cannot be read while results are hidden. Later, voted verify receipt --choice says it."
	}
	return "Whether it is recorded as you chose, this file cannot show."
}

// client opens the client, and with --proof reads the policy that it checks proofs by.
func (c *castCommand) client() (*client.Client, *proof.Policy, error) {
	if c.Proof {
		return c.provingClient(c.Policy)
	}
	if c.Policy != "" || c.Output != "" {
		return nil, nil, usage.Errorf("--policy and --output are for proofs, and do nothing without --proof")
	}
	cl, err := c.open()
	return cl, nil, err
}

// ballotOf makes a ballot as the poll's method asks for it, in the notation of exports.
// Each choice is an option, a rank or an option with its points; one argument may also
// hold several of them.
func ballotOf(m client.Method, choices []string) (client.Ballot, error) {
	field, sign := "ranking", ">"
	switch m {
	case client.Plurality, client.Approval:
		field, sign = "selections", ";"
	case client.ScoreVoting:
		field, sign = "scores", ";"
	}
	form, err := ballottext.FormOf(field)
	if err != nil {
		return client.Ballot{}, err
	}
	marks, err := ballottext.Read(form, strings.Join(choices, sign))
	if err != nil {
		return client.Ballot{}, err
	}
	return ballotOfMarks(&ballotfile.Ballot{Field: field, Marks: marks}), nil
}
