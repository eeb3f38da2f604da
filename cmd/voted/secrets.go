package main

import (
	"fmt"

	"github.com/alecthomas/kong"

	"voted/internal/livefile"
)

// exposedSecrets warns of files with a secret that every user of the machine may read. The
// flags for such files have the tag secret.
func exposedSecrets(c *kong.Context) (sentences []string) {
	for _, f := range c.Flags() {
		if path, ok := c.FlagValue(f).(string); ok && f.Tag.Has("secret") && livefile.Exposed(path) {
			sentences = append(sentences, fmt.Sprintf("every user of this machine may read the secret in %s; take that away with chmod o-rwx", path))
		}
	}
	return sentences
}
