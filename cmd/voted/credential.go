package main

import (
	"errors"
	"io"

	"voted/internal/auth"
	"voted/internal/textfile"
	"voted/internal/usage"
	"voted/internal/voterid"
)

// maxVoterLineBytes bounds a line of a file of voters: an id in its longest encoding.
const maxVoterLineBytes = 4 * voterid.MaxBytes

type credentialCommands struct {
	Key   credentialKey   `cmd:"" help:"Make the key that signs voting credentials."`
	Issue credentialIssue `cmd:"" help:"Issue voting credentials for a poll."`
}

type credentialKey struct {
	File string `arg:"" help:"File of the private key; FILE.pub is for the nodes." placeholder:"FILE"`
}

func (credentialKey) Help() string {
	return `Nodes are given FILE.pub with --credential-keys; FILE stays where credentials are issued.

    voted credential key ./voting.key`
}

// Run makes the key.
func (c *credentialKey) Run(s *session) error {
	private, public, err := auth.NewCredentialKey()
	if err != nil {
		return err
	}
	if err := writeSecret(c.File, private); err != nil {
		return err
	}
	if err := writeSecret(c.File+".pub", public); err != nil {
		return err
	}
	s.stdout.Linef("%s signs credentials, keep it; %s.pub is for the nodes (--credential-keys)", c.File, c.File)
	return nil
}

type credentialIssue struct {
	minting
	Poll   string   `arg:"" help:"The poll."`
	Voter  []string `arg:"" optional:"" help:"The voters."`
	Voters string   `help:"File of voters, one a line, in place of arguments; - is the standard input." placeholder:"FILE"`
}

func (credentialIssue) Help() string {
	return `One line a voter: the voter, a tab, and the credential or link. A credential lets one voter vote in one poll; whoever
has it can, so send it to that voter alone. Nothing is sent to the cluster. For all voters of a roll: voted roll issue.

    voted credential issue board-2026 ann bo --signing-key ./voting.key
    voted credential issue board-2026 --voters members.txt --signing-key ./voting.key --link 'https://vote.example.org/{poll}#{credential}'`
}

// Run prints the credentials.
func (c *credentialIssue) Run(s *session) error { return c.run(s, c.Poll, c.voters) }

func (c *credentialIssue) voters() ([]string, error) {
	if (c.Voters == "") == (len(c.Voter) == 0) {
		return nil, usage.Errorf("name the voters, or a file of them with --voters")
	}
	if c.Voters == "" {
		return c.Voter, nil
	}
	input, err := openInput(c.Voters)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	lines, err := textfile.NewLines(input, nil, maxVoterLineBytes)
	if err != nil {
		return nil, usage.Errorf("%s: %w", c.Voters, err)
	}
	var voters []string
	for {
		line, err := lines.Next()
		var fault *textfile.Fault
		switch {
		case errors.Is(err, io.EOF):
			return voters, nil
		case errors.As(err, &fault) && fault.Foreign:
			return nil, usage.Errorf("%s: line %d, column %d is not UTF-8; save the file in UTF-8; nothing was issued", c.Voters, fault.Line, fault.Column)
		case err != nil:
			return nil, usage.Errorf("%s: %w; nothing was issued", c.Voters, err)
		case len(line) == 0:
			continue
		}
		voter, err := voterid.Canonical(string(line))
		if err != nil {
			return nil, usage.Errorf("%s: line %d: %w; nothing was issued", c.Voters, lines.Number(), err)
		}
		voters = append(voters, voter)
	}
}
