package compare

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"voted/internal/child"
	"voted/internal/ports"
)

// postgresSettings are what is not PostgreSQL's default: room for the connections
// and memory as its manual recommends for a server of its own, so that it is
// compared at its best. fsync and synchronous_commit are on, as they are by default.
var postgresSettings = []string{
	"max_connections=600", "shared_buffers=1GB", "max_wal_size=8GB", "wal_buffers=64MB", "max_wal_senders=10",
	"fsync=on", "synchronous_commit=on",
}

// postgresPrograms are where Debian keeps what is not in the path.
const postgresPrograms = "/usr/lib/postgresql/*/bin/postgres"

// postgres is a primary, alone or with two standbys.
type postgres struct {
	ports     *ports.Block
	peers     *peers
	addr      string
	env       []string // with the password
	processes []*process
	standbys  int
}

// findPostgres returns the directory of its programs, or how to come by them.
func findPostgres() (string, error) {
	found, _ := filepath.Glob(postgresPrograms) // the pattern is well formed
	slices.SortFunc(found, func(a, b string) int { return postgresMajor(b) - postgresMajor(a) })
	if len(found) > 0 {
		return filepath.Dir(found[0]), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", fmt.Errorf("PostgreSQL is not installed (apt-get install postgresql): %w", err)
	}
	return filepath.Dir(path), nil
}

// postgresMajor reads the version off a path of postgresPrograms.
func postgresMajor(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 where it is none
	return n
}

// postgresAccount is whom the servers run as: they refuse root.
func postgresAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL refuses to run as root and there is no account for it: %w", err)
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	return &account{uid: uint32(uid), gid: uint32(gid), home: "/"}, errors.Join(uidErr, gidErr)
}

// postgresSetup makes clusters under one directory.
type postgresSetup struct {
	starter  *child.Starter
	peers    *peers
	programs string
	dir      string
	account  *account
	password string
}

func newPostgresSetup(s *child.Starter, p *peers, programs, dir string) (*postgresSetup, error) {
	as, err := postgresAccount()
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the directory for PostgreSQL cannot be made: %w", err)
	}
	if as != nil {
		if err := os.Chown(dir, int(as.uid), int(as.gid)); err != nil {
			return nil, fmt.Errorf("the directory for PostgreSQL cannot be handed over: %w", err)
		}
	}
	// Others on this machine reach the port too: they must not be its superuser.
	return &postgresSetup{starter: s, peers: p, programs: programs, dir: dir, account: as, password: rand.Text()}, nil
}

func (s *postgresSetup) program(name string) string { return filepath.Join(s.programs, name) }

func (s *postgresSetup) env() []string { return []string{"PGPASSWORD=" + s.password} }

// start makes and starts a cluster with so many standbys.
func (s *postgresSetup) start(ctx context.Context, label string, standbys int) (p *postgres, err error) {
	block, err := ports.Claim(1 + standbys)
	if err != nil {
		return nil, err
	}
	addrs := block.Addrs(1 + standbys)
	p = &postgres{peers: s.peers, ports: block, addr: addrs[0], env: s.env(), standbys: standbys}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	data := filepath.Join(s.dir, label)
	if err := s.initialize(ctx, data); err != nil {
		return p, err
	}
	var settings []string
	if standbys > 0 {
		settings = []string{"-c", "synchronous_standby_names=ANY 1 (s1,s2)"}
	}
	if err := s.serve(ctx, p, data, addrs[0], settings...); err != nil {
		return p, err
	}
	for i, addr := range addrs[1:] {
		if err := s.follow(ctx, p, fmt.Sprintf("s%d", i+1), data, addr); err != nil {
			return p, err
		}
	}
	// With standbys this returns once one of them has confirmed.
	_, err = output(ctx, s.starter, nil, p.env, s.peers.binary, "--url", p.url(), "--mode", "prepare")
	return p, err
}

