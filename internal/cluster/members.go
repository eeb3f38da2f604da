package cluster

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
	"voted/internal/poll"
)

// status is what a member says of itself to the others.
type status struct {
	ID       string            `json:"id"`
	Peer     string            `json:"peer"`
	API      string            `json:"api"`
	Version  string            `json:"version"`
	Reads    uint32            `json:"reads,omitempty"`    // format level; 0: a build that knows no levels
	Disk     string            `json:"disk"`               // drawn once per data directory
	Member   bool              `json:"member"`             // it has entered a cluster
	Cluster  []Server          `json:"cluster"`            // its --cluster line
	Founders map[string]string `json:"founders,omitempty"` // the disks that founded the cluster, by member

	Term      uint64 `json:"term"`
	LastIndex uint64 `json:"last_index"`
	Leader    string `json:"leader"`
	LinkAlive bool   `json:"link_alive"` // its connection to the leader's process stands
	// Unheard is for how long it has not heard from the leader.
	Unheard time.Duration `json:"unheard"`
	Applied uint64        `json:"applied"`
	Digest  string        `json:"digest"` // of the state at Applied
	// Checkpoints are digests at earlier indexes, so that members that are not at one
	// index just now can be compared too.
	Free        uint64           `json:"free_bytes,omitempty"` // on its disk
	Low         bool             `json:"disk_low,omitempty"`   // those are too few
	Checkpoints []fsm.Checkpoint `json:"checkpoints,omitempty"`
	Backups     *ownBackups      `json:"backups,omitempty"` // nil: it keeps none
	Now         time.Time        `json:"now"`
}

func (n *Node) status() status {
	o := n.opts
	s := status{
		ID: o.ID, Peer: o.Peer, API: o.API, Version: o.Version, Reads: o.Reads, Cluster: o.Cluster,
		Disk: n.disk, Founders: n.founders(), Now: n.clock.now(),
	}
	s.Free, s.Low = n.space()
	s.Backups = n.backups()
	if !n.isStarted() {
		return s
	}
	leader := n.leaders.now()
	s.Member, s.Term, s.LastIndex = true, n.raft.CurrentTerm(), n.raft.LastIndex()
	s.Leader, s.LinkAlive = leader.id, leader.self || o.Network.Alive(leader.addr)
	if !leader.self {
		s.Unheard = n.unheard()
	}
	n.fsm.Read(func(st *poll.State) {
		digest := st.Digest()
		s.Applied, s.Digest = st.Index(), hex.EncodeToString(digest[:])
	})
	s.Checkpoints = n.fsm.Checkpoints()
	return s
}

// askStatus asks the member at addr for its status, and says when it was that of: the
// instant is by the monotonic clock, since this member's own clock may jump while it waits.
func (n *Node) askStatus(ctx context.Context, addr string) (s status, at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	before := time.Now()
	body, err := n.opts.Network.Call(ctx, addr, callStatus, nil)
	if err != nil {
		return s, at, err
	}
	after := time.Now()
	if err := json.Unmarshal(body, &s); err != nil {
		return s, at, fmt.Errorf("%s answers, but not as a member does: %w", addr, err)
	}
	return s, before.Add(after.Sub(before) / 2), nil
}

// sighting is what one look at one member showed.
type sighting struct {
	server Server
	voter  bool
	status status
	at     time.Time // when status.Now was, by the monotonic clock
	err    error
}

// survey looks at every member of the configuration, at once.
func (n *Node) survey(ctx context.Context) []sighting {
	servers := n.configuration().Servers
	seen := make([]sighting, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		seen[i] = sighting{server: Server{string(s.ID), string(s.Address)}, voter: s.Suffrage == raft.Voter}
		if string(s.ID) == n.opts.ID {
			seen[i].status, seen[i].at = n.status(), time.Now()
			continue
		}
		wg.Go(func() {
			m := &seen[i]
			m.status, m.at, m.err = n.askStatus(ctx, m.server.Peer)
			if m.err == nil && m.status.ID != m.server.ID {
				m.err = fmt.Errorf("at %s answers member %s", m.server.Peer, m.status.ID)
			}
		})
	}
	wg.Wait()
	return seen
}

// configuration returns the newest membership that raft knows.
func (n *Node) configuration() raft.Configuration { return n.raft.GetConfiguration().Configuration() }

func votersIn(c raft.Configuration) []raft.Server {
	return slices.DeleteFunc(slices.Clone(c.Servers), func(s raft.Server) bool { return s.Suffrage != raft.Voter })
}

// Member is one member in a Status.
type Member struct {
	Server
	API     string
	Version string
	Reads   uint32 // the highest format level that its build reads; 0: it did not say
	Voter   bool
	Leader  bool
	Reached bool // it answered just now
	Applied uint64
	Digest  string

	AwaySince time.Time // zero: it answers
	Free      uint64    // bytes on its disk
	Low       bool      // those are too few
	// RestartRisks say why it must not be restarted now; nil: it may be.
	RestartRisks []string
}

