package auth

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Why a credential is not taken, in sentences for who presents it. What is wrong
// with a signed one is told only after its signature was found right.
var (
	errMissing       = errors.New("this request needs a credential: send Authorization: Bearer with a token, or show a client certificate")
	errScheme        = errors.New("the Authorization header must be one, of the form: Bearer TOKEN")
	errUnreadable    = errors.New("the token cannot be read; send it exactly as it was issued")
	errUnknownToken  = errors.New("the token is not known here; check that it is complete and was not withdrawn")
	errUnknownSigner = errors.New("the token was not signed by a key that is known here")
	errExpired       = errors.New("the token has expired; get a new one")
	errTooEarly      = errors.New("the token is not valid yet; wait, or have the clocks compared")
	errCertificate   = errors.New("the client certificate names no client of this service")
)

// Presented is what a request brings along to say who sends it.
type Presented struct {
	Authorization []string          // the values of the header field
	Certificate   *x509.Certificate // that TLS has checked; nil: none
}

// Authenticator proves who sends a request. Each kind of credential is taken where
// its field is set.
type Authenticator struct {
	Tokens      *Tokens
	Credentials *Credentials
	JWTs        *JWTs
	// Client reads the roles and the name in a client's certificate.
	Client func(*x509.Certificate) (roles, name string, err error)
	Now    func() time.Time // nil: time.Now
}

// Authenticate returns who sends a request; ctx bounds the fetching of keys. What
// stands in the header comes before the certificate. The error is ErrKeys, or wraps
// ErrUnauthenticated and is a sentence for the sender. Nothing presented is no
// error but the zero Identity: some routes are open to anybody.
func (a *Authenticator) Authenticate(ctx context.Context, p Presented) (Identity, error) {
	who, err := a.identify(ctx, p)
	if errors.Is(err, ErrKeys) {
		return Identity{}, err
	}
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrUnauthenticated, err)
	}
	return who, nil
}

// ErrMissing refuses a request that presents nothing, where something is needed.
var ErrMissing = fmt.Errorf("%w: %w", ErrUnauthenticated, errMissing)

// Sentence returns what the sender of a refused request is told.
func Sentence(err error) string {
	said := strings.TrimPrefix(err.Error(), ErrUnauthenticated.Error()+": ")
	return strings.ToUpper(said[:1]) + said[1:] + "."
}

func (a *Authenticator) identify(ctx context.Context, p Presented) (Identity, error) {
	switch {
	case len(p.Authorization) > 1:
		return Identity{}, errScheme
	case len(p.Authorization) == 1:
		scheme, token, _ := strings.Cut(p.Authorization[0], " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			return Identity{}, errScheme
		}
		return a.bearer(ctx, strings.TrimLeft(token, " "))
	case p.Certificate != nil && a.Client != nil:
		return a.certificate(p.Certificate)
	}
	return Identity{}, nil
}

func (a *Authenticator) bearer(ctx context.Context, token string) (Identity, error) {
	now := time.Now
	if a.Now != nil {
		now = a.Now
	}
	switch {
	case strings.HasPrefix(token, credentialPrefix) && a.Credentials != nil:
		return a.Credentials.check(token, now())
	case strings.HasPrefix(token, tokenPrefix) && a.Tokens != nil:
		if who, ok := a.Tokens.find(token); ok {
			return who, nil
		}
	case strings.Count(token, ".") == 2 && a.JWTs != nil:
		return a.JWTs.check(ctx, token, now())
	}
	return Identity{}, errUnknownToken
}

func (a *Authenticator) certificate(c *x509.Certificate) (Identity, error) {
	names, name, err := a.Client(c)
	if err != nil {
		return Identity{}, errCertificate
	}
	roles, err := ParseRoles(names)
	if err != nil {
		return Identity{}, errCertificate
	}
	return Identity{Roles: roles, Name: "certificate:" + name}, nil
}
