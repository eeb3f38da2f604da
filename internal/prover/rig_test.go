package prover_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/prover"
	"voted/internal/prover/provertest"
	"voted/proof"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, d prover.Disk, name string) string {
	t.Helper()
	f, err := d.Open(name)
	must(t, err)
	defer f.Close()
	size, err := f.Size()
	must(t, err)
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return string(b)
}

func write(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

var errFails = errors.New("it fails")

func fails(w io.Writer) error {
	_, err := io.WriteString(w, "half")
	return errors.Join(err, errFails)
}

// seed is a proof key.
type seed [proof.SeedBytes]byte

func (s seed) Log(o proof.Origin) (proof.Signer, error) { return proof.NewLogSigner(s, o.String()) }

func (s seed) Cosigner(name, member string) (proof.Signer, error) {
	return proof.NewCosigner(s, name+"/"+member)
}

const logName = "votes.example"

// boxes are the ballots of one member: a plain state. A leaf is eight bytes.
type boxes struct {
	mu      sync.Mutex
	polls   map[string][]uint64
	closed  map[string]bool
	hidden  map[string]bool // until the close
	changed map[string]bool
	lineage string
	state   uint64
	doubt   error

	cost time.Duration // that reading each tile of leaves takes, of a processor; set before Start
	busy atomic.Int64  // what all reading took so
}

func newBoxes() *boxes {
	return &boxes{polls: map[string][]uint64{}, closed: map[string]bool{}, hidden: map[string]bool{}, changed: map[string]bool{}, lineage: "1", state: 1}
}

// cast appends leaves.
func (b *boxes) cast(poll string, leaves ...uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.polls[poll] = append(b.polls[poll], leaves...)
	b.changed[poll] = true
}

// end closes a poll with one more leaf.
func (b *boxes) end(poll string) {
	b.cast(poll, 1<<63)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed[poll] = true
}

// remove deletes a poll.
func (b *boxes) remove(poll string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.polls, poll)
	b.changed[poll] = true
}

// replace puts another state in the place of this one.
func (b *boxes) replace(lineage string, polls map[string][]uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for poll := range b.polls {
		b.changed[poll] = true
	}
	b.polls, b.lineage = map[string][]uint64{}, lineage
	b.state++
	for poll, leaves := range polls {
		b.polls[poll], b.changed[poll] = slices.Clone(leaves), true
	}
}

func (b *boxes) box(poll string) prover.Box {
	leaves, ok := b.polls[poll]
	leaves = leaves[:len(leaves):len(leaves)]
	return prover.Box{
		Poll: poll, Lineage: b.lineage, State: b.state, Size: uint64(len(leaves)), Closed: b.closed[poll], Deleted: !ok,
		Hidden: b.hidden[poll] && !b.closed[poll],
		Leaves: func(from, to uint64) iter.Seq[[]byte] {
			return func(yield func([]byte) bool) {
				for i, n := range leaves[from:min(to, uint64(len(leaves)))] {
					if b.cost > 0 && i%proof.TileWidth == 0 {
						time.Sleep(b.cost)
						b.busy.Add(int64(b.cost))
					}
					if !yield(binary.BigEndian.AppendUint64(nil, n)) {
						return
					}
				}
			}
		},
	}
}

// Changes implements prover.State.
func (b *boxes) Changes(limit int) (all []prover.Box, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for poll := range b.changed {
		if len(all) == limit {
			return all, true
		}
		all = append(all, b.box(poll))
		delete(b.changed, poll)
	}
	return all, false
}

// Box implements prover.State.
func (b *boxes) Box(poll string) (prover.Box, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	box := b.box(poll)
	return box, !box.Deleted
}

// Doubt implements prover.State.
func (b *boxes) Doubt() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.doubt
}

// rig is a cluster of provers that call each other directly.
type rig struct {
	t *testing.T

	mu        sync.Mutex
	leader    string
	members   map[string]*place
	order     []string
	asked     map[string]int   // calls that each member got
	witnesses []prover.Witness // asked by all members
}

// place is one member: its disk, its ballots, and its prover while it runs.
type place struct {
	rig    *rig
	id     string
	key    seed
	disk   *provertest.Disk
	on     *provertest.Process
	boxes  *boxes
	prover *prover.Prover
	silent bool
	follow bool // it has no vote

	measured *prometheus.Registry // by this prover
	logger   *slog.Logger         // nil: it logs nothing

	// lie changes what the member answers; nil: nothing.
	lie func(question, answer []byte) []byte
}

// newRig starts provers of n members, the first of which leads.
func newRig(t *testing.T, n int, witnesses ...prover.Witness) *rig {
	r := &rig{
		t: t, leader: "n1", members: map[string]*place{}, asked: map[string]int{},
		witnesses: witnesses,
	}
	for i := range n {
		id := fmt.Sprintf("n%d", i+1)
		r.order = append(r.order, id)
		r.members[id] = &place{rig: r, id: id, key: seed{byte(i + 1)}, disk: provertest.NewDisk(), boxes: newBoxes()}
	}
	for _, id := range r.order {
		r.members[id].start()
	}
	t.Cleanup(func() {
		for _, id := range r.order {
			r.members[id].kill()
		}
	})
	return r
}

