package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// maxJWTBytes bounds a token before it is looked into.
const maxJWTBytes = 8 << 10

// algorithms are all that are taken. Symmetric ones and "none" are not among
// them, and a key is used with the one algorithm of its own kind alone, so a
// token cannot choose how it is checked.
var algorithms = []string{"EdDSA", "RS256", "ES256"}

// keyring finds the keys that sign JWTs.
type keyring interface {
	// key returns the public key with an id; ok is false where there is none.
	key(ctx context.Context, id string) (k signingKey, ok bool, err error)
}

// signingKey is a public key and the algorithm that it is for.
type signingKey struct {
	algorithm string
	public    any // ed25519.PublicKey, *rsa.PublicKey or *ecdsa.PublicKey
}

// JWTs checks the tokens that another service gives to voters. The claim "sub" is
// the voter; a claim "voted_poll", where there is one, binds the token to a poll.
type JWTs struct {
	keys     keyring
	audience string
	issuer   string // empty: not looked at
}

// claims are what is read of a token.
type claims struct {
	jwt.RegisteredClaims
	Poll string `json:"voted_poll"`
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
	if c.Subject == "" || len(c.Subject) > 256 {
		return Identity{}, errNoVoter
	}
	return voterOf(c.Poll, c.Subject), nil
}

var (
	errNoVoter    = errors.New("the token names no voter: its claim sub must be 1 to 256 bytes")
	errAudience   = errors.New("the token was made for another service: its claim aud does not name this one")
	errIssuer     = errors.New("the token was made by another issuer than this service trusts")
	errIncomplete = errors.New("the token lacks a claim that is needed: sub, aud and exp")
)

func (j *JWTs) keyFor(ctx context.Context, t *jwt.Token) (any, error) {
	// RFC 7515, section 4.1.11: what is critical and not understood must be refused.
	if _, critical := t.Header["crit"]; critical {
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

// sentenceOf says what is wrong with a token. Claims are judged after the
// signature only, so their faults are told to nobody but the token's holder.
func sentenceOf(err error) error {
	switch {
	case errors.Is(err, ErrKeys):
		return ErrKeys
	case errors.Is(err, errUnknownSigner), errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return errUnknownSigner
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

// algorithmOf returns the one algorithm that a public key is used with, "" where
// it is not used at all.
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

// The sizes of RSA keys: NIST SP 800-131A asks for 2048 bits, and beyond 8192 one
// check takes too long to be done for strangers.
const (
	minRSABits = 2048
	maxRSABits = 8192
)
