package main

import (
	"context"
	"time"

	"voted/client"
	"voted/internal/usage"
)

type pollSet struct {
	connection
	Poll string `arg:"" help:"Id of the poll."`

	Title      *string `help:"Its new title; '' for none." placeholder:"TITLE"`
	OpensAt    string  `help:"When it opens, as in poll create; none: at once." placeholder:"TIME"`
	ClosesAt   string  `help:"When it closes by itself; none: only when told." placeholder:"TIME"`
	IfRevision uint64  `help:"Change it only if this is still its revision." placeholder:"N"`
}

func (pollSet) Help() string {
	return `The opening stays as it is once a ballot was counted.

    voted poll set board --title "Board election 2026"
    voted poll set board --closes-at "2026-12-02 20:00"
    voted poll set board --closes-at none`
}

// noTime removes a time.
const noTime = "none"

// Run changes the poll and shows it.
func (c *pollSet) Run(s *session) error {
	patch := client.Patch{Title: c.Title, IfRevision: c.IfRevision}
	now := c.clock()
	for _, t := range []struct {
		flag, typed string
		into        **time.Time
	}{{"--opens-at", c.OpensAt, &patch.OpensAt}, {"--closes-at", c.ClosesAt, &patch.ClosesAt}} {
		var at time.Time
		if t.typed == "" {
			continue
		}
		if t.typed != noTime {
			var err error
			if at, err = now.Parse(t.typed); err != nil {
				return usage.Errorf("%s: %w, or none", t.flag, err)
			}
		}
		*t.into = &at
	}
	if patch.Title == nil && patch.OpensAt == nil && patch.ClosesAt == nil {
		return usage.Errorf("nothing is to be changed; name --title, --opens-at or --closes-at")
	}
	return c.onPoll(s, func(ctx context.Context, cl *client.Client) (client.Poll, error) {
		return cl.PatchPoll(ctx, c.Poll, patch)
	})
}
