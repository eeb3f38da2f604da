package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// FuzzBearer checks that nothing but what was issued opens anything, and that nothing
// makes the checks panic.
func FuzzBearer(f *testing.F) {
	key, credentials := issuer(f)
	good, err := key.Issue("lunch", "ann", noon.Add(-time.Hour), noon.Add(time.Hour))
	must(f, err)
	token, line, err := NewToken(Admin, "ops")
	must(f, err)
	tokens, err := OpenTokens(quiet, file(f, line+"\n"))
	must(f, err)
	s := newSigner(f)
	jwts, err := OpenJWTs(quiet, file(f, s.jwks()), "votes", "")
	must(f, err)
	a := &Authenticator{Tokens: tokens, Credentials: credentials, JWTs: jwts, Now: func() time.Time { return noon }}
	for _, seed := range []string{
		good, token, "vc1.", "voted_", "a.b.c", "..", good[:40], good + "A", strings.ToUpper(good),
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.", "eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJzdWIiOiJhbm4ifQ.AAAA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, presented string) {
		who, err := a.Authenticate(context.Background(), bearer(presented))
		if issued := presented == good || presented == token; (err == nil) != issued {
			// The base64 decoder skips line breaks; no header can contain them.
			if strings.NewReplacer("\r", "", "\n", "", " ", "").Replace(presented) != good && strings.TrimLeft(presented, " ") != token {
				t.Fatalf("%q: %+v, %v", presented, who, err)
			}
		}
	})
}

// FuzzTokenFile checks that no file of tokens makes reading it panic.
func FuzzTokenFile(f *testing.F) {
	_, line, err := NewToken(Gateway|Reader, "gw1")
	must(f, err)
	f.Add([]byte(line))
	f.Add([]byte("# x\n\nadmin a " + strings.Repeat("0", 64)))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parseTokens(b)
		for _, one := range all {
			if err != nil || one.who.Roles == 0 || one.who.Roles.Has(Voter|Anybody) || one.who.Name == "" {
				t.Fatalf("%+v, %v", one, err)
			}
		}
	})
}

// FuzzKeySet checks that no JWKS makes reading it panic, and that what is accepted can
// check a signature.
func FuzzKeySet(f *testing.F) {
	f.Add([]byte(newSigner(f).jwks()))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"=","kid":"a"},{}]}`))
	f.Add([]byte(" \n"))
	f.Add([]byte(`{"keys":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := parseKeySet(b)
		var said struct{ Keys []json.RawMessage }
		emptied := len(bytes.TrimSpace(b)) == 0 || json.Unmarshal(b, &said) == nil && said.Keys != nil && len(said.Keys) == 0
		if err == nil && len(keys) == 0 && !emptied {
			t.Fatal("a set without usable keys is taken for an emptied one")
		}
		for id, k := range keys {
			if err != nil || algorithmOf(k.public) == "" {
				t.Fatalf("key %q: %+v, %v", id, k, err)
			}
		}
	})
}

// FuzzCredentialKeys checks that no file of keys makes reading it panic.
func FuzzCredentialKeys(f *testing.F) {
	private, public, err := NewCredentialKey()
	must(f, err)
	f.Add(public)
	f.Add(private)
	f.Add(append(public, public...))
	f.Add([]byte(" \n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if keys, err := parseCredentialKeys(b); err == nil && len(keys) == 0 && len(bytes.TrimSpace(b)) > 0 {
			t.Fatal("a file without keys is taken for an emptied one")
		}
		_, _ = ParseCredentialKey(b)
	})
}
