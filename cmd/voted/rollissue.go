package main

import "voted/internal/auth"

type rollIssue struct {
	minting
	Poll   string `arg:"" help:"Id of the poll."`
	File   string `arg:"" help:"The roll, as for load: CSV or NDJSON; - is the standard input."`
	Format string `help:"csv, ndjson, or auto: by the name or the first byte." enum:"auto,csv,ndjson" default:"auto" placeholder:"FORMAT"`
}

func (rollIssue) Help() string {
	return `One line a voter: the voter, a tab, and the credential or link. A credential lets one voter vote in one poll; whoever
has it can, so send it to that voter alone. Nothing is sent to the cluster: load the roll too, it says who may vote.

    voted credential key ./voting.key
    voted roll load board members.csv
    voted roll issue board members.csv --key ./voting.key --link 'https://vote.example.org/{poll}#{credential}' > links.tsv`
}

// Run prints the credentials, once the whole file has been read and every voter on it
// can have one.
func (c *rollIssue) Run(s *session) error { return c.run(s, c.Poll, c.voters) }

// voters reads the roll; who stands on it twice is one voter.
func (c *rollIssue) voters() ([]string, error) {
	input, err := openInput(c.File)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	reader, err := newRollReader(c.File, c.Format, input)
	if err != nil {
		return nil, usagef("%s: %w", c.File, err)
	}
	var voters []string
	var unreadable error
	known := map[string]struct{}{}
	for e := range entriesOf(reader, &unreadable) {
		if _, twice := known[e.Voter]; twice {
			continue
		}
		if err := auth.MayHold(c.Poll, e.Voter); err != nil {
			return nil, usagef("%s: voter %q: %w; nothing was issued", c.File, e.Voter, err)
		}
		known[e.Voter] = struct{}{}
		voters = append(voters, e.Voter)
	}
	if unreadable != nil {
		return nil, usagef("%s: %w; nothing was issued", c.File, unreadable)
	}
	if len(voters) == 0 {
		return nil, usagef("%s names no voter", c.File)
	}
	return voters, nil
}
