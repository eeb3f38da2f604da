package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"voted/internal/auth"
)

// minting is what the commands have in common that sign voting credentials.
type minting struct {
	Key   string        `help:"File of the private key." required:"" placeholder:"FILE"`
	Valid time.Duration `help:"How long the credentials are valid, such as 720h." default:"720h"`
	Link  string        `help:"Print links: where {poll}, {voter} and {credential} stand in it they are replaced. Put the credential behind a #, so that it is in no server's log." placeholder:"URL"`
}

// run prints a credential for each voter, once the key and all voters have been read.
func (m *minting) run(s *session, poll string, voters func() ([]string, error)) error {
	key, err := m.issuer()
	if err != nil {
		return err
	}
	names, err := voters()
	if err != nil {
		return err
	}
	return m.mint(s, key, poll, names)
}

// issuer checks the flags and reads the key, before anything is printed.
func (m *minting) issuer() (*auth.CredentialKey, error) {
	if m.Link != "" && !strings.Contains(m.Link, "{credential}") {
		return nil, usagef("--link must hold {credential}, or all links would be the same")
	}
	if m.Valid <= 0 {
		return nil, usagef("--valid must be longer than zero, such as 720h")
	}
	b, err := os.ReadFile(m.Key)
	if err != nil {
		return nil, fileProblem(m.Key, err)
	}
	key, err := auth.ParseCredentialKey(b)
	if err != nil {
		return nil, usagef("the key %s cannot be used: %w", m.Key, err)
	}
	return key, nil
}

// mint prints a line a voter: the voter, a tab, and the credential or link.
func (m *minting) mint(s *session, key *auth.CredentialKey, poll string, voters []string) error {
	progress := newProgress(s.stderr, "signing", "credentials", int64(len(voters)))
	err := m.print(s, key, poll, voters, progress)
	progress.end(err == nil)
	return err
}

func (m *minting) print(s *session, key *auth.CredentialKey, poll string, voters []string, progress *progress) error {
	out := bufio.NewWriter(s.stdout)
	now := time.Now()
	for i, voter := range voters {
		if s.ctx.Err() != nil {
			return errors.New("interrupted; what was printed is not all, run it again")
		}
		credential, err := key.Issue(poll, voter, now, now.Add(m.Valid))
		if err != nil {
			return usagef("voter %q: %w", voter, err)
		}
		if m.Link != "" {
			credential = strings.NewReplacer("{poll}", url.PathEscape(poll), "{voter}", url.PathEscape(voter), "{credential}", credential).Replace(m.Link)
		}
		if _, err := out.WriteString(voter + "\t" + credential + "\n"); err != nil {
			return fmt.Errorf("the credentials cannot be written: %w", err)
		}
		if !s.stdout.Terminal { // there the lines themselves show how far it is
			progress.at(int64(i+1), uint64(i+1), 0)
		}
	}
	return out.Flush()
}
