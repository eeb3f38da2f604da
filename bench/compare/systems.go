package compare

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"voted/bench/machine"
	"voted/harness/overlay"
	"voted/internal/child"
)

// runningSystems is everything that runs during a comparison.
type runningSystems struct {
	systems  []system
	starter  *child.Starter
	dir      string // of all systems' data
	stops    []func() error
	peersPID atomic.Int64 // of the peers' client while it measures
}

// add adds a system that runs, with the function that stops it.
func (s *runningSystems) add(one system, stop func() error) {
	s.systems = append(s.systems, one)
	s.stops = append(s.stops, stop)
}

// stop stops all systems at the same time.
func (s *runningSystems) stop() error {
	errs := make([]error, len(s.stops))
	var all sync.WaitGroup
	for i, stop := range s.stops {
		all.Go(func() { errs[i] = stop() })
	}
	all.Wait()
	s.starter.Close()
	return errors.Join(errs...)
}

// startup builds programs and starts systems with them.
type startup struct {
	running   *runningSystems
	options   Options
	dir       string
	report    *Report
	peers     *peers
	authority *authority // nil without TLS
}

// startSystems builds the programs and starts the systems. After an error no process is
// left running. What is not installed is named in the report.
func startSystems(ctx context.Context, o Options, dir string, report *Report) (*runningSystems, error) {
	s := &runningSystems{starter: child.NewStarter(), dir: dir}
	r := &startup{running: s, options: o, dir: dir, report: report}
	r.peers = &peers{starter: s.starter, running: func(pid int) { s.peersPID.Store(int64(pid)) }}
	o.Say("building and starting the systems")
	if err := r.all(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// all starts the systems asked for. voted is first, because its program makes the
// certificates.
func (s *startup) all(ctx context.Context) error {
	if err := s.voted(ctx); err != nil {
		return err
	}
	for _, peer := range []struct {
		system string
		start  func(context.Context) error
	}{{systemBare, s.bare}, {systemEtcd, s.etcd}, {systemPostgres, s.postgres}} {
		if !slices.Contains(s.options.Systems, peer.system) {
			continue
		}
		if err := peer.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// build builds a program of the project.
func (s *startup) build(ctx context.Context, folder string) (string, error) {
	return overlay.Build(ctx, s.dir, folder)
}

func (s *startup) voted(ctx context.Context) (err error) {
	binary := s.options.Binary
	if binary == "" {
		if binary, err = s.build(ctx, overlay.Node); err != nil {
			return err
		}
	}
	if s.options.TLS {
		if s.authority, err = newAuthority(ctx, s.running.starter, binary, filepath.Join(s.dir, "ca")); err != nil {
			return err
		}
	}
	s.report.Machine.Versions["voted"] = machine.Version(binary, "version")
	for _, label := range []string{systemVoted, systemProofs, systemHooks} {
		if !slices.Contains(s.options.Systems, label) {
			continue
		}
		v, err := startVoted(ctx, binary, filepath.Join(s.dir, label+"-data"), label, s.authority)
		if err != nil {
			return err
		}
		s.running.add(v, v.stop)
	}
	return nil
}

func (s *startup) bare(ctx context.Context) error {
	binary, err := s.build(ctx, "bench/bareserver")
	if err != nil {
		return err
	}
	for _, n := range []int{1, nodes} {
		b, err := startBare(ctx, s.running.starter, binary, n, s.dir, s.authority)
		if err != nil {
			return err
		}
		s.running.add(b, noError(b.stop))
	}
	return nil
}

// client builds the peers' client, once.
func (s *startup) client(ctx context.Context) (err error) {
	if s.peers.binary == "" {
		s.peers.binary, err = s.build(ctx, "bench/peers")
	}
	return err
}

func (s *startup) etcd(ctx context.Context) error {
	binary, err := findEtcd()
	if err != nil {
		s.report.Missing = append(s.report.Missing, err.Error())
		return nil
	}
	if err := s.client(ctx); err != nil {
		return err
	}
	e, err := startEtcd(ctx, s.running.starter, s.peers, binary, filepath.Join(s.dir, "etcd"), s.authority)
	if err != nil {
		return err
	}
	s.running.add(e, noError(e.stop))
	s.report.Machine.Versions["etcd"] = machine.Version(binary, "--version")
	return nil
}

func (s *startup) postgres(ctx context.Context) error {
	programs, err := findPostgres()
	if err != nil {
		s.report.Missing = append(s.report.Missing, err.Error())
		return nil
	}
	if err := s.client(ctx); err != nil {
		return err
	}
	setup, err := newPostgresSetup(s.running.starter, s.peers, programs, filepath.Join(s.dir, "postgres"), s.authority)
	if err != nil {
		return err
	}
	var replicated *postgres
	for _, standbys := range []int{0, nodes - 1} {
		pg, err := setup.start(ctx, fmt.Sprintf("with-%d", standbys), standbys)
		if err != nil {
			return err
		}
		s.running.add(pg, noError(pg.stop))
		if standbys > 0 {
			replicated = pg
		}
	}
	if s.options.Bulk {
		s.running.systems = append(s.running.systems, postgresBulk{replicated, "bulk-insert"}, postgresBulk{replicated, "bulk-copy"})
	}
	s.report.Machine.Versions["postgres"] = machine.Version(setup.program("postgres"), "--version")
	return nil
}

func noError(stop func()) func() error {
	return func() error { stop(); return nil }
}
