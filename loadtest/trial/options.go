// Package trial runs a load test from beginning to end: it starts a cluster, offers
// the workload, injects the faults, closes the books and gives the verdict.
package trial

import (
	"fmt"
	"strings"
	"time"

	"voted/harness/drive"
	"voted/harness/wire"
	"voted/harness/workload"
	"voted/internal/localcluster"
	"voted/internal/usage"
	"voted/loadtest/fault"
	"voted/loadtest/threshold"
)

// Options say what to test and how.
type Options struct {
	Binary      string      // of voted; unused with Targets
	Targets     []string    // an existing cluster; empty: the run starts one
	Access      wire.Access // how the targets are reached
	Proofs      bool        // the cluster that the run starts keeps logs, and a sample of proofs is checked
	Secure      bool        // puts the cluster that the run starts under TLS, with a token for everything
	Nodes       int         // of the cluster that the run starts
	Rate        float64
	Duration    time.Duration
	Voters      uint64 // in each poll; 0: as many as the duration holds
	Polls       int
	Duplicates  float64
	Mode        drive.Mode
	Connections int
	NoHedging   bool // of the client
	Faults      []fault.Weighted
	Isolation   Isolation // how members are cut off from each other; empty: Auto
	FaultEvery  time.Duration
	Pace        fault.Pace // of the faults; zero: fault.Usual
	Seed        uint64
	Out         string
	Thresholds  []threshold.Threshold
	Keep        bool   // keep the data directories of an exact run, too
	Command     string // the command line that makes this run again

	// BeforeRestart is called with each killed node before it is started again;
	// tests damage data there.
	BeforeRestart func(n *localcluster.Node) error
}

// The limits of what can be asked for.
const (
	maxRate        = 2_000_000
	maxConnections = 20_000
	maxDuration    = 7 * 24 * time.Hour
	minFaultEvery  = time.Second
	// maxVotesAll bounds the ballots of a run: the ledger keeps 12 bytes of each.
	maxVotesAll = 1 << 28
)

// check refuses options that cannot be run.
func (o *Options) check() error {
	switch {
	case !(o.Rate > 0 && o.Rate <= maxRate):
		return usage.Errorf("--rate must be more than 0 and at most %d ballots a second, not %v", maxRate, o.Rate)
	case o.Duration <= 0 || o.Duration > maxDuration:
		return usage.Errorf("--duration must be more than 0 and at most %v, not %v", maxDuration, o.Duration)
	case o.Connections < 1 || o.Connections > maxConnections:
		return usage.Errorf("--connections must be 1 to %d, not %d", maxConnections, o.Connections)
	case o.Secure && len(o.Targets) > 0:
		return usage.Errorf("--tls is for a cluster that the load test starts; what targets want of TLS and tokens is said with --ca and --token-file")
	case o.Mode != drive.Single && o.Mode != drive.Bulk:
		return usage.Errorf("--mode is single or bulk, not %q", o.Mode)
	case o.FaultEvery < minFaultEvery && len(o.Faults) > 0:
		return usage.Errorf("--fault-every must be at least %v, not %v", minFaultEvery, o.FaultEvery)
	case o.Rate*o.Duration.Seconds() > maxVotesAll:
		return usage.Errorf("%v ballots a second for %v are more than the %d that one run can account for", o.Rate, o.Duration, maxVotesAll)
	}
	if err := o.Isolation.check(); err != nil {
		return err
	}
	for _, w := range o.Faults {
		if len(o.Targets) > 0 && w.Kind.NeedsProcesses() {
			return usage.Errorf("the fault %s is made on processes that the load test starts itself; with --targets only %s can be asked for", w.Kind, fault.CutAnswer)
		}
		if w.Kind.OnLinks() && !wire.CanIdentify() {
			return usage.Errorf("the fault %s needs /proc/net/tcp, which this system does not have; leave it out of --faults", w.Kind)
		}
	}
	return nil
}

// votes returns how many ballots the plan is limited to; 0: by time only.
func (o *Options) votes() uint64 { return o.Voters * uint64(o.Polls) }

// proves reports whether proofs are taken. Whose signatures count is known of an own cluster only.
func (o *Options) proves() bool { return o.Proofs && len(o.Targets) == 0 }

// voters returns how many voters each poll will have, about.
func (o *Options) voters() uint64 {
	if o.Voters > 0 {
		return o.Voters
	}
	return uint64(o.Rate * o.Duration.Seconds() / float64(o.Polls))
}

// partitions reports whether there are faults on the links between members.
func (o *Options) partitions() bool {
	for _, w := range o.Faults {
		if w.Kind.OnLinks() {
			return true
		}
	}
	return false
}

// plan makes the workload. In an existing cluster the polls' ids carry the seed, so
// that one run does not meet the polls of another.
func (o *Options) plan() (*workload.Plan, error) {
	p, err := workload.New(workload.Options{
		Seed: o.Seed, Polls: o.Polls, Duplicates: o.Duplicates, Prefix: fmt.Sprintf("loadtest-%d", o.Seed),
	})
	if err != nil {
		return nil, usage.Mark(err)
	}
	return p, nil
}

// endpoints returns the targets as URLs. Those without a scheme get https if Access has TLS,
// and http otherwise.
func (o *Options) endpoints() []string {
	all := make([]string, len(o.Targets))
	for i, t := range o.Targets {
		t = strings.TrimRight(strings.TrimSpace(t), "/")
		if !strings.Contains(t, "://") {
			scheme := "http://"
			if o.Access.TLS != nil {
				scheme = "https://"
			}
			t = scheme + t
		}
		all[i] = t
	}
	return all
}
