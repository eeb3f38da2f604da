package main

import (
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"voted/internal/server"
	"voted/internal/usage"
)

// serveCommand has the flags for server.Options, which has their defaults.
type serveCommand struct {
	ID            string `help:"Name of this member, unique in the cluster, forever." required:"" placeholder:"ID"`
	Data          string `help:"Directory of this member's data; made if missing." required:"" placeholder:"DIR"`
	API           string `help:"Address for clients (default 127.0.0.1:8080)." placeholder:"HOST:PORT" name:"api"`
	Peer          string `help:"Address for the other members (default 127.0.0.1:9080)." placeholder:"HOST:PORT"`
	AdvertiseAPI  string `help:"URL under which clients reach --api, where that differs." placeholder:"URL" name:"advertise-api"`
	AdvertisePeer string `help:"Address under which members reach --peer, where that differs." placeholder:"HOST:PORT"`

	Cluster string   `help:"All first members, this one included, the same on each: n1=HOST:PORT,n2=… Where there is a cluster already, the member enters that, if it was added; on later starts this only says where members are found." placeholder:"ID=HOST:PORT,…"`
	Join    []string `help:"Peer addresses of a running cluster to enter. With --cluster too, if those members have a cluster already; on later starts this only says where members are found." placeholder:"HOST:PORT,…"`

	JoinTokenFile string `help:"File with the token that lets this member in, as voted cluster token prints it; without one an admin does. Used at the very first start." placeholder:"FILE"`

	securityFlags
	proofFlags
	pageFlags
	webhookFlags

	BackupDir   string        `help:"Keep backups of this node in this directory; made if missing." placeholder:"DIR"`
	BackupEvery time.Duration `help:"Time between two of them (default 1h)." placeholder:"DURATION"`
	BackupKeep  int           `help:"How many are kept (default 24)." placeholder:"N"`

	RequestTimeout   time.Duration `help:"How long a request is held through elections (default 10s)." placeholder:"DURATION"`
	DrainTimeout     time.Duration `help:"How long requests are waited for at the end (default 10s)." placeholder:"DURATION"`
	Network          string        `help:"How far apart the members are, which sets their timeouts: ${enum}." enum:"lan,wan" default:"lan"`
	HeartbeatTimeout time.Duration `help:"Silence of the leader after which another one is elected (default 750ms with --network lan, 3s with wan)." placeholder:"DURATION"`
	StallLimit       time.Duration `help:"A disk that takes longer for one call stops the member (default 2s)." placeholder:"DURATION"`
	RemoveDeadAfter  time.Duration `help:"Remove members that have not answered for so long, while three voting members are well (default never)." placeholder:"DURATION"`
	MinFree          string        `help:"Free disk space below which ballots are refused: a number of bytes, or 512MiB, 10GiB; 0 turns it off (default 256MiB, or a tenth of a small disk)." placeholder:"SIZE"`
	SnapshotEvery    uint64        `help:"Log entries between snapshots (default 65536)." placeholder:"N"`
	OTLPEndpoint     string        `help:"URL of an OpenTelemetry receiver (OTLP over HTTP) that gets traces of requests, such as http://collector:4318 (default: none)." name:"otlp-endpoint" env:"VOTED_OTLP_ENDPOINT,OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL"`
	OTLPHeaders      string        `help:"Headers for that receiver, with percent-encoded values; secrets are better kept in the environment." name:"otlp-headers" env:"VOTED_OTLP_HEADERS,OTEL_EXPORTER_OTLP_HEADERS" placeholder:"KEY=VALUE,…"`
	TraceRatio       float64       `help:"Share of the requests that are traced where a client's traceparent does not say, 0 to 1 (default 0.01)." default:"0.01" placeholder:"RATIO"`

	Pprof string `help:"Address on loopback that serves profiles for go tool pprof (default: none)." placeholder:"HOST:PORT"`
}

func (serveCommand) Help() string {
	return `The first start of a cluster names all members, on each of them. Certificates come from "voted ca", tokens from
"voted token"; without them a node listens on loopback only, or is told --insecure:

    voted serve --id n1 --data /var/lib/voted --api 0.0.0.0:8080 --peer 10.0.0.1:9080 \
      --cluster n1=10.0.0.1:9080,n2=10.0.0.2:9080,n3=10.0.0.3:9080 \
      --tls-cert n1.crt --tls-key n1.key --tokens tokens --peer-ca ca.crt --peer-cert n1.crt --peer-key n1.key

A further node enters a running cluster with a token from "voted cluster token n4", or without one once
"voted cluster add n4 10.0.0.4:9080" has let it in:

    voted serve --id n4 --data /var/lib/voted --peer 10.0.0.4:9080 --join 10.0.0.1:9080,10.0.0.2:9080 \
      --join-token-file n4.token --peer-ca ca.crt --peer-cert n4.crt --peer-key n4.key

SIGTERM finishes what is under way and hands over; a second one ends at once. SIGHUP has certificates, keys and tokens
looked at at once; they are read again by themselves when they change. The exit code is 78 where another command line,
environment or file is needed, and 1 after any other failure, after which the same command may be started again.`
}

