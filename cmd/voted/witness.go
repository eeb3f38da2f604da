package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"voted/internal/proofkey"
	"voted/internal/usage"
	"voted/internal/witness"
	"voted/proof"
)

type witnessCommand struct {
	Policy string `help:"Policy of a poll of the cluster: whose signatures a head must have." required:"" placeholder:"FILE"`
	Accept string `help:"Take the logs whose names begin so, such as votes.example/acme/." required:"" placeholder:"PREFIX"`
	Name   string `help:"Name of this witness, such as observer.example/w1." required:"" placeholder:"NAME"`
	Key    string `help:"Proof key of this witness; made if it is missing." name:"witness-key" required:"" placeholder:"FILE"`
	Dir    string `help:"Directory in which the last head of each log is kept." required:"" placeholder:"DIR"`
	Listen string `help:"Where heads are taken in." default:"127.0.0.1:8085" placeholder:"HOST:PORT"`
}

func (witnessCommand) Help() string {
	return `Cosigns the heads of a cluster's polls (c2sp.org/tlog-witness), for somebody who does not run the cluster. It signs what
a quorum of the members signed and what continues the last head that it signed itself. Whoever asks for its signature in
the policy of a poll can no longer be shown another log than everybody else.

Keep DIR; an older copy of it would let the witness contradict itself. It serves plain HTTP: put a proxy with TLS before
it where others are to reach it. The first line that it prints belongs into policies.

    voted witness --policy board-2026.policy --accept votes.example/acme/ --name observer.example/w1 --witness-key w1.proof.key --dir heads`
}

// Times that a client of the witness may take.
const (
	witnessReads = 10 * time.Second
	witnessIdles = time.Minute
	witnessEnds  = 5 * time.Second // for requests under way, once it is to stop
)

// Run serves until it is interrupted.
func (c *witnessCommand) Run(s *session) error {
	w, key, err := c.make()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return usage.Errorf("cannot listen on %s: %w", c.Listen, err)
	}
	s.stdout.Linef("witness %s %s http://%s/", strings.ReplaceAll(c.Name, "/", "-"), key, listener.Addr())
	server := &http.Server{Handler: w.Handler(s.logger()), ReadTimeout: witnessReads, WriteTimeout: witnessReads, IdleTimeout: witnessIdles}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }() // ends with Shutdown
	select {
	case err := <-ended:
		return err
	case <-s.ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), witnessEnds)
	defer cancel()
	err = server.Shutdown(ctx)
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// make makes the witness, and returns its key as policies have it.
func (c *witnessCommand) make() (*witness.Witness, string, error) {
	p, err := verdictFlags{}.policy(c.Policy)
	if err != nil {
		return nil, "", err
	}
	at := strings.LastIndexByte(c.Name, '/')
	if at < 1 {
		return nil, "", usage.Errorf("--name %q must be a name of yours and a slash and a name of the witness, such as observer.example/w1", c.Name)
	}
	k, _, err := proofkey.LoadOrMake(c.Key)
	if err != nil {
		return nil, "", usage.Mark(err)
	}
	signer, err := k.Cosigner(c.Name[:at], c.Name[at+1:])
	if err != nil {
		return nil, "", usage.Mark(err)
	}
	if err := apart(p, signer.Verifier); err != nil {
		return nil, "", err
	}
	dir, err := witness.OpenDir(c.Dir)
	if err != nil {
		return nil, "", fileProblem(c.Dir, err)
	}
	w, err := witness.New(p, c.Accept, signer, dir, func() uint64 { return uint64(max(0, time.Now().Unix())) })
	if err != nil {
		return nil, "", usage.Mark(err)
	}
	return w, signer.Verifier.String(), nil
}

// apart refuses a witness with the key of somebody else in the policy: it could not be told
// from them.
func apart(p *proof.Policy, key proof.Verifier) error {
	for _, w := range p.Witnesses {
		if w.Key != key && (w.Key.Name() == key.Name() || w.Key.Public().Equal(key.Public())) {
			return usage.Errorf("the policy has %s with the name or the key of this witness; a witness has a name and a key of its own", w.Name)
		}
	}
	return nil
}
