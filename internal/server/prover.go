package server

import (
	"context"
	"maps"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/api"
	"voted/internal/prover"
	"voted/internal/server/backend"
)

// openProver makes the member's part in the logs of polls, which begins when the node is
// open. Without --log-name there is none.
func (s *Server) openProver(registry *prometheus.Registry) (err error) {
	o := s.opts
	if !o.Proofs.on() {
		return nil
	}
	s.prover, err = prover.New(prover.Options{
		Name: o.LogName, Member: o.ID, Signer: s.guards.proofKey, Disk: prover.Dir(o.DataDir), Interval: o.ProofInterval,
		Logger: s.log, Metrics: registry, Witnesses: s.guards.witnesses,
	})
	return err
}

// startProver begins to prove.
func (s *Server) startProver() {
	if s.prover != nil {
		logs := backend.Logs{Node: s.node}
		s.prover.Start(logs, logs)
	}
}

// proofs adds the prover to the options of the API. A nil pointer must not become an
// interface that is not nil.
func (s *Server) proofs(o api.Options) api.Options {
	if s.prover != nil {
		o.Prover, o.PublicLogs = backend.Proofs{Prover: s.prover}, s.opts.PublicLogs
	}
	return o
}

// calls are what the members ask of one another besides what the cluster needs.
func (s *Server) calls() map[string]func(context.Context, []byte) ([]byte, error) {
	all := map[string]func(context.Context, []byte) ([]byte, error){backend.RepeatsMethod: s.answerRepeats}
	maps.Copy(all, s.hookCalls())
	if s.prover != nil {
		all[prover.Method] = s.prover.Answer
	}
	return all
}

// forked are the logs that this member no longer signs.
func (s *Server) forked() func() []string {
	if s.prover == nil {
		return nil
	}
	return s.prover.Forked
}

// closeProver ends the prover, before the node that it looks at.
func (s *Server) closeProver() error {
	if s.prover == nil {
		return nil
	}
	return s.prover.Close()
}
