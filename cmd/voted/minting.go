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
	"voted/internal/usage"
	"voted/internal/voterid"
)

// minting is what the commands that sign voting credentials have in common.
type minting struct {
	// Not --key: that and $VOTED_KEY are a client's, for TLS.
	SigningKey string `help:"File of the private key that signs, as voted credential key makes it." required:"" placeholder:"FILE" secret:""`

	Valid time.Duration `help:"How long the credentials are valid, such as 720h." default:"720h"`
	Link  string        `help:"Print links: where {poll}, {voter} and {credential} stand in it they are replaced. Put the credential behind a #, so that it is in no server's log." placeholder:"URL"`
	Pages string        `help:"Print links to the pages for voters that the nodes serve: the URL under which browsers reach them, such as https://vote.example.org." placeholder:"URL"`
}

// pageLink is the link to a ballot below --pages. What follows the credential protects its last character: some programs
// take a - or _ at the end of a link for punctuation.
const pageLink = "/vote/{poll}#c={credential}&.=1"

// readLink checks --link and --pages, and makes the one of the other.
func (m *minting) readLink() error {
	if m.Pages != "" {
		u, err := url.Parse(m.Pages)
		switch {
		case m.Link != "":
			return usage.Errorf("--pages and --link both say what links look like; give only one of them")
		case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
			return usage.Errorf("--pages: %q is not where pages are; write scheme and host, such as https://vote.example.org", m.Pages)
		}
		m.Link = u.Scheme + "://" + u.Host + pageLink
	}
	if m.Link != "" && !strings.Contains(m.Link, "{credential}") {
		return usage.Errorf("--link must hold {credential}, or all links would be the same")
	}
	return nil
}

// run prints a credential for each voter. Before it prints the first, it reads the key and
// all voters, and checks that each of them can have one.
func (m *minting) run(s *session, poll string, voters func() ([]string, error)) error {
	key, err := m.issuer()
	if err != nil {
		return err
	}
	names, err := voters()
	if err != nil {
		return err
	}
	for i, name := range names {
		id, err := voterid.Canonical(name)
		if err == nil {
			err = auth.MayHold(poll, id)
		}
		if err != nil {
			return usage.Errorf("voter %q: %w; nothing was issued", name, err)
		}
		names[i] = id
	}
	return m.mint(s, key, poll, names)
}

// issuer checks the flags and reads the key, before anything is printed.
func (m *minting) issuer() (*auth.CredentialKey, error) {
	if err := m.readLink(); err != nil {
		return nil, err
	}
	if m.Valid <= 0 {
		return nil, usage.Errorf("--valid must be longer than zero, such as 720h")
	}
	b, err := os.ReadFile(m.SigningKey)
	if err != nil {
		return nil, fileProblem(m.SigningKey, err)
	}
	key, err := auth.ParseCredentialKey(b)
	if err != nil {
		return nil, usage.Errorf("the key %s cannot be used: %w", m.SigningKey, err)
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
	out := bufio.NewWriter(s.stdout.Data())
	now := time.Now()
	for i, voter := range voters {
		if s.ctx.Err() != nil {
			return errors.New("interrupted; what was printed is not all, run it again")
		}
		credential, err := key.Issue(poll, voter, now, now.Add(m.Valid))
		if err != nil {
			return usage.Errorf("voter %q: %w", voter, err)
		}
		if m.Link != "" {
			credential = strings.NewReplacer("{poll}", url.PathEscape(poll), "{voter}", url.PathEscape(voter), "{credential}", credential).Replace(m.Link)
		}
		if _, err := out.WriteString(voter + "\t" + credential + "\n"); err != nil {
			return fmt.Errorf("the credentials cannot be written: %w", err)
		}
		if !s.stdout.Terminal { // on a terminal the lines themselves show the progress
			progress.at(int64(i+1), uint64(i+1), 0)
		}
	}
	return out.Flush()
}
