package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/internal/livefile"
)

// issued is a client's certificate of the authority.
func (a *authority) issued(t *testing.T, name string, now time.Time, lifetime time.Duration) []*x509.Certificate {
	t.Helper()
	cert, key, err := a.Issue(Request{Client: name, Roles: "admin,reader", Now: now, Lifetime: lifetime})
	must(t, err)
	pair, err := pairOf(cert, key, name)
	must(t, err)
	return []*x509.Certificate{pair.Leaf}
}

func TestACertificateIsLookedAtEachTime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a, other := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	ca, deny := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "deny")
	write := func(path string, text []byte) {
		t.Helper()
		must(t, os.WriteFile(path+".new", text, 0o600))
		must(t, os.Rename(path+".new", path))
	}
	ours, err := os.ReadFile(filepath.Join(a.dir, caCertFile))
	must(t, err)
	theirs, err := os.ReadFile(filepath.Join(other.dir, caCertFile))
	must(t, err)
	write(ca, ours)
	write(deny, []byte("# nobody\n"))
	c, err := OpenClients(livefile.NewWatch(quiet), ca, deny)
	must(t, err)
	ops, twin, foreign := a.issued(t, "ops", now, time.Hour), a.issued(t, "ops", now, 2*time.Hour), other.issued(t, "ops", now, time.Hour)
	print := sha256.Sum256(ops[0].Raw)
	// awaits until the answer for a certificate is as wanted; if no file has changed,
	// that is at once.
	check := func(name string, chain []*x509.Certificate, at time.Time, good bool) {
		t.Helper()
		var err error
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			var until time.Time
			if until, err = c.Check(chain, at); (err == nil) == good {
				if good && !until.Equal(chain[0].NotAfter) {
					t.Errorf("%s: it is good until %s, not %s", name, until, chain[0].NotAfter)
				}
				return
			}
		}
		t.Errorf("%s: %v", name, err)
	}
	check("as issued", ops, now, true)
	check("again", ops, now.Add(30*time.Minute), true)
	check("after its end", ops, now.Add(61*time.Minute), false)
	check("before its beginning", ops, now.Add(-24*time.Hour), false)
	check("of another CA", foreign, now, false)
	before := c.Changes()
	write(deny, []byte("voted://client/admin,reader/other # not this one\n"+strings.ToUpper(hex.EncodeToString(print[:]))+"\n"))
	check("withdrawn by its fingerprint", ops, now, false)
	check("another of the same name", twin, now, true)
	write(deny, []byte("  voted://client/admin,reader/ops\n"))
	check("withdrawn by name", twin, now, false)
	write(deny, nil)
	check("let in again", ops, now, true)
	if c.Changes() == before {
		t.Error("no change was counted")
	}
	write(ca, theirs)
	check("of a CA that is no longer taken", ops, now, false)
	check("of the new CA", foreign, now, true)
	write(ca, nil)
	check("without any CA", foreign, now, false)
	write(ca, []byte("garbage"))
	check("what cannot be read changes nothing", foreign, now, false)
	write(ca, ours)
	check("of the first CA again", ops, now, true)
	if roles, name, err := c.Client(ops[0]); err != nil || roles != "admin,reader" || name != "ops" {
		t.Errorf("it is for %s, %s: %v", roles, name, err)
	}
	member, _, err := a.Issue(Request{Member: "n1", Now: now})
	must(t, err)
	m, err := poolOf(member, "n1")
	if err == nil || m != nil {
		t.Errorf("a member's certificate is a CA: %v", err)
	}
}

func TestAListOfWithdrawnCertificatesIsReadWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":                                   "",
		"# a remark\n\n  \n":                 "",
		"voted://client/admin/ops # left us": "",
		strings.Repeat("ab", 32):             "",
		strings.Repeat("AB:", 31) + "CD":     "",
		"ops":                                "line 1 is neither",
		"# x\nvoted://member/n1":             "line 2 is neither",
		"voted://client/ops":                 "line 1 is neither",
		strings.Repeat("ab", 31):             "line 1 is neither",
		"SHA256 Fingerprint=AB:CD":           "line 1 is neither",
	} {
		_, err := parseDenials([]byte(text))
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	a := newAuthority(t)
	if _, err := OpenClients(livefile.NewWatch(quiet), filepath.Join(a.dir, caCertFile), filepath.Join(a.dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a list that is not there: %v", err)
	}
}
