package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"time"

	"voted/internal/proofkey"
	"voted/internal/prover"
	"voted/internal/witness"
	"voted/proof"
)

// Proofs is how a node takes part in the logs of polls. Its zero value is a member that keeps
// no logs, and does everything else.
type Proofs struct {
	// LogName begins the names of all logs of the cluster. It is part of every signature:
	// another name is another log.
	LogName string
	// ProofKey is the file of the member's proof key. It is read when the node starts.
	ProofKey string
	// ProofInterval is the time between two heads of a poll that changes; default 1 s.
	ProofInterval time.Duration
	// PublicLogs lets everybody read logs, without a credential.
	PublicLogs bool
	// WitnessPolicy is a file in the form of c2sp.org/tlog-policy. Its witnesses with a URL are
	// asked to cosign heads; it is read when the node starts.
	WitnessPolicy string
}

// The limits of these options.
const (
	defaultProofInterval = time.Second
	// minProofInterval bounds how often a member syncs its marks.
	minProofInterval = 50 * time.Millisecond
	// maxProofInterval bounds how long a client may wait for its proof.
	maxProofInterval = time.Minute
	// maxLogNameBytes leaves room for the poll and the lineage in the name of a log.
	maxLogNameBytes = 128
)

// logName matches a URL without a scheme, as names of logs are recommended to be
// (c2sp.org/tlog-checkpoint).
var logName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~:-]*(/[A-Za-z0-9._~-]+)*$`)

// on reports whether the member keeps logs.
func (p Proofs) on() bool { return p.LogName != "" }

func (p Proofs) check() error {
	switch {
	case (p.LogName == "") != (p.ProofKey == ""):
		return errors.New("--log-name and --proof-key go together: the name of the logs and the key that signs them")
	case p.LogName != "" && (len(p.LogName) > maxLogNameBytes || !logName.MatchString(p.LogName)):
		return fmt.Errorf("--log-name %q cannot begin the name of a log; write a host name and, if you like, a path, such as votes.example.org/acme, with up to %d bytes", p.LogName, maxLogNameBytes)
	case p.ProofInterval != 0 && (p.ProofInterval < minProofInterval || p.ProofInterval > maxProofInterval):
		return fmt.Errorf("--proof-interval %s is not from %s to %s", p.ProofInterval, minProofInterval, maxProofInterval)
	case !p.on() && (p.ProofInterval != 0 || p.PublicLogs || p.WitnessPolicy != ""):
		return errors.New("--proof-interval, --public-logs and --witness-policy do nothing without --log-name and --proof-key")
	}
	return nil
}

func (p Proofs) withDefaults() Proofs {
	if p.ProofInterval == 0 {
		p.ProofInterval = defaultProofInterval
	}
	return p
}

// openProofKey reads the member's proof key, and whom it asks to cosign.
func (g *guards) openProofKey(p Proofs) (err error) {
	if p.on() {
		g.proofKey, err = proofkey.Load(p.ProofKey)
	}
	if err == nil && p.WitnessPolicy != "" {
		g.witnesses, err = p.witnesses()
	}
	return err
}

// Times and connections of a client of witnesses: one at a time is asked of each.
const (
	witnessDial  = 3 * time.Second
	witnessIdles = 90 * time.Second
)

// witnesses makes clients of the witnesses that have a URL.
func (p Proofs) witnesses() (all []prover.Witness, err error) {
	text, err := os.ReadFile(p.WitnessPolicy)
	if err != nil {
		return nil, fmt.Errorf("--witness-policy: %w", err)
	}
	policy, err := proof.ParsePolicy(text)
	if err != nil {
		return nil, fmt.Errorf("--witness-policy %s: %w", p.WitnessPolicy, err)
	}
	h := &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: witnessDial}).DialContext,
			TLSHandshakeTimeout: witnessDial, IdleConnTimeout: witnessIdles, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, w := range policy.Witnesses {
		if w.URL == "" {
			continue // a member, or a witness that others ask
		}
		c, err := witness.NewClient(w, h)
		if err != nil {
			return nil, fmt.Errorf("--witness-policy %s: %w", p.WitnessPolicy, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("--witness-policy %s names no witness with a URL, so there is nobody to ask: write witness NAME KEY https://…", p.WitnessPolicy)
	}
	return all, nil
}
