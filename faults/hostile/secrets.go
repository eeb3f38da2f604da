package hostile

import (
	"crypto/ed25519"
	crand "crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"voted/internal/auth"
)

// audience is what nodes require in aud, a claim of JWTs.
const audience = "hostile-test"

// victim is the voter in whose name others try to vote.
const victim = "victim"

// secrets are what nodes check credentials with, and credentials that they must refuse.
type secrets struct {
	args []string // of `voted serve`
	bad  []string // credentials that nodes must always refuse
	// others are good credentials of another voter or for another poll. Nodes must refuse
	// them for a ballot of the victim.
	others []string
}

// newSecrets writes the nodes' keys into dir, and makes credentials that must be refused.
func newSecrets(dir string) (*secrets, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	private, public, err := auth.NewCredentialKey()
	if err != nil {
		return nil, err
	}
	issuer, err := auth.ParseCredentialKey(private)
	if err != nil {
		return nil, err
	}
	known, knownKey, err := ed25519.GenerateKey(crand.Reader)
	if err != nil {
		return nil, err
	}
	_, foreignKey, err := ed25519.GenerateKey(crand.Reader)
	if err != nil {
		return nil, err
	}
	keys, err := json.Marshal(map[string]any{"keys": []map[string]string{{
		"kty": "OKP", "crv": "Ed25519", "kid": "one", "use": "sig", "x": base64.RawURLEncoding.EncodeToString(known),
	}}})
	if err != nil {
		return nil, err
	}
	s := &secrets{args: []string{
		"--credential-keys", filepath.Join(dir, "credentials.pub"), "--jwt-keys", filepath.Join(dir, "keys.json"), "--jwt-audience", audience,
	}}
	for name, text := range map[string][]byte{"credentials.pub": public, "keys.json": keys} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	if err := s.credentials(issuer); err != nil {
		return nil, err
	}
	return s, s.tokens(knownKey, foreignKey)
}

// credentials adds voting credentials of other polls, voters, times and issuers.
func (s *secrets) credentials(issuer *auth.CredentialKey) error {
	other, _, err := auth.NewCredentialKey()
	if err != nil {
		return err
	}
	foreign, err := auth.ParseCredentialKey(other)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, who := range [][2]string{{target, "somebody-else"}, {"another-poll", victim}} {
		text, err := issuer.Issue(who[0], who[1], now.Add(-time.Hour), now.Add(time.Hour))
		if err != nil {
			return fmt.Errorf("a credential cannot be issued: %w", err)
		}
		s.others = append(s.others, text)
	}
	for _, c := range []struct {
		key         *auth.CredentialKey
		poll, voter string
		from, until time.Time
	}{
		{issuer, target, victim, now.Add(-2 * time.Hour), now.Add(-time.Hour)},
		{issuer, target, victim, now.Add(2 * time.Hour), now.Add(3 * time.Hour)},
		{foreign, target, victim, now.Add(-time.Hour), now.Add(time.Hour)},
	} {
		text, err := c.key.Issue(c.poll, c.voter, c.from, c.until)
		if err != nil {
			return fmt.Errorf("a credential cannot be issued: %w", err)
		}
		s.bad = append(s.bad, text)
	}
	return nil
}

// tokens adds bearer tokens and JWTs: of a stranger, expired, not valid yet, for another
// audience or voter, without a signature, with an algorithm that is not the key's.
func (s *secrets) tokens(known, foreign ed25519.PrivateKey) error {
	stranger, _, err := auth.NewToken(auth.Admin|auth.Gateway, "stranger")
	if err != nil {
		return err
	}
	s.bad = append(s.bad, stranger, "", "voted_", "vc1.", "..", "a.b.c")
	now := time.Now()
	for _, c := range []struct {
		method jwt.SigningMethod
		key    any
		claims jwt.MapClaims
	}{
		{jwt.SigningMethodEdDSA, foreign, jwt.MapClaims{"sub": victim, "aud": audience, "exp": now.Add(time.Hour).Unix()}},
		{jwt.SigningMethodEdDSA, known, jwt.MapClaims{"sub": victim, "aud": audience, "exp": now.Add(-time.Hour).Unix()}},
		{jwt.SigningMethodEdDSA, known, jwt.MapClaims{"sub": victim, "aud": audience, "exp": now.Add(3 * time.Hour).Unix(), "nbf": now.Add(2 * time.Hour).Unix()}},
		{jwt.SigningMethodEdDSA, known, jwt.MapClaims{"sub": victim, "aud": "another", "exp": now.Add(time.Hour).Unix()}},
		{jwt.SigningMethodEdDSA, known, jwt.MapClaims{"sub": "somebody-else", "aud": audience, "exp": now.Add(time.Hour).Unix()}},
		{jwt.SigningMethodEdDSA, known, jwt.MapClaims{"sub": victim, "aud": audience}},
		// Claims with similar names: some issuers let their users add such claims.
		{jwt.SigningMethodEdDSA, known, jwt.MapClaims{"sub": "somebody-else", "SUB": victim, "aud": audience, "exp": now.Add(time.Hour).Unix()}},
		{jwt.SigningMethodEdDSA, known, jwt.MapClaims{"sub": "somebody-else", "\u017fub": victim, "aud": audience, "exp": now.Add(time.Hour).Unix()}},
		{jwt.SigningMethodEdDSA, known, jwt.MapClaims{"sub": victim, "aud": "another", "Aud": audience, "exp": now.Add(time.Hour).Unix()}},
		{jwt.SigningMethodEdDSA, known, jwt.MapClaims{"sub": victim, "aud": audience, "exp": now.Add(-time.Hour).Unix(), "EXP": now.Add(time.Hour).Unix()}},
		{jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"sub": victim, "aud": audience, "exp": now.Add(time.Hour).Unix()}},
		{jwt.SigningMethodHS256, []byte(known.Public().(ed25519.PublicKey)), jwt.MapClaims{"sub": victim, "aud": audience, "exp": now.Add(time.Hour).Unix()}},
	} {
		t := jwt.NewWithClaims(c.method, c.claims)
		t.Header["kid"] = "one"
		text, err := t.SignedString(c.key)
		if err != nil {
			return fmt.Errorf("a forged token cannot be made: %w", err)
		}
		if c.claims["sub"] != victim {
			s.others = append(s.others, text)
			continue
		}
		s.bad = append(s.bad, text)
	}
	return nil
}

// forged returns a credential that nodes must refuse: a bad one, or a mutation of one. For a
// ballot of the victim it may also be a good one of others.
func (s *secrets) forged(r *rand.Rand, ballot bool) string {
	text := s.bad[r.IntN(len(s.bad))]
	if ballot && r.IntN(3) == 0 {
		return s.others[r.IntN(len(s.others))]
	}
	if r.IntN(3) > 0 {
		return text
	}
	return printable(mutate(r, []byte(text)))
}
