package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"voted/internal/api"
	"voted/internal/backup"
	"voted/internal/cluster"
	"voted/internal/cluster/peer"
	"voted/internal/cluster/storage"
	"voted/internal/history"
	"voted/internal/poll"
	"voted/internal/prover"
	"voted/internal/server/backend"
	"voted/internal/survey"
	"voted/internal/trace"
	"voted/internal/usage"
	"voted/internal/webhook"
)

// Server is one node: a member of the cluster and its HTTP API.
type Server struct {
	opts         Options
	log          *slog.Logger
	node         *cluster.Node
	handler      *api.Handler
	public       http.Handler // of the public port: the API, and the pages around it
	http         *http.Server
	listener     *door
	guards       guards
	backups      *backup.Schedule                // nil without --backup-dir
	backedUp     chan struct{}                   // closed when no more backups are made
	profiles     *http.Server                    // nil without --pprof
	tracer       *trace.Tracer                   // nil without --otlp-endpoint
	prover       *prover.Prover                  // nil without --log-name
	hooks        *webhook.Deliverer              // nil without --webhook-key
	webhookGuard *webhook.Guard                  // the same
	hookAPI      atomic.Pointer[backend.HookAPI] // for other members: they may ask before it is there
	files        files
	history      *history.Recorder
	disk         *diskMetrics
	counting     atomic.Pointer[api.Handler] // handler, for other members: they may ask before it is made
}

// New opens everything that can fail: the data directory and both ports. The node then
// begins to enter its cluster. An error for which usage.Is is true is cured by another
// command line or another directory; damage and faults of the disk never are.
func New(o Options) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, usage.Mark(err)
	}
	s := &Server{opts: o, log: o.Logger.With("node", o.ID), history: history.NewRecorder()}
	s.noteStart()
	if err := s.openGuards(); err != nil {
		return nil, curable(err)
	}
	listener, err := net.Listen("tcp", o.API)
	if err != nil {
		return nil, curable(fmt.Errorf("the API address %s cannot be used: %w; give another with --api", o.API, err))
	}
	s.listener = newDoor(listener, o.MaxConnections, o.MaxConnectionsPerAddress)
	if err = s.openProfiles(); err != nil {
		err = curable(err)
	} else if err = s.open(); err == nil {
		return s, nil
	}
	s.closeProfiles()
	s.closeTracer()
	_ = s.listener.Close() // the error is the one to report
	return nil, err
}

// open wires the member: its network and its store, its node, its API.
func (s *Server) open() error {
	o := s.opts
	registry := prometheus.NewRegistry()
	if err := s.openTracer(registry); err != nil {
		return err
	}
	port, err := peer.Listen(s.guards.peer)
	if err != nil {
		return curable(fmt.Errorf("%w; give another address with --peer", err))
	}
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.guards.show(registry)
	s.listener.show(registry)
	disk := newDiskMetrics(registry)
	s.disk = disk
	faults := make(chan error, 1)                            // the store may fail before the node exists
	space := storage.WatchSpace(o.DataDir, o.MinFree, s.log) // first, because it frees the ballast of a full disk
	store, err := storage.Open(o.DataDir, storage.Options{
		StallLimit: o.StallLimit,
		OnFault:    func(err error) { faults <- err },
		Observe:    disk.observe,
	})
	if err == nil {
		disk.follow(store)
		disk.watch(space)
		err = backup.Sweep(o.DataDir)
	}
	if s.backups = s.schedule(); s.backups != nil {
		s.backups.Measure(registry)
	}
	if err == nil {
		err = s.openProver(registry)
	}
	if err == nil {
		err = s.openHooks(registry)
	}
	if err == nil {
		s.node, err = cluster.Open(s.clusterOptions(store, space, port, registry))
	}
	if err != nil {
		_ = s.closeProver() // the error is the one to report
		if store != nil {
			_ = store.Close() // after a fault it only repeats the fault
		}
		_ = port.Close()
		if storage.IsFault(err) {
			return err // no other command line cures that
		}
		return curable(err)
	}
	s.startProver()
	go s.watchSpace(space)
	go func() {
		select {
		case fault := <-faults:
			s.node.Fail(fault)
		case <-s.node.Done():
		}
	}()
	s.handler = api.New(backend.Member{Node: s.node, Dir: o.DataDir}, s.guards.guard(s.proofs(s.withHooks(api.Options{
		RequestTimeout: o.RequestTimeout, Logger: s.log, Registry: registry, Version: o.Version, Tracer: s.tracer,
		Origins: o.AllowOrigins, Hosts: o.hosts(), Chronicle: s.history, Elsewhere: backend.Elsewhere{Node: s.node},
		Limits: api.Limits{PerAddress: api.Rate{PerSecond: o.RatePerAddress}, PerClient: api.Rate{PerSecond: o.RatePerClient}},
	}))))
	s.startHooks()
	s.public = s.withPages()
	s.counting.Store(s.handler)
	s.http = s.newHTTP()
	return nil
}

