package simtest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/api"
	"voted/internal/cluster"
	"voted/internal/poll"
	"voted/internal/prover"
	"voted/internal/prover/provertest"
	"voted/internal/survey"
	"voted/internal/webhook"
)

// Cluster is a simulated cluster. It must be made, used and closed in one bubble of
// testing/synctest.
type Cluster struct {
	seed     uint64
	size     int
	draw     *dice
	net      *network
	begin    time.Time
	logger   *slog.Logger
	settings settings

	mu      sync.Mutex
	members map[string]*member // guarded by mu; the present ones, and those about to be added
	line    []survey.Peer      // guarded by mu; the --cluster of a member that starts
	moves   int                // guarded by mu; how often a member moved
	moving  atomic.Bool        // a member is about to move
	gone    atomic.Int32       // founders that were removed for good
	foreign map[string]*disk   // of another cluster founded with the same ids; nil: there is none
	closing sync.WaitGroup     // shells of dead members

	exchanging sync.Mutex // held while a member gets another disk, never while time passes

	durable  durability
	history  history
	reader   reader   // of one goroutine at a time: followEvents, then CheckEvents
	promises promises // of one goroutine at a time: the sampler, then CheckHeads
	counts   counts

	receivers []*receiver  // nil without Webhooks
	ticks     atomic.Int64 // orders calls and returns

	failMu sync.Mutex
	failed []string       // guarded by failMu; violations
	kinds  map[string]int // guarded by failMu; how many of each kind there were
	closed sync.Once
}

// settings are what options change.
type settings struct {
	snapshotEvery uint64
	trailing      uint64
	deadline      time.Duration
	// The following are bugs that negative controls plant.
	rehearsed  bool                                 // another cluster with the same ids was founded before
	noGreeting bool                                 // a bug: the greeting is not checked
	amnesia    int                                  // entries that a disk forgets at a crash
	storeBug   func(member string) func([]raft.Log) // changes what one member stores
	networkBug func(*port) callerFunc               // answers calls itself
	castBug    func(castFunc) castFunc              // changes what clients do
	noReceipts bool                                 // clients are acknowledged without a receipt
	syncBug    bool                                 // reads do not wait until they are up to date
	backendBug func(api.Cluster) api.Cluster        // changes what the API reads and casts
	apiBug     func(http.Handler) http.Handler      // changes what the API answers
	provers    bool                                 // members sign heads of logs
	leafBug    func(member string, b prover.Box) prover.Box
	markBug    func(member string, d *provertest.Disk) *provertest.Disk // at each start
	repeats    time.Duration                                            // how much a leader's successor may deliver again; 0: there are no webhooks
	older      uint32                                                   // the format level that processes read which start before newerFrom; 0: there are none
	newerFrom  time.Duration
	// The next two are bugs, too: a progress that is not committed, and how events are sent.
	progressBug func(poll.Progress) (lost bool)
	senderBug   func(webhook.Sender) webhook.Sender
	logger      *slog.Logger
}

type castFunc = func(ctx context.Context, n *cluster.Node, b *poll.Ballot) (poll.Outcome, error)

// Option changes how a cluster is made.
type Option func(*Cluster)

// Members sets how many members found the cluster. Default 3.
func Members(n int) Option { return func(c *Cluster) { c.size = n } }

// Seed sets the seed of all decisions of the simulation.
func Seed(seed uint64) Option { return func(c *Cluster) { c.seed = seed } }

// SnapshotEvery sets after how many entries a member takes a snapshot, and how many
// entries it keeps before it.
func SnapshotEvery(entries, trailing uint64) Option {
	return func(c *Cluster) { c.settings.snapshotEvery, c.settings.trailing = entries, trailing }
}

// TwoBuilds has the processes that start before a time be of an older build, which reads formats up
// to a level. They become newer ones as they are started again.
func TwoBuilds(older uint32, before time.Duration) Option {
	return func(c *Cluster) { c.settings.older, c.settings.newerFrom = older, before }
}

// Logger sets the logger of the members. Default: nothing is logged.
func Logger(l *slog.Logger) Option { return func(c *Cluster) { c.settings.logger = l } }

// The bounds of a healthy cluster.
const (
	// defaultDeadline is how long a client waits for one answer.
	defaultDeadline = 4 * time.Second
	// shellTime is how long the shell of a dead member continues unseen: longer than a
	// leader without followers stays leader; see the package's documentation.
	shellTime = 2 * time.Second
)

