package api

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/survey"
)

// backend stands in for replication only: commands go to a real State, one after
// the other, at rising indexes. Its switches make the faults that a cluster has.
type backend struct {
	mu      sync.RWMutex
	state   *poll.State   // guarded by mu
	now     int64         // guarded by mu; milliseconds since the Unix epoch
	moved   chan struct{} // guarded by mu; closed when the state moves on
	members survey.Status
	leader  string
	ready   map[string]error
	behind  bool // it has not been in touch with its cluster
	doubt   error
	cluster string // its id
	age     time.Duration
	applied uint64 // what Index says; 0: the state's

	fault        error           // of every write and of Sync, instead of doing anything
	forgetful    error           // of every write, after it was applied
	syncHeld     chan struct{}   // not nil: Sync waits until it is closed
	castHeld     chan struct{}   // not nil: casts wait until it is closed
	casts        [][]poll.Ballot // guarded by mu while requests run
	syncs        int             // likewise
	breaks       error           // of a backup, after its first bytes
	restoreFault error
	restored     []string // what was restored, and how it was confirmed
}

// noon is where the clock of tests begins: 2026-12-01T12:00:00Z.
const noon int64 = 1796126400000

func newBackend() *backend {
	return &backend{
		state: poll.NewState(), now: noon, moved: make(chan struct{}), leader: "n2",
		members: survey.Status{ClusterID: "k2j4mq7xw3ab5cde", Leader: "n2", Term: 3, Index: 7, Quorum: 2, CanLose: 1, Members: []survey.Member{
			{Peer: survey.Peer{ID: "n1", Addr: "127.0.0.1:1"}, API: "http://127.0.0.1:2", Role: survey.Voting, State: survey.Following, Healthy: true, AppliedIndex: 7, Digest: "00ff", Version: "1"},
			{Peer: survey.Peer{ID: "n2", Addr: "127.0.0.1:3"}, API: "http://127.0.0.1:4", Role: survey.Voting, State: survey.Leading, Healthy: true, AppliedIndex: 7},
		}},
	}
}

// set changes switches.
func (b *backend) set(change func(b *backend)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// apply is one entry of the log.
func (b *backend) apply(do func(s *poll.State)) {
	b.state.Begin(poll.Stamp{Index: b.state.Index() + 1, At: b.now})
	do(b.state)
	b.state.End()
	close(b.moved)
	b.moved = make(chan struct{})
}

// pass lets time pass.
func (b *backend) pass(d time.Duration) {
	b.set(func(b *backend) {
		b.now += d.Milliseconds()
		b.apply(func(s *poll.State) { s.Do(poll.Tick{}) })
	})
}

func (b *backend) digest() (d poll.Digest) {
	b.Read(func(s *poll.State) { d = s.Digest() })
	return d
}

func (b *backend) CastUntil(ctx context.Context, deadline time.Time, ballot *poll.Ballot) (poll.Outcome, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	o, err := b.CastMany(ctx, []poll.Ballot{*ballot})
	if err != nil {
		return poll.Outcome{}, err
	}
	return o[0], nil
}

func (b *backend) CastMany(ctx context.Context, ballots []poll.Ballot) ([]poll.Outcome, error) {
	if err := b.wait(ctx, func() chan struct{} { return b.castHeld }); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil {
		return nil, b.fault
	}
	kept := make([]poll.Ballot, len(ballots))
	copy(kept, ballots)
	b.casts = append(b.casts, kept)
	outcomes := make([]poll.Outcome, len(ballots))
	b.apply(func(s *poll.State) {
		for i := range ballots {
			outcomes[i] = s.Cast(s.Find(ballots[i].Poll), &ballots[i])
		}
	})
	return outcomes, b.forgetful
}

func (b *backend) Execute(ctx context.Context, c poll.Command) (r poll.Result, err error) {
	if err := ctx.Err(); err != nil {
		return r, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil {
		return r, b.fault
	}
	b.apply(func(s *poll.State) { r = s.Do(c) })
	return r, b.forgetful
}

func (b *backend) Sync(ctx context.Context) error {
	if err := b.wait(ctx, func() chan struct{} { return b.syncHeld }); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.syncs++
	return b.fault
}

func (b *backend) wait(ctx context.Context, held func() chan struct{}) error {
	b.mu.RLock()
	gate := held()
	b.mu.RUnlock()
	if gate == nil {
		return ctx.Err()
	}
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *backend) Read(f func(s *poll.State)) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	f(b.state)
}

func (b *backend) Changed(ctx context.Context, after uint64) error {
	for {
		b.mu.RLock()
		index, moved := b.state.Index(), b.moved
		b.mu.RUnlock()
		if index > after {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *backend) Age() time.Duration { return b.age }

func (b *backend) Doubt() error { return b.doubt }

func (b *backend) CaughtUp() bool { return !b.behind }

func (b *backend) Status(ctx context.Context) (survey.Status, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.members, b.fault
}

func (b *backend) AddMember(_ context.Context, id, peer string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.members.Members {
		if m.ID == id {
			return refusal.New(refusal.MemberExists, "There is a member %s.", id)
		}
	}
	b.members.Members = append(b.members.Members, survey.Member{Peer: survey.Peer{ID: id, Addr: peer}, API: "http://x", Role: survey.NonVoting, State: survey.Following})
	return b.fault
}

func (b *backend) RemoveMember(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, m := range b.members.Members {
		if m.ID == id {
			if len(b.members.Members) == 2 {
				return refusal.New(refusal.QuorumAtRisk, "Two members are needed.")
			}
			b.members.Members = append(b.members.Members[:i:i], b.members.Members[i+1:]...)
			return nil
		}
	}
	return refusal.New(refusal.MemberNotFound, "There is no member %s.", id)
}

func (b *backend) NewJoinToken(_ context.Context, _ string, ttl time.Duration) (string, time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return "voted_join_secret", time.Unix(1_796_112_000, 0).Add(ttl), b.fault
}

func (b *backend) RevokeJoinTokens(context.Context, string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fault
}

func (b *backend) TransferLeadership(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id == "" {
		id = "n1"
	}
	b.members.Leader = id
	return b.fault
}

func (b *backend) ID() string { return "n1" }

func (b *backend) ClusterID() string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.cluster
}

func (b *backend) Leader() string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.leader
}

func (b *backend) Index() uint64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.applied != 0 {
		return b.applied
	}
	return b.state.Index()
}

func (b *backend) Ready() map[string]error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.ready
}

// heldBackup is a capture of the state, as a text.
type heldBackup struct {
	index uint64
	text  string
	fail  error
}

func (b *heldBackup) Index() uint64 { return b.index }
func (b *heldBackup) Close()        {}

func (b *heldBackup) Write(w io.Writer) error {
	if _, err := io.WriteString(w, b.text); err != nil {
		return err
	}
	return b.fail
}

func (b *backend) Backup(ctx context.Context) (Backup, error) {
	if err := b.Sync(ctx); err != nil {
		return nil, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	return &heldBackup{index: b.state.Index(), text: "a backup", fail: b.breaks}, nil
}

func (b *backend) Restore(_ context.Context, r io.Reader, o RestoreOrder) (Restored, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return Restored{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.restored = append(b.restored, string(body)+" "+o.Confirm)
	if b.restoreFault != nil {
		return Restored{}, b.restoreFault
	}
	return Restored{Index: b.state.Index() + 1, SHA256: strings.Repeat("0", 64)}, nil
}
