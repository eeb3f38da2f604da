// Package members changes who belongs to the cluster, and where: founding and joining,
// admission, join tokens, votes, moves and removals.
package members

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"voted/internal/cluster/lookout"
	"voted/internal/cluster/replica"
	"voted/internal/cluster/submit"
	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/survey"
	"voted/internal/trace"
)

// The calls that this package answers.
const (
	CallChange = "change"  // JSON change of membership, for the leader → verdict
	CallJoin   = "join"    // the same, for any member to pass on → verdict, the cluster's id
	CallRoster = "members" // → JSON roster
)

const (
	// askTime bounds a call that a healthy member answers at once.
	askTime = time.Second
	// askPause is between two rounds of asking members that have not started.
	askPause = 200 * time.Millisecond
)

// Network is how members reach each other; see cluster.Network. Under mutual TLS it is a
// guarded one.
type Network interface {
	Call(ctx context.Context, addr, method string, body []byte) ([]byte, error)
	Readvertise(addr string)
}

// Options is what Members are made of. All are needed unless they say otherwise; those
// that cluster.Options has too mean the same.
type Options struct {
	ID          string
	Peer        string // where the others reach this member, as its command line says
	Bound       string
	Cluster     []survey.Peer
	Join        []string
	JoinToken   func() (string, error) // may be nil
	FormatLevel uint32

	Network   Network
	Replica   *replica.Replica
	Lookout   *lookout.Lookout
	State     *fsm.FSM
	Submitter *submit.Submitter
	Logger    *slog.Logger
	IDs       *trace.IDs // of this member's own requests

	RemoveDeadAfter time.Duration // 0: never
	Audit           func(action, member, why string) error

	Stamp    func() int64                                                   // the time for the next command
	Execute  func(ctx context.Context, c poll.Command) (poll.Result, error) // by the leader
	Look     func(ctx context.Context) survey.Look
	Started  func() bool     // it has entered its cluster, and runs raft
	CaughtUp func() bool     // it has applied what was acknowledged before its start
	Fail     func(err error) // ends this member for good
	Go       func(f func())  // runs f as a goroutine that the member's end waits for
}

// Members is one member's part in who belongs to the cluster. Its methods may be called
// from any goroutine, except that CheckOwnPlace and Act are called by one alone.
type Members struct {
	opts    Options
	log     *slog.Logger
	leaders *replica.Leaders
	ctx     context.Context // ends with the member

	at        atomic.Pointer[string] // HOST:PORT under which the others reach this member
	run       string                 // drawn at each start
	disks     disks                  // on which the members were seen
	twins     twins                  // members of which a second process was seen
	lastLook  atomic.Pointer[survey.Look]
	seeking   atomic.Bool             // guards against a second seek
	waits     atomic.Pointer[waiting] // why the membership does not name this member's address yet; nil: it does
	claims    refusals                // refusals of this member's claim, as it logs them
	refused   refusals                // refusals of other members' requests, as this one logs them
	placed    bool                    // a claim to Bound was made; used by CheckOwnPlace alone
	changing  chan struct{}           // holds one token, for the change of an address or the removal of a member
	admission *admission              // nil without mutual TLS
}

// New makes the Members of one member; they end with ctx.
func New(ctx context.Context, o Options) *Members {
	ms := &Members{opts: o, log: o.Logger, leaders: o.Replica.Leaders(), ctx: ctx, run: rand.Text(), changing: make(chan struct{}, 1)}
	ms.at.Store(&o.Peer)
	if ms.disks.set(o.Replica.SeenDisks()); len(ms.disks.all()) == 0 {
		ms.disks.set(o.Replica.Founders())
	}
	ms.guard()
	return ms
}

// Settle takes over the membership with which raft has started. Call it before raft
// receives messages.
func (ms *Members) Settle() {
	members := ms.opts.Replica.Members()
	ms.opts.Lookout.Update(members)
	ms.checkLine(replica.Peers(members))
	ms.settleAddress()
}

// Report fills in this package's part of the member's report.
func (ms *Members) Report(r *survey.Report) {
	r.Peer, r.Run, r.Cluster, r.Disks, r.Twins = ms.address(), ms.run, ms.opts.Cluster, ms.disks.all(), ms.twins.all(time.Now())
	r.Disk, r.ClusterID, r.Founders = ms.opts.Replica.Disk(), ms.opts.Replica.ClusterID(), ms.opts.Replica.Founders()
	if w := ms.waits.Load(); w != nil {
		r.MoveWaits, r.MoveRefused = w.why, w.refused
	}
}

// LastLook returns the look that CheckOwnPlace was given last; nil before the first.
func (ms *Members) LastLook() *survey.Look { return ms.lastLook.Load() }

// CheckOwnPlace does what every member has to do after a look, whether it leads or not: it
// ends this member among strangers, has the membership name its address, and seeks the
// members that are missing.
func (ms *Members) CheckOwnPlace(ctx context.Context, look survey.Look) {
	ms.lastLook.Store(&look)
	ms.endAmongStrangers(look)
	ms.noteDisks(look)
	ms.correctAddress(ctx, look)
	ms.logEndedRefusals()
	ms.seek(look)
}

// Act does what follows from a look: the leader changes the membership, any other member
// asks whether it was removed. away is since when members do not answer.
func (ms *Members) Act(ctx context.Context, look survey.Look, away survey.Absences) {
	if !ms.leaders.Now().Self {
		ms.endIfRemoved(ctx)
		return
	}
	ms.promote(ctx, look)
	ms.removeDead(look, away)
}

// Handlers answer CallChange and CallJoin. Use them once this member has entered its
// cluster.
func (ms *Members) Handlers() map[string]func(ctx context.Context, body []byte) ([]byte, error) {
	return map[string]func(ctx context.Context, body []byte) ([]byte, error){CallChange: ms.answerChange, CallJoin: ms.answerJoin}
}

func (ms *Members) answerChange(ctx context.Context, body []byte) ([]byte, error) {
	c, err := readChange(body)
	if err != nil {
		return nil, err
	}
	return ms.verdict(ctx, CallChange, ms.change(ctx, c)), nil
}

func (ms *Members) answerJoin(ctx context.Context, body []byte) ([]byte, error) {
	c, err := readChange(body)
	if err != nil {
		return nil, err
	}
	if c.Op != "join" && c.Op != "move" {
		return nil, fmt.Errorf("a member cannot ask to %q", c.Op)
	}
	c, err = ms.authenticated(ctx, c)
	var refused *refusal.Error
	switch {
	case errors.As(err, &refused):
		return ms.verdict(ctx, CallJoin, refused), nil
	case err != nil:
		return nil, err
	}
	return ms.verdict(ctx, CallJoin, ms.passOn(ctx, c)), nil
}

// verdict answers a member that asked for a change: if it was made, with the cluster's
// id, which a joining member has to know.
func (ms *Members) verdict(ctx context.Context, method string, err error) []byte {
	return ms.opts.Submitter.Verdict(ctx, method, err, func() []byte { return []byte(ms.opts.Replica.ClusterID()) })
}

func readChange(body []byte) (c change, err error) {
	if err := json.Unmarshal(body, &c); err != nil {
		return c, fmt.Errorf("change of membership: %w", err)
	}
	return c, nil
}

// level is the format level of the state here.
func (ms *Members) level() (level uint32) {
	ms.opts.State.Read(func(s *poll.State) { level = s.Level() })
	return level
}

// logOf returns a logger that names the request in each line.
func (ms *Members) logOf(ctx context.Context) *slog.Logger { return trace.Logger(ctx, ms.log) }
