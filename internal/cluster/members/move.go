package members

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"voted/internal/cluster/peer"
	"voted/internal/cluster/replica"
	"voted/internal/refusal"
	"voted/internal/survey"
)

// A member may come back at another address with its disk: a new pod, a new lease. It
// claims the address at any member; the leader checks which process answers where, and
// changes the address in the membership. A claim alone never gives a process a member's
// place: the process must answer there under that id, in this cluster, on the disk that
// the member was seen on, and under TLS with its certificate; and no other process may
// answer at the old address.

// disks remembers on which disk each member was seen, to recognise a member that was
// replaced, and an old copy of its directory. Each member keeps what it saw itself.
type disks struct {
	mu    sync.Mutex
	known map[string]string // guarded by mu; by member
}

func (d *disks) set(known map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = maps.Clone(known)
}

func (d *disks) all() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.known)
}

// note takes over one look at the members; fresh reports whether anything is new.
func (d *disks) note(look survey.Look) (known map[string]string, fresh bool) {
	was := d.all()
	known = look.Disks(was)
	if maps.Equal(known, was) {
		return known, false
	}
	d.set(known)
	return known, true
}

// noteDisks keeps on which disks the last look saw the members, across restarts too.
func (ms *Members) noteDisks(look survey.Look) {
	known, fresh := ms.disks.note(look)
	if !fresh {
		return
	}
	if err := ms.opts.Replica.KeepDisks(known); err != nil {
		ms.log.Warn("on which disks the members run could not be noted; one that moves may be refused", "error", err)
	}
}

// diskOf returns the disk on which a member was seen, by this member or by another one;
// "" if none has seen it.
func (ms *Members) diskOf(id string) string {
	if id == ms.opts.ID {
		return ms.opts.Replica.Disk()
	}
	if disk := ms.disks.all()[id]; disk != "" {
		return disk
	}
	if last := ms.LastLook(); last != nil {
		return last.DiskOf(id)
	}
	return ""
}

// address is where the others reach this member.
func (ms *Members) address() string { return *ms.at.Load() }

// moveTo makes addr the address that this member gives to the others.
func (ms *Members) moveTo(addr string) {
	ms.at.Store(&addr)
	ms.opts.Network.Readvertise(addr)
}

// settleAddress uses the address in the membership if this member listens there: the
// command line is then older than its last move.
func (ms *Members) settleAddress() {
	for _, s := range ms.opts.Replica.Members() {
		if s.ID == ms.opts.ID && ms.opts.Bound != "" && s.Addr == ms.opts.Bound {
			ms.moveTo(ms.opts.Bound)
		}
	}
}

// correctAddress makes the membership name this member's real address. seen must be its
// latest look.
func (ms *Members) correctAddress(ctx context.Context, seen survey.Look) {
	ms.settleAddress()
	named := ""
	for _, m := range seen {
		if m.ID == ms.opts.ID {
			named = m.Addr
		}
	}
	claim := change{Op: "move", ID: ms.opts.ID, Peer: ms.address(), Disk: ms.opts.Replica.Disk(), Run: ms.run}
	catchingUp := ms.leaders.Now().ID != "" && !ms.opts.CaughtUp() // the membership that it reads may be old
	switch {
	case named == "" || catchingUp:
		return
	case named == ms.address() && (ms.placed || ms.opts.Bound == "" || ms.opts.Bound == named):
		ms.noteSettled()
		return
	case named == ms.address():
		// Its own entry in --cluster and the membership may both be old: claimed once a start.
		claim.Peer, claim.Doubted = ms.opts.Bound, true
	}
	err := ms.claim(ctx, claim, seen)
	ms.noteMove(claim, named, err)
	if err == nil && claim.Doubted {
		ms.awaitMove(ctx)
	}
}

// awaitMove returns when the membership here names an address at which this member
// listens, or after a moment, since it may never do so. Until then the others would look
// for a leader at the wrong address.
func (ms *Members) awaitMove(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	for ms.settleAddress(); ms.address() != ms.opts.Bound && ctx.Err() == nil; ms.settleAddress() {
		ms.leaders.Pause(ctx, replica.RetryPause)
	}
}

