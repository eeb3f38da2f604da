package main

import (
	"time"

	"voted/internal/server"
)

// proofFlags are the flags of server.Proofs.
type proofFlags struct {
	LogName       string        `help:"Begins the names of the logs that prove what was counted, such as votes.example.org: the same on all members, forever, as it is part of every signature. With --proof-key; without both the member keeps no logs." placeholder:"NAME"`
	ProofKey      string        `help:"This member's proof key, as voted ca issue writes it to ID.proof.key. It is read at the start." placeholder:"FILE"`
	ProofInterval time.Duration `help:"Time between two signed heads of a log that grows (default 1s)." placeholder:"DURATION"`
	PublicLogs    bool          `help:"Let everybody read logs, without a credential."`
	WitnessPolicy string        `help:"Witnesses outside of the cluster that are asked to cosign heads, as a policy: witness NAME KEY https://…. The same on all members; heads do not wait for them." placeholder:"FILE"`
}

func (f proofFlags) options() server.Proofs {
	return server.Proofs{LogName: f.LogName, ProofKey: f.ProofKey, ProofInterval: f.ProofInterval, PublicLogs: f.PublicLogs, WitnessPolicy: f.WitnessPolicy}
}