// watchSpace checks the free space until the member ends.
func (s *Server) watchSpace(space *storage.Space) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-s.node.Done()
		cancel()
	}()
	space.Run(ctx)
}

// verify reads the whole log before anything of it is served. Raft restores the snapshot
// at the same time, which checks it.
func (s *Server) verify(store *storage.Store) error {
	empty, err := store.Empty()
	if err != nil || empty {
		return err
	}
	start := time.Now()
	if err := store.VerifyLog(nil); err != nil {
		return err
	}
	s.log.Debug("the data directory is sound", "took", time.Since(start).Round(time.Millisecond))
	return nil
}

func (s *Server) clusterOptions(store *storage.Store, space *storage.Space, port *peer.Port, registry *prometheus.Registry) cluster.Options {
	o := s.opts
	var token func() (string, error)
	if o.JoinTokenFile != "" {
		token = o.readJoinToken
	}
	var backups cluster.Backups
	if s.backups != nil {
		backups = s.backups
	}
	verify := func() error {
		store.Hold() // raft runs from here on
		return s.verify(store)
	}
	bound := ""
	if o.namedByLine { // one given by --advertise-peer is not replaced
		bound = port.Bound()
	}
	var yield func(context.Context) func()
	if s.hooks != nil {
		yield = s.hooks.Yield
	}
	return cluster.Options{
		ID: o.ID, Peer: port.Addr(), Bound: bound, API: s.advertised(), Version: o.Version, Cluster: o.Cluster, Join: o.Join, JoinToken: token,
		Store: store, Space: space, Backups: backups, Audit: s.guards.recorder(o.ID), StaleFiles: s.guards.stale, CertificateEnds: s.guards.firstExpiry(), Verify: verify, Network: port, Logger: s.log, Metrics: registry,
		Tracer: s.tracer, Calls: s.calls(), Rates: s.rates, Note: s.history.Note, Forked: s.forked(), Webhooks: s.reportHooks(), Yield: yield, RemoveDeadAfter: o.RemoveDeadAfter, HeartbeatTimeout: o.HeartbeatTimeout, SnapshotEvery: o.SnapshotEvery,
	}
}

// advertised is the URL under which clients reach this node.
func (s *Server) advertised() string {
	if s.opts.AdvertiseAPI != "" {
		return s.opts.AdvertiseAPI
	}
	return s.URL()
}

// APIAddr returns the bound address of the public port.
func (s *Server) APIAddr() string { return s.listener.Addr().String() }

// Node returns the member, for tests that look behind the API.
func (s *Server) Node() *cluster.Node { return s.node }

