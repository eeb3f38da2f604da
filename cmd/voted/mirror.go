package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"voted/client"
	"voted/cmd/voted/verify"
)

type mirrorCommand struct {
	connection
	Poll   string `arg:"" help:"Id of the poll."`
	Dir    string `arg:"" help:"Directory of the copy; made if it is missing."`
	Policy string `help:"Policy of the poll, published by whoever holds it." required:"" placeholder:"FILE"`
}

func (mirrorCommand) Help() string {
	return `Copies the published log of a poll, 90 bytes a ballot on disk, and checks all of it: what is in the directory is what
a quorum of the members signed. Run it again for what came since; a log that was changed meanwhile is refused, and the head
that contradicts the copy is kept beside it. A run that was interrupted goes on where it was. Of a poll that has closed
the directory gets what its result follows from as well.

    voted mirror board-2026 board-2026.log --policy board-2026.policy
    voted verify log board-2026.log --policy board-2026.policy
    voted verify result board-2026.log --policy board-2026.policy

Exit code 0 where the copy is the log, 1 where what is served is not what was signed, 2 where that cannot be decided.`
}

// Run copies what is new.
func (c *mirrorCommand) Run(s *session) error {
	flags := verdictFlags{JSON: c.JSON, UTC: c.UTC}
	p, err := flags.policy(c.Policy)
	if err != nil {
		return err
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	fetch := func(ctx context.Context, name string) ([]byte, error) {
		b, err := cl.LogFile(ctx, c.Poll, name)
		var refused *client.Error
		if errors.As(err, &refused) && refused.Status == http.StatusNotFound && refused.Code != client.CodePollNotFound {
			err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		return b, err
	}
	v, err := verify.Mirror(s.ctx, fetch, c.Dir, p, flags.words())
	if err != nil {
		return fileFault(c.Dir, err)
	}
	return flags.show(s, v)
}