// Status is the membership as this member finds it by asking everybody.
type Status struct {
	Leader  string
	Term    uint64
	Index   uint64
	Level   uint32 // of the formats in use
	Quorum  int    // voters needed to decide
	CanLose int    // voters that may still be lost without a stop
	Members []Member

	Summary  string    // what the cluster can lose, in a sentence
	Findings []Finding // what is wrong
}

// Status asks every member.
func (n *Node) Status(ctx context.Context) (Status, error) {
	if !n.isStarted() {
		return Status{}, poll.Refuse(poll.CodeUnavailable, "This node waits to enter its cluster; its log says for whom.")
	}
	seen := n.survey(ctx)
	s := Status{Leader: n.Leader(), Term: n.raft.CurrentTerm(), Index: n.fsm.Index(), Level: n.level()}
	x := &inspection{leader: s.Leader, level: s.Level, seen: seen, since: n.away.of, now: time.Now()}
	voters, living := 0, 0
	for _, m := range seen {
		s.Members = append(s.Members, Member{
			Server: m.server, API: m.status.API, Version: m.status.Version, Reads: m.reads(), Voter: m.voter,
			Leader: m.server.ID == s.Leader, Reached: m.err == nil, Applied: m.status.Applied, Digest: m.status.Digest,
			AwaySince: n.away.of(m.server.ID), Free: m.status.Free, Low: m.status.Low, RestartRisks: x.restartRisks(m.server.ID),
		})
		if m.voter {
			voters++
			if m.err == nil {
				living++
			}
		}
	}
	s.Quorum = voters/2 + 1
	s.CanLose = max(0, living-s.Quorum)
	s.Findings, s.Summary = x.findings(), s.summary()
	return s, nil
}

// change is a wish to change the membership.
type change struct {
	Op   string `json:"op"` // add, join, remove, lead
	ID   string `json:"id"`
	Peer string `json:"peer,omitempty"`
	// From is who led when the wish was made: leadership that has passed on
	// since must not be handed on again.
	From string `json:"from,omitempty"`
	// Reads is the format level that a joining member reads; 0: a build that knows none.
	Reads uint32 `json:"reads,omitempty"`
	// Token is what a joining member shows, and TokenHash what the members make of
	// it among themselves; Disk is what that member drew for its data directory.
	Token     string `json:"token,omitempty"`
	TokenHash []byte `json:"token_hash,omitempty"`
	Disk      string `json:"disk,omitempty"`
}

// AddMember makes a member known, as a non-voter; it is promoted when it has caught up.
func (n *Node) AddMember(ctx context.Context, id, addr string) error {
	return n.request(ctx, change{Op: "add", ID: id, Peer: addr})
}

// RemoveMember takes a member out, where the others can go on without it.
func (n *Node) RemoveMember(ctx context.Context, id string) error {
	return n.request(ctx, change{Op: "remove", ID: id})
}

// TransferLeadership hands over to id, or to the best where id is empty.
func (n *Node) TransferLeadership(ctx context.Context, id string) error {
	leader, err := n.leaders.known(ctx)
	if err != nil {
		return n.gaveUp(false, err)
	}
	return n.request(ctx, change{Op: "lead", ID: id, From: leader.id})
}

// request has the leader carry out a change.
func (n *Node) request(ctx context.Context, c change) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return n.submit(ctx, func(ctx context.Context, leader leadership) error {
		if leader.self {
			return n.change(ctx, c)
		}
		_, err := n.ask(ctx, leader.addr, callChange, body)
		return err
	})
}

// letIn has the leader let in a member that asks for it, and tells operators on this side,
// too, why it does not.
func (n *Node) letIn(ctx context.Context, c change) error {
	err := n.request(ctx, c)
	var refusal *poll.Error
	if errors.As(err, &refusal) && !passing(refusal.Code) {
		n.log.Warn("a member asked to be let in and was refused", "member", c.ID, "peer", c.Peer, "why", refusal.Detail)
	}
	return err
}

// change carries out a change on the leader. Every change is idempotent.
func (n *Node) change(ctx context.Context, c change) error {
	if n.raft.State() != raft.Leader {
		return fmt.Errorf("%w: this member does not lead", errNotAppended)
	}
	servers := n.configuration().Servers
	at := slices.IndexFunc(servers, func(s raft.Server) bool { return string(s.ID) == c.ID })
	switch c.Op {
	case "add", "join":
		return n.add(ctx, c, servers, at)
	case "remove":
		return n.remove(ctx, c, servers, at)
	case "lead":
		return n.handTo(ctx, c, servers, at)
	}
	return fmt.Errorf("change %q is not known to this build", c.Op)
}