// member is one place in the cluster: its disk, and the process that runs on it.
type member struct {
	id   string
	join bool
	skew atomic.Int64 // of its clock, nanoseconds

	mu       sync.Mutex       // never held while time passes: the bubble's clock would stop
	addr     string           // guarded by mu; where its process listens, or the next one will
	disk     *disk            // guarded by mu
	proofs   *provertest.Disk // guarded by mu; what its prover keeps
	own      *disk            // guarded by mu; its own, while it runs on one of another cluster; nil: it does not
	now      *process         // guarded by mu; nil while it is down
	starting bool             // guarded by mu
}

// process is one incarnation of a member.
type process struct {
	member   *member
	node     *cluster.Node
	port     *port
	store    *store
	prover   *prover.Prover         // nil without Provers
	proofs   *provertest.Process    // nil without Provers
	hooks    *webhook.Deliverer     // nil without Webhooks
	tenure   atomic.Pointer[tenure] // in which hooks deliver, or did last
	registry *prometheus.Registry
	api      func() http.Handler // made at its first use
	foreign  bool                // it runs on the disk of another cluster
	ctx      context.Context     // ends at its crash: its clients are cut off
	cut      context.CancelFunc
}

// New starts the members of a new cluster, which found it by themselves. The findings
// of checks are kept for Violations and Require.
func New(opts ...Option) *Cluster {
	c := &Cluster{size: 3, members: map[string]*member{}, begin: time.Now()}
	c.settings = settings{snapshotEvery: 400, trailing: 16, deadline: defaultDeadline}
	for _, o := range opts {
		o(c)
	}
	c.logger = c.settings.logger
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	c.draw = newDice(c.seed, "cluster")
	c.net = newNetwork(newDice(c.seed, "network"))
	c.net.overlay, c.net.noGreeting = c.settings.networkBug, c.settings.noGreeting
	if c.settings.rehearsed {
		c.foreign = rehearse(c)
		c.begin = time.Now()
	}
	if c.settings.repeats != 0 {
		c.receivers = newReceivers()
	}
	c.line = c.founders()
	for i := range c.size {
		c.place(fmt.Sprintf("n%d", i+1), false)
	}
	for _, m := range c.places() {
		c.start(m)
	}
	return c
}

// address returns the address of a member.
func address(id string) string { return id + ".sim:7000" }

func (c *Cluster) place(id string, join bool) *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &member{id: id, join: join, addr: address(id), disk: newDisk(), proofs: provertest.NewDisk()}
	c.members[id] = m
	return m
}

// places returns the members, in the order of their ids.
func (c *Cluster) places() []*member {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*member, 0, len(c.members))
	for _, m := range c.members {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *member) int { return strings.Compare(a.id, b.id) })
	return all
}

// founders is the first configuration.
func (c *Cluster) founders() []survey.Peer {
	servers := make([]survey.Peer, c.size)
	for i := range servers {
		id := fmt.Sprintf("n%d", i+1)
		servers[i] = survey.Peer{ID: id, Addr: address(id)}
	}
	return servers
}

func (m *member) process() *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// start starts a member's process if none runs.
func (c *Cluster) start(m *member) {
	m.mu.Lock()
	busy := m.now != nil || m.starting
	m.starting = m.starting || !busy
	disk, addr, foreign := m.disk, m.addr, m.own != nil
	m.mu.Unlock()
	if busy {
		return
	}
	p, err := c.open(m, disk, addr, foreign)
	m.mu.Lock()
	m.starting = false
	if err == nil {
		m.now = p
	}
	m.mu.Unlock()
	if err != nil {
		c.fail("%s cannot start: %v", m.id, err)
		return
	}
	c.closing.Go(func() { c.attend(p) })
	if c.find(m.id) != m || c.net.ctx.Err() != nil {
		c.crash(m) // removed, or the simulation has ended, in the meantime
	}
}

