package members

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"voted/internal/cluster/replica"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/usage"
)

const (
	// joinTokenPrefix lets people, and scanners for leaked secrets, recognise a token.
	joinTokenPrefix = "voted_join_"
	// joinTokenBytes is 256 bits: too many to guess, so a plain hash of it is safe to keep.
	joinTokenBytes = 32
	// maxTokenLen bounds what is hashed for members that ask to join.
	maxTokenLen = 256
)

// errNoNames says that join tokens cannot be used: without TLS no member can prove its
// id.
var errNoNames = &refusal.Error{
	Code: refusal.Forbidden,
	Detail: "The members of this cluster talk without TLS, so whoever reaches a peer port may join and a join token would guard nothing. " +
		"Start the members with --peer-ca, --peer-cert and --peer-key first, or let the member join without a token.",
}

func hashOf(token string) poll.TokenHash { return sha256.Sum256([]byte(token)) }

// redemptionOf is the command for what a member with a join token asks for.
func redemptionOf(c change) poll.RedeemToken {
	wish := poll.RedeemToken{Member: c.ID, Disk: c.Disk}
	copy(wish.Hash[:], c.TokenHash)
	return wish
}

// refuseUselessToken refuses, on the leader, a join token that is not valid. It only
// reads the state, so that strangers cannot fill the log.
func (ms *Members) refuseUselessToken(ctx context.Context, c change) error {
	switch {
	case c.TokenHash == nil:
		return nil
	case ms.admission == nil:
		return errNoNames
	case !ms.opts.Replica.Leads():
		return fmt.Errorf("%w: this member does not lead, or not yet", replica.ErrNotAppended)
	}
	wish := redemptionOf(c)
	var refused *refusal.Error
	now := ms.opts.Stamp()
	ms.opts.State.Read(func(s *poll.State) { refused = s.TokenUsable(wish, now) })
	if refused != nil {
		ms.logOf(ctx).Warn("a member was not admitted: its join token is not valid", "member", c.ID, "peer", c.Peer, "why", refused)
		return tokenRefused(refused, c.ID)
	}
	return nil
}

// tokenFaults are the reasons why a join token does not admit a member, as sentences.
var tokenFaults = map[refusal.Reason]string{
	refusal.TokenUnknown:   "This join token is not known here, or was withdrawn",
	refusal.TokenOfAnother: "This join token was made for another member than {member}",
	refusal.TokenUsed:      "This join token was used already, and each lets a member in once",
	refusal.TokenExpired:   "This join token has expired",
	refusal.TokenUnclaimed: "A join token is used by a member that names itself and its disk",
}

// tokenRefused is the error, for the person who starts a member, that its join token does
// not admit it.
func tokenRefused(refused *refusal.Error, member string) error {
	fault, ok := tokenFaults[refused.Reason]
	if !ok {
		return refused
	}
	said := fault + "; have a new one made with `voted cluster token {member}`."
	return &refusal.Error{Code: refused.Code, Detail: strings.ReplaceAll(said, "{member}", member)}
}

// useToken uses up a join token that refuseUselessToken has found valid.
func (ms *Members) useToken(ctx context.Context, c change) error {
	if err := ms.opts.Audit("join_by_token", c.ID, "it asked from "+c.Peer+" with a valid join token"); err != nil {
		ms.logOf(ctx).Error("a member is not let in, because that cannot be put on record", "member", c.ID, "peer", c.Peer, "error", err)
		return fmt.Errorf("%w: it cannot be put on record that member %s is let in", replica.ErrNotAppended, c.ID)
	}
	result, err := ms.opts.Submitter.ExecuteHere(ctx, redemptionOf(c))
	switch {
	case err != nil:
		return err
	case result.Err != nil:
		return tokenRefused(result.Err, c.ID)
	}
	ms.logOf(ctx).Info("a join token lets a member in", "member", c.ID, "peer", c.Peer)
	return nil
}

// withdrawTokens ends the join tokens of a member that is removed: a token that admitted
// it must not admit it again.
func (ms *Members) withdrawTokens(ctx context.Context, id string) error {
	if !ms.opts.Replica.Leads() {
		return fmt.Errorf("%w: this member does not lead, or not yet", replica.ErrNotAppended)
	}
	has := false
	ms.opts.State.Read(func(s *poll.State) { has = s.HasTokens(id) })
	if !has {
		return nil
	}
	_, err := ms.opts.Submitter.ExecuteHere(ctx, poll.RevokeTokens{Member: id})
	return err
}

// authorizeEntry refuses, on the leader, a member that is in no membership and that no admin
// has added, unless it shows a join token, which it uses up. Without TLS no one is refused.
func (ms *Members) authorizeEntry(ctx context.Context, c change) error {
	switch {
	case c.Op != "join":
		return nil // an admin adds it
	case c.TokenHash != nil:
		return ms.useToken(ctx, c)
	case ms.admission != nil:
		return fmt.Errorf("%w: member %s was not let in", replica.ErrNotAppended, c.ID)
	}
	return nil
}

// joinToken reads the token that this member was given, "" if none.
func (ms *Members) joinToken() (string, error) {
	if ms.opts.JoinToken == nil {
		return "", nil
	}
	token, err := ms.opts.JoinToken()
	if err != nil {
		return "", usage.Mark(err)
	}
	if !strings.HasPrefix(token, joinTokenPrefix) || len(token) > maxTokenLen {
		return "", usage.Errorf("this is not a join token; give what `voted cluster token %s` prints", ms.opts.ID)
	}
	return token, nil
}
