package localcluster

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// hookKeyBytes is how long a key is.
const hookKeyBytes = 32

// makeHookKey makes a file as voted webhook key does. What makes it there needs far more
// packages than those who start clusters should have.
func makeHookKey(file string) error {
	key := make([]byte, hookKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	return errors.Join(err, f.Close())
}
