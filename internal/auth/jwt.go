package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// maxJWTBytes bounds a token before it is parsed.
const maxJWTBytes = 8 << 10

// algorithms are all that are accepted. Symmetric ones and "none" are missing, and a
// key is used only with the one algorithm of its own kind, so a token cannot choose how
// it is checked.
var algorithms = []string{"EdDSA", "RS256", "ES256"}

// keyring finds the keys that sign JWTs.
type keyring interface {
	// key returns the public key with an id; ok is false if there is none.
	key(ctx context.Context, id string) (k signingKey, ok bool, err error)
	// changes counts how often the keys have changed.
	changes() uint64
}

// signingKey is a public key and the algorithm that it is for.
type signingKey struct {
	algorithm string
	public    any // ed25519.PublicKey, *rsa.PublicKey or *ecdsa.PublicKey
}

// JWTs checks the tokens that another service gives to voters. The claim "sub" is the
// voter, in any encoding of the id. A claim "voted_poll", if present, binds the token
// to a poll.
type JWTs struct {
	keys     keyring
	audience string
	issuer   string // empty: not checked
}

// ErrKeys marks a fault on this side, not the sender's: the keys could not be fetched.
var ErrKeys = errors.New("the keys of this token's issuer cannot be fetched now; try again")

func (j *JWTs) check(ctx context.Context, token string, now time.Time) (Identity, error) {
	if len(token) > maxJWTBytes {
		return Identity{}, errUnreadable
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(algorithms), jwt.WithStrictDecoding(), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithAudience(j.audience), jwt.WithLeeway(leeway), jwt.WithTimeFunc(func() time.Time { return now }),
	}
	if j.issuer != "" {
		options = append(options, jwt.WithIssuer(j.issuer))
	}
	var c claims
	_, err := jwt.NewParser(options...).ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) { return j.keyFor(ctx, t) })
	if err != nil {
		return Identity{}, sentenceOf(err)
	}
	who, err := voterOf(c.poll(), c.Subject)
	who.Until = c.Expires.date().Add(leeway) // exp is required
	return who, err
}

var (
	errAudience   = errors.New("the token was made for another service: its claim aud does not name this one")
	errIssuer     = errors.New("the token was made by another issuer than the one that this service trusts")
	errIncomplete = errors.New("the token lacks a claim that is needed: sub, aud and exp")
)

func (j *JWTs) keyFor(ctx context.Context, t *jwt.Token) (any, error) {
	// RFC 7515, section 4.1.11: a critical parameter that is not understood must be
	// refused.
	if _, critical := t.Header["crit"]; critical || !strictHeader(t.Raw) {
		return nil, errUnreadable
	}
	id, _ := t.Header["kid"].(string)
	k, ok, err := j.keys.key(ctx, id)
	switch {
	case err != nil:
		return nil, ErrKeys
	case !ok || k.algorithm != t.Method.Alg():
		return nil, errUnknownSigner
	}
	return k.public, nil
}

// strictHeader reports whether every name in the header of a token is unique: if one
// appeared twice, two readers might choose differently.
func strictHeader(token string) bool {
	text, _, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && jsontext.Value(b).IsValid()
}

// sentenceOf says what is wrong with a token. Claims are judged only after the
// signature, so only the token's holder learns their faults.
func sentenceOf(err error) error {
	switch {
	case errors.Is(err, ErrKeys):
		return ErrKeys
	case errors.Is(err, errUnknownSigner), errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return errUnknownSigner
	case errors.Is(err, errClaims):
		return errClaims
	case errors.Is(err, jwt.ErrTokenExpired):
		return errExpired
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return errTooEarly
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return errIncomplete
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return errAudience
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return errIssuer
	}
	return errUnreadable
}

// algorithmOf returns the one algorithm that a public key is used with, "" if the key
// is not used at all.
func algorithmOf(public any) string {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return "EdDSA"
	case *rsa.PublicKey:
		if k.N.BitLen() >= minRSABits && k.N.BitLen() <= maxRSABits {
			return "RS256"
		}
	case *ecdsa.PublicKey:
		if k.Curve.Params().BitSize == 256 {
			return "ES256"
		}
	}
	return ""
}

// The sizes of RSA keys. NIST SP 800-131A requires 2048 bits; beyond 8192 one check
// would take too long to do it for unknown senders.
const (
	minRSABits = 2048
	maxRSABits = 8192
)
