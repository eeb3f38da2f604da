package auth

import (
	"bytes"
	"errors"
	"math"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// claims are the claims of a token that are used. Names must match exactly (RFC 7519,
// section 4), and none may appear twice: an issuer may let others add claims of their
// own, and "SUB" or a second "sub" must not become the voter.
//
// They are decoded at their first use, which is after the signature was checked: only
// the token's holder learns what is wrong with them.
type claims struct {
	raw  []byte
	done bool
	err  error

	Issuer    string       `json:"iss"`
	Subject   string       `json:"sub"`
	Audience  audience     `json:"aud"`
	Expires   *numericDate `json:"exp"`
	NotBefore *numericDate `json:"nbf"`
	IssuedAt  *numericDate `json:"iat"`
	Poll      *string      `json:"voted_poll"`
}

var errClaims = errors.New("the claims of the token cannot be used: each name may appear once, sub, iss and voted_poll are text, " +
	"aud is text or a list of it, and exp, nbf and iat are numbers of seconds")

// UnmarshalJSON only keeps the text; see above.
func (c *claims) UnmarshalJSON(b []byte) error {
	c.raw = bytes.Clone(b)
	return nil
}

func (c *claims) decode() error {
	if c.done {
		return c.err
	}
	c.done = true
	type plain claims // without the method above
	if err := json.Unmarshal(c.raw, (*plain)(c)); err != nil || c.Poll != nil && *c.Poll == "" {
		c.err = errClaims
	}
	return c.err
}

// poll returns the poll that the token is bound to, "" for none.
func (c *claims) poll() string {
	if c.Poll == nil {
		return ""
	}
	return *c.Poll
}

// GetExpirationTime implements jwt.Claims, as the next ones do.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) {
	err := c.decode()
	return c.Expires.date(), err
}

// GetIssuedAt implements jwt.Claims.
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error) {
	err := c.decode()
	return c.IssuedAt.date(), err
}

// GetNotBefore implements jwt.Claims.
func (c *claims) GetNotBefore() (*jwt.NumericDate, error) {
	err := c.decode()
	return c.NotBefore.date(), err
}

// GetIssuer implements jwt.Claims.
func (c *claims) GetIssuer() (string, error) {
	err := c.decode()
	return c.Issuer, err
}

// GetSubject implements jwt.Claims.
func (c *claims) GetSubject() (string, error) {
	err := c.decode()
	return c.Subject, err
}

// GetAudience implements jwt.Claims.
func (c *claims) GetAudience() (jwt.ClaimStrings, error) {
	err := c.decode()
	return jwt.ClaimStrings(c.Audience), err
}

// audience is one name, or a list of them.
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(b []byte) error {
	if jsontext.Value(b).Kind() != '"' {
		return json.Unmarshal(b, (*[]string)(a))
	}
	var one string
	err := json.Unmarshal(b, &one)
	*a = audience{one}
	return err
}

// numericDate is seconds since the Unix epoch, with or without a fraction.
type numericDate float64

// lastSecond is the end of the year 9999; later times are refused.
const lastSecond = 253402300799

// UnmarshalJSON implements json.Unmarshaler. A number in quotes is refused.
func (n *numericDate) UnmarshalJSON(b []byte) error {
	var seconds float64
	if err := json.Unmarshal(b, &seconds); err != nil {
		return err
	}
	if !(seconds >= 0 && seconds <= lastSecond) {
		return errClaims
	}
	*n = numericDate(seconds)
	return nil
}

func (n *numericDate) date() *jwt.NumericDate {
	if n == nil {
		return nil
	}
	whole, fraction := math.Modf(float64(*n))
	return jwt.NewNumericDate(time.Unix(int64(whole), int64(fraction*1e9)))
}
