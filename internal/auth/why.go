package auth

import (
	"errors"
	"fmt"
	"time"
)

// Why is the kind of reason for which a credential is not accepted.
type Why uint8

// The kinds of reasons.
const (
	Unknown    Why = iota // no such credential is accepted here
	Unreadable            // it is incomplete, or was changed on its way
	Expired
	TooEarly
)

// errDamaged is errUnknownSigner for a credential of a known key: most likely a part of it is missing.
var errDamaged = fmt.Errorf("%w", errUnknownSigner)

// outside is a signed credential outside the time for which it is valid.
type outside struct {
	error
	at time.Time
}

// Unwrap returns errExpired or errTooEarly.
func (o outside) Unwrap() error { return o.error }

// Explain returns why a credential was not accepted. at is when it ended or begins, zero where that is not known.
func Explain(err error) (why Why, at time.Time) {
	var o outside
	if errors.As(err, &o) {
		at = o.at
	}
	switch {
	case errors.Is(err, errUnreadable), errors.Is(err, errDamaged):
		return Unreadable, at
	case errors.Is(err, errExpired), errors.Is(err, errEnded):
		return Expired, at
	case errors.Is(err, errTooEarly):
		return TooEarly, at
	}
	return Unknown, at
}
