package cluster

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"voted/internal/poll"
)

const (
	// joinTokenPrefix lets people and scanners of leaked secrets tell what it is.
	joinTokenPrefix = "voted_join_"
	// joinTokenBytes is 256 bits: too many to guess, so a plain hash of it is safe to keep.
	joinTokenBytes = 32
	// maxTokenLen bounds what is hashed of who asks to join.
	maxTokenLen = 256
)

// errNoNames says that join tokens are of no use: without TLS between members nobody
// can prove which one it is.
var errNoNames = &poll.Error{
	Code: poll.CodeForbidden,
	Detail: "The members of this cluster talk without TLS, so whoever reaches a peer port may join and a join token would guard nothing. " +
		"Start the members with --peer-ca, --peer-cert and --peer-key first, or let the member join without a token.",
}

// NewJoinToken draws a token with which the member of one id may join once, and lives
// for ttl. It is returned here and is nowhere else: the cluster keeps its hash.
// Earlier ones for that id that nobody used are withdrawn, so that asking again
// after an unknown outcome leaves none behind.
func (n *Node) NewJoinToken(ctx context.Context, id string, ttl time.Duration) (token string, expires time.Time, err error) {
	if n.admission == nil {
		return "", expires, errNoNames
	}
	token = joinTokenPrefix + base64.RawURLEncoding.EncodeToString(randomBytes(joinTokenBytes))
	hash := hashOf(token)
	result, err := n.Execute(ctx, poll.IssueToken{Hash: hash, Member: id, TTL: ttl.Milliseconds()})
	if err == nil && result.Err != nil {
		err = result.Err
	}
	if err != nil {
		return "", expires, err
	}
	var at int64
	n.fsm.Read(func(s *poll.State) { at = s.TokenExpiry(hash) })
	if at == 0 {
		return "", expires, poll.Refuse(poll.CodeSuperseded, "Another join token was made for member %s at the same moment, and only the last one counts. Use that one, or ask again.", id)
	}
	return token, time.UnixMilli(at), nil
}

// RevokeJoinTokens ends all join tokens of a member id.
func (n *Node) RevokeJoinTokens(ctx context.Context, id string) error {
	result, err := n.Execute(ctx, poll.RevokeTokens{Member: id})
	if err == nil && result.Err != nil {
		err = result.Err
	}
	return err
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

func hashOf(token string) poll.TokenHash { return sha256.Sum256([]byte(token)) }

// wishOf is what a member with a join token asks for.
func wishOf(c change) poll.RedeemToken {
	wish := poll.RedeemToken{Member: c.ID, Disk: c.Disk}
	copy(wish.Hash[:], c.TokenHash)
	return wish
}

// checkToken refuses, on the leader, a join token that is of no use. It only looks, so
// that strangers cannot fill the log.
func (n *Node) checkToken(ctx context.Context, c change) error {
	switch {
	case c.TokenHash == nil:
		return nil
	case n.admission == nil:
		return errNoNames
	case n.ready.Load() != n.raft.CurrentTerm():
		return fmt.Errorf("%w: this member does not lead, or not yet", errNotAppended)
	}
	wish := wishOf(c)
	var refusal *poll.Error
	now := n.stamp()
	n.fsm.Read(func(s *poll.State) { refusal = s.TokenUsable(wish, now) })
	if refusal != nil {
		n.logOf(ctx).Warn("a member was not let in: its join token is of no use", "member", c.ID, "peer", c.Peer, "why", refusal.Detail)
		return refusal
	}
	return nil
}

// redeem uses up a join token that checkToken has found to be of use.
func (n *Node) redeem(ctx context.Context, c change) error {
	if err := n.opts.Audit("join_by_token", c.ID, "it asked from "+c.Peer+" with a join token that is of use"); err != nil {
		n.logOf(ctx).Error("a member is not let in, because that cannot be put on record", "member", c.ID, "peer", c.Peer, "error", err)
		return fmt.Errorf("%w: it cannot be put on record that member %s is let in", errNotAppended, c.ID)
	}
	result, err := n.proposer.execute(ctx, wishOf(c))
	switch {
	case err != nil:
		return err
	case result.Err != nil:
		return result.Err
	}
	n.logOf(ctx).Info("a join token lets a member in", "member", c.ID, "peer", c.Peer)
	return nil
}

// endTokens takes from a member that is removed what its join tokens could still be
// used for: a token that let it in must not let it back in.
func (n *Node) endTokens(ctx context.Context, id string) error {
	if n.ready.Load() != n.raft.CurrentTerm() {
		return fmt.Errorf("%w: this member does not lead, or not yet", errNotAppended)
	}
	has := false
	n.fsm.Read(func(s *poll.State) { has = s.HasTokens(id) })
	if !has {
		return nil
	}
	_, err := n.proposer.execute(ctx, poll.RevokeTokens{Member: id})
	return err
}

// mayEnter decides, on the leader, whether a member that is in no configuration may
// join. Without TLS everybody may.
func (n *Node) mayEnter(ctx context.Context, c change) error {
	switch {
	case c.Op != "join":
		return nil // an admin adds it
	case c.TokenHash != nil:
		return n.redeem(ctx, c)
	case n.admission != nil:
		return fmt.Errorf("%w: member %s was not let in", errNotAppended, c.ID)
	}
	return nil
}

// joinToken reads the token that this member was given, "" where it was given none.
func (n *Node) joinToken() (string, error) {
	if n.opts.JoinToken == nil {
		return "", nil
	}
	token, err := n.opts.JoinToken()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if !strings.HasPrefix(token, joinTokenPrefix) || len(token) > maxTokenLen {
		return "", fmt.Errorf("%w: what was given as a join token is none; it is what `voted cluster token %s` prints", ErrUsage, n.opts.ID)
	}
	return token, nil
}
