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
	// rankShare of the heartbeat timeout is how long the other followers have to
	// say how they are placed: several round trips of the network it was set for.
	rankShare = 12
)

// watchLeader brings elections forward. The death of the leader's process shows at
// once, because its port refuses connections; its silence shows when a majority has
// not heard from it for a while, long before raft's own random timeouts have led
// two followers to the same conclusion. Elections are safe at any time in Raft; what
// this must avoid is only that two members stand at once, or that a living leader
// is disturbed.
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
		if why := n.lost(leader); why != notLost {
			n.succeed(leader, why)
		}
	}
}

// loss is how a leader was lost.
type loss string

const (
	notLost loss = ""
	gone    loss = "its process is gone"
	silent  loss = "it is silent"
)

// lost waits until the leader is lost, or leads no more.
func (n *Node) lost(leader leadership) loss {
	ctx, cancel := context.WithCancel(leader.ctx)
	defer cancel()
	watched := make(chan error, 1)
	go func() { watched <- n.opts.Network.Watch(ctx, leader.addr) }()
	look := time.NewTicker(n.attention.every)
	defer look.Stop()
	for {
		select {
		case err := <-watched:
			if errors.Is(err, peer.ErrRefused) {
				return gone
			}
			return notLost // the watch ends otherwise only with the leadership
		case <-look.C:
			if n.unheard() > n.silence() {
				return silent
			}
		case <-leader.ctx.Done():
			return notLost
		case <-n.ctx.Done():
			return notLost
		}
	}
}

// silence is how long a leader may be unheard before followers ask each other: many
// times what it takes a living one to send something, and well below the heartbeat
// timeout, after which raft acts without asking.
func (n *Node) silence() time.Duration { return n.opts.HeartbeatTimeout / 2 }

// looksOfSilence is how many times this member looks before it calls a leader silent.
const looksOfSilence = 8

// unheard is for how long this member has listened and not heard from the leader.
func (n *Node) unheard() time.Duration {
	last := n.raft.LastContact()
	if last.IsZero() {
		return 0
	}
	return min(n.attention.listened(last, time.Now()), n.busy.since())
}

// succeed stands for election in place of a leader that is lost, unless another
// member still reaches it or is better placed.
func (n *Node) succeed(leader leadership, why loss) {
	term := n.raft.CurrentTerm()
	rank, ok := n.rank(leader, why)
	if !ok {
		n.leaders.pause(leader.ctx, retryPause)
		return
	}
	n.leaders.pause(leader.ctx, time.Duration(rank)*rankPause)
	if leader.ctx.Err() != nil || n.ctx.Err() != nil || n.raft.CurrentTerm() != term || why == silent && n.unheard() < n.silence() {
		return // somebody has been quicker, or the leader is back
	}
	n.log.Info("the leader is lost; standing for election", "leader", leader.id, "because", string(why), "rank", rank)
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
func (n *Node) rank(leader leadership, why loss) (rank int, ok bool) {
	ctx, cancel := context.WithTimeout(leader.ctx, n.opts.HeartbeatTimeout/rankShare)
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
		reached := s.LinkAlive
		if why == silent {
			reached = s.Unheard < n.silence()*3/4
		}
		if s.Leader == leader.id && reached {
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
