// Package durable makes changes of directories survive a power cut.
package durable

import (
	"errors"
	"os"
)

// SyncDir makes the names that were created, renamed or removed in a directory durable.
// Sync the files themselves before.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
