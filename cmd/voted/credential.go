package main

import (
	"bufio"
	"bytes"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

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
	Poll   string        `arg:"" help:"The poll."`
	Voter  []string      `arg:"" optional:"" help:"The voters."`
	Key    string        `help:"File of the private key." required:"" placeholder:"FILE"`
	Voters string        `help:"File of voters, one a line, in place of arguments; - is the standard input." placeholder:"FILE"`
	Valid  time.Duration `help:"How long the credentials are valid, such as 720h." default:"720h"`
	Link   string        `help:"Print links: where {poll}, {voter} and {credential} stand in it they are replaced. Put the credential behind a #, so that it is in no server's log." placeholder:"URL"`
}

func (credentialIssue) Help() string {
	return `One line a voter: the voter, a tab, and the credential or link. A credential lets one voter vote in one poll; whoever
has it can, so send it to that voter alone. Nothing is sent to the cluster.

    voted credential issue board-2026 ann bo --key ./voting.key
    voted credential issue board-2026 --voters members.txt --key ./voting.key --link 'https://vote.example.org/{poll}#{credential}'`
}

// Run prints the credentials.
func (c *credentialIssue) Run(s *session) error {
	if c.Link != "" && !strings.Contains(c.Link, "{credential}") {
		return usagef("--link must hold {credential}, or all links would be the same")
	}
	if c.Valid <= 0 {
		return usagef("--valid must be longer than zero, such as 720h")
	}
	b, err := os.ReadFile(c.Key)
	if err != nil {
		return fileProblem(c.Key, err)
	}
	key, err := auth.ParseCredentialKey(b)
	if err != nil {
		return usagef("the key %s cannot be used: %w", c.Key, err)
	}
	voters, err := c.voters()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(s.stdout)
	now := time.Now()
	for _, voter := range voters {
		credential, err := key.Issue(c.Poll, voter, now, now.Add(c.Valid))
		if err != nil {
			return usagef("voter %q: %w", voter, err)
		}
		if c.Link != "" {
			credential = strings.NewReplacer("{poll}", url.PathEscape(c.Poll), "{voter}", url.PathEscape(voter), "{credential}", credential).Replace(c.Link)
		}
		_, _ = out.WriteString(voter + "\t" + credential + "\n") // Flush reports errors
	}
	return out.Flush()
}

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
