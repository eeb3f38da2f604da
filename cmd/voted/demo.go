package main

import (
	"io"
	"os"

	"voted/cmd/voted/demo"
	"voted/cmd/voted/display"
	"voted/internal/usage"
)

type demoCommand struct {
	Exit bool `help:"End with the verdict; it does so unless --stay is given." xor:"end"`
	Stay bool `help:"Keep the cluster up after the verdict, to look around." xor:"end"`
	JSON bool `help:"Print one JSON object; progress goes to the standard error." name:"json"`

	TLS bool `help:"Under TLS, with credentials: a CA, a certificate for each member, and a token are made for it." name:"tls"`

	Nodes       int    `help:"How many nodes, 1 to 15; with fewer than 3 no other node can take over from the killed leader." default:"3"`
	Election    string `help:"A real election: ${elections}." enum:"${electionEnum}" default:"${election}" placeholder:"NAME"`
	Ballots     *int   `help:"How many ballots of the election, which has 188,571 (Alaska), 8,980 or 8,682; fewer keep the proportions (default all)." placeholder:"N"`
	Connections int    `help:"How many connections ballots are cast on." default:"256"`
	Seed        uint64 `help:"Another seed is another order." default:"2022"`
	Data        string `help:"Keep the nodes' data and logs in this empty directory; by default they are temporary." placeholder:"DIR"`
}

func (demoCommand) Help() string {
	return `The 188,571 ballots of Alaska's special election of 2022, a third of them sent more than once, to three
nodes whose leader is killed half way. It then compares every receipt, export and tally, and the result with the one
that was published. Exit code 0 means EXACT.

    voted demo
    voted demo --stay
    voted demo --election burlington-2009
    voted demo --election glasgow-2007-greater-pollok
    voted demo --exit --json | jq .verdict`
}

// Run runs the demonstration.
func (c *demoCommand) Run(s *session) error {
	all, err := demo.Ballots(c.Election)
	if err != nil {
		return err
	}
	ballots := all
	if c.Ballots != nil {
		ballots = *c.Ballots
	}
	switch {
	case ballots < 1 || ballots > all:
		return usage.Errorf("--ballots must be between 1 and %d, which is all of %s", all, c.Election)
	case c.Connections < 1 || c.Connections > maxConnections:
		return usage.Errorf("--connections must be between 1 and %d", maxConnections)
	case c.Nodes < 1 || c.Nodes > 15:
		return usage.Errorf("--nodes must be between 1 and 15")
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	people := s.stdout
	if c.JSON {
		people = s.stderr
		if !people.Terminal { // both may be read by a program that expects one object
			people = display.New(io.Discard)
		}
	}
	report, err := demo.Run(s.ctx, demo.Options{
		Binary: binary, Election: c.Election, Nodes: c.Nodes, Ballots: ballots, Connections: c.Connections, Seed: c.Seed, Dir: c.Data, Stay: c.Stay, TLS: c.TLS,
	}, people)
	if report != nil && c.JSON {
		if err := printJSON(s, report); err != nil {
			return err
		}
	}
	if err == nil && !report.Exact() {
		err = errSaid
	}
	return err
}

// maxConnections bounds --connections: each takes a file descriptor here and one at a
// node.
const maxConnections = 4096
