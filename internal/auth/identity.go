package auth

import "errors"

// Identity is who sends a request, once that is proved.
type Identity struct {
	Roles Roles
	// Name tells one credential from another, in limits and in the audit log. It
	// is no secret, and for voters it does not name the person.
	Name string
	// Voter is the one voter that Voter may act for; Poll the one poll, where the
	// credential is bound to one.
	Voter, Poll string
}

// Need is what a request asks for.
type Need struct {
	Roles Roles  // any of them will do
	Poll  string // that the path names; empty: none
	Voter string // that the path names; empty: none
}

var (
	// ErrUnauthenticated marks a request that does not prove who sends it.
	ErrUnauthenticated = errors.New("not authenticated")
	// ErrForbidden marks a request by somebody who may not make it.
	ErrForbidden = errors.New("forbidden")
)

// Decide reports whether an identity may do what is needed. It looks at nothing
// but its arguments: whether a poll or a voter exists plays no part, so that no
// answer tells.
func Decide(who Identity, need Need) bool {
	if need.Roles.Has(Anybody) || who.Roles.Has(need.Roles&^Voter) {
		return true
	}
	if !who.Roles.Has(Voter) || !need.Roles.Has(Voter) || who.Voter == "" {
		return false
	}
	// A voter acts within the poll, and for the voter, of the credential alone.
	return (who.Poll == "" || who.Poll == need.Poll) && (need.Voter == "" || need.Voter == who.Voter)
}
