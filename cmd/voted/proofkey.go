package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"

	"voted/internal/pki"
	"voted/internal/proofkey"
	"voted/internal/usage"
)

type proofKeyCommand struct {
	Member string `arg:"" help:"Id of the member, as in voted serve --id."`
	Dir    string `help:"Directory of MEMBER.proof.key, which is made if it is missing." default:"." placeholder:"DIR"`
}

func (proofKeyCommand) Help() string {
	return `With a CA of voted's own, voted ca issue does this too. The key stays on its member, which is given it with --proof-key.
Printed are the two public halves in PEM, the log's first. Have your CA certify each, with the URI voted://proof/MEMBER/log
and voted://proof/MEMBER/cosigner and the extended key usage timeStamping; both certificates in one file are what
voted proof policy takes.

    voted proof key n1 --dir /etc/voted`
}

// Run makes the key, or reads the one that is there, and prints its public halves.
func (c *proofKeyCommand) Run(s *session) error {
	if !pki.ValidMember(c.Member) {
		return usage.Errorf("%q cannot be the id of a member; use letters, digits, '.', '_', '~' or '-'", c.Member)
	}
	path, _ := proofkey.Files(c.Dir, c.Member)
	if err := os.MkdirAll(filepath.Clean(c.Dir), 0o700); err != nil {
		return fileProblem(c.Dir, err)
	}
	k, made, err := proofkey.LoadOrMake(path)
	if err != nil {
		return usage.Mark(err)
	}
	public, err := k.Public(c.Member)
	if err != nil {
		return err
	}
	for _, key := range []any{public.Log, public.Cosigner} {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return err
		}
		if err := pem.Encode(s.stdout, &pem.Block{Type: "PUBLIC KEY", Bytes: der}); err != nil {
			return err
		}
	}
	if made {
		s.stderr.Linef("%s is a new proof key; it is for member %s alone", path, c.Member)
	}
	return nil
}
