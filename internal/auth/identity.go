package auth

import (
	"errors"
	"time"
)

// Identity is the proved sender of a request.
type Identity struct {
	Roles Roles
	// Name identifies the credential, in limits and in the audit log. It is no secret,
	// and for voters it does not name the person.
	Name string
	// Voter is the one voter that the role Voter may act for. Poll is the one poll, if
	// the credential is bound to one.
	Voter, Poll string
	// Until is when the credential ends by itself; zero: never.
	Until time.Time
}

// Need is what a request requires.
type Need struct {
	Roles Roles  // one of them is enough
	Poll  string // that the path names; empty: none
	Voter string // that the path names; empty: none
}

var (
	// ErrUnauthenticated marks a request that does not prove who sends it.
	ErrUnauthenticated = errors.New("not authenticated")
	// ErrForbidden marks a request whose sender may not make it.
	ErrForbidden = errors.New("forbidden")
)

// Decide reports whether an identity may do what is needed. It uses nothing but its
// arguments: whether a poll or a voter exists plays no part, so no answer reveals it.
func Decide(who Identity, need Need) bool {
	if need.Roles.Has(Anybody) || who.Roles.Has(need.Roles&^Voter) {
		return true
	}
	if !who.Roles.Has(Voter) || !need.Roles.Has(Voter) || who.Voter == "" {
		return false
	}
	// A voter acts only within the poll, and only for the voter, of the credential.
	return (who.Poll == "" || who.Poll == need.Poll) && (need.Voter == "" || need.Voter == who.Voter)
}
