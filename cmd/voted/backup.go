package main

import (
	"errors"
	"io"
	"os"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/backup"
)

type backupCommand struct {
	connection
	File string `arg:"" help:"File to write, or - for the standard output."`
}

func (backupCommand) Help() string {
	return `Everything that was acknowledged before, at one log index, while ballots are cast. The file appears once it is
complete and checked; look into it with "voted verify backup".

    voted backup board.backup`
}

// Run writes the backup.
func (c *backupCommand) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	var meta client.Meta
	take := func(w io.Writer) (err error) {
		p := newTransfer(s.stderr, "received")
		defer p.end()
		meta, err = cl.Backup(s.ctx, io.MultiWriter(w, p))
		return err
	}
	if c.File == "-" {
		return take(s.stdout)
	}
	info, size, err := backup.WriteFile(c.File, take)
	if err != nil {
		return fileFault(c.File, err)
	}
	if c.JSON {
		return printJSON(s, map[string]any{"file": c.File, "index": info.Index, "bytes": size, "digest": info.Digest, "node": meta.Node})
	}
	s.stderr.Linef("wrote %s: everything at log index %s, %s bytes", c.File, display.Int(info.Index), display.Int(size))
	return nil
}

// fileFault explains errors of the file that is written; it returns errors of the service
// as they are.
func fileFault(name string, err error) error {
	var path *os.PathError
	var link *os.LinkError
	if errors.As(err, &path) || errors.As(err, &link) {
		return outputProblem(name, err)
	}
	return err
}
