package server

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/internal/pki"
	"voted/internal/ports/portstest"
	"voted/internal/survey"
)

func TestACertificateThatEndsSoonIsSaidOnceADayAndWhenItHasEnded(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	s := &Server{log: slog.New(slog.NewTextHandler(&said, nil))}
	day := 24 * time.Hour
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	until := now.Add(15 * day)
	for _, x := range []struct {
		name  string
		after time.Duration
		until time.Time
		says  string // empty: nothing
	}{
		{"two weeks and a day before", 0, until, ""},
		{"within two weeks", 2 * day, until, "expires soon"},
		{"an hour later", time.Hour, until, ""},
		{"a day after that", day, until, "expires soon"},
		{"at once for another certificate", time.Second, until.Add(-day), "expires soon"},
		{"once it has ended", 12 * day, until.Add(-day), "has expired"},
		{"and a moment later", time.Minute, until.Add(-day), ""},
		{"and a day later", day, until.Add(-day), "has expired"},
		{"not when a new one is there", time.Second, now.Add(400 * day), ""},
	} {
		said.Reset()
		now = now.Add(x.after)
		s.warnOfExpiry("peer", x.until, now)
		if lines := strings.Count(said.String(), "\n"); (x.says == "") != (lines == 0) || !strings.Contains(said.String(), x.says) {
			t.Errorf("%s: %q", x.name, said.String())
		}
	}
	// The other port's certificate is another one.
	said.Reset()
	s.warnOfExpiry("api", now, now)
	if !strings.Contains(said.String(), "port=api") {
		t.Errorf("the API's certificate: %q", said.String())
	}
}

func TestANewCertificateIsReportedWithoutAConnection(t *testing.T) {
	t.Parallel()
	g := &guardedCluster{t: t, dir: t.TempDir(), ends: map[string]func() error{}, nodes: map[string]*Server{}}
	var err error
	g.ca, err = pki.Init(filepath.Join(g.dir, "ca"), "test", time.Now())
	must(t, err)
	g.members = []survey.Peer{{ID: "n1", Addr: portstest.Addr(t)}}
	o := g.options("n1")
	o.TLSCert, o.TLSKey = "", "" // members' certificates alone
	log := &lines{}
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	g.start(o)
	good, err := os.ReadFile(o.PeerKey)
	must(t, err)
	// Given a key that is not the certificate's, it is said without a connection;
	foreign, err := pki.Init(filepath.Join(g.dir, "other"), "other", time.Now())
	must(t, err)
	_, other, err := foreign.Issue(pki.Request{Member: "n1", Now: time.Now()})
	must(t, err)
	must(t, os.WriteFile(o.PeerKey, other, 0o600))
	g.eventually("it is said", func() bool { return len(log.with("a file has changed and cannot be used")) > 0 })
	// and a line confirms the right one.
	must(t, os.WriteFile(o.PeerKey, good, 0o600))
	g.eventually("it is confirmed", func() bool { return len(log.with("a file has changed and was read again")) > 0 })
}
