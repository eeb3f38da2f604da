package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signer is an issuer of JWTs with a key of each kind.
type signer struct {
	ed  ed25519.PrivateKey
	ec  *ecdsa.PrivateKey
	rsa *rsa.PrivateKey
}

func newSigner(t testing.TB) *signer {
	t.Helper()
	s := &signer{}
	var err error
	_, s.ed, err = ed25519.GenerateKey(rand.Reader)
	must(t, err)
	s.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	s.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return s
}

func (s *signer) jwks() string {
	point, _ := s.ec.PublicKey.Bytes()
	doc := map[string]any{"keys": []map[string]string{
		{"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(s.ed.Public().(ed25519.PublicKey)), "use": "sig", "alg": "EdDSA"},
		{"kty": "EC", "crv": "P-256", "kid": "ec", "x": b64(point[1:33]), "y": b64(point[33:])},
		{"kty": "RSA", "kid": "rsa", "n": b64(s.rsa.N.Bytes()), "e": b64(big.NewInt(int64(s.rsa.E)).Bytes())},
		{"kty": "RSA", "kid": "enc", "n": b64(s.rsa.N.Bytes()), "e": "AQAB", "use": "enc"},
		{"kty": "oct", "kid": "shared", "k": b64([]byte("a secret that many know"))},
		{"kty": "EC", "crv": "P-384", "kid": "384", "x": "AA", "y": "AA"},
	}}
	b, _ := json.Marshal(doc)
	return string(b)
}

type change = map[string]any

// token signs valid claims with some changes; nil removes a claim.
func token(t testing.TB, method jwt.SigningMethod, key any, kid string, header, changed change) string {
	t.Helper()
	c := jwt.MapClaims{
		"sub": "ann", "aud": "votes", "iss": "https://id.example", "iat": noon.Add(-time.Minute).Unix(), "exp": noon.Add(time.Hour).Unix(),
	}
	for name, v := range changed {
		if c[name] = v; v == nil {
			delete(c, name)
		}
	}
	tok := jwt.NewWithClaims(method, c)
	tok.Header["kid"] = kid
	for name, v := range header {
		tok.Header[name] = v
	}
	s, err := tok.SignedString(key)
	must(t, err)
	return s
}

func TestJWTs(t *testing.T) {
	t.Parallel()
	s, strange := newSigner(t), newSigner(t)
	jwts, err := OpenJWTs(quiet, file(t, s.jwks()), "votes", "https://id.example")
	must(t, err)
	a := &Authenticator{JWTs: jwts, Now: func() time.Time { return noon }}
	ed := func(changed change) string { return token(t, jwt.SigningMethodEdDSA, s.ed, "ed", nil, changed) }
	publicPEM := func(key crypto.PublicKey) []byte {
		der, err := x509.MarshalPKIXPublicKey(key)
		must(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	good := ed(nil)
	for name, c := range map[string]struct {
		token string
		says  error
	}{
		"EdDSA":                              {good, nil},
		"ES256":                              {token(t, jwt.SigningMethodES256, s.ec, "ec", nil, nil), nil},
		"RS256":                              {token(t, jwt.SigningMethodRS256, s.rsa, "rsa", nil, nil), nil},
		"one of several audiences":           {ed(change{"aud": []string{"mail", "votes"}}), nil},
		"no signature at all":                {token(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "ed", nil, nil), errUnknownSigner},
		"the public key as a shared secret":  {token(t, jwt.SigningMethodHS256, publicPEM(s.rsa.Public()), "rsa", nil, nil), errUnknownSigner},
		"the same with the raw Ed25519 key":  {token(t, jwt.SigningMethodHS256, []byte(s.ed.Public().(ed25519.PublicKey)), "ed", nil, nil), errUnknownSigner},
		"a shared secret of the set":         {token(t, jwt.SigningMethodHS256, []byte("a secret that many know"), "shared", nil, nil), errUnknownSigner},
		"RS256 under the id of another kind": {token(t, jwt.SigningMethodRS256, s.rsa, "ed", nil, nil), errUnknownSigner},
		"RS512 with an RS256 key":            {token(t, jwt.SigningMethodRS512, s.rsa, "rsa", nil, nil), errUnknownSigner},
		"PS256 with an RS256 key":            {token(t, jwt.SigningMethodPS256, s.rsa, "rsa", nil, nil), errUnknownSigner},
		"a key for encryption":               {token(t, jwt.SigningMethodRS256, s.rsa, "enc", nil, nil), errUnknownSigner},
		"another issuer's key":               {token(t, jwt.SigningMethodEdDSA, strange.ed, "ed", nil, nil), errUnknownSigner},
		"an unknown key id":                  {token(t, jwt.SigningMethodEdDSA, s.ed, "none", nil, nil), errUnknownSigner},
		"no key id among several keys":       {token(t, jwt.SigningMethodEdDSA, s.ed, "", nil, nil), errUnknownSigner},
		"a key brought along in the header":  {token(t, jwt.SigningMethodEdDSA, strange.ed, "own", change{"jwk": map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64(strange.ed.Public().(ed25519.PublicKey))}}, nil), errUnknownSigner},
		"something critical in the header":   {token(t, jwt.SigningMethodEdDSA, s.ed, "ed", change{"crit": []string{"b64"}, "b64": false}, nil), errUnknownSigner},
		"another audience":                   {ed(change{"aud": "mail"}), errAudience},
		"no audience":                        {ed(change{"aud": nil}), errIncomplete},
		"another issuer":                     {ed(change{"iss": "https://evil.example"}), errIssuer},
		"no issuer":                          {ed(change{"iss": nil}), errIncomplete},
		"expired":                            {ed(change{"exp": noon.Add(-time.Minute).Unix()}), errExpired},
		"expired, within the leeway":         {ed(change{"exp": noon.Add(-leeway / 2).Unix()}), nil},
		"without an end":                     {ed(change{"exp": nil}), errIncomplete},
		"not yet valid":                      {ed(change{"nbf": noon.Add(time.Minute).Unix()}), errTooEarly},
		"issued in the future":               {ed(change{"iat": noon.Add(time.Minute).Unix()}), errTooEarly},
		"no voter":                           {ed(change{"sub": nil}), errNoVoter},
		"a voter that is too long":           {ed(change{"sub": strings.Repeat("v", 257)}), errNoVoter},
		"a number as the end, in quotes":     {ed(change{"exp": "soon"}), errClaims},
		"too long":                           {ed(change{"x": strings.Repeat("x", maxJWTBytes)}), errUnreadable},
		"another voter, written over":        {strings.Replace(good, ".", ".A", 1), errUnreadable},
		"three parts of nothing":             {"..", errUnreadable},
	} {
		who, err := a.Authenticate(context.Background(), bearer(c.token))
		if !errors.Is(err, c.says) || (c.says == nil) != (err == nil) {
			t.Errorf("%s: got %v, want %v", name, err, c.says)
		}
		if err == nil && (who.Voter != "ann" || who.Roles != Voter || who.Poll != "") {
			t.Errorf("%s: got %+v", name, who)
		}
	}
	who, err := a.Authenticate(context.Background(), bearer(ed(change{"voted_poll": "lunch"})))
	if err != nil || who.Poll != "lunch" {
		t.Errorf("bound to a poll: %+v, %v", who, err)
	}
}

func TestClaimsAreReadByTheirExactNamesAndOnce(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	jwts, err := OpenJWTs(quiet, file(t, s.jwks()), "votes", "")
	must(t, err)
	a := &Authenticator{JWTs: jwts, Now: func() time.Time { return noon }}
	future, past := fmt.Sprint(noon.Add(time.Hour).Unix()), fmt.Sprint(noon.Add(-time.Hour).Unix())
	const header = `{"alg":"EdDSA","kid":"ed"}`
	// Signed by hand, since no library writes such headers; an issuer's users might.
	signed := func(header, claims string) string {
		text := b64([]byte(header)) + "." + b64([]byte(claims))
		return text + "." + b64(ed25519.Sign(s.ed, []byte(text)))
	}
	right := `"sub":"jw","aud":"votes","exp":` + future
	for name, c := range map[string]struct {
		claims string
		says   error
	}{
		"as it should be":                         {right, nil},
		"claims that are not for this service":    {right + `,"roles":{"a":[1,2]},"SUBJECT":"ann","email":"jw@example.org"`, nil},
		"a voter in other letters, afterwards":    {right + `,"SUB":"ann"`, nil},
		"a voter in other letters, before":        {`"Sub":"ann",` + right, nil},
		"a voter in letters that fold":            {right + `,"ſub":"ann"`, nil},
		"a poll in other letters":                 {right + `,"Voted_Poll":"lunch"`, nil},
		"a fraction of a second":                  {`"sub":"jw","aud":"votes","exp":` + future + `.5`, nil},
		"a voter in other letters alone":          {`"SUB":"ann","aud":"votes","exp":` + future, errNoVoter},
		"an audience in other letters":            {`"sub":"jw","aud":"other","Aud":"votes","exp":` + future, errAudience},
		"an end in other letters":                 {`"sub":"jw","aud":"votes","exp":` + past + `,"EXP":` + future, errExpired},
		"no end but one in other letters":         {`"sub":"jw","aud":"votes","Exp":` + future, errIncomplete},
		"a voter twice":                           {right + `,"sub":"ann"`, errClaims},
		"a voter twice, once in escapes":          {right + `,"s\u0075b":"ann"`, errClaims},
		"an end twice":                            {right + `,"exp":` + future, errClaims},
		"an audience twice":                       {`"aud":"other",` + right, errClaims},
		"somebody else's claim twice":             {right + `,"x":1,"x":2`, errClaims},
		"an end in quotes":                        {`"sub":"jw","aud":"votes","exp":"` + future + `"`, errClaims},
		"an end that no clock reaches":            {`"sub":"jw","aud":"votes","exp":1e300`, errClaims},
		"an end before there was time":            {`"sub":"jw","aud":"votes","exp":-1`, errClaims},
		"a beginning in quotes":                   {right + `,"nbf":"0"`, errClaims},
		"a voter that is a number":                {`"sub":17,"aud":"votes","exp":` + future, errClaims},
		"an audience that is an object":           {`"sub":"jw","aud":{"votes":true},"exp":` + future, errClaims},
		"a poll that is empty, and would be none": {right + `,"voted_poll":""`, errClaims},
		"a poll that is a list":                   {right + `,"voted_poll":["lunch"]`, errClaims},
		"bytes that are no text":                  {`"sub":"j` + "\xff" + `","aud":"votes","exp":` + future, errClaims},
	} {
		who, err := a.Authenticate(context.Background(), bearer(signed(header, "{"+c.claims+"}")))
		if !errors.Is(err, c.says) || (c.says == nil) != (err == nil) {
			t.Errorf("%s: got %v, want %v", name, err, c.says)
		}
		if err == nil && (who.Voter != "jw" || who.Poll != "") {
			t.Errorf("%s: got %+v", name, who)
		}
		// Without a valid signature, the sender does not learn what is wrong with it.
		forged := signed(header, "{"+c.claims+"}")
		if _, err := a.Authenticate(context.Background(), bearer(forged[:len(forged)-8]+"AAAAAAAA")); !errors.Is(err, errUnknownSigner) {
			t.Errorf("%s, forged: got %v", name, err)
		}
	}
	for _, twice := range []string{`{"alg":"EdDSA","kid":"none","kid":"ed"}`, `{"alg":"none","alg":"EdDSA","kid":"ed"}`} {
		if _, err := a.Authenticate(context.Background(), bearer(signed(twice, "{"+right+"}"))); !errors.Is(err, errUnknownSigner) && !errors.Is(err, errUnreadable) {
			t.Errorf("a header with a name twice: %v", err)
		}
	}
}

func TestKeySetsThatAreWrong(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		weak = &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}}
	}
	for name, c := range map[string]struct{ doc, says string }{
		"no JSON":        {"x", "not a JWKS"},
		"no list":        {`{}`, "no key for"},
		"a weak key":     {`{"keys":[{"kty":"RSA","kid":"w","n":"` + b64(weak.N.Bytes()) + `","e":"AQAB"}]}`, "no key for"},
		"not on a curve": {`{"keys":[{"kty":"EC","crv":"P-256","x":"` + b64(make([]byte, 32)) + `","y":"` + b64(make([]byte, 32)) + `"}]}`, "no key for"},
		"an id twice":    {`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + b64(make([]byte, 32)) + `"},{"kty":"OKP","crv":"Ed25519","x":"` + b64(make([]byte, 32)) + `"}]}`, "have the id"},
		"a name twice":   {`{"keys":[],"keys":[]}`, "not a JWKS"},
		"other letters":  {`{"KEYS":[{"kty":"OKP","crv":"Ed25519","x":"` + b64(make([]byte, 32)) + `"}]}`, "no key for"},
		"too many":       {`{"keys":[` + strings.Repeat(`{},`, maxJWKs) + `{}]}`, "more than"},
		"a wrong alg":    {`{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"RS256","x":"` + b64(make([]byte, 32)) + `"}]}`, "no key for"},
	} {
		if _, err := parseKeySet([]byte(c.doc)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestKeysBehindAURLAreCachedAndOutliveTheirIssuersOutage(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	var asked atomic.Int32
	var down atomic.Bool
	var issuer *httptest.Server
	issuer = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch {
		case down.Load():
			w.WriteHeader(http.StatusBadGateway)
		case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
			_, _ = w.Write([]byte(`{"issuer":"` + issuer.URL + `","jwks_uri":"` + issuer.URL + `/keys"}`))
		default:
			_, _ = w.Write([]byte(s.jwks()))
		}
	}))
	defer issuer.Close()
	jwts, err := FetchJWTs(quiet, nil, issuer.URL, true, "votes", "")
	must(t, err)
	var now atomic.Int64
	now.Store(noon.UnixNano())
	clock := func() time.Time { return time.Unix(0, now.Load()) }
	jwts.keys.(*keyURL).now = clock
	check := func(kid string, want error) {
		t.Helper()
		tok := token(t, jwt.SigningMethodEdDSA, s.ed, kid, nil, change{"iss": issuer.URL})
		if _, err := jwts.check(context.Background(), tok, noon); !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
	}
	down.Store(true)
	check("ed", ErrKeys)
	down.Store(false)
	check("ed", ErrKeys) // it is not asked again at once
	now.Add(int64(2 * fetchPause))
	check("ed", nil)
	before := asked.Load()
	for range 100 {
		check("ed", nil)
		check("made-up", errUnknownSigner)
	}
	if got := asked.Load() - before; got != 0 {
		t.Errorf("%d fetches for known and made-up keys", got)
	}
	down.Store(true)
	now.Add(int64(2 * refreshAfter))
	check("ed", nil)
	now.Add(int64(2 * staleLimit))
	check("ed", ErrKeys)
}

func TestIssuersThatAreNotTrusted(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://id.example", "ftp://x", "x", "", "https://u:p@id.example", "http://10.0.0.1/keys", "https://id.example/#x"} {
		if _, err := FetchJWTs(quiet, nil, address, false, "votes", ""); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
	redirects := httptest.NewServer(http.RedirectHandler("https://evil.example/", http.StatusFound))
	defer redirects.Close()
	large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, maxDocumentBytes+1))
	}))
	defer large.Close()
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"https://id.example","jwks_uri":"https://id.example/keys"}`))
	}))
	defer liar.Close()
	for name, c := range map[string]struct {
		address  string
		discover bool
	}{"one that redirects": {redirects.URL, false}, "one that sends too much": {large.URL, false}, "one with another name": {liar.URL, true}} {
		jwts, err := FetchJWTs(quiet, nil, c.address, c.discover, "votes", "")
		must(t, err)
		if _, err := jwts.keys.(*keyURL).load(context.Background()); err == nil {
			t.Errorf("%s was believed", name)
		}
	}
}