// open makes the process: the member's port, its store on the disk, and the node.
func (c *Cluster) open(m *member, d *disk, addr string, foreign bool) (*process, error) {
	p := &process{member: m, foreign: foreign, port: c.net.listen(m.id, addr), registry: prometheus.NewRegistry()}
	p.ctx, p.cut = context.WithCancel(context.Background())
	p.store = openStore(d, newDice(c.seed, "store"+m.id))
	if bug := c.settings.storeBug; bug != nil {
		p.store.overlay = bug(m.id)
	}
	c.durable.observe(c, p)
	opened := make(chan struct{})
	p.store.onFault = func(err error) {
		p.port.crash()
		<-opened
		if p.node != nil {
			p.node.Fail(err)
		}
	}
	c.openHooks(p)
	calls, err := c.openProver(p)
	if err != nil {
		return nil, err
	}
	o := cluster.Options{
		ID: m.id, Peer: addr, Calls: calls, Version: "sim", Store: p.store, Network: p.port,
		Logger: c.logger.With("node", m.id), Metrics: p.registry,
		Now:           func() time.Time { return time.Now().Add(time.Duration(m.skew.Load())) },
		SnapshotEvery: c.settings.snapshotEvery, TrailingLogs: c.settings.trailing, Yield: p.yieldHooks,
	}
	if c.now() < c.settings.newerFrom {
		o.FormatLevel = c.settings.older
	}
	if m.join {
		for _, each := range c.places() {
			if each != m {
				o.Join = append(o.Join, each.at())
			}
		}
	} else {
		o.Cluster = c.commandLine()
	}
	node, err := cluster.Open(o)
	p.node = node
	if err == nil {
		c.startProver(p)
		c.startHooks(p)
	}
	p.api = c.serve(p)
	close(opened)
	return p, err
}

// attend handles a process that stopped by itself.
func (c *Cluster) attend(p *process) {
	select {
	case <-p.node.Failed():
	case <-p.ctx.Done():
		return
	}
	err := p.node.Failure()
	c.event("stopped by itself", p.member.id, err.Error())
	p.store.mu.Lock()
	injected := p.store.fault != nil
	p.store.mu.Unlock()
	if !injected && !p.member.join && !p.foreign {
		c.fail("%s stopped by itself: %v", p.member.id, err)
	}
	c.crash(p.member)
}

// crash kills a member's process, if one runs.
func (c *Cluster) crash(m *member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.now
	if p == nil {
		return
	}
	m.now = nil
	p.port.crash()
	p.store.crash()
	if p.proofs != nil {
		p.proofs.Kill()
	}
	p.cut()
	if c.settings.amnesia > 0 {
		m.disk.forget(c.settings.amnesia)
	}
	c.closing.Go(func() {
		time.Sleep(shellTime)
		c.counts.measure(p.registry)
		// No one sees it, so an error does not matter.
		if p.prover != nil {
			_ = p.prover.Close()
		}
		if p.hooks != nil {
			p.hooks.Close()
		}
		_ = p.node.Close()
	})
}

// living returns the processes that run.
func (c *Cluster) living() []*process {
	var all []*process
	for _, m := range c.places() {
		if p := m.process(); p != nil {
			all = append(all, p)
		}
	}
	return all
}

// leader returns the process that most living members call the leader; nil if none.
func (c *Cluster) leader() *process {
	votes := map[string]int{}
	living := c.living()
	for _, p := range living {
		if id := p.node.Leader(); id != "" {
			votes[id]++
		}
	}
	var best *process
	for _, p := range living {
		if n := votes[p.member.id]; n > 0 && (best == nil || n > votes[best.member.id]) {
			best = p
		}
	}
	return best
}

// now is the virtual time since the start.
func (c *Cluster) now() time.Duration { return time.Since(c.begin) }

// maxViolations bounds the violations of one kind that are kept; one is enough to fail.
const maxViolations = 50

// fail records a violation.
func (c *Cluster) fail(format string, args ...any) {
	c.failMu.Lock()
	defer c.failMu.Unlock()
	if c.kinds == nil {
		c.kinds = map[string]int{}
	}
	if c.kinds[format]++; c.kinds[format] > maxViolations {
		return
	}
	c.failed = append(c.failed, fmt.Sprintf(format, args...))
	c.event("violation", "", c.failed[len(c.failed)-1])
}

// Violations returns what the checks have found so far.
func (c *Cluster) Violations() []string {
	c.failMu.Lock()
	defer c.failMu.Unlock()
	return slices.Clone(c.failed)
}

// Close ends all members and every goroutine of the simulation, so that the bubble
// can end.
func (c *Cluster) Close() {
	c.closed.Do(func() {
		for _, m := range c.places() {
			c.crash(m)
		}
		c.net.end()
		c.closing.Wait()
		c.net.busy.Wait()
	})
}

// Require fails the test if there are violations, lists them, and says where the
// history is.
func (c *Cluster) Require(t testing.TB) {
	t.Helper()
	found := c.Violations()
	if len(found) == 0 {
		return
	}
	file, err := c.Save("")
	if err != nil {
		t.Errorf("the history cannot be saved: %v", err)
	}
	t.Errorf("seed %d, %d members: %d violations, history in %s:\n%s", c.seed, c.size, len(found), file, strings.Join(found[:min(len(found), 20)], "\n"))
}
