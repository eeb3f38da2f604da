package auth

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"time"
)

// Why a credential is not accepted, in sentences for the sender. What is wrong with a
// signed one is shown only after its signature was found right.
var (
	errMissing       = errors.New("this request needs a credential: send Authorization: Bearer with a token, or show a client certificate")
	errScheme        = errors.New("the Authorization header must be one, of the form: Bearer TOKEN")
	errUnreadable    = errors.New("the token cannot be read; send it exactly as it was issued")
	errUnknownToken  = errors.New("the token is not known here; check that it is complete and was not withdrawn")
	errUnknownSigner = errors.New("the token was not signed by a key that is known here")
	errExpired       = errors.New("the token has expired; get a new one")
	errTooEarly      = errors.New("the token is not valid yet; wait, or check the clocks")
	errCertificate   = errors.New("the client certificate names no client of this service")
	errEnded         = errors.New("the client certificate is not accepted now: it has expired or was withdrawn, or its CA was; get a new one")
)

// Presented is the credentials of a request.
type Presented struct {
	Authorization []string            // the values of the header field
	Certificates  []*x509.Certificate // checked by TLS, the client's first; nil if there are none
}

// Clients checks the certificates of clients.
type Clients interface {
	// Client returns the roles and the name in a certificate.
	Client(c *x509.Certificate) (roles, name string, err error)
	// Check returns until when a chain, the client's certificate first, is accepted. An
	// error says that it is not accepted now: it has expired or was withdrawn, or its
	// CA was.
	Check(chain []*x509.Certificate, now time.Time) (until time.Time, err error)
	// Changes counts the moments at which the answers of Check may have changed.
	Changes() uint64
}

// Authenticator finds out who sends a request. Each kind of credential is accepted if
// its field is set.
type Authenticator struct {
	Tokens      *Tokens
	Credentials *Credentials
	JWTs        *JWTs
	Clients     Clients
	Now         func() time.Time // nil: time.Now
}

// Changes counts the changes of what is accepted here. While it stays the same, a
// credential that was accepted would be accepted again, until its own end. It costs
// almost nothing.
func (a *Authenticator) Changes() (n uint64) {
	if a.Tokens != nil {
		n += a.Tokens.file.Changes()
	}
	if a.Credentials != nil {
		n += a.Credentials.keys.Changes()
	}
	if a.JWTs != nil {
		n += a.JWTs.keys.changes()
	}
	if a.Clients != nil {
		n += a.Clients.Changes()
	}
	return n
}

func (a *Authenticator) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// Authenticate returns who sends a request; ctx bounds the fetching of keys. The header
// is used before the certificate. The error is ErrKeys, or wraps ErrUnauthenticated and
// is a sentence for the sender. A request without any credential is no error: it gets
// the zero Identity, since some routes are open to everyone.
func (a *Authenticator) Authenticate(ctx context.Context, p Presented) (Identity, error) {
	who, err := a.identify(ctx, p)
	if errors.Is(err, ErrKeys) {
		return Identity{}, err
	}
	if err != nil {
		return Identity{}, Unauthenticated(err)
	}
	return who, nil
}

// unauthenticated is why a request does not prove who sends it; its text is the reason.
type unauthenticated struct{ error }

// Unwrap returns the reason.
func (u unauthenticated) Unwrap() error { return u.error }

// Is makes it ErrUnauthenticated.
func (u unauthenticated) Is(target error) bool { return target == ErrUnauthenticated }

// Unauthenticated makes a reason an error that is ErrUnauthenticated and has the
// reason's text.
func Unauthenticated(why error) error { return unauthenticated{why} }

// ErrMissing refuses a request without a credential where one is needed.
var ErrMissing = Unauthenticated(errMissing)

// Sentence returns the sentence for the sender of a refused request.
func Sentence(err error) string {
	said := err.Error()
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
	case len(p.Certificates) > 0 && a.Clients != nil:
		return a.certificate(p.Certificates)
	}
	return Identity{}, nil
}

func (a *Authenticator) bearer(ctx context.Context, token string) (Identity, error) {
	switch {
	case strings.HasPrefix(token, credentialPrefix) && a.Credentials != nil:
		return a.Credentials.check(token, a.now())
	case strings.HasPrefix(token, tokenPrefix) && a.Tokens != nil:
		if who, ok := a.Tokens.find(token); ok {
			return who, nil
		}
	case strings.Count(token, ".") == 2 && a.JWTs != nil:
		return a.JWTs.check(ctx, token, a.now())
	}
	return Identity{}, errUnknownToken
}

func (a *Authenticator) certificate(chain []*x509.Certificate) (Identity, error) {
	names, name, err := a.Clients.Client(chain[0])
	if err != nil {
		return Identity{}, errCertificate
	}
	roles, err := ParseRoles(names)
	if err != nil {
		return Identity{}, errCertificate
	}
	until, err := a.Clients.Check(chain, a.now())
	if err != nil {
		return Identity{}, errEnded
	}
	return Identity{Roles: roles, Name: "certificate:" + name, Until: until}, nil
}
