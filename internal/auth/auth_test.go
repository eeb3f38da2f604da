package auth

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"voted/internal/livefile"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var (
	quiet = livefile.NewWatch(slog.New(slog.DiscardHandler))
	noon  = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
)

func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func bearer(token string) Presented { return Presented{Authorization: []string{"Bearer " + token}} }

func TestDecide(t *testing.T) {
	t.Parallel()
	ann := Identity{Roles: Voter, Voter: "ann", Poll: "lunch"}
	anywhere := Identity{Roles: Voter, Voter: "ann"}
	for name, c := range map[string]struct {
		who  Identity
		need Need
		want bool
	}{
		"no identity, where anyone may":                 {Identity{}, Need{Roles: Anybody}, true},
		"no identity, where a role is needed":           {Identity{}, Need{Roles: Admin}, false},
		"no identity, where no one may":                 {Identity{}, Need{}, false},
		"an admin, where no one may":                    {Identity{Roles: Admin}, Need{}, false},
		"an admin, where admins may":                    {Identity{Roles: Admin}, Need{Roles: Admin}, true},
		"an admin casts no ballot":                      {Identity{Roles: Admin}, Need{Roles: Gateway | Voter, Poll: "lunch", Voter: "ann"}, false},
		"a gateway casts for any voter":                 {Identity{Roles: Gateway}, Need{Roles: Gateway | Voter, Poll: "lunch", Voter: "ann"}, true},
		"one of two roles will do":                      {Identity{Roles: Admin | Gateway}, Need{Roles: Gateway}, true},
		"a voter, for herself":                          {ann, Need{Roles: Gateway | Voter, Poll: "lunch", Voter: "ann"}, true},
		"a voter, for another voter":                    {ann, Need{Roles: Gateway | Voter, Poll: "lunch", Voter: "bo"}, false},
		"a voter, in another poll":                      {ann, Need{Roles: Gateway | Voter, Poll: "supper", Voter: "ann"}, false},
		"a voter of any poll":                           {anywhere, Need{Roles: Gateway | Voter, Poll: "supper", Voter: "ann"}, true},
		"a voter reads her poll":                        {ann, Need{Roles: Reader | Voter, Poll: "lunch"}, true},
		"a voter reads another poll":                    {ann, Need{Roles: Reader | Voter, Poll: "supper"}, false},
		"a voter, where no poll is named, and it binds": {ann, Need{Roles: Reader | Voter}, false},
		"a voter, where voters may not":                 {ann, Need{Roles: Admin, Poll: "lunch"}, false},
		"a voter without a name":                        {Identity{Roles: Voter}, Need{Roles: Voter, Poll: "lunch"}, false},
		"a gateway that calls itself a voter too":       {Identity{Roles: Gateway | Voter}, Need{Roles: Voter, Poll: "lunch", Voter: "ann"}, false},
	} {
		if got := Decide(c.who, c.need); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRolesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"admin", "gateway", "reader", "auditor", "metrics", "admin,gateway,reader,metrics,auditor"} {
		roles, err := ParseRoles(s)
		if err != nil || roles.String() != s {
			t.Errorf("%s: %v, %v", s, roles, err)
		}
	}
	for _, s := range []string{"", "voter", "anybody", "root", "admin,", "admin, gateway", "ADMIN"} {
		if _, err := ParseRoles(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func TestATokenIsTakenWhileItsLineIsInTheFile(t *testing.T) {
	t.Parallel()
	token, line, err := NewToken(Gateway|Reader, "gw1")
	must(t, err)
	other, otherLine, err := NewToken(Admin, "ops")
	must(t, err)
	if strings.Contains(line, token) || strings.Contains(line, token[len(tokenPrefix):]) {
		t.Fatal("the line holds the token")
	}
	path := file(t, "# tokens\n\n"+line+"\n"+otherLine+"\n")
	tokens, err := OpenTokens(quiet, path)
	must(t, err)
	a := &Authenticator{Tokens: tokens}
	who, err := a.Authenticate(context.Background(), bearer(token))
	if err != nil || who.Name != "gw1" || who.Roles != Gateway|Reader {
		t.Fatalf("%+v %v", who, err)
	}
	for name, c := range map[string]struct {
		p    Presented
		says error
	}{
		"another scheme":           {Presented{Authorization: []string{"Basic " + token}}, errScheme},
		"no token":                 {Presented{Authorization: []string{"Bearer "}}, errScheme},
		"two headers":              {Presented{Authorization: []string{"Bearer " + token, "Bearer " + token}}, errScheme},
		"a token with a tail":      {bearer(token + "x"), errUnknownToken},
		"a part of a token":        {bearer(token[:len(token)-1]), errUnknownToken},
		"the hash itself":          {bearer(strings.Fields(line)[2]), errUnknownToken},
		"a kind that is not taken": {bearer("a.b.c"), errUnknownToken},
		"a credential, unasked":    {bearer(credentialPrefix + "x"), errUnknownToken},
		"a scheme in small print":  {Presented{Authorization: []string{"bearer " + token}}, nil},
	} {
		if _, err := a.Authenticate(context.Background(), c.p); !errors.Is(err, c.says) || (err != nil) != errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if who, err := a.Authenticate(context.Background(), Presented{}); err != nil || who != (Identity{}) {
		t.Errorf("nothing presented: %+v, %v", who, err)
	}
	// Withdrawn, without a restart.
	must(t, os.WriteFile(path, []byte(otherLine+"\n"), 0o600))
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := a.Authenticate(context.Background(), bearer(token)); err != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a token that was withdrawn is taken")
		}
	}
	if _, err := a.Authenticate(context.Background(), bearer(other)); err != nil {
		t.Error(err)
	}
}

func TestATokenFileThatIsWrongIsRefusedByLineAndNotRepeated(t *testing.T) {
	t.Parallel()
	token, line, err := NewToken(Admin, "ops")
	must(t, err)
	hash := strings.Fields(line)[2]
	for name, c := range map[string]struct{ content, says string }{
		"a token instead of its hash": {"admin ops " + token, "line 1: the third field is no SHA-256"},
		"two fields":                  {"admin ops", "line 1: it has 2 fields"},
		"no such role":                {line + "\nroot x " + hash, "line 2: \"root\" is no role"},
		"voters have no tokens":       {"voter x " + hash, "is no role"},
		"a name twice":                {line + "\n" + line, "line 2: the name stands twice"},
		"a name that is none":         {"admin a/b " + hash, "the name of the token"},
	} {
		_, err := OpenTokens(quiet, file(t, c.content))
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), hash) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, _, err := NewToken(Admin, "a b"); err == nil {
		t.Error("a token got a name that its file could not hold")
	}
}

// issuer signs credentials, and checks them against a file of its public key.
func issuer(t testing.TB) (*CredentialKey, *Credentials) {
	t.Helper()
	private, public, err := NewCredentialKey()
	must(t, err)
	key, err := ParseCredentialKey(private)
	must(t, err)
	checked, err := OpenCredentials(quiet, file(t, string(public)))
	must(t, err)
	return key, checked
}

func TestVotingCredentials(t *testing.T) {
	t.Parallel()
	key, credentials := issuer(t)
	strange, _ := issuer(t)
	a := &Authenticator{Credentials: credentials, Now: func() time.Time { return noon }}
	issue := func(k *CredentialKey, poll, voter string, from, until time.Duration) string {
		c, err := k.Issue(poll, voter, noon.Add(from), noon.Add(until))
		must(t, err)
		return c
	}
	good := issue(key, "lunch", "ann", -time.Hour, time.Hour)
	flip := func(at int) string {
		b := []byte(good)
		if b[at] == 'A' {
			b[at] = 'B'
		} else {
			b[at] = 'A'
		}
		return string(b)
	}
	for name, c := range map[string]struct {
		credential string
		says       error
	}{
		"a good one":                       {good, nil},
		"a long voter":                     {issue(key, strings.Repeat("p", 64), strings.Repeat("v", 256), -time.Hour, time.Hour), nil},
		"of another key":                   {issue(strange, "lunch", "ann", -time.Hour, time.Hour), errUnknownSigner},
		"expired":                          {issue(key, "lunch", "ann", -time.Hour, -time.Minute), errExpired},
		"expired, within the leeway":       {issue(key, "lunch", "ann", -time.Hour, -leeway/2), nil},
		"from the future":                  {issue(key, "lunch", "ann", time.Minute, time.Hour), errTooEarly},
		"from the future, within leeway":   {issue(key, "lunch", "ann", leeway/2, time.Hour), nil},
		"another voter, written over":      {flip(len(good) - 90), errUnknownSigner},
		"another signature, written over":  {flip(len(good) - 10), errUnknownSigner},
		"another key id, written over":     {flip(6), errUnknownSigner},
		"cut short":                        {good[:len(good)-2], errUnknownSigner},
		"nothing in it":                    {credentialPrefix, errUnreadable},
		"not base64":                       {credentialPrefix + "!!!", errUnreadable},
		"very long":                        {credentialPrefix + strings.Repeat("A", 10_000), errUnreadable},
		"the same, written differently":    {good + "=", errUnreadable},
		"a credential before the prefix":   {"x" + good, errUnknownToken},
		"a prefix of a credential's head":  {good[:30], errUnreadable},
		"an empty signature":               {good[:len(good)-86], errUnreadable},
		"a signature over an empty header": {credentialPrefix + strings.Repeat("A", 120), errUnknownSigner},
	} {
		who, err := a.Authenticate(context.Background(), bearer(c.credential))
		if !errors.Is(err, c.says) || (c.says == nil) != (err == nil) {
			t.Errorf("%s: got %v, want %v", name, err, c.says)
		}
		if err == nil && (who.Roles != Voter || who.Voter == "" || who.Poll == "" || strings.Contains(who.Name, who.Voter)) {
			t.Errorf("%s: got %+v", name, who)
		}
	}
	who, err := a.Authenticate(context.Background(), bearer(good))
	if err != nil || who.Poll != "lunch" || who.Voter != "ann" {
		t.Errorf("got %+v, %v", who, err)
	}
}

func TestCredentialKeysAreRefusedWhereTheyDoNotBelong(t *testing.T) {
	t.Parallel()
	private, public, err := NewCredentialKey()
	must(t, err)
	for name, content := range map[string]string{
		"the private key on a node": string(private), "both": string(public) + string(private), "garbage": "x",
	} {
		if _, err := OpenCredentials(quiet, file(t, content)); err == nil || strings.Contains(err.Error(), "MC4") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, content := range map[string]string{"the public key": string(public), "nothing": ""} {
		if _, err := ParseCredentialKey([]byte(content)); err == nil {
			t.Errorf("%s was taken for a private key", name)
		}
	}
	key, err := ParseCredentialKey(private)
	must(t, err)
	for name, f := range map[string]func() (string, error){
		"no poll":              func() (string, error) { return key.Issue("", "v", noon, noon.Add(1)) },
		"no voter":             func() (string, error) { return key.Issue("p", "", noon, noon.Add(1)) },
		"a voter in two lines": func() (string, error) { return key.Issue("p", "a\nb", noon, noon.Add(1)) },
		"a voter of no text":   func() (string, error) { return key.Issue("p", "a\xff", noon, noon.Add(1)) },
		"a voter called ..":    func() (string, error) { return key.Issue("p", "..", noon, noon.Add(1)) },
		"a voter too long":     func() (string, error) { return key.Issue("p", strings.Repeat("v", 257), noon, noon.Add(1)) },
		"an end at the begin":  func() (string, error) { return key.Issue("p", "v", noon, noon) },
		"a poll that is large": func() (string, error) { return key.Issue(strings.Repeat("p", 65), "v", noon, noon.Add(1)) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: a credential was issued", name)
		}
	}
}

// clients knows the names in certificates, and when they end.
type clients map[string][2]string

func (c clients) Client(x *x509.Certificate) (roles, name string, err error) {
	n, ok := c[x.Subject.CommonName]
	if !ok {
		return "", "", errors.New("none")
	}
	return n[0], n[1], nil
}

func (clients) Check(_ []*x509.Certificate, now time.Time) (until time.Time, err error) {
	if now.After(noon) {
		return until, errors.New("ended")
	}
	return noon, nil
}

func (clients) Changes() uint64 { return 0 }

func TestClientCertificatesHaveRoles(t *testing.T) {
	t.Parallel()
	now := noon
	a := &Authenticator{Clients: clients{"ops": {"admin", "ops"}, "voter": {"voter", "x"}}, Now: func() time.Time { return now }}
	present := func(name string) Presented {
		c := &x509.Certificate{}
		c.Subject.CommonName = name
		return Presented{Certificates: []*x509.Certificate{c}}
	}
	who, err := a.Authenticate(context.Background(), present("ops"))
	if err != nil || who.Roles != Admin || who.Name != "certificate:ops" || !who.Until.Equal(noon) {
		t.Errorf("got %+v, %v", who, err)
	}
	for _, name := range []string{"voter", "member"} {
		if _, err := a.Authenticate(context.Background(), present(name)); !errors.Is(err, errCertificate) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	now = noon.Add(time.Second)
	if _, err := a.Authenticate(context.Background(), present("ops")); !errors.Is(err, errEnded) {
		t.Errorf("after its end: got %v", err)
	}
}

func TestAnEmptiedFileOfKeysLetsNoOneIn(t *testing.T) {
	t.Parallel()
	for _, empty := range []string{"", " \n\n"} {
		private, public, err := NewCredentialKey()
		must(t, err)
		key, err := ParseCredentialKey(private)
		must(t, err)
		credential, err := key.Issue("p", "ann", time.Now().Add(-time.Minute), time.Now().Add(time.Hour))
		must(t, err)
		s := newSigner(t)
		now := time.Now()
		signed := token(t, jwt.SigningMethodEdDSA, s.ed, "ed", nil, change{"exp": now.Add(time.Hour).Unix(), "iat": now.Unix()})
		bearerToken, line, err := NewToken(Reader, "reader")
		must(t, err)
		paths := [3]string{file(t, string(public)), file(t, s.jwks()), file(t, line)}
		w := livefile.NewWatch(quiet.Log())
		a := &Authenticator{}
		a.Credentials, err = OpenCredentials(w, paths[0])
		must(t, err)
		a.JWTs, err = OpenJWTs(w, paths[1], "votes", "")
		must(t, err)
		a.Tokens, err = OpenTokens(w, paths[2])
		must(t, err)
		before := a.Changes()
		for i, shown := range []string{credential, signed, bearerToken} {
			if _, err := a.Authenticate(t.Context(), bearer(shown)); err != nil {
				t.Fatalf("credential %d is not taken: %v", i, err)
			}
			must(t, os.WriteFile(paths[i], []byte(empty), 0o600))
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				if _, err = a.Authenticate(t.Context(), bearer(shown)); err != nil {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("credential %d is taken still, and its file is empty", i)
				}
			}
		}
		if a.Changes() != before+3 {
			t.Errorf("%d changes are counted", a.Changes()-before)
		}
		for _, f := range w.Files() {
			if !f.Stale.IsZero() {
				t.Errorf("%s counts as one that cannot be read", f.Path)
			}
		}
	}
}
