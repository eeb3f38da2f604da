package members

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"voted/internal/cluster/submit"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// Admin has the changes that admins request. The leader carries each out. If the outcome
// is unknown, the caller may repeat the call.
type Admin struct{ ms *Members }

// Admin returns the changes that admins may request.
func (ms *Members) Admin() Admin { return Admin{ms} }

// AddMember makes a member known, without a vote; it gets one when it has caught up.
func (a Admin) AddMember(ctx context.Context, id, addr string) error {
	return a.ms.request(ctx, change{Op: "add", ID: id, Peer: addr})
}

// RemoveMember takes a member out, if the others can go on without it.
func (a Admin) RemoveMember(ctx context.Context, id string) error {
	return a.ms.request(ctx, change{Op: "remove", ID: id})
}

// TransferLeadership hands over to id, or to the best placed member if id is empty.
func (a Admin) TransferLeadership(ctx context.Context, id string) error {
	leader, err := a.ms.leaders.Known(ctx)
	if err != nil {
		return submit.GaveUp(false, err)
	}
	return a.ms.request(ctx, change{Op: "lead", ID: id, From: leader.ID})
}

// NewJoinToken draws a token with which the member of one id may join once, within ttl.
// The caller must keep it: the cluster has only its hash. Earlier unused tokens for that
// id are withdrawn, so that asking again after an unknown outcome leaves none behind.
func (a Admin) NewJoinToken(ctx context.Context, id string, ttl time.Duration) (token string, expires time.Time, err error) {
	if a.ms.admission == nil {
		return "", expires, errNoNames
	}
	var drawn [joinTokenBytes]byte
	rand.Read(drawn[:]) // never fails: crypto/rand ends the process instead
	token = joinTokenPrefix + base64.RawURLEncoding.EncodeToString(drawn[:])
	hash := hashOf(token)
	result, err := a.ms.opts.Execute(ctx, poll.IssueToken{Hash: hash, Member: id, TTL: ttl.Milliseconds()})
	if err == nil && result.Err != nil {
		err = result.Err
	}
	if err != nil {
		return "", expires, err
	}
	var at int64
	a.ms.opts.State.Read(func(s *poll.State) { at = s.TokenExpiry(hash) })
	if at == 0 {
		return "", expires, refusal.New(refusal.Superseded, "Another join token was made for member %s at the same moment, and only the last one counts. Use that one, or ask again.", id)
	}
	return token, time.UnixMilli(at), nil
}

// RevokeJoinTokens ends all join tokens of a member id.
func (a Admin) RevokeJoinTokens(ctx context.Context, id string) error {
	result, err := a.ms.opts.Execute(ctx, poll.RevokeTokens{Member: id})
	if err == nil && result.Err != nil {
		err = result.Err
	}
	return err
}
