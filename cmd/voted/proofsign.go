package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"voted/cmd/voted/display"
	"voted/internal/proofkey"
	"voted/internal/usage"
	"voted/proof"
)

type proofSign struct {
	Policy string `arg:"" help:"The new policy, as voted proof policy writes it; the signature is added to this file." placeholder:"FILE"`

	Under    string `help:"The policy before it, which names the key." required:"" placeholder:"FILE"`
	ProofKey string `help:"The key that signs: one that --under names." required:"" placeholder:"FILE" secret:""`
}

func (proofSign) Help() string {
	return `A new policy is good if a quorum of the one before signed it. Each member's key is on that member alone, so hand the
file from one to the next until there are enough; it says how many are still needed. To sign twice with one key
changes nothing.

    voted proof sign board-2027.policy --under board-2026.policy --proof-key n1.proof.key`
}

// Run adds the signature.
func (c *proofSign) Run(s *session) error {
	_, under, err := readSigned(c.Under)
	if err != nil {
		return err
	}
	note, _, err := readSigned(c.Policy)
	if err != nil {
		return err
	}
	k, err := proofkey.Load(c.ProofKey)
	if err != nil {
		return usage.Mark(err)
	}
	signer, err := signerUnder(under, k)
	if err != nil {
		return usage.Errorf("%s does not sign under %s: %w", c.ProofKey, c.Under, err)
	}
	if signed, err := note.Verify(signer.Verifier); err != nil {
		return fmt.Errorf("%s: %w; write the policy again", c.Policy, err)
	} else if len(signed) == 0 {
		note.Signatures = append(note.Signatures, signer.Sign(note.Text, uint64(time.Now().Unix())))
	}
	whole := note.Append(nil)
	// The policy is overwritten only by what can be read again.
	_, err = under.Next(whole)
	if err != nil && !errors.Is(err, proof.ErrQuorum) {
		return fmt.Errorf("%s: %w", c.Policy, err)
	}
	if err := writeSmall(c.Policy, whole); err != nil {
		return err
	}
	if err != nil {
		s.stdout.Linef("%s is signed by %s, and needs more signatures: %s", c.Policy, signer.Name(), err)
		return nil
	}
	s.stdout.Linef("%s: enough keys of that one signed it", s.stdout.Paint(display.Good, c.Policy+" follows "+c.Under))
	return nil
}

// readSigned reads a policy with the signatures that it has so far, if any.
func readSigned(name string) (note proof.Note, policy *proof.Policy, err error) {
	b, err := readSmall(name)
	if err != nil {
		return note, nil, err
	}
	note = proof.Note{Text: string(b)}
	if !strings.HasSuffix(note.Text, "\n") { // which a signed text ends with, and a policy need not
		note.Text += "\n"
	}
	if bytes.Contains(b, []byte("\n\n\u2014 ")) { // where a signature begins
		if note, err = proof.ParseNote(b); err != nil {
			return note, nil, usage.Errorf("%s: %w", name, err)
		}
	}
	if policy, err = proof.ParsePolicy([]byte(note.Text)); err != nil {
		return note, nil, usage.Errorf("%s is no policy: %w", name, err)
	}
	return note, policy, nil
}

// signerUnder returns the key under the name that the policy gives it.
func signerUnder(p *proof.Policy, k proofkey.Key) (proof.Signer, error) {
	for _, w := range p.Witnesses {
		at := strings.LastIndexByte(w.Key.Name(), '/')
		if at < 0 {
			continue
		}
		signer, err := k.Cosigner(w.Key.Name()[:at], w.Key.Name()[at+1:])
		if err == nil && signer.Verifier == w.Key {
			return signer, nil
		}
	}
	var names []string
	for _, w := range p.Witnesses {
		names = append(names, w.Key.Name())
	}
	slices.Sort(names)
	return proof.Signer{}, fmt.Errorf("the policy does not name this key; it names keys of %s", strings.Join(names, ", "))
}