// initialize makes an empty cluster of databases.
func (s *postgresSetup) initialize(ctx context.Context, data string) error {
	file := data + ".password"
	if err := os.WriteFile(file, []byte(s.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("PostgreSQL's password cannot be written: %w", err)
	}
	defer os.Remove(file)
	if s.account != nil {
		if err := os.Chown(file, int(s.account.uid), int(s.account.gid)); err != nil {
			return fmt.Errorf("PostgreSQL's password cannot be handed over: %w", err)
		}
	}
	// md5 makes connecting cheap, and hundreds connect before every phase.
	_, err := output(ctx, s.starter, s.account, nil, s.program("initdb"),
		"-D", data, "-U", "postgres", "-A", "md5", "--pwfile", file, "-E", "UTF8", "--locale", "C")
	return err
}

// serve starts a server on a directory and waits until it takes connections.
func (s *postgresSetup) serve(ctx context.Context, p *postgres, data, addr string, settings ...string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	args := []string{"-D", data, "-h", host, "-p", port, "-k", ""} // no Unix sockets
	for _, set := range postgresSettings {
		args = append(args, "-c", set)
	}
	// SIGINT is its fast shutdown: clients are not waited for.
	server, err := start(s.starter, syscall.SIGINT, s.account, s.program("postgres"), append(args, settings...)...)
	if err != nil {
		return err
	}
	p.processes = append(p.processes, server)
	return server.waitUntil(ctx, func() error {
		look, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		_, err := output(look, s.starter, nil, nil, s.program("pg_isready"), "-h", host, "-p", port)
		return err
	})
}

// follow copies the primary and starts the copy as a physical standby.
func (s *postgresSetup) follow(ctx context.Context, p *postgres, name, primary, addr string) error {
	host, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return err
	}
	data := primary + "-" + name
	if _, err := output(ctx, s.starter, s.account, p.env, s.program("pg_basebackup"),
		"-D", data, "-h", host, "-p", port, "-U", "postgres", "-c", "fast", "-X", "stream"); err != nil {
		return err
	}
	if err := s.makeStandby(data, fmt.Sprintf("host=%s port=%s user=postgres password=%s application_name=%s", host, port, s.password, name)); err != nil {
		return err
	}
	return s.serve(ctx, p, data, addr)
}

// makeStandby tells a copy that it is a standby, and of whom. The password stands
// in a file because a command line can be read by everybody.
func (s *postgresSetup) makeStandby(data, upstream string) error {
	settings, err := os.OpenFile(filepath.Join(data, "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = fmt.Fprintf(settings, "primary_conninfo = '%s'\n", upstream)
		err = errors.Join(err, settings.Close())
	}
	signal := filepath.Join(data, "standby.signal")
	if err == nil {
		err = os.WriteFile(signal, nil, 0o600)
	}
	if err == nil && s.account != nil {
		err = os.Chown(signal, int(s.account.uid), int(s.account.gid))
	}
	if err != nil {
		return fmt.Errorf("the standby cannot be told that it is one: %w", err)
	}
	return nil
}

func (p *postgres) url() string {
	host, port, _ := net.SplitHostPort(p.addr) // Claim made it
	return fmt.Sprintf("host=%s port=%s user=postgres dbname=postgres sslmode=disable", host, port)
}

// stop ends the primary first: it waits until its standbys have everything.
func (p *postgres) stop() {
	if len(p.processes) > 0 {
		p.processes[0].end()
		endAll(p.processes[1:])
	}
	p.ports.Release()
}

func (p *postgres) name() string {
	if p.standbys == 0 {
		return "postgres alone"
	}
	return "postgres standbys"
}

func (p *postgres) about() string {
	if p.standbys == 0 {
		return "one server, synchronous_commit=on; INSERT … ON CONFLICT DO NOTHING through pgx"
	}
	return "a primary and two physical standbys, of which any one must have flushed: ANY 1 (s1,s2), synchronous_commit=on"
}

func (p *postgres) does(m Mode) bool { return m == ModeSingle }

func (p *postgres) pids() []int { return pidsOf(p.processes) }

func (p *postgres) measure(ctx context.Context, ph phase, begin, end func()) (Figures, error) {
	return p.run(ctx, ph, "single", begin, end)
}

func (p *postgres) run(ctx context.Context, ph phase, mode string, begin, end func()) (Figures, error) {
	return p.peers.measure(ctx, ph, p.env, begin, end, "--url", p.url(), "--mode", mode)
}

// postgresBulk is a primary with standbys doing bulk work in one of two ways.
type postgresBulk struct {
	*postgres
	mode string // of the peers' client
}

func (p postgresBulk) name() string {
	if p.mode == "bulk-copy" {
		return "postgres COPY"
	}
	return "postgres INSERT"
}

func (p postgresBulk) about() string {
	if p.mode == "bulk-copy" {
		return "with standbys; COPY of " + strconv.Itoa(batchRows) + " rows a transaction (refuses the whole batch for one duplicate)"
	}
	return "with standbys; INSERT … SELECT unnest(…) ON CONFLICT DO NOTHING, " + strconv.Itoa(batchRows) + " rows a statement"
}

func (p postgresBulk) does(m Mode) bool { return m == ModeBulk }

func (p postgresBulk) measure(ctx context.Context, ph phase, begin, end func()) (Figures, error) {
	return p.run(ctx, ph, p.mode, begin, end)
}
