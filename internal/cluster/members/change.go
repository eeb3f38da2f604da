package members

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"voted/internal/cluster/replica"
	"voted/internal/cluster/submit"
	"voted/internal/refusal"
	"voted/internal/survey"
)

// change is a request to change the membership.
type change struct {
	Op   string `json:"op"` // add, join, move, remove, lead
	ID   string `json:"id"`
	Peer string `json:"peer,omitempty"`
	// From is who led when the request was made: if another member leads since, leadership
	// must not be handed on again.
	From string `json:"from,omitempty"`
	// FormatLevel is the highest that a joining member reads; 0 in other changes.
	FormatLevel uint32 `json:"reads,omitempty"`
	// Token is what a joining member shows, and TokenHash its hash, for calls between
	// members. Disk was drawn for the data directory of a member that joins or moves, and
	// Run at the start of one that moves.
	Token     string `json:"token,omitempty"`
	TokenHash []byte `json:"token_hash,omitempty"`
	Disk      string `json:"disk,omitempty"`
	Run       string `json:"run,omitempty"`
	// Doubted: the member listens at Peer, and does not know whether the others reach it at
	// the address in the membership.
	Doubted bool `json:"doubted,omitempty"`
	// OnlyAdded refuses a joining member that no admin has added.
	OnlyAdded bool `json:"only_added,omitempty"`
}

// request has the leader carry out a change.
func (ms *Members) request(ctx context.Context, c change) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return ms.opts.Submitter.AskLeader(ctx, submit.Question{Method: CallChange, Body: body},
		func(ctx context.Context) error { return ms.change(ctx, c) },
		func([]byte) error { return nil })
}

// passOn asks the leader to admit a member, and logs a refusal on this member, too.
func (ms *Members) passOn(ctx context.Context, c change) error {
	err := ms.request(ctx, c)
	var refused *refusal.Error
	switch {
	case errors.As(err, &refused) && !mayPass(refused.Code):
		ms.refused.countAndLog(c.ID, c.Peer, refused.Detail, func(again ...any) {
			ms.log.Warn("a member asked to be let in and was refused", append([]any{"member", c.ID, "peer", c.Peer, "why", refused.Detail}, again...)...)
		})
	case err == nil:
		ms.refused.forget(c.ID, c.Peer)
	}
	return err
}

// change carries out a change on the leader. Every change is idempotent.
func (ms *Members) change(ctx context.Context, c change) error {
	if !ms.opts.Replica.Elected() {
		return fmt.Errorf("%w: this member does not lead", replica.ErrNotAppended)
	}
	servers := ms.opts.Replica.Members()
	at := slices.IndexFunc(servers, func(s replica.Server) bool { return s.ID == c.ID })
	switch c.Op {
	case "add", "join":
		return ms.add(ctx, c, servers, at)
	case "move":
		return ms.move(ctx, c, servers, at)
	case "remove":
		return ms.remove(ctx, c, servers, at)
	case "lead":
		return ms.handTo(ctx, c, servers, at)
	}
	return fmt.Errorf("change %q is not known to this build", c.Op)
}

func (ms *Members) add(ctx context.Context, c change, servers []replica.Server, at int) error {
	if err := ms.refuseOlderBuild(c); err != nil {
		return err
	}
	// First: a stranger with a certificate and an invalid token must not learn who belongs
	// to the cluster.
	if err := ms.refuseUselessToken(ctx, c); err != nil {
		return err
	}
	for _, s := range servers {
		if s.ID != c.ID && s.Addr == c.Peer {
			return refusal.New(refusal.MemberExists, "The address %s is member %s's; remove that member first, or give another address.", c.Peer, s.ID)
		}
	}
	if at >= 0 {
		s := servers[at]
		if s.Addr != c.Peer {
			return refusal.New(refusal.MemberExists, "Member %s is known at %s. With its disk it may be started at another address and comes back by itself; to begin with an empty one, remove it first (voted cluster remove %s).", c.ID, s.Addr, c.ID)
		}
		if s.Votes && c.Op == "join" {
			// It may have lost entries that it acknowledged, so it must not vote as before.
			return refusal.New(refusal.MemberExists, "Member %s belongs to this cluster, but its data directory is empty. Remove it first (voted cluster remove %s), then let it join.", c.ID, c.ID)
		}
		if c.TokenHash != nil {
			return ms.useToken(ctx, c)
		}
		return nil
	}
	if c.OnlyAdded {
		return refusal.New(refusal.Forbidden, "Member %s does not belong to this cluster; let it in with `voted cluster add %s %s`.", c.ID, c.ID, c.Peer)
	}
	if err := ms.authorizeEntry(ctx, c); err != nil {
		return err
	}
	ms.logOf(ctx).Info("adding a member; it votes once it has caught up", "member", c.ID, "peer", c.Peer)
	return ms.opts.Replica.Add(ctx, c.ID, c.Peer)
}

