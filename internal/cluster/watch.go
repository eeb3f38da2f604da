package cluster

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/cluster/peer"
)

const (
	// rankPause is how long a follower lets each better placed one go first:
	// longer than an election takes on a busy machine, because a second candidate
	// costs more than it gains.
	rankPause = 250 * time.Millisecond
	// rankTimeout is how long the other followers have to say how they are placed.
	rankTimeout = 60 * time.Millisecond
)

// watchLeader brings elections forward: the death of the leader's process shows at
// once, because its port refuses connections, while raft would wait out a
// heartbeat timeout. Elections are safe at any time in Raft; what this must avoid
// is only that two members stand at once, or that a living leader is disturbed.
func (n *Node) watchLeader() {
	for n.ctx.Err() == nil {
		leader, err := n.leaders.known(n.ctx)
		if err != nil {
			return
		}
		if leader.self {
			select {
			case <-leader.ctx.Done():
			case <-n.ctx.Done():
			}
			continue
		}
		err = n.opts.Network.Watch(leader.ctx, leader.addr)
		if errors.Is(err, peer.ErrRefused) {
			n.succeed(leader)
		}
	}
}

// succeed stands for election in place of a leader whose process is gone, unless
// another member still reaches it or is better placed.
func (n *Node) succeed(leader leadership) {
	term := n.raft.CurrentTerm()
	rank, ok := n.rank(leader)
	if !ok {
		n.leaders.pause(leader.ctx, retryPause)
		return
	}
	n.leaders.pause(leader.ctx, time.Duration(rank)*rankPause)
	if leader.ctx.Err() != nil || n.ctx.Err() != nil || n.raft.CurrentTerm() != term {
		return // somebody has been quicker
	}
	n.log.Info("the leader's process is gone; standing for election", "leader", leader.id, "rank", rank)
	n.metrics.successions.Inc()
	if err := n.opts.Network.ElectNow(raft.ServerID(n.opts.ID)); err != nil {
		n.log.Warn("the election cannot be brought forward; raft will time out instead", "error", err)
	}
	// Long enough for an election to succeed, so that this one is not disturbed.
	n.leaders.pause(leader.ctx, 2*rankPause)
}

// rank returns how many of the voters that answer are better placed to lead: by
// a longer log, then by id. ok is false where this member should not stand: it does
// not vote, too few voters answer, or one of them still reaches the leader.
func (n *Node) rank(leader leadership) (rank int, ok bool) {
	ctx, cancel := context.WithTimeout(leader.ctx, rankTimeout)
	defer cancel()
	type placed struct {
		id   string
		last uint64
	}
	voters := votersIn(n.configuration())
	answers := make(chan *status, len(voters))
	field := []placed{{n.opts.ID, n.raft.LastIndex()}}
	votes, asked := false, 0
	for _, v := range voters {
		switch string(v.ID) {
		case n.opts.ID:
			votes = true
		case leader.id:
		default:
			asked++
			go func() {
				s, _, err := n.askStatus(ctx, string(v.Address))
				if err != nil {
					answers <- nil
					return
				}
				answers <- &s
			}()
		}
	}
	for range asked {
		s := <-answers
		if s == nil {
			continue
		}
		if s.Leader == leader.id && s.LinkAlive {
			return 0, false
		}
		field = append(field, placed{s.ID, s.LastIndex})
	}
	slices.SortFunc(field, func(a, b placed) int {
		return cmp.Or(cmp.Compare(b.last, a.last), cmp.Compare(a.id, b.id))
	})
	rank = slices.IndexFunc(field, func(p placed) bool { return p.id == n.opts.ID })
	return rank, votes && len(field) > len(voters)/2
}