func (m *place) start() {
	m.rig.t.Helper()
	m.on = m.disk.Process()
	m.measured = prometheus.NewRegistry()
	p, err := prover.New(prover.Options{
		Name: logName, Member: m.id, Signer: m.key, Disk: m.on, Processors: 2, Metrics: m.measured, Logger: m.logger, Witnesses: m.rig.witnesses,
	})
	must(m.rig.t, err)
	m.boxes.mu.Lock()
	for poll := range m.boxes.polls {
		m.boxes.changed[poll] = true
	}
	m.boxes.mu.Unlock()
	p.Start(m.boxes, end{m})
	m.rig.mu.Lock()
	m.prover = p
	m.rig.mu.Unlock()
}

// kill ends the member's prover; what it had not synced is gone.
func (m *place) kill() {
	m.rig.mu.Lock()
	p := m.prover
	m.prover = nil
	m.rig.mu.Unlock()
	if p != nil {
		m.on.Kill()
		must(m.rig.t, p.Close())
	}
}

// end is the cluster as one member has it.
type end struct{ *place }

// Members implements prover.Cluster.
func (e end) Members() (all []prover.Member) {
	e.rig.mu.Lock()
	defer e.rig.mu.Unlock()
	for _, id := range e.rig.order {
		all = append(all, prover.Member{ID: id, Votes: !e.rig.members[id].follow})
	}
	return all
}

// Leads implements prover.Cluster.
func (e end) Leads() bool {
	e.rig.mu.Lock()
	defer e.rig.mu.Unlock()
	return e.rig.leader == e.id
}

var errAway = errors.New("no one answers")

// Ask implements prover.Cluster.
func (e end) Ask(ctx context.Context, member string, body []byte) ([]byte, error) {
	e.rig.mu.Lock()
	to := e.rig.members[member]
	p, lie, away := to.prover, to.lie, to.silent || e.silent
	e.rig.asked[member]++
	e.rig.mu.Unlock()
	if p == nil || away {
		return nil, errAway
	}
	a, err := p.Answer(ctx, body)
	if err == nil && lie != nil {
		a = lie(body, a)
	}
	return a, err
}

// all runs f on every member.
func (r *rig) all(f func(m *place)) {
	for _, id := range r.order {
		f(r.members[id])
	}
}

// cast puts leaves into the boxes of all members.
func (r *rig) cast(poll string, leaves ...uint64) {
	r.all(func(m *place) { m.boxes.cast(poll, leaves...) })
}

// lead makes a member the leader; "": no one.
func (r *rig) lead(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leader = id
}

// silence cuts a member off.
func (r *rig) silence(id string, is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[id].silent = is
}

// await waits until a member has a head of at least a size.
func (m *place) await(poll string, size uint64, within time.Duration) prover.Head {
	m.rig.t.Helper()
	ctx, cancel := context.WithTimeout(m.rig.t.Context(), within)
	defer cancel()
	h, err := m.prover.Await(ctx, poll, size-1)
	if err != nil {
		m.rig.t.Fatalf("%s has no head of %d of %s within %v: %v", m.id, size, poll, within, err)
	}
	m.rig.check(h)
	return h
}

// check checks a head like a stranger: that the log and a majority of the members signed it.
func (r *rig) check(h prover.Head) {
	r.t.Helper()
	n, err := proof.ParseNote(h.Note)
	must(r.t, err)
	var cosigners, logs []proof.Verifier
	r.all(func(m *place) {
		c, err := m.key.Cosigner(logName, m.id)
		must(r.t, err)
		l, err := m.key.Log(h.Origin)
		must(r.t, err)
		cosigners, logs = append(cosigners, c.Verifier), append(logs, l.Verifier)
	})
	good, err := n.Verify(cosigners...)
	must(r.t, err)
	one, err := n.Verify(logs...)
	must(r.t, err)
	if len(good) <= len(r.order)/2 || len(one) != 1 {
		r.t.Errorf("%d members and %d logs signed %s", len(good), len(one), h.Note)
	}
	c, err := proof.ParseCheckpoint(n.Text)
	must(r.t, err)
	if c.Origin != h.Origin.String() || c.Size != h.Size || c.Root != h.Root {
		r.t.Errorf("the head %+v has the note %s", h.Point, h.Note)
	}
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, n int, f func(r *rig)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(newRig(t, n)) })
}

// upTo returns the numbers 0 up to n.
func upTo(n int) (all []uint64) {
	for i := range n {
		all = append(all, uint64(i))
	}
	return all
}

// rootOf is the root of leaves by the recursion of RFC 6962, section 2.1.
func rootOf(leaves []uint64) proof.Hash {
	if len(leaves) == 1 {
		return proof.LeafHash(binary.BigEndian.AppendUint64(nil, leaves[0]))
	}
	half := 1
	for 2*half < len(leaves) {
		half *= 2
	}
	return proof.NodeHash(rootOf(leaves[:half]), rootOf(leaves[half:]))
}