func (n *Node) add(ctx context.Context, c change, servers []raft.Server, at int) error {
	if err := n.readsEnough(c); err != nil {
		return err
	}
	// First: a stranger with a certificate and a token of no use must not learn who
	// belongs to the cluster.
	if err := n.checkToken(ctx, c); err != nil {
		return err
	}
	for _, s := range servers {
		if string(s.ID) != c.ID && string(s.Address) == c.Peer {
			return poll.Refuse(poll.CodeMemberExists, "The address %s is member %s's; remove that member first, or give another address.", c.Peer, s.ID)
		}
	}
	if at >= 0 {
		s := servers[at]
		if string(s.Address) != c.Peer {
			return poll.Refuse(poll.CodeMemberExists, "Member %s is known at %s; remove it first to give it another address.", c.ID, s.Address)
		}
		if s.Suffrage == raft.Voter && c.Op == "join" {
			// It may have acknowledged what it has lost: it must not vote again as if it had not.
			return poll.Refuse(poll.CodeMemberExists, "Member %s belongs to this cluster, but its data directory is empty. Remove it first (voted cluster remove %s), then let it join.", c.ID, c.ID)
		}
		if c.TokenHash != nil {
			return n.redeem(ctx, c)
		}
		return nil
	}
	if err := n.mayEnter(ctx, c); err != nil {
		return err
	}
	n.logOf(ctx).Info("adding a member; it votes once it has caught up", "member", c.ID, "peer", c.Peer)
	return n.changed(ctx, n.raft.AddNonvoter(raft.ServerID(c.ID), raft.ServerAddress(c.Peer), 0, callTimeout))
}

func (n *Node) remove(ctx context.Context, c change, servers []raft.Server, at int) error {
	if at < 0 {
		return nil // it is not there: as wished
	}
	if servers[at].Suffrage == raft.Voter {
		if err := n.surviveWithout(ctx, c.ID); err != nil {
			return err
		}
	}
	if err := n.endTokens(ctx, c.ID); err != nil {
		return err
	}
	if c.ID == n.opts.ID {
		// The next leader removes this one: the request follows it there.
		if err := n.changed(ctx, n.raft.LeadershipTransfer()); err != nil {
			return err
		}
		return fmt.Errorf("%w: leadership was handed over", errNotAppended)
	}
	n.logOf(ctx).Info("removing a member", "member", c.ID)
	return n.changed(ctx, n.raft.RemoveServer(raft.ServerID(c.ID), 0, callTimeout))
}

// surviveWithout refuses to remove a voter where those left would not have a
// quorum of living ones.
func (n *Node) surviveWithout(ctx context.Context, id string) error {
	voters, living := 0, 0
	for _, m := range n.survey(ctx) {
		if m.voter && m.server.ID != id {
			voters++
			if m.err == nil {
				living++
			}
		}
	}
	if need := voters/2 + 1; voters == 0 || living < need {
		return poll.Refuse(poll.CodeQuorumAtRisk, "Without %s only %d of %d voting members would be running and %d are needed; start or add members first.", id, living, voters, need)
	}
	return nil
}

func (n *Node) handTo(ctx context.Context, c change, servers []raft.Server, at int) error {
	switch {
	case c.ID == n.opts.ID, c.ID == "" && c.From != n.opts.ID:
		return nil
	case c.ID == "":
		return n.changed(ctx, n.raft.LeadershipTransfer())
	case at < 0:
		return poll.Refuse(poll.CodeMemberNotFound, "There is no member %s; GET /v1/cluster lists them.", c.ID)
	case servers[at].Suffrage != raft.Voter:
		return poll.Refuse(poll.CodeMemberNotFound, "Member %s does not vote yet and so cannot lead.", c.ID)
	}
	return n.changed(ctx, n.raft.LeadershipTransferToServer(servers[at].ID, servers[at].Address))
}

// changed waits for a change and sorts its error.
func (n *Node) changed(ctx context.Context, f raft.Future) error {
	err := n.await(ctx, f)
	if errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrLeadershipTransferInProgress) || errors.Is(err, raft.ErrEnqueueTimeout) {
		return fmt.Errorf("%w: %w", errNotAppended, err)
	}
	return err
}

// caughtUp is how many entries a non-voter may lag and still be promoted.
const caughtUp = 256

// promote lets non-voters vote that answer and have caught up.
func (n *Node) promote(ctx context.Context, seen []sighting) {
	for _, m := range seen {
		if m.voter || m.err != nil || !m.status.Member || m.status.Applied+caughtUp < n.fsm.Index() || m.status.Applied == 0 || m.reads() < n.level() {
			continue
		}
		f := n.raft.AddVoter(raft.ServerID(m.server.ID), raft.ServerAddress(m.server.Peer), 0, callTimeout)
		if err := n.await(ctx, f); err != nil {
			n.log.Warn("a member has caught up but cannot be promoted yet", "member", m.server.ID, "error", err)
			continue
		}
		n.log.Info("a member has caught up and votes now", "member", m.server.ID)
	}
}