func (c *serveCommand) options(s *session) (server.Options, error) {
	o := server.Options{
		ID: c.ID, DataDir: c.Data, API: c.API, AdvertiseAPI: c.AdvertiseAPI, Peer: c.Peer, AdvertisePeer: c.AdvertisePeer,
		Join: c.Join, JoinTokenFile: c.JoinTokenFile, RequestTimeout: c.RequestTimeout, DrainTimeout: c.DrainTimeout, HeartbeatTimeout: c.heartbeat(),
		StallLimit: c.StallLimit, RemoveDeadAfter: c.RemoveDeadAfter, SnapshotEvery: c.SnapshotEvery, Logger: s.logger(), Version: version(),
		Tracing: server.Tracing{OTLPEndpoint: c.OTLPEndpoint, OTLPHeaders: c.OTLPHeaders, TraceRatio: c.TraceRatio},
		Profile: c.Pprof, Security: c.securityFlags.options(), Proofs: c.proofFlags.options(),
		Pages: c.pageFlags.options(), Webhooks: c.webhookFlags.options(),
		Backups: server.Backups{BackupDir: c.BackupDir, BackupEvery: c.BackupEvery, BackupKeep: c.BackupKeep}, Notify: notifySupervisor(s),
	}
	if c.MinFree != "" {
		bytes, err := parseSize(c.MinFree)
		if err != nil {
			return o, usage.Errorf("--min-free: %v", err)
		}
		o.MinFree = bytes
		if bytes == 0 {
			o.MinFree = -1
		}
	}
	if c.Cluster != "" {
		members, err := server.ParseCluster(c.Cluster)
		if err != nil {
			return o, usage.Mark(err)
		}
		o.Cluster = members
	}
	return o, nil
}

// idle returns a warning for each flag that does nothing without another one. It is no
// error, because one file of variables may serve several nodes.
func (c *serveCommand) idle() []string {
	credentials := c.Tokens != "" || c.ClientCA != "" || c.CredentialKeys != "" || c.JWTKeys != "" || c.OIDCIssuer != ""
	var said []string
	for _, x := range []struct {
		given         bool
		flag, without string
		there         bool
	}{
		{c.BackupEvery != 0, "--backup-every", "--backup-dir", c.BackupDir != ""},
		{c.BackupKeep != 0, "--backup-keep", "--backup-dir", c.BackupDir != ""},
		{c.JoinTokenFile != "", "--join-token-file", "--join", len(c.Join) > 0},
		{c.OTLPHeaders != "", "--otlp-headers", "--otlp-endpoint", c.OTLPEndpoint != ""},
		{c.HSTS != 0, "--hsts", "--tls-cert, or --advertise-api with https", c.TLSCert != "" || strings.HasPrefix(c.AdvertiseAPI, "https://")},
		{c.RatePerClient != 0, "--rate-per-client", "credentials, such as --tokens", credentials},
	} {
		if x.given && !x.there {
			said = append(said, x.flag+" does nothing without "+x.without)
		}
	}
	return said
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(s *session) error {
	// net/http writes what a receiver of webhooks says unasked to the logger of the process, which
	// nothing here needs: it would be in this node's log, and not as JSON.
	log.SetOutput(io.Discard)
	o, err := c.options(s)
	if err != nil {
		return err
	}
	node, err := server.New(o)
	if err != nil {
		return err
	}
	for _, sentence := range c.idle() {
		s.logger().Warn(sentence)
	}
	go rereadAtHangups(s, node)
	tell := s.stdout.Linef
	if !s.logsText() || c.Audit == "-" || c.Audit == "/dev/stdout" {
		tell = func(string, ...any) {} // stdout and the log may go to one place, in which each line must be JSON; the log has the same lines
	}
	tell("voted: node %s serves %s with the data in %s", c.ID, node.URL(), c.Data)
	if err := node.Run(s.ctx); err != nil {
		return fmt.Errorf("node %s stopped: %w", c.ID, err)
	}
	s.logger().Info("this node has stopped in order", "node", c.ID)
	tell("voted: node %s has stopped in order", c.ID)
	return nil
}

// rereadAtHangups makes the node check its files whenever the process receives SIGHUP. The
// signal never ends a node, because closed terminals and log rotation send it too. It ends
// with the session.
func rereadAtHangups(s *session, node *server.Server) {
	for {
		select {
		case <-s.hangups:
			node.Reread()
		case <-s.ctx.Done():
			return
		}
	}
}

// wanHeartbeat leaves room for round trips between continents.
const wanHeartbeat = 3 * time.Second

// heartbeat is the heartbeat timeout that was given, or the default of --network.
func (c *serveCommand) heartbeat() time.Duration {
	if c.HeartbeatTimeout == 0 && c.Network == "wan" {
		return wanHeartbeat
	}
	return c.HeartbeatTimeout
}

// notifySupervisor returns the function that reports the node's state to systemd, if
// systemd asked for it.
func notifySupervisor(s *session) func(string) {
	return func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			s.logger().Warn("the supervisor could not be told how the node does", "error", err)
		}
	}
}
