package compare

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"voted/internal/child"
	"voted/loadtest/compare/machine"
	"voted/loadtest/compare/toolchain"
)

// stage is everything that runs during a comparison.
type stage struct {
	systems  []system
	starter  *child.Starter
	stops    []func() error
	peersPID atomic.Int64 // of the peers' client while it measures
}

// strike ends all systems at the same time.
func (s *stage) strike() error {
	errs := make([]error, len(s.stops))
	var all sync.WaitGroup
	for i, stop := range s.stops {
		all.Go(func() { errs[i] = stop() })
	}
	all.Wait()
	s.starter.Close()
	return errors.Join(errs...)
}

// raise builds the programs and starts the systems. After an error nothing is left
// running. What is not installed is named in the report.
func raise(ctx context.Context, o Options, dir string, report *Report) (*stage, error) {
	s := &stage{starter: child.NewStarter()}
	build := builder{ctx: ctx, dir: dir}
	fmt.Fprintln(o.Progress, "building and starting the systems")
	err := s.raiseVoted(ctx, o, &build, report)
	if err == nil && slices.Contains(o.Systems, systemBare) {
		err = s.raiseBare(ctx, &build)
	}
	p := &peers{starter: s.starter, running: func(pid int) { s.peersPID.Store(int64(pid)) }}
	if err == nil && slices.Contains(o.Systems, systemEtcd) {
		err = s.raiseEtcd(ctx, &build, p, report)
	}
	if err == nil && slices.Contains(o.Systems, systemPostgres) {
		err = s.raisePostgres(ctx, o, &build, p, report)
	}
	if err != nil {
		return nil, errors.Join(err, s.strike())
	}
	return s, nil
}

// builder builds programs into a directory.
type builder struct {
	ctx  context.Context
	dir  string
	root string
}

func (b *builder) build(module, pkg string) (string, error) {
	var err error
	if b.root == "" {
		if b.root, err = toolchain.Root(b.ctx); err != nil {
			return "", err
		}
	}
	return toolchain.Build(b.ctx, filepath.Join(b.root, module), pkg, b.dir)
}

func (s *stage) raiseVoted(ctx context.Context, o Options, b *builder, report *Report) error {
	binary := o.Binary
	var err error
	if binary == "" {
		if binary, err = b.build("", "./cmd/voted"); err != nil {
			return err
		}
	}
	v, err := startVoted(ctx, binary, filepath.Join(b.dir, "voted-data"))
	if err != nil {
		return err
	}
	s.systems = append(s.systems, v)
	s.stops = append(s.stops, v.stop)
	report.Machine.Versions["voted"] = machine.Version(binary, "version")
	return nil
}

func (s *stage) raiseBare(ctx context.Context, b *builder) error {
	binary, err := b.build("", "./loadtest/compare/bareserver")
	if err != nil {
		return err
	}
	for _, n := range []int{1, nodes} {
		bare, err := startBare(ctx, s.starter, binary, n)
		if err != nil {
			return err
		}
		s.systems = append(s.systems, bare)
		s.stops = append(s.stops, noError(bare.stop))
	}
	return nil
}

// client builds the peers' client, once.
func (p *peers) client(b *builder) (err error) {
	if p.binary == "" {
		p.binary, err = b.build(filepath.Join("loadtest", "peers"), ".")
	}
	return err
}

func (s *stage) raiseEtcd(ctx context.Context, b *builder, p *peers, report *Report) error {
	binary, err := findEtcd()
	if err != nil {
		report.Missing = append(report.Missing, err.Error())
		return nil
	}
	if err := p.client(b); err != nil {
		return err
	}
	e, err := startEtcd(ctx, s.starter, p, binary, filepath.Join(b.dir, "etcd"))
	if err != nil {
		return err
	}
	s.systems = append(s.systems, e)
	s.stops = append(s.stops, noError(e.stop))
	report.Machine.Versions["etcd"] = machine.Version(binary, "--version")
	return nil
}

func (s *stage) raisePostgres(ctx context.Context, o Options, b *builder, p *peers, report *Report) error {
	programs, err := findPostgres()
	if err != nil {
		report.Missing = append(report.Missing, err.Error())
		return nil
	}
	if err := p.client(b); err != nil {
		return err
	}
	setup, err := newPostgresSetup(s.starter, p, programs, filepath.Join(b.dir, "postgres"))
	if err != nil {
		return err
	}
	var replicated *postgres
	for _, standbys := range []int{0, nodes - 1} {
		pg, err := setup.start(ctx, fmt.Sprintf("with-%d", standbys), standbys)
		if err != nil {
			return err
		}
		s.systems = append(s.systems, pg)
		s.stops = append(s.stops, noError(pg.stop))
		if standbys > 0 {
			replicated = pg
		}
	}
	if o.Bulk {
		s.systems = append(s.systems, postgresBulk{replicated, "bulk-insert"}, postgresBulk{replicated, "bulk-copy"})
	}
	report.Machine.Versions["postgres"] = machine.Version(setup.program("postgres"), "--version")
	return nil
}

func noError(stop func()) func() error {
	return func() error { stop(); return nil }
}
