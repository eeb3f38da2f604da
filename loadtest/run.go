package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"voted/harness/drive"
	"voted/harness/overlay"
	"voted/harness/wire"
	"voted/internal/usage"
	"voted/loadtest/fault"
	"voted/loadtest/progress"
	"voted/loadtest/threshold"
	"voted/loadtest/trial"
)

// runCommand are the flags of a run. Without any it takes about a minute.
type runCommand struct {
	Targets     []string      `help:"URLs of the nodes of an existing cluster, instead of a cluster that the load test starts." placeholder:"URL,…"`
	CA          string        `help:"CA of the targets' certificates (default: the system's)." placeholder:"FILE" name:"ca"`
	TokenFile   string        `help:"File with a bearer token that the targets accept: it must have the roles admin, gateway, reader and auditor." placeholder:"FILE"`
	TLS         bool          `help:"Put the cluster that the load test starts under TLS, with certificates for the members and a token for everything." name:"tls"`
	Proofs      bool          `help:"Let the cluster that the load test starts keep the logs that prove what was counted, and check the proofs of a sample of the ballots." default:"true" negatable:""`
	Nodes       int           `help:"Nodes of the cluster that the load test starts." default:"3"`
	Rate        float64       `help:"Ballots a second, which does not depend on the answers; duplicates come on top." default:"1000"`
	Duration    time.Duration `help:"How long the load lasts." default:"46s"`
	Voters      uint64        `help:"Voters in each poll; the load ends when all have voted (0: as many as the duration holds)." default:"0" placeholder:"N"`
	Polls       int           `help:"Polls at a time: methods, replaceable and secret ballots are mixed." default:"6"`
	Duplicates  float64       `help:"Share of the ballots that are sent again." default:"0.3"`
	Mode        string        `help:"single: a request a ballot; bulk: streams." enum:"single,bulk" default:"single"`
	Connections int           `help:"Requests under way at a time. It must be so many that some are left for the other nodes while one node hangs." default:"4096"`
	Hedging     bool          `help:"Let the client send requests that are slow to a second node as well." default:"true" negatable:""`
	Faults      []string      `help:"What to break, with weights: kill, follower-kill, all-kill, term, pause, partition, one-way, minority, bridge, bandwidth, delay, cut-answer, move, move-all, foreign, or none. With --targets the default is none." default:"kill=5,term,pause,partition" placeholder:"KIND[=WEIGHT],…"`
	Isolation   string        `help:"How members are cut off from each other: namespaces (nftables drops packets; needs root, ip and nft), proxies, or auto: namespaces where they can be made." enum:"auto,namespaces,proxies" default:"auto"`
	FaultEvery  time.Duration `help:"Time from one fault to the next." default:"5s"`
	Seed        uint64        `help:"The same seed makes the same workload and faults again (0: drawn at random)." default:"0"`
	Out         string        `help:"Directory for report.html, report.json, requests.jsonl.gz and the exports." default:"loadtest-out" type:"path"`
	Threshold   []string      `help:"Limit, repeatable: p50 p90 p99 p999 unavailability (durations), rate, errors (number or %)." placeholder:"p99<250ms" sep:"none"`
	Binary      string        `help:"A voted binary, instead of building one." type:"existingfile"`
	Keep        bool          `help:"Keep data directories and logs of an exact run too."`
}

// Run carries out a load test.
func (c *runCommand) Run(s *session) error {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	screen := progress.New(s.stdout)
	if o.Binary == "" && len(o.Targets) == 0 {
		screen.Say("building voted")
		dir, err := os.MkdirTemp("", "voted-loadtest-")
		if err != nil {
			return fmt.Errorf("no temporary directory for the binary: %w", err)
		}
		defer os.RemoveAll(dir)
		if o.Binary, err = overlay.Build(s.ctx, dir, overlay.Node); err != nil {
			return fmt.Errorf("there is no node to test; name one with --binary, or: %w", err)
		}
	}
	r, err := trial.Run(s.ctx, o, screen)
	screen.Done()
	if err != nil {
		return err
	}
	if err := r.WriteJSON(filepath.Join(o.Out, "report.json")); err != nil {
		return err
	}
	if err := r.WriteHTML(filepath.Join(o.Out, "report.html")); err != nil {
		return err
	}
	r.WriteText(s.stdout, screen.Colours(), o.Out)
	s.code = codeOf(r)
	return nil
}

// options returns what the flags say. Its errors are errors of usage.
func (c *runCommand) options(s *session) (trial.Options, error) {
	o := trial.Options{
		Binary: c.Binary, Targets: c.Targets, Proofs: c.Proofs, Secure: c.TLS, Nodes: c.Nodes, Rate: c.Rate, Duration: c.Duration, Voters: c.Voters,
		Polls: c.Polls, Duplicates: c.Duplicates, Mode: drive.Mode(c.Mode), Connections: c.Connections,
		NoHedging: !c.Hedging, Isolation: trial.Isolation(c.Isolation), FaultEvery: c.FaultEvery, Seed: c.Seed, Out: c.Out, Keep: c.Keep,
	}
	if (c.CA != "" || c.TokenFile != "") && len(c.Targets) == 0 {
		return o, usage.Errorf("--ca and --token-file are for --targets; an own cluster is put under TLS with --tls")
	}
	if len(c.Targets) > 0 && !strings.Contains(strings.Join(s.args, " "), "--faults") {
		c.Faults = nil
	}
	var err error
	if o.Access, err = wire.ReadAccess(c.CA, c.TokenFile); err != nil {
		return o, usage.Mark(err)
	}
	if o.Faults, err = fault.ParseMix(c.Faults); err != nil {
		return o, usage.Mark(err)
	}
	for _, text := range c.Threshold {
		t, err := threshold.Parse(text)
		if err != nil {
			return o, usage.Mark(err)
		}
		o.Thresholds = append(o.Thresholds, t)
	}
	args := s.args
	if o.Seed == 0 {
		o.Seed = rand.Uint64N(1_000_000_000) + 1
		args = append(append([]string(nil), args...), fmt.Sprintf("--seed=%d", o.Seed))
	}
	o.Command = "go run ./loadtest"
	for _, a := range args {
		if strings.ContainsAny(a, " <>$&|;'\"") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		o.Command += " " + a
	}
	return o, nil
}

// checkCommand computes a verdict again.
type checkCommand struct {
	Dir string `arg:"" help:"The output directory of a run." type:"existingdir"`
}

// Run computes the verdict and writes it.
func (c *checkCommand) Run(s *session) error {
	r, err := trial.Check(c.Dir)
	if err != nil {
		return err
	}
	r.WriteText(s.stdout, progress.New(s.stdout).Colours(), "")
	s.code = codeOf(r)
	return nil
}
