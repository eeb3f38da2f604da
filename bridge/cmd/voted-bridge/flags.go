package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"voted/bridge/health"
	"voted/bridge/jetstream"
	"voted/client"
	"voted/internal/livefile"
	"voted/internal/pki"
	"voted/internal/usage"
)

// envToken holds a bearer token. There is no such flag: others could see it there.
const envToken = "VOTED_TOKEN"

// clusterFlags say where the cluster is, and with what to come in.
type clusterFlags struct {
	Endpoint  []string `help:"API of a node; may be repeated, and others are tried when one is down." default:"http://127.0.0.1:8080" placeholder:"URL" group:"The cluster"`
	CA        string   `help:"CA of the nodes' certificates (default: the system's)." placeholder:"FILE" name:"ca" group:"The cluster"`
	Cert      string   `help:"Client certificate to show." placeholder:"FILE" group:"The cluster"`
	Key       string   `help:"Its key." placeholder:"FILE" group:"The cluster"`
	TokenFile string   `help:"File that holds a bearer token, read again when it changes; the environment variable VOTED_TOKEN may hold it instead." placeholder:"FILE" group:"The cluster"`
}

// open makes the client; the caller closes it.
func (f *clusterFlags) open(log *slog.Logger) (*client.Client, error) {
	options := []client.Option{client.WithUserAgent("voted-bridge/1"), client.WithLogger(log)}
	if (f.Cert == "") != (f.Key == "") {
		return nil, usage.Errorf("--cert and --key go together: the certificate and its key")
	}
	if f.CA != "" || f.Cert != "" {
		config, err := pki.ClientTLS(log, pki.Files{Cert: f.Cert, Key: f.Key, CA: f.CA})
		if err != nil {
			return nil, usage.Mark(err)
		}
		options = append(options, client.WithTLSConfig(config))
	}
	token, err := f.token(log)
	if err != nil {
		return nil, usage.Mark(err)
	}
	if token != nil {
		options = append(options, client.WithToken(token))
	}
	c, err := client.New(f.Endpoint, options...)
	return c, usage.Mark(err)
}

// token returns what holds the token now, nil if there is none.
func (f *clusterFlags) token(log *slog.Logger) (func() string, error) {
	if f.TokenFile != "" {
		file, err := livefile.Open(livefile.NewWatch(log), func(contents [][]byte) (string, error) {
			return tokenOf(contents[0])
		}, f.TokenFile)
		if err != nil {
			return nil, err
		}
		return file.Now, nil
	}
	token, err := tokenOf([]byte(os.Getenv(envToken)))
	if err != nil || token == "" {
		return nil, err
	}
	return func() string { return token }, nil
}

func tokenOf(content []byte) (string, error) {
	token := string(bytes.TrimSpace(content))
	if strings.ContainsAny(token, " \t\r\n") {
		return "", errors.New("what was given as a token holds blanks or several lines; it must be the token alone")
	}
	return token, nil
}

// brokerFlags say where the broker is, and with what to come in.
type brokerFlags struct {
	NATS      []string `help:"Address of a NATS server; may be repeated." default:"nats://127.0.0.1:4222" placeholder:"URL" name:"nats" group:"The broker"`
	NATSCreds string   `help:"File of the NATS user's credentials, as nsc writes it." placeholder:"FILE" name:"nats-creds" group:"The broker"`
	NATSCA    string   `help:"CA of the broker's certificate (default: the system's)." placeholder:"FILE" name:"nats-ca" group:"The broker"`
	NATSCert  string   `help:"Client certificate to show to the broker." placeholder:"FILE" name:"nats-cert" group:"The broker"`
	NATSKey   string   `help:"Its key." placeholder:"FILE" name:"nats-key" group:"The broker"`
}

// dial connects to the broker; state is told when it is away, and closed when the connection is closed for good. The
// caller closes it.
func (f *brokerFlags) dial(log *slog.Logger, state *health.State, closed func(error)) (*jetstream.Conn, error) {
	return jetstream.Dial(jetstream.Access{
		URLs: f.NATS, Creds: f.NATSCreds, CA: f.NATSCA, Cert: f.NATSCert, Key: f.NATSKey, Log: log, Closed: closed,
		Lost: func(err error) {
			switch {
			case err != nil && state.Fault("broker", err.Error()):
				log.Warn("the broker is away; the connection is made again", "error", err)
			case err == nil && state.Fault("broker", ""):
				log.Info("the broker is there again")
			}
		},
	})
}

// watchFlags say where the bridge can be watched.
type watchFlags struct {
	Metrics string `help:"Serve /metrics, /livez and /readyz at this address." placeholder:"ADDRESS" group:"The bridge"`
}

// newMetrics returns a registry with what every Go program tells.
func newMetrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// serve serves what is watched until stop is called.
func (f *watchFlags) serve(log *slog.Logger, metrics prometheus.Gatherer, state *health.State) (stop func(), err error) {
	if f.Metrics == "" {
		return func() {}, nil
	}
	at, stop, err := health.Serve(f.Metrics, health.Handler(metrics, state), func(err error) {
		log.Error("metrics are no longer served", "error", err)
	})
	if err != nil {
		return nil, err
	}
	log.Info("metrics are served", "address", at.String())
	return stop, nil
}
