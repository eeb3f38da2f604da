package localcluster

import (
	"fmt"
	"os"
	"time"

	"voted/internal/proofkey"
	"voted/proof"
)

// keepLogs gives each node a proof key, certified by the CA of the cluster, so that it signs the heads of polls' logs.
// Keys that are there stay.
func (c *Cluster) keepLogs() error {
	ca, _, err := c.authority()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.secretsDir(), 0o700); err != nil {
		return fmt.Errorf("the directory of the proof keys cannot be made: %w", err)
	}
	for _, n := range c.Nodes {
		if _, err := proofkey.Issue(ca, c.secretsDir(), n.ID, time.Now()); err != nil {
			return err
		}
		file, _ := proofkey.Files(c.secretsDir(), n.ID)
		key, err := proofkey.Load(file)
		if err != nil {
			return err
		}
		public, err := key.Public(n.ID)
		if err != nil {
			return err
		}
		c.signers = append(c.signers, public)
		n.Args = append(n.Args, "--log-name", c.options.LogName, "--proof-key", file)
	}
	return nil
}

// Policy returns whose signatures make the heads of a poll's log count: those of a majority of the nodes that Start
// started. It is made from their keys, and no node is asked. The lineage is 1, and another one after a restore. It needs
// Options.LogName.
func (c *Cluster) Policy(poll, lineage string) (*proof.Policy, error) {
	origin := proof.Origin{Log: c.options.LogName, Poll: poll, Lineage: lineage}
	return proofkey.PolicyOf{Log: origin, Keys: c.signers}.Policy()
}

// PolicyFlags returns the flags and files with which `voted proof policy POLL` makes the policy of any poll, for a shell;
// "" without Options.LogName.
func (c *Cluster) PolicyFlags() string {
	if c.options.LogName == "" {
		return ""
	}
	_, caFile, err := c.authority()
	if err != nil {
		return ""
	}
	_, certs := proofkey.Files(c.secretsDir(), "*")
	return "--log-name " + c.options.LogName + " --ca " + caFile + " " + certs
}
