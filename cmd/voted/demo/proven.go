package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"voted/cmd/voted/display"
)

// logName begins the names of the logs of a demonstration, whose keys are made for it alone.
const logName = "demo.localhost"

// proven is the receipt of one voter, and what `voted verify receipt` says of it.
type proven struct {
	Voter    string `json:"voter"`
	Moment   string `json:"moment"` // when the ballot was cast
	Sentence string `json:"sentence"`

	receipt, policy string // files
}

// prove fetches the receipt of a ballot that was cast at the worst moment, and lets another process check it, which asks
// no node. The policy comes from here, where the members' keys were made.
func (d *demonstration) prove(ctx context.Context) (p proven, err error) {
	voter, moment := d.ledger.example()
	p.Voter, p.Moment = voterID(voter), moment
	poll := d.election.Definition.ID
	policy, err := d.cluster.Policy(poll, "1")
	if err != nil {
		return p, err
	}
	file, err := d.client.Proof(ctx, poll, p.Voter)
	if err != nil {
		return p, fmt.Errorf("the receipt of %s cannot be fetched: %w", p.Voter, err)
	}
	p.policy, p.receipt = filepath.Join(d.cluster.Dir, poll+".policy"), filepath.Join(d.cluster.Dir, p.Voter+".tlog-proof")
	if err := os.WriteFile(p.policy, []byte(policy.String()), 0o644); err != nil {
		return p, err
	}
	if err := os.WriteFile(p.receipt, file, 0o644); err != nil {
		return p, err
	}
	out, err := exec.CommandContext(ctx, d.options.Binary, "verify", "receipt", p.receipt, "--policy", p.policy, "--voter", p.Voter).CombinedOutput()
	p.Sentence = strings.TrimSpace(string(out))
	if err != nil {
		return p, fmt.Errorf("voted verify receipt: %w: %s", err, p.Sentence)
	}
	return p, nil
}

// tellProven shows the receipt's command and its answer.
func (d *demonstration) tellProven(p *proven) {
	o := d.people
	section(o, "The receipt of "+p.Voter+", whose ballot "+p.Moment)
	receipt, policy := filepath.Base(p.receipt), filepath.Base(p.policy)
	if d.options.Dir != "" || d.options.Stay {
		receipt, policy = p.receipt, p.policy // which stay where they are
	}
	o.Linef("  %s", o.Paint(display.Cyan, "voted verify receipt "+receipt+" --policy "+policy))
	o.Para(display.Good, p.Sentence)
	if d.options.Dir == "" && !d.options.Stay {
		o.Para(display.Dim, "These files are removed now; --data DIR keeps them.")
	}
}
