package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"voted/cmd/voted/display"
	"voted/cmd/voted/stage"
	"voted/internal/localcluster"
	"voted/internal/server"
	"voted/internal/usage"
)

const (
	devLogName = "dev.localhost" // begins the names of polls' logs, whose keys are in the directory of the data
	tryPoll    = "lunch"         // the poll of the examples that are shown
)

// devHooks are where a cluster to try things sends webhooks: to this machine, at the ports at
// which voted webhook listen receives.
var devHooks = []string{"127.0.0.0/8", "9000", "9001"}

type devCommand struct {
	Nodes int    `help:"How many nodes." default:"3"`
	Data  string `help:"Keep the data in this directory; by default it is temporary. Start with the same --port and --nodes again." placeholder:"DIR"`
	Port  int    `help:"API port of the first node; the others follow, and peer ports are 1000 higher." default:"8080"`

	AllowOrigin []string `help:"Origin of pages that may call the nodes from a browser, such as http://localhost:5173; repeatable." placeholder:"URL"`
}

func (devCommand) Help() string {
	return `Each node is a process of its own: kill one, and see what happens. Ctrl-C stops all.

    voted dev
    voted dev --nodes 5 --data ./voted-data --port 7000`
}

// Run serves until it is told to stop, or until the last node has ended.
func (c *devCommand) Run(s *session) error {
	if c.Port < 1 || c.Port > 65535 {
		return usage.Errorf("--port must be between 1 and 65535")
	}
	for _, origin := range c.AllowOrigin {
		if err := server.CheckOrigin(origin); err != nil {
			return usage.Errorf("--allow-origin: %v", err)
		}
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	data := c.Data
	if data != "" {
		if data, err = filepath.Abs(data); err != nil {
			return err
		}
	}
	ended := make(chan error, c.Nodes+1)
	cluster, err := localcluster.Start(s.ctx, localcluster.Options{
		Binary: binary, Nodes: c.Nodes, Dir: data, BasePort: c.Port, LogName: devLogName, Webhooks: devHooks,
		Args: func(int) []string {
			args := []string{"--log-level", s.flags.LogLevel}
			for _, origin := range c.AllowOrigin {
				args = append(args, "--allow-origin", origin)
			}
			return args
		},
		OnExit: func(_ *localcluster.Node, err error) { ended <- err },
	})
	if err != nil {
		return usage.Mark(err)
	}
	defer cluster.Stop()
	if err := cluster.WaitReady(s.ctx); err != nil {
		return err
	}
	policy, err := writePolicy(cluster, tryPoll)
	if err != nil {
		return err
	}
	page, err := stage.OpenFor(cluster)
	if err != nil {
		return err
	}
	defer page.Close()
	c.greet(s, cluster, policy, page.URL())
	for range cluster.Nodes {
		select {
		case err := <-ended:
			s.stderr.Linef("%s %v", s.stderr.Paint(display.Yellow, "voted:"), err)
		case <-s.ctx.Done():
			s.stdout.Linef("stopping …")
			return cluster.Stop()
		}
	}
	return errors.New("all nodes have ended")
}

func (c *devCommand) greet(s *session, cluster *localcluster.Cluster, policy, page string) {
	o := s.stdout
	o.Linef("%s", o.Paint(display.Bold, display.Plural(int64(len(cluster.Nodes)), "node")+" ready"))
	o.Linef("")
	t := display.Table{Bare: true, Indent: 2, Columns: make([]display.Column, 4)}
	for _, n := range cluster.Nodes {
		t.Row(display.Cell{Text: n.ID, Style: display.Bold}, display.Cell{Text: n.URL, Style: display.Cyan},
			display.Cell{Text: "process " + strconv.Itoa(n.Pid())}, display.Cell{Text: "log " + n.LogPath, Style: display.Dim})
	}
	t.Write(o)
	o.Linef("")
	display.TryThese(o, cluster.Nodes[0].URL, tryPoll, "pizza", "sushi")
	o.Linef("")
	o.Linef("Check that a ballot is counted, with a file that needs no node:")
	for _, line := range []string{
		"voted cast " + tryPoll + " bo sushi --proof --policy " + policy + " --endpoint " + cluster.Nodes[0].URL,
		"voted verify receipt " + tryPoll + ".bo.tlog-proof --policy " + policy,
	} {
		o.Linef("  %s", o.Paint(display.Cyan, line))
	}
	o.Linef("The policy of another poll:")
	o.Linef("  %s", o.Paint(display.Cyan, "voted proof policy POLL "+cluster.PolicyFlags()))
	o.Linef("")
	o.Linef("Have events sent to a receiver on this machine:")
	for _, line := range []string{
		"voted webhook add try http://127.0.0.1:9000/ -o try.secret --endpoint " + cluster.Nodes[0].URL,
		"voted webhook listen --secret-file try.secret",
	} {
		o.Linef("  %s", o.Paint(display.Cyan, line))
	}
	o.Linef("")
	display.Pages(o, cluster.Nodes[0].URL, page)
	o.Linef("")
	o.Linef("%s", o.Paint(display.Dim, "Ctrl-C stops all nodes."))
}

// writePolicy writes the policy of a poll into the cluster's directory, and returns its file.
func writePolicy(cluster *localcluster.Cluster, poll string) (file string, err error) {
	policy, err := cluster.Policy(poll, "1")
	if err != nil {
		return "", err
	}
	file = filepath.Join(cluster.Dir, poll+".policy")
	return file, writeSmall(file, []byte(policy.String()))
}
