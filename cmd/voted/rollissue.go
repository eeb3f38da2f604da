package main

import (
	"cmp"
	"fmt"

	"voted/internal/auth"
	"voted/internal/textfile"
	"voted/internal/usage"
)

type rollIssue struct {
	minting
	rollFlags
	Poll string `arg:"" help:"Id of the poll."`
	File string `arg:"" help:"The roll, as for load: CSV or NDJSON; - is the standard input."`
}

func (rollIssue) Help() string {
	return `One line a voter: the voter, a tab, and the credential or link. A credential lets one voter vote in one poll; whoever
has it can, so send it to that voter alone. Nothing is sent to the cluster: load the roll too, it says who may vote.

    voted credential key ./voting.key
    voted roll load board members.csv
    voted roll issue board members.csv --signing-key ./voting.key --pages https://vote.example.org > links.tsv
    voted roll issue board members.csv --signing-key ./voting.key --link 'https://example.org/{poll}#{credential}' > links.tsv`
}

// Run prints the credentials, once the whole file has been read and every voter on it
// can have one.
func (c *rollIssue) Run(s *session) error { return c.run(s, c.Poll, c.voters) }

// voters reads the roll; an id that occurs twice is one voter.
func (c *rollIssue) voters() ([]string, error) {
	input, err := openRoll(c.File, &c.rollFlags)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	var voters []string
	var wrong *textfile.Fault // the first one
	var broken error
	known := map[string]struct{}{}
	for e := range input.entries(func(f *textfile.Fault) { wrong = cmp.Or(wrong, f) }, &broken) {
		if _, twice := known[e.Voter]; twice {
			continue
		}
		if err := auth.MayHold(c.Poll, e.Voter); err != nil {
			return nil, usage.Errorf("%s: voter %q: %w; nothing was issued", c.File, e.Voter, err)
		}
		known[e.Voter] = struct{}{}
		voters = append(voters, e.Voter)
	}
	switch {
	case broken != nil:
		return nil, fmt.Errorf("%s: %w; nothing was issued", c.File, broken)
	case wrong != nil:
		return nil, usage.Errorf("%s, %w; nothing was issued", c.File, wrong)
	case len(voters) == 0:
		return nil, usage.Errorf("%s names no voter", c.File)
	}
	return voters, nil
}
