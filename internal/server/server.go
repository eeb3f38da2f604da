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
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"voted/internal/api"
	"voted/internal/backup"
	"voted/internal/cluster"
	"voted/internal/cluster/peer"
	"voted/internal/cluster/storage"
	"voted/internal/poll"
	"voted/internal/server/backend"
	"voted/internal/trace"
)

// Server is one node: a member of the cluster and its HTTP API.
type Server struct {
	opts     Options
	log      *slog.Logger
	node     *cluster.Node
	handler  *api.Handler
	http     *http.Server
	listener *door
	guards   guards
	backups  *backup.Schedule // nil: none are kept
	backedUp chan struct{}    // closed when no backup is being made any more
	profiles *http.Server     // nil: none are served
	tracer   *trace.Tracer    // nil: nothing is traced
}

// New opens everything that can refuse: the data directory, both ports. The node
// begins to enter its cluster. An error that wraps ErrUsage is cured by another
// command line or another directory; damage and faults of the disk are none of these.
func New(o Options) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	s := &Server{opts: o, log: o.Logger.With("node", o.ID)}
	if err := s.openGuards(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	listener, err := net.Listen("tcp", o.API)
	if err != nil {
		return nil, fmt.Errorf("%w: the API address %s cannot be used: %w; give another with --api", ErrUsage, o.API, err)
	}
	s.listener = newDoor(listener, o.MaxConnections, o.MaxConnectionsPerAddress)
	if err = s.openProfiles(); err != nil {
		err = fmt.Errorf("%w: %w", ErrUsage, err)
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
		return fmt.Errorf("%w: %w; give another address with --peer", ErrUsage, err)
	}
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.guards.show(registry)
	s.listener.show(registry)
	disk := newDiskMetrics(registry)
	faults := make(chan error, 1)                            // the store may fail before the node is there to be told
	space := storage.WatchSpace(o.DataDir, o.MinFree, s.log) // first: a full disk gets its ballast back
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
		s.node, err = cluster.Open(s.clusterOptions(store, space, port, registry, disk))
	}
	if err != nil {
		if store != nil {
			_ = store.Close() // after a fault it only repeats the fault
		}
		_ = port.Close()
		if storage.IsFault(err) {
			return err // no other command line cures that
		}
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	go s.watchSpace(space)
	go func() {
		select {
		case fault := <-faults:
			s.node.Fail(fault)
		case <-s.node.Done():
		}
	}()
	s.handler = api.New(backend.Member{Node: s.node, Dir: o.DataDir}, s.guards.guard(api.Options{
		RequestTimeout: o.RequestTimeout, Logger: s.log, Registry: registry, Version: o.Version, Tracer: s.tracer,
		Limits: api.Limits{PerAddress: api.Rate{PerSecond: o.RatePerAddress}, PerClient: api.Rate{PerSecond: o.RatePerClient}},
	}))
	s.http = s.newHTTP()
	return nil
}

// watchSpace looks at the free space until the member ends.
func (s *Server) watchSpace(space *storage.Space) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-s.node.Done()
		cancel()
	}()
	space.Run(ctx)
}

// verify reads the whole log before anything of it is served; the snapshot is read
// and checked when raft restores it, at the same time.
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

func (s *Server) clusterOptions(store *storage.Store, space *storage.Space, port *peer.Port, registry *prometheus.Registry, disk *diskMetrics) cluster.Options {
	o := s.opts
	first := make([]cluster.Server, len(o.Cluster))
	for i, m := range o.Cluster {
		first[i] = cluster.Server(m)
	}
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
	return cluster.Options{
		ID: o.ID, Peer: port.Addr(), API: s.advertised(), Version: o.Version, Cluster: first, Join: o.Join, JoinToken: token,
		Store: store, Space: space, Backups: backups, Audit: s.guards.note(o.ID), Verify: verify, Network: port, Logger: s.log, Metrics: registry,
		Tracer: s.tracer, Appending: &disk.appending,
		RemoveDeadAfter: o.RemoveDeadAfter, HeartbeatTimeout: o.HeartbeatTimeout, SnapshotEvery: o.SnapshotEvery,
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

// Run serves until ctx ends, then leaves in order: not ready any more, leadership
// handed over, requests in flight finished, raft down, store closed. It returns
// early, with the reason, when the member cannot go on.
func (s *Server) Run(ctx context.Context) error {
	tuning, stopTuning := context.WithCancel(ctx)
	defer stopTuning()
	go tuneGC(tuning)
	s.goBackups(tuning)
	served := make(chan error, 1)
	go func() { served <- s.serve() }()
	s.log.Info("serving", "api", s.advertised(), "data", s.opts.DataDir)
	// Ready means: open and sound. Whether there is a quorum is no reason to start a
	// node again, so nobody who supervises it is to wait for one.
	s.opts.Notify("READY=1\nSTATUS=serving " + s.advertised())
	var err error
	select {
	case <-ctx.Done():
		s.leave()
	case err = <-served:
		err = fmt.Errorf("the API stopped: %w", err)
	case <-s.node.Failed():
		err = s.node.Failure()
		if errors.Is(err, cluster.ErrUsage) {
			err = fmt.Errorf("%w: %w", ErrUsage, err)
		}
	}
	s.closeProfiles()
	defer s.closeTracer()
	_ = s.http.Close()
	if failure := s.node.Failure(); failure != nil && !errors.Is(failure, cluster.ErrUsage) {
		return err // nothing is waited for after a fault: the store may never answer again
	}
	stopTuning()
	s.endBackups()
	return errors.Join(err, s.node.Close(), s.guards.close())
}

// leave drains the node within DrainTimeout.
func (s *Server) leave() {
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
	if len(o.Cluster) > 0 && len(o.Join) > 0 {
		return o, errors.New("--cluster founds a cluster and --join enters one; give only one of them")
	}
	if err := checkMembers(o.Cluster); err != nil {
		return o, err
	}
	for _, addr := range o.Join {
		if err := checkAddress(addr); err != nil {
			return o, fmt.Errorf("--join: %w", err)
		}
	}
	if o.JoinTokenFile != "" {
		if err := o.checkJoinToken(); err != nil {
			return o, err
		}
	}
	if at := slices.IndexFunc(o.Cluster, func(m Member) bool { return m.ID == o.ID }); at >= 0 {
		if o.AdvertisePeer == "" {
			o.AdvertisePeer = o.Cluster[at].Peer
		} else if o.AdvertisePeer != o.Cluster[at].Peer {
			return o, fmt.Errorf("--cluster says that %s is at %s, --advertise-peer says %s", o.ID, o.Cluster[at].Peer, o.AdvertisePeer)
		}
	} else if len(o.Cluster) > 0 {
		return o, fmt.Errorf("--cluster does not name this member, %s; it must name every first member and be the same everywhere", o.ID)
	}
	if d := o.RemoveDeadAfter; d < 0 || d > 0 && d < time.Minute {
		return o, fmt.Errorf("--remove-dead-after: %s is no time after which a member is gone for good; give hours or days, such as 72h", d)
	}
	o = o.withDefaults()
	if err := o.Security.check(); err != nil {
		return o, err
	}
	if err := o.Backups.check(); err != nil {
		return o, err
	}
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
