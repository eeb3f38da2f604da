package localcluster

import (
	"fmt"
	"os"

	"voted/internal/proofkey"
	"voted/proof"
)

// keepLogs gives each node a proof key, with which it signs the heads of logs. A key that is in
// Dir already stays.
func (c *Cluster) keepLogs() error {
	dir := c.secretsDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the directory of the proof keys cannot be made: %w", err)
	}
	for _, n := range c.Nodes {
		file, _ := proofkey.Files(dir, n.ID)
		key, _, err := proofkey.LoadOrMake(file)
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

// Policy returns whose signatures make the heads of a poll's first log count: those of a majority
// of the nodes that Start started. It is made from their keys, and no node is asked. It needs
// Options.LogName.
func (c *Cluster) Policy(poll string) (*proof.Policy, error) {
	return proofkey.PolicyOf{Log: proof.Origin{Log: c.options.LogName, Poll: poll, Lineage: "1"}, Keys: c.signers}.Policy()
}
