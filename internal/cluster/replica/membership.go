package replica

import (
	"context"
	"slices"

	"voted/internal/survey"

	"github.com/hashicorp/raft"
)

// Server is a member as the membership names it.
type Server struct {
	survey.Peer
	Votes bool
}

// membership is the members as decided at a log index.
type membership struct {
	index   uint64
	members []Server
}

func serversOf(c raft.Configuration) []Server {
	servers := make([]Server, len(c.Servers))
	for i, s := range c.Servers {
		servers[i] = Server{Peer: survey.Peer{ID: string(s.ID), Addr: string(s.Address)}, Votes: s.Suffrage == raft.Voter}
	}
	return servers
}

func configurationOf(members []Server) (c raft.Configuration) {
	for _, m := range members {
		s := raft.Server{ID: raft.ServerID(m.ID), Address: raft.ServerAddress(m.Addr)}
		if !m.Votes {
			s.Suffrage = raft.Nonvoter
		}
		c.Servers = append(c.Servers, s)
	}
	return c
}

// Peers returns the members' ids and addresses.
func Peers(members []Server) (peers []survey.Peer) {
	for _, m := range members {
		peers = append(peers, m.Peer)
	}
	return peers
}

// Electors returns the voting members.
func Electors(members []Server) []Server {
	return slices.DeleteFunc(slices.Clone(members), func(s Server) bool { return !s.Votes })
}

// Members returns the newest membership in the log, which raft follows. It may still be
// undone; see Decided.
func (r *Replica) Members() []Server { return serversOf(r.raft.GetConfiguration().Configuration()) }

// Decided returns the membership as it was committed, and the log index up to which that
// is known for certain. ok is false before one is known.
func (r *Replica) Decided() (members []Server, index uint64, ok bool) {
	index = r.state.Index() // before the membership is read, so that this is at least as new
	known := r.decided.Load()
	if known == nil {
		return nil, 0, false
	}
	return known.members, max(known.index, index), true
}

// Add adds a member that does not vote. Errors of this and of the other changes are those
// of Propose.
func (r *Replica) Add(ctx context.Context, id, peer string) error {
	return sorted(r.await(ctx, r.raft.AddNonvoter(raft.ServerID(id), raft.ServerAddress(peer), 0, takeTimeout)))
}

// Readvertise changes a member's address in the membership; the member keeps its vote.
func (r *Replica) Readvertise(ctx context.Context, id, peer string) error {
	return r.Add(ctx, id, peer) // for a member that is there this changes the address alone
}

// Promote gives a member a vote.
func (r *Replica) Promote(ctx context.Context, id, peer string) error {
	return sorted(r.await(ctx, r.raft.AddVoter(raft.ServerID(id), raft.ServerAddress(peer), 0, takeTimeout)))
}

// Remove takes a member out.
func (r *Replica) Remove(ctx context.Context, id string) error {
	return sorted(r.await(ctx, r.raft.RemoveServer(raft.ServerID(id), 0, takeTimeout)))
}

// HandOver passes leadership on to the member whose log is furthest.
func (r *Replica) HandOver(ctx context.Context) error {
	return r.handOver(ctx, r.raft.LeadershipTransfer)
}

// HandTo passes leadership on to one member.
func (r *Replica) HandTo(ctx context.Context, id, peer string) error {
	return r.handOver(ctx, func() raft.Future {
		return r.raft.LeadershipTransferToServer(raft.ServerID(id), raft.ServerAddress(peer))
	})
}

// handOver notes that leadership is about to be passed on, so that its end is not
// taken for a failure. After an error this member may go on leading.
func (r *Replica) handOver(ctx context.Context, begin func() raft.Future) error {
	term := r.Term()
	r.handsOver.Store(term)
	yielding, cancel := context.WithTimeout(ctx, yieldTimeout)
	resume := r.opts.Yield(yielding)
	cancel()
	err := sorted(r.await(ctx, begin()))
	if err != nil && r.Elected() {
		r.handsOver.CompareAndSwap(term, 0)
	}
	if err != nil {
		resume()
	}
	return err
}

// Stand makes this member stand for election at once.
func (r *Replica) Stand() error { return r.opts.Network.ElectNow(raft.ServerID(r.opts.ID)) }