// claim sends a claim to the leader, through the first member that answers.
func (ms *Members) claim(ctx context.Context, c change, seen survey.Look) error {
	ctx, cancel := context.WithTimeout(ctx, 3*askTime)
	defer cancel()
	if ms.leaders.Now().Self {
		return ms.change(ctx, c)
	}
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	last := errors.New("no other member answers")
	for i := range seen {
		m := &seen[i]
		if m.Err != nil || m.ID == ms.opts.ID {
			continue
		}
		_, err := ms.opts.Submitter.Ask(peer.Meaning(ctx, m.ID), m.Where, CallJoin, body)
		var refused *refusal.Error
		if err == nil || errors.As(err, &refused) && !mayPass(refused.Code) {
			return err
		}
		last = err
	}
	return last
}

// move carries out a claim on the leader, once the leader itself has checked it.
func (ms *Members) move(ctx context.Context, c change, servers []replica.Server, at int) error {
	if at < 0 {
		return refusal.New(refusal.MemberNotFound, "There is no member %s in this cluster; to let it in, empty its data directory and start it with --join.", c.ID)
	}
	old := servers[at].Addr
	if old == c.Peer {
		return nil
	}
	if known := ms.diskOf(c.ID); known == "" || known != c.Disk {
		return refusal.New(refusal.MemberExists, "Member %s runs on another disk than the one that now comes back at %s. Remove it first (voted cluster remove %s), empty that data directory, then start it with --join.", c.ID, c.Peer, c.ID)
	}
	if i := slices.IndexFunc(servers, func(s replica.Server) bool { return s.Addr == c.Peer }); i >= 0 {
		return refusal.New(refusal.Unavailable, "The membership still names %s for member %s; member %s gets it once that one has moved.", c.Peer, servers[i].ID, c.ID)
	}
	stays, err := ms.answersAt(ctx, c, old)
	if err != nil || stays {
		return err
	}
	if err := ms.opts.Audit("move_member", c.ID, "it came back with its disk at "+c.Peer+", and was at "+old); err != nil {
		ms.log.Error("a member's address is not changed, because that cannot be put on record", "member", c.ID, "error", err)
		return fmt.Errorf("%w: it cannot be put on record that member %s moves", replica.ErrNotAppended, c.ID)
	}
	ms.logOf(ctx).Info("a member came back at another address", "member", c.ID, "peer", c.Peer, "before", old)
	return ms.alone(ctx, func() error {
		if !slices.Contains(ms.opts.Replica.Members(), servers[at]) {
			return fmt.Errorf("%w: the membership has just changed", replica.ErrNotAppended)
		}
		return ms.opts.Replica.Readvertise(ctx, c.ID, c.Peer)
	})
}

// alone carries out a change while no conflicting one is under way: a change of address
// must not bring back a member that is being removed.
func (ms *Members) alone(ctx context.Context, change func() error) error {
	select {
	case ms.changing <- struct{}{}:
		defer func() { <-ms.changing }()
		return change()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", replica.ErrNotAppended, ctx.Err())
	}
}

// answersAt checks that the process which claims an address answers there, and that no
// other one answers at the old address. stays: the claim was only a doubt, and the
// process answers at the old address.
func (ms *Members) answersAt(ctx context.Context, c change, old string) (stays bool, err error) {
	type answer struct {
		s   survey.Report
		err error
	}
	before, now := make(chan answer, 1), make(chan answer, 1)
	for addr, to := range map[string]chan answer{old: before, c.Peer: now} {
		go func() { // ends with its call
			s, _, err := ms.opts.Lookout.Ask(ctx, c.ID, addr)
			to <- answer{s, err}
		}()
	}
	there, gone := <-now, <-before
	switch {
	case gone.err == nil && gone.s.Run == c.Run && c.Doubted:
		return true, nil
	case there.err != nil:
		return false, refusal.New(refusal.Unavailable, "Member %s says that it is at %s, and does not answer there (%v). Is that where the others reach it (--peer, --advertise-peer)?", c.ID, c.Peer, there.err)
	case there.s.ID != c.ID || there.s.Run != c.Run || there.s.Disk != c.Disk:
		return false, refusal.New(refusal.Unavailable, "Member %s says that it is at %s, and another process answers there (member %s). Is that where the others reach it (--peer, --advertise-peer)?", c.ID, c.Peer, there.s.ID)
	case gone.err == nil && gone.s.ID == c.ID && gone.s.Run != c.Run:
		ms.twins.note(c.ID, c.Peer, time.Now())
		return false, refusal.New(refusal.MemberExists, "Member %s answers at %s as well as at %s: two processes run under its id. Stop the one that should not be.", c.ID, old, c.Peer)
	}
	return false, nil
}
