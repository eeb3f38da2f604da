package localcluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"voted/internal/webhook"
)

// callHooks gives all nodes one key file for webhooks, and lets them call where the options
// say. A file that is there stays.
func (c *Cluster) callHooks() error {
	file := filepath.Join(c.Dir, "webhook.key")
	if err := makeHookKey(file); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("the key file of webhooks cannot be made: %w", err)
	}
	for _, n := range c.Nodes {
		n.Args = append(n.Args, "--webhook-key", file, "--webhook-allow-http")
		for _, to := range c.options.Webhooks {
			n.Args = append(n.Args, "--webhook-allow", to)
		}
	}
	return nil
}

func makeHookKey(file string) error {
	line, err := webhook.NewKeyLine()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}