// Run serves until ctx ends, then stops in order: it is no longer ready, hands leadership
// over, finishes requests in flight, stops raft, closes the store. If the member cannot go
// on, Run returns early, with the reason.
func (s *Server) Run(ctx context.Context) error {
	tuning, stopTuning := context.WithCancel(ctx)
	defer stopTuning()
	go tuneGC(tuning)
	s.runBackups(tuning)
	go s.watchFiles(tuning)
	go s.keepHistory(tuning)
	served := make(chan error, 1)
	go func() { served <- s.serve() }()
	s.log.Info("serving", "api", s.advertised(), "data", s.opts.DataDir)
	// READY means that the node is open and its data sound. It does not wait for a quorum:
	// a supervisor would restart the node, which would not help.
	s.opts.Notify("READY=1\nSTATUS=serving " + s.advertised())
	var err error
	select {
	case <-ctx.Done():
		s.drain()
	case err = <-served:
		err = fmt.Errorf("the API stopped: %w", err)
	case <-s.node.Failed():
		err = s.node.Failure()
	}
	s.closeProfiles()
	defer s.closeTracer()
	_ = s.http.Close()
	if failure := s.node.Failure(); failure != nil && !usage.Is(failure) {
		return err // after a fault nothing is awaited: the store may never answer again
	}
	stopTuning()
	s.endBackups()
	s.closeHooks() // before the results that it sends are no longer made
	s.handler.Close()
	return errors.Join(err, s.closeProver(), s.node.Close(), s.guards.close())
}

// drain drains the node within DrainTimeout.
func (s *Server) drain() {
	s.log.Info("leaving: requests in flight are finished, leadership is handed over")
	s.opts.Notify("STOPPING=1\nSTATUS=finishing requests, handing over leadership")
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.DrainTimeout)
	defer cancel()
	s.handler.Drain()
	if err := s.node.HandOver(ctx); err != nil {
		s.log.Warn("leadership could not be handed over; the others will elect a leader", "error", err)
	}
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn("requests were cut off; their clients retry", "error", err)
	}
}

// complete checks the options and fills in defaults.
func (o Options) complete() (Options, error) {
	if !poll.ValidID(o.ID) {
		return o, fmt.Errorf("--id: %q cannot be the id of a member; use letters, digits, '.', '_', '~' or '-'", o.ID)
	}
	if o.DataDir == "" {
		return o, errors.New("--data: name the directory that keeps this member's ballots")
	}
	if err := checkMembers(o.Cluster); err != nil {
		return o, err
	}
	if o.AdvertisePeer != "" {
		if err := checkMemberAddress(o.AdvertisePeer); err != nil {
			return o, fmt.Errorf("--advertise-peer: %w", err)
		}
	}
	for _, addr := range o.Join {
		if err := checkMemberAddress(addr); err != nil {
			return o, fmt.Errorf("--join: %w", err)
		}
	}
	if o.JoinTokenFile != "" {
		if err := o.checkJoinToken(); err != nil {
			return o, err
		}
	}
	if at := slices.IndexFunc(o.Cluster, func(m survey.Peer) bool { return m.ID == o.ID }); at >= 0 {
		if o.AdvertisePeer == "" {
			o.AdvertisePeer, o.namedByLine = o.Cluster[at].Addr, true
		}
	} else if len(o.Cluster) > 0 {
		return o, fmt.Errorf("--cluster does not name this member, %s; it must name every first member and be the same everywhere", o.ID)
	}
	if err := o.checkTimes(); err != nil {
		return o, err
	}
	o = o.withDefaults()
	if err := o.Security.check(); err != nil {
		return o, err
	}
	if err := o.Backups.check(); err != nil {
		return o, err
	}
	if err := o.Proofs.check(); err != nil {
		return o, err
	}
	if err := o.Pages.check(); err != nil {
		return o, err
	}
	if err := o.Webhooks.check(); err != nil {
		return o, err
	}
	o.Proofs, o.Webhooks = o.Proofs.withDefaults(), o.Webhooks.withDefaults()
	o.Backups = o.Backups.withDefaults()
	return o, o.checkExposure(o.API, o.Peer)
}

func (o Options) withDefaults() Options {
	if o.API == "" {
		o.API = "127.0.0.1:8080"
	}
	if o.Peer == "" {
		o.Peer = "127.0.0.1:9080"
	}
	if o.RequestTimeout == 0 {
		o.RequestTimeout = 10 * time.Second
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Notify == nil {
		o.Notify = func(string) {}
	}
	o.DataDir = filepath.Clean(o.DataDir)
	return o
}
