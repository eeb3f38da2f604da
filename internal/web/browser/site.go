package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/client"
	"voted/harness/overlay"
	"voted/internal/auth"
	"voted/internal/localcluster"
)

// Roles are the roles that a desk can be signed in with, each with a token of its own on a
// Site.
var Roles = []string{"admin", "gateway", "reader", "auditor", "metrics"}

// Site is a cluster of three nodes under TLS, with a token for each role, and a key with which
// voting links are made.
type Site struct {
	*localcluster.Cluster
	Client *client.Client // may do everything

	tokens map[string]string // by role
	key    *auth.CredentialKey
	binary string

	SigningKey string // file of the private key that makes voting links
}

// voted is the program, built once for this process.
var voted = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "voted-browser-")
	if err != nil {
		return "", err
	}
	atExit(func() { os.RemoveAll(dir) })
	return overlay.Build(context.Background(), dir, overlay.Node)
})

// common is the site of all tests that break nothing.
var common = sync.OnceValues(func() (*Site, error) {
	dir, err := os.MkdirTemp("", "voted-site-")
	if err != nil {
		return nil, err
	}
	s, err := newSite(dir)
	atExit(func() {
		if s != nil {
			s.end()
		}
		os.RemoveAll(dir)
	})
	return s, err
})

// Common returns the site that tests share which break nothing, and give their polls ids of
// their own.
func Common(t testing.TB) *Site {
	t.Helper()
	s, err := common()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// NewSite starts a site for one test, with further arguments of its nodes.
func NewSite(t testing.TB, args ...string) *Site {
	t.Helper()
	s, err := newSite(t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.end()
		if t.Failed() {
			for _, n := range s.Nodes {
				t.Logf("%s:\n%s", n.ID, n.LogTail())
			}
		}
	})
	return s
}

func newSite(dir string, args ...string) (*Site, error) {
	binary, err := voted()
	if err != nil {
		return nil, err
	}
	s := &Site{tokens: map[string]string{}, binary: binary, SigningKey: filepath.Join(dir, "voting.key")}
	var lines []string
	for _, role := range Roles {
		roles, err := auth.ParseRoles(role)
		if err != nil {
			return nil, err
		}
		token, line, err := auth.NewToken(roles, role+"-desk")
		if err != nil {
			return nil, err
		}
		s.tokens[role] = token
		lines = append(lines, line)
	}
	private, public, err := auth.NewCredentialKey()
	if err != nil {
		return nil, err
	}
	if s.key, err = auth.ParseCredentialKey(private); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.SigningKey, private, 0o600); err != nil {
		return nil, err
	}
	keys := filepath.Join(dir, "credential-keys")
	if err := os.WriteFile(keys, public, 0o600); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s.Cluster, err = localcluster.Start(ctx, localcluster.Options{
		Binary: binary, Nodes: 3, Dir: filepath.Join(dir, "cluster"), Secure: true, Tokens: lines,
		Args: func(int) []string { return append([]string{"--credential-keys", keys}, args...) },
	})
	if err != nil {
		return nil, err
	}
	if err = s.WaitReady(ctx); err == nil {
		s.Client, err = client.New(s.Endpoints(), s.ClientOptions()...)
	}
	if err != nil {
		_ = s.Cluster.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Site) end() {
	s.Client.Close()
	_ = s.Cluster.Stop()
}

// URL returns a path's URL at the first node.
func (s *Site) URL(path string) string { return s.Nodes[0].URL + path }

// TokenOf returns the token of a role.
func (s *Site) TokenOf(role string) string { return s.tokens[role] }

// SignIn signs a tab in with the token of a role, by the page for it.
func (s *Site) SignIn(p *Tab, role string) {
	p.t.Helper()
	p.Go(s.URL("/signin"))
	p.Fill("Token", s.TokenOf(role))
	p.Press("Sign in")
}

// Credential makes a voter's credential for a poll, good for an hour.
func (s *Site) Credential(t testing.TB, poll, voter string) string {
	t.Helper()
	now := time.Now()
	credential, err := s.key.Issue(poll, voter, now.Add(-time.Minute), now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

// Link makes a voter's link for a poll.
func (s *Site) Link(t testing.TB, poll, voter string) string {
	t.Helper()
	return s.URL("/vote/"+poll) + "#" + s.Credential(t, poll, voter)
}

// Poll makes a poll under an id that no other test has, and returns the id. Without options
// it has Ann, Bo and Cy.
func (s *Site) Poll(t testing.TB, d client.Definition) string {
	t.Helper()
	if d.ID == "" {
		d.ID = fresh(t)
	}
	if len(d.Options) == 0 {
		d.Options = []client.PollOption{{ID: "ann", Title: "Ann"}, {ID: "bo", Title: "Bo"}, {ID: "cy", Title: "Cy"}}
	}
	if _, err := s.Client.CreatePoll(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return d.ID
}

var made struct {
	sync.Mutex
	polls int
}

// fresh makes an id that says of which test it is.
func fresh(t testing.TB) string {
	made.Lock()
	defer made.Unlock()
	made.polls++
	name := strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, strings.ToLower(t.Name()))
	return fmt.Sprintf("%.40s-%d", name, made.polls)
}

// exits are what is left to do when all tests have ended, the newest first.
var exits struct {
	sync.Mutex
	do []func()
}

func atExit(do func()) {
	exits.Lock()
	defer exits.Unlock()
	exits.do = append(exits.do, do)
}

func leave() {
	exits.Lock()
	defer exits.Unlock()
	for i := len(exits.do) - 1; i >= 0; i-- {
		exits.do[i]()
	}
	exits.do = nil
}

// patient returns a context for what is done once for all tests.
func patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}

// definitionOf is a poll with Ann, Bo and Cy, and the title.
func definitionOf(title string) client.Definition { return client.Definition{Title: title} }
