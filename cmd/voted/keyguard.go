package main

import (
	"context"
	"errors"
	"fmt"

	"voted/client"
)

// errSamePoll: the file is an export of the poll that it is imported into.
var errSamePoll = errors.New("this file is an export of the poll itself, whose ballots are in it already; import it into another poll")

// keyGuard refuses to import the export of a secret poll into that poll. Such an export
// has keys in place of voters, so each ballot would be counted a second time, as that of
// another voter. Checking one key is enough: a voter in an export stays in the poll.
type keyGuard struct {
	poll    string
	checked bool
}

// check looks for the first key among those of the poll.
func (g *keyGuard) check(ctx context.Context, cl *client.Client, key string) error {
	if g.checked {
		return nil
	}
	g.checked = true
	for b, err := range cl.ExportBallots(ctx, g.poll) {
		switch {
		case errors.Is(err, client.CodeResultsHidden), errors.Is(err, client.CodePollNotClosed):
			return nil // a poll that cannot be exported yet was never exported
		case err != nil:
			return fmt.Errorf("the file names voters by the keys of a secret poll, and to be sure that it is not this one its ballots must be read: %w", err)
		case b.VoterKey == key:
			return errSamePoll
		case b.VoterKey == "":
			return nil // an open poll's export has no keys, and a profile neither
		}
	}
	return nil
}
