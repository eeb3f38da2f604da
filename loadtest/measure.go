package main

import (
	"errors"
	"fmt"
	"os"

	"voted/loadtest/compare"
	"voted/loadtest/scale"
)

// compareCommand measures voted beside other systems.
type compareCommand struct{ compare.Options }

// Run implements kong's command.
func (c *compareCommand) Run(s *session) error {
	c.Progress = os.Stderr
	return s.measured(compare.Run(s.ctx, c.Options, s.stdout), compare.ErrNotExact)
}

// scaleCommand measures large polls and many polls.
type scaleCommand struct{ scale.Options }

// Run implements kong's command.
func (c *scaleCommand) Run(s *session) error {
	c.Progress = os.Stderr
	return s.measured(scale.Run(s.ctx, c.Options, s.stdout), scale.ErrNotExact)
}

// measured turns a measurement's error into the exit code: figures of a cluster that
// lost or doubled a ballot are worth nothing.
func (s *session) measured(err, notExact error) error {
	switch {
	case err == nil:
		s.code = exitExact
	case errors.Is(err, notExact):
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		s.code = exitNotExact
		return nil
	}
	return err
}
