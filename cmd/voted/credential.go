package main

import (
	"bytes"
	"io"
	"os"
	"strings"

	"voted/internal/auth"
)

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

    voted credential issue board-2026 ann bo --key ./voting.key
    voted credential issue board-2026 --voters members.txt --key ./voting.key --link 'https://vote.example.org/{poll}#{credential}'`
}

// Run prints the credentials.
func (c *credentialIssue) Run(s *session) error { return c.run(s, c.Poll, c.voters) }

func (c *credentialIssue) voters() ([]string, error) {
	if (c.Voters == "") == (len(c.Voter) == 0) {
		return nil, usagef("name the voters, or a file of them with --voters")
	}
	if c.Voters == "" {
		return c.Voter, nil
	}
	var b []byte
	var err error
	if c.Voters == "-" {
		b, err = io.ReadAll(os.Stdin)
	} else {
		b, err = os.ReadFile(c.Voters)
	}
	if err != nil {
		return nil, fileProblem(c.Voters, err)
	}
	var voters []string
	for line := range bytes.Lines(b) {
		if voter := strings.TrimRight(string(line), "\r\n"); voter != "" {
			voters = append(voters, voter)
		}
	}
	return voters, nil
}
