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

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/backup"
	"voted/internal/console"
)

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
		if c.Confirm != "" || !console.IsTerminal(os.Stdin) {
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
		return printJSON(s, done.Raw)
	}
	verb := "restored"
	if done.Replayed {
		verb = "had been restored before, and nothing has changed since"
	}
	s.stdout.Linef("%s: %s and %s of log index %s, now at log index %s on every member", verb, display.Plural(int64(done.Polls), "poll"), display.Plural(int64(done.Ballots), "ballot"), display.Int(done.BackupIndex), display.Int(done.Index))
	if done.BackupOf != done.ClusterID {
		s.stdout.Linef("the backup is of cluster %s; this cluster stays %s, and so do the members that belong to it", done.BackupOf, done.ClusterID)
	}
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
		return "", 0, fmt.Errorf("%s cannot be restored: %w. Nothing was sent; look at it with `voted verify backup`, and take another copy or an older backup", c.File, err)
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

// askFor reports whether the user at the terminal typed the words.
func askFor(s *session, what, words string) bool {
	s.stderr.Linef("%s", what)
	s.stderr.Linef("To go on, type: %s", words)
	typed := make(chan string, 1)
	go func() { // ends with the process if nothing is typed
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