func (ms *Members) remove(ctx context.Context, c change, servers []replica.Server, at int) error {
	if at < 0 {
		return nil // it is not there: nothing to do
	}
	if servers[at].Votes {
		if err := ms.surviveWithout(ctx, c.ID); err != nil {
			return err
		}
	}
	if err := ms.withdrawTokens(ctx, c.ID); err != nil {
		return err
	}
	if c.ID == ms.opts.ID {
		// The next leader removes this one: the request follows it there.
		if err := ms.opts.Replica.HandOver(ctx); err != nil {
			return err
		}
		return fmt.Errorf("%w: leadership was handed over", replica.ErrNotAppended)
	}
	ms.logOf(ctx).Info("removing a member", "member", c.ID)
	return ms.alone(ctx, func() error {
		return ms.opts.Replica.Remove(ctx, c.ID)
	})
}

// surviveWithout refuses to remove a voting member if the others that answer would be no
// quorum.
func (ms *Members) surviveWithout(ctx context.Context, id string) error {
	left := ms.opts.Look(ctx).Without(id)
	if left.Voting == 0 || left.Answering < left.Quorum() {
		return refusal.New(refusal.QuorumAtRisk, "Without %s only %d of %d voting members would be running and %d are needed; start or add members first.", id, left.Answering, left.Voting, left.Quorum())
	}
	return nil
}

func (ms *Members) handTo(ctx context.Context, c change, servers []replica.Server, at int) error {
	switch {
	case c.ID == ms.opts.ID, c.ID == "" && c.From != ms.opts.ID:
		return nil
	case c.ID == "":
		return ms.opts.Replica.HandOver(ctx)
	case at < 0:
		return refusal.New(refusal.MemberNotFound, "There is no member %s in this cluster.", c.ID)
	case !servers[at].Votes:
		return refusal.New(refusal.MemberNotFound, "Member %s does not vote yet and so cannot lead.", c.ID)
	}
	looked, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	m := survey.Sighting{Peer: servers[at].Peer, Votes: true}
	if ms.opts.Lookout.LookAt(looked, &m); m.Err != nil {
		return refusal.New(refusal.Unavailable, "Member %s does not answer and so cannot lead; nothing was changed. Start it, or name another member.", c.ID)
	}
	return ms.opts.Replica.HandTo(ctx, m.ID, m.Addr)
}

// promote gives a vote to members that answer and have caught up.
func (ms *Members) promote(ctx context.Context, look survey.Look) {
	for _, m := range look.Promotable(ms.opts.State.Index(), ms.level()) {
		if err := ms.opts.Replica.Promote(ctx, m.ID, m.Addr); err != nil {
			ms.log.Warn("a member has caught up but cannot be promoted yet", "member", m.ID, "error", err)
			continue
		}
		ms.log.Info("a member has caught up and votes now", "member", m.ID)
	}
}

// refuseOlderBuild refuses a member that cannot read this cluster's log. A member that an
// operator adds reports its level only when it joins.
func (ms *Members) refuseOlderBuild(c change) error {
	if c.Op != "join" {
		return nil
	}
	if reads, level := c.FormatLevel, ms.level(); reads < level {
		return refusal.New(refusal.Forbidden, "Member %s reads formats up to level %d, and this cluster uses level %d. Start it with a newer voted, the version that the other members run.", c.ID, reads, level)
	}
	return nil
}
