package main

import (
	"io"
	"os"
	"strings"
	"time"

	"voted/internal/outfile"
	"voted/internal/pki"
	"voted/internal/proofkey"
	"voted/internal/usage"
	"voted/proof"
)

// maxSmallBytes bounds a file of certificates or a policy that is read: a policy of 32 keys
// has 4 KiB.
const maxSmallBytes = 1 << 20

type proofPolicy struct {
	Poll         string   `arg:"" help:"Id of the poll."`
	Certificates []string `arg:"" help:"The certificates of the voting members' proof keys, n1.proof.crt and so on; of a member whose key changes, those of both keys." placeholder:"FILE"`

	LogName string   `help:"What the members have as --log-name." required:"" placeholder:"NAME"`
	CA      string   `help:"Certificate of the CA that issued these." required:"" placeholder:"FILE" name:"ca" env:"-"`
	Lineage string   `help:"1; after a restore as the name of the log then ends, such as r90210-k2j4mq." default:"1" placeholder:"LINEAGE"`
	Quorum  int      `help:"How many members must have signed (default: a majority)." placeholder:"N"`
	Witness []string `help:"A stranger that must have signed too: 'NAME KEY' or 'NAME KEY URL', the key as the witness publishes it; repeatable." placeholder:"WITNESS" sep:"none"`
	Output  string   `help:"Write to this file instead of the standard output." short:"o" placeholder:"FILE"`
}

func (proofPolicy) Help() string {
	return `Publish it with the poll, on another way than through the nodes: with it anybody can check a proof, without asking
them. A policy names the keys of all voting members and how many of them must have signed. Needs no cluster.

    voted proof policy board-2026 --log-name votes.example.org --ca ca.crt n1.proof.crt n2.proof.crt n3.proof.crt -o board-2026.policy

When a member's key changes, name the certificates of both, sign the new policy with keys of the old one (voted proof
sign), and publish it beside the old one. Old proofs go on being checked with the old policy.`
}

// Run writes the policy.
func (c *proofPolicy) Run(s *session) error {
	text, err := c.text()
	if err != nil {
		return usage.Mark(err)
	}
	if c.Output == "" {
		_, err := io.WriteString(s.stdout, text)
		return err
	}
	return writeSmall(c.Output, []byte(text))
}

func (c *proofPolicy) text() (string, error) {
	origin := proof.Origin{Log: c.LogName, Poll: c.Poll, Lineage: c.Lineage}
	if back, err := proof.ParseOrigin(origin.String()); err != nil || back != origin {
		return "", usage.Errorf("%q cannot be the name of a log; it is made of --log-name, the id of the poll and --lineage", origin.String())
	}
	ca, err := readSmall(c.CA)
	if err != nil {
		return "", err
	}
	p := proofkey.PolicyOf{Log: origin, Quorum: c.Quorum}
	now := time.Now()
	for _, name := range c.Certificates {
		certs, err := readSmall(name)
		if err != nil {
			return "", err
		}
		k, err := pki.ReadProof(certs, ca, now)
		if err != nil {
			return "", usage.Errorf("%s cannot be used: %w", name, err)
		}
		p.Keys = append(p.Keys, k)
	}
	for _, line := range c.Witness {
		w, err := parseWitness(line)
		if err != nil {
			return "", err
		}
		p.Witnesses = append(p.Witnesses, w)
	}
	policy, err := p.Policy()
	if err != nil {
		return "", err
	}
	return "# Whose signatures make a head of " + origin.String() + " count.\n" + policy.String(), nil
}

// parseWitness reads NAME KEY [URL].
func parseWitness(line string) (w proof.PolicyWitness, err error) {
	words := strings.Fields(line)
	if len(words) < 2 || len(words) > 3 {
		return w, usage.Errorf("--witness: %q is not 'NAME KEY' or 'NAME KEY URL'", line)
	}
	w.Name = words[0]
	if w.Key, err = proof.ParseVerifier(words[1]); err != nil {
		return w, usage.Errorf("--witness: %w", err)
	}
	if w.Key.Algorithm() != proof.Cosignature {
		return w, usage.Errorf("--witness: the key of %s is not for cosignatures (type 4), as that of a witness is", w.Name)
	}
	if len(words) == 3 {
		w.URL = words[2]
	}
	return w, nil
}

// readSmall reads a small file.
func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fileProblem(name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSmallBytes+1))
	switch {
	case err != nil:
		return nil, fileProblem(name, err)
	case len(b) > maxSmallBytes:
		return nil, usage.Errorf("the file %s is larger than %d bytes; is it the right one?", name, maxSmallBytes)
	}
	return b, nil
}

// writeSmall writes a file that is complete whenever it has its name.
func writeSmall(name string, b []byte) error {
	f, err := outfile.Create(name)
	if err != nil {
		return outputProblem(name, err)
	}
	defer f.Close()
	if _, err = f.Write(b); err == nil {
		err = f.Commit()
	}
	if err != nil {
		return outputProblem(name, err)
	}
	return nil
}
