package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	"voted/internal/livefile"
	"voted/internal/pki"
	"voted/internal/proofkey"
	"voted/internal/rates"
	"voted/internal/usage"
	"voted/internal/witness"
)

type witnessCommand struct {
	Policy string `help:"Policy of a poll of the cluster, with its members alone: whose signatures a head must have before this witness signs." required:"" placeholder:"FILE"`
	Accept string `help:"Take the logs whose names begin so, such as votes.example/acme/." required:"" placeholder:"PREFIX"`
	Name   string `help:"Name of this witness, such as observer.example/w1." required:"" placeholder:"NAME"`
	Key    string `help:"Proof key of this witness; made if it is missing." name:"witness-key" required:"" placeholder:"FILE"`
	Dir    string `help:"Directory in which the last head of each log is kept." required:"" placeholder:"DIR"`
	Listen string `help:"Where heads are taken in." default:"127.0.0.1:8085" placeholder:"HOST:PORT"`

	TLSCert string  `help:"Certificate of this address; read again when it changes. Without it heads are taken in by plain HTTP." placeholder:"FILE" name:"tls-cert"`
	TLSKey  string  `help:"Its key." placeholder:"FILE" name:"tls-key"`
	Rate    float64 `help:"Heads a second that are taken from one address; 0: any number." default:"50" placeholder:"N"`
}

func (witnessCommand) Help() string {
	return `Cosigns the heads of a cluster's polls (c2sp.org/tlog-witness), for somebody who does not run the cluster. It signs what
a quorum of the members signed and what continues the last head that it signed itself. Whoever asks for its signature in
the policy of a poll can no longer be shown another log than everybody else.

Keep DIR; an older copy of it would let the witness contradict itself. The first line that it prints belongs into
policies, with the address at which others reach it.

    voted witness --policy board-2026.policy --accept votes.example/acme/ --name observer.example/w1 --witness-key w1.proof.key --dir heads
    voted witness … --listen :443 --tls-cert w1.crt --tls-key w1.key`
}

// Times that a client of the witness may take.
const (
	witnessReads = 10 * time.Second
	witnessIdles = time.Minute
	witnessEnds  = 5 * time.Second // for requests under way, once it is to stop
)

// witnessBurst is the heads of how many seconds an address may send at once: those of all polls,
// when another member begins to lead.
const witnessBurst = 10

// Run serves until it is interrupted.
func (c *witnessCommand) Run(s *session) error {
	w, key, err := c.make()
	if err != nil {
		return err
	}
	listener, scheme, err := c.listen(s.logger())
	if err != nil {
		return err
	}
	s.stdout.Linef("witness %s %s %s://%s/", strings.ReplaceAll(c.Name, "/", "-"), key, scheme, listener.Addr())
	handler := w.Handler(s.logger(), rates.New(rates.Rate{PerSecond: c.Rate, Burst: int(math.Ceil(witnessBurst * c.Rate))}))
	server := &http.Server{Handler: handler, ReadTimeout: witnessReads, WriteTimeout: witnessReads, IdleTimeout: witnessIdles}
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

// listen listens, with TLS where there is a certificate.
func (c *witnessCommand) listen(log *slog.Logger) (l net.Listener, scheme string, err error) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, "", usage.Errorf("--tls-cert and --tls-key go together")
	}
	if c.Rate < 0 {
		return nil, "", usage.Errorf("--rate is a number of heads a second, or 0 for any number")
	}
	var config *tls.Config
	if c.TLSCert != "" {
		if config, err = pki.API(livefile.NewWatch(log), pki.Files{Cert: c.TLSCert, Key: c.TLSKey}, nil); err != nil {
			return nil, "", usage.Mark(err)
		}
	}
	if l, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, "", usage.Errorf("cannot listen on %s: %w", c.Listen, err)
	}
	if config == nil {
		return l, "http", nil
	}
	return tls.NewListener(l, config), "https", nil
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
