package cluster

import (
	"context"
	"errors"
	"time"

	"voted/internal/cluster/peer"
	"voted/internal/cluster/replica"
	"voted/internal/survey"
)

const (
	// rankPause is how long a follower waits for each follower that is better placed: longer
	// than an election takes on a busy machine, because a second candidate costs more than
	// it gains.
	rankPause = 250 * time.Millisecond
	// The other followers have 1/rankShare of the heartbeat timeout to report how they are
	// placed: several round trips of the network that the timeout was set for.
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
		leader, err := n.leaders.Known(n.ctx)
		if err != nil {
			return
		}
		if leader.Self {
			select {
			case <-leader.Context.Done():
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

// lost waits until the leader is lost, or no longer leads.
func (n *Node) lost(leader replica.Leadership) loss {
	ctx, cancel := context.WithCancel(leader.Context)
	defer cancel()
	watched := make(chan error, 1)
	go func() { watched <- n.opts.Network.Watch(peer.Meaning(ctx, leader.ID), leader.Addr) }()
	look := time.NewTicker(n.silenceLimit() / looksOfSilence)
	defer look.Stop()
	for {
		select {
		case err := <-watched:
			if errors.Is(err, peer.ErrRefused) {
				return gone
			}
			return notLost // the watch ended because the leadership did
		case <-look.C:
			if n.replica.Unheard() > n.silenceLimit() {
				return silent
			}
		case <-leader.Context.Done():
			return notLost
		case <-n.ctx.Done():
			return notLost
		}
	}
}

// silenceLimit is how long a leader may send nothing before followers ask each other: many
// times the interval at which a living one sends something, and well below the heartbeat
// timeout, after which raft acts by itself.
func (n *Node) silenceLimit() time.Duration { return n.opts.HeartbeatTimeout / 2 }

// looksOfSilence is how many times this member looks before it calls a leader silent.
const looksOfSilence = 8

// succeed stands for election in place of a leader that is lost, unless another
// member still reaches it or is better placed.
func (n *Node) succeed(leader replica.Leadership, why loss) {
	term := n.replica.Term()
	rank, ok := n.rank(leader, why)
	if !ok {
		n.leaders.Pause(leader.Context, replica.RetryPause)
		return
	}
	n.leaders.Pause(leader.Context, time.Duration(rank)*rankPause)
	if leader.Context.Err() != nil || n.ctx.Err() != nil || n.replica.Term() != term || why == silent && n.replica.Unheard() < n.silenceLimit() {
		return // another member was quicker, or the leader is back
	}
	n.log.Info("the leader is lost; standing for election", "leader", leader.ID, "because", string(why), "rank", rank)
	n.metrics.successions.Inc()
	if err := n.replica.Stand(); err != nil {
		n.log.Warn("the election cannot be brought forward; raft will time out instead", "error", err)
	}
	// Long enough for an election to succeed, so that this one is not disturbed.
	n.leaders.Pause(leader.Context, 2*rankPause)
}

// rank returns how many of the voting members that answer are better placed to lead. ok
// is false where this member should not stand: it does not vote, too few answer, or one
// of them still reaches the leader.
func (n *Node) rank(leader replica.Leadership, why loss) (rank int, ok bool) {
	ctx, cancel := context.WithTimeout(leader.Context, n.opts.HeartbeatTimeout/rankShare)
	defer cancel()
	voting := replica.Electors(n.replica.Members())
	answers := make(chan *survey.Report, len(voting))
	field := []survey.Candidate{{ID: n.opts.ID, LastIndex: n.replica.Position().Last}}
	votes, asked := false, 0
	for _, v := range voting {
		switch v.ID {
		case n.opts.ID:
			votes = true
		case leader.ID:
		default:
			asked++
			go func() {
				s, _, err := n.lookout.Ask(ctx, v.ID, n.lookout.WhereIs(v.Peer))
				if err != nil || s.ID != v.ID {
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
			reached = s.Unheard < n.silenceLimit()*3/4
		}
		if s.Leader == leader.ID && reached {
			return 0, false
		}
		field = append(field, survey.Candidate{ID: s.ID, LastIndex: s.LastIndex})
	}
	return survey.Rank(field, n.opts.ID), votes && len(field) > len(voting)/2
}
