package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

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
complete and checked; look into it with "voted verify".

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

// fileFault explains errors of files as such, and leaves those of the service alone.
func fileFault(name string, err error) error {
	var path *os.PathError
	var link *os.LinkError
	if errors.As(err, &path) || errors.As(err, &link) {
		return fileProblem(name, err)
	}
	return err
}

type verifyCommand struct {
	File string `arg:"" help:"Backup to read, or - for the standard input."`
	JSON bool   `help:"Print JSON instead of a table." name:"json"`
}

func (verifyCommand) Help() string {
	return `Needs no cluster. Reads everything, and counts every poll again from its single records. Exit code 1 where
anything is damaged.

    voted verify board.backup`
}

// Run counts the backup again.
func (c *verifyCommand) Run(s *session) error {
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fileProblem(c.File, err)
		}
		defer f.Close()
		in = f
	}
	report, err := backup.Verify(in)
	if err != nil {
		return fmt.Errorf("%s cannot be trusted: %w. Do not restore it; take another copy or an older backup", c.File, err)
	}
	if c.JSON {
		return printJSON(s, report)
	}
	showReport(s.stdout, report)
	return nil
}

func showReport(o *display.Output, r *backup.Report) {
	o.Linef("%s · log index %s · %s, by node %s of %s · voted %s · format %d", o.Paint(display.Good, "whole"), display.Int(r.Index),
		r.Time.Format(time.RFC3339), r.Node, strings.Join(r.Members, ", "), r.Version, r.Format)
	o.Linef("digest %s", r.Digest)
	o.Linef("sha256 %s, %s bytes", r.SHA256, display.Int(r.Bytes))
	o.Linef("")
	t := display.Table{Columns: []display.Column{
		{Title: "POLL"}, {Title: "METHOD"}, {Title: "STATE"}, {Title: "BALLOTS", Right: true}, {Title: "WINNERS", Flex: true}, {Title: "TALLY", Flex: true}, {Title: "DIGEST"},
	}}
	for _, p := range r.Tables {
		var tally []string
		for _, x := range p.Options {
			n := x.Votes
			if x.Score != 0 {
				n = x.Score
			}
			tally = append(tally, fmt.Sprintf("%s %s", x.ID, display.Int(n)))
		}
		t.Row(display.Cells(p.ID, p.Method, p.State, display.Int(p.Ballots), strings.Join(p.Winners, ", "), strings.Join(tally, ", "), p.Digest[:12])...)
	}
	t.Write(o)
	o.Linef("")
	o.Linef("%s polls and %s ballots, counted again one by one: they are what the cluster would answer", display.Int(r.Polls), display.Int(r.Ballots))
}

type restoreCommand struct {
	connection
	File    string `arg:"" help:"Backup to restore."`
	Confirm string `help:"What the restore drops, in the words that it asks for." placeholder:"TEXT"`
}

func (restoreCommand) Help() string {
	return `Checks the backup, then puts it in the place of what the cluster holds, on all members at one log index. Where the
cluster holds polls it says what would be dropped and asks; scripts give the same words. Run again after an unknown outcome it
does nothing twice.

    voted restore board.backup
    voted restore board.backup --confirm "3 polls and 188571 ballots"`
}

// Run restores the backup.
func (c *restoreCommand) Run(s *session) error {
	sum, size, err := c.check()
	if err != nil {
		return err
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	done, err := c.send(s, cl, sum, size, c.Confirm)
	var refused *client.Error
	if errors.As(err, &refused) && refused.Code == client.CodeConfirmationNeeded && len(refused.Fields) > 0 {
		words := refused.Fields[0].Detail
		if c.Confirm != "" || !isTerminal(os.Stdin) {
			return fmt.Errorf("nothing was changed: the cluster holds %s, which this restore would drop; confirm it with --confirm %q", words, words)
		}
		if !askFor(s, "This drops what the cluster holds now: "+words+".", words) {
			return errors.New("nothing was changed: the words were others")
		}
		done, err = c.send(s, cl, sum, size, words)
	}
	if errors.Is(err, client.ErrOutcomeUnknown) {
		return fmt.Errorf("no answer came, and the backup may have been restored: run the same command again; if it was, it says so, or asks before it drops anything (%w)", err)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, done)
	}
	verb := "restored"
	if done.Replayed {
		verb = "had been restored before, and nothing has changed since"
	}
	s.stdout.Linef("%s: %s polls and %s ballots of log index %s, now at log index %s on every member", verb, display.Int(done.Polls), display.Int(done.Ballots), display.Int(done.BackupIndex), display.Int(done.Index))
	return nil
}

// check reads all of the file, before anything is sent.
func (c *restoreCommand) check() (sum string, size int64, err error) {
	f, err := os.Open(c.File)
	if err != nil {
		return "", 0, fileProblem(c.File, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := backup.Check(io.TeeReader(f, h)); err != nil {
		return "", 0, fmt.Errorf("%s cannot be restored: %w. Nothing was sent; look at it with `voted verify`, and take another copy or an older backup", c.File, err)
	}
	info, err := f.Stat()
	if err != nil {
		return "", 0, fileProblem(c.File, err)
	}
	return hex.EncodeToString(h.Sum(nil)), info.Size(), nil
}

func (c *restoreCommand) send(s *session, cl *client.Client, sum string, size int64, confirm string) (client.Restored, error) {
	p := newTransfer(s.stderr, "sent")
	defer p.end()
	return cl.Restore(s.ctx, client.RestoreBackup{
		Open: func() (io.ReadCloser, error) {
			f, err := os.Open(c.File)
			if err != nil {
				return nil, fileProblem(c.File, err)
			}
			return struct {
				io.Reader
				io.Closer
			}{io.TeeReader(f, p), f}, nil
		},
		Size: size, SHA256: sum, Confirm: confirm,
	})
}

// ask has somebody at the terminal type the words.
func askFor(s *session, what, words string) bool {
	s.stderr.Linef("%s", what)
	s.stderr.Linef("To go on, type: %s", words)
	typed := make(chan string, 1)
	go func() { // ends with the process where nothing is typed
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
		typed <- strings.TrimSpace(line)
	}()
	select {
	case line := <-typed:
		return line == words
	case <-s.ctx.Done():
		return false
	}
}
