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

// postgresPrograms is where Debian keeps the servers, which are not in the path.
const postgresPrograms = "/usr/lib/postgresql/*/bin/postgres"

// postgres is a primary, alone or with two standbys.
type postgres struct {
	ports     *ports.Block
	peers     *peers
	addr      string
	env       []string // with the password
	processes []*process
	standbys  int
	authority *authority
}

// findPostgres returns the directory of its programs. The error says how to install them.
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

// postgresMajor returns the version in a path that postgresPrograms matches.
func postgresMajor(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 where it is none
	return n
}

// postgresAccount is the account that the servers run as, nil for that of this process. They
// refuse to run as root.
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
	// authority is nil without TLS; then secrets, the settings for TLS, and upstream, what a
	// standby's connection to its primary needs for TLS, are empty too.
	authority *authority
	secrets   []string
	upstream  string
}

func newPostgresSetup(s *child.Starter, p *peers, programs, dir string, a *authority) (*postgresSetup, error) {
	as, err := postgresAccount()
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the directory for PostgreSQL cannot be made: %w", err)
	}
	// Other users of this machine reach the port too. They must not become its superuser.
	setup := &postgresSetup{starter: s, peers: p, programs: programs, dir: dir, account: as, password: rand.Text(), authority: a}
	if err := setup.handOver(dir); err != nil {
		return nil, err
	}
	return setup, setup.encrypt()
}

// handOver gives a file or directory to the account that the servers run as.
func (s *postgresSetup) handOver(path string) error {
	if s.account == nil {
		return nil
	}
	if err := os.Chown(path, int(s.account.uid), int(s.account.gid)); err != nil {
		return fmt.Errorf("%s cannot be handed over to PostgreSQL: %w", path, err)
	}
	return nil
}

// encrypt makes what the servers need for TLS, if the comparison is under TLS.
func (s *postgresSetup) encrypt() error {
	if s.authority == nil {
		return nil
	}
	cert, key, err := s.authority.issue("postgres", s.dir)
	if err != nil {
		return err
	}
	// The CA's own directory is closed to the account of the servers.
	root := filepath.Join(s.dir, "ca.crt")
	certificate, err := os.ReadFile(s.authority.caFile())
	if err == nil {
		err = os.WriteFile(root, certificate, 0o644)
	}
	if err != nil {
		return fmt.Errorf("the CA's certificate cannot be copied for PostgreSQL: %w", err)
	}
	s.secrets = []string{"ssl=on", "ssl_cert_file=" + cert, "ssl_key_file=" + key}
	// verify-ca, not verify-full: before version 15 libpq knew no addresses in certificates.
	s.upstream = " sslmode=verify-ca sslrootcert=" + root
	return errors.Join(s.handOver(cert), s.handOver(key), s.handOver(root))
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
	p = &postgres{peers: s.peers, ports: block, addr: addrs[0], env: s.env(), standbys: standbys, authority: s.authority}
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
	// With standbys this returns when one of them has confirmed.
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
	if err := s.handOver(file); err != nil {
		return err
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
	for _, set := range append(slices.Clone(postgresSettings), s.secrets...) {
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
	if err := s.makeStandby(data, fmt.Sprintf("host=%s port=%s user=postgres password=%s application_name=%s%s", host, port, s.password, name, s.upstream)); err != nil {
		return err
	}
	return s.serve(ctx, p, data, addr)
}

// makeStandby makes a copy of a primary its standby. The password stands in a file because
// everybody can read command lines.
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
	if err != nil {
		return fmt.Errorf("the copy cannot be made a standby: %w", err)
	}
	return s.handOver(signal)
}

func (p *postgres) url() string {
	host, port, _ := net.SplitHostPort(p.addr) // Claim made it
	mode := "sslmode=disable"
	if p.authority != nil {
		mode = "sslmode=verify-full sslrootcert=" + p.authority.caFile()
	}
	return fmt.Sprintf("host=%s port=%s user=postgres dbname=postgres %s", host, port, mode)
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
	return nameStandbys
}

func (p *postgres) about() string {
	if p.standbys == 0 {
		return p.authority.describe("one server, synchronous_commit=on; INSERT … ON CONFLICT DO NOTHING through pgx", "TLS to clients")
	}
	return p.authority.describe("a primary and two physical standbys, of which any one must have flushed: ANY 1 (s1,s2), synchronous_commit=on",
		"TLS to clients and from standbys to the primary")
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
	return nameInsert
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
