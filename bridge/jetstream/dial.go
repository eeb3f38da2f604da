// Package jetstream is the broker of the bridge, NATS JetStream: a source of ballots, and a sink of events.
package jetstream

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"voted/internal/pki"
	"voted/internal/usage"
)

// The limits of the connection, each with its reason.
const (
	// callTimeout bounds each request to JetStream: one that a cluster without a leader drops is never answered.
	callTimeout = 5 * time.Second
	// reconnectWait is the pause between two attempts to reach a broker again.
	reconnectWait = 500 * time.Millisecond
)

// Access says where the broker is, and with what to come in. Secrets come from files: others can see command lines.
type Access struct {
	URLs          []string
	Creds         string // file of a NATS user's JWT and seed; empty: none
	CA, Cert, Key string // files; empty: the system's CAs, no certificate
	Log           *slog.Logger
	// Lost is told when the connection breaks, and with nil when it is there again.
	Lost func(error)
}

// Conn is a connection to the broker. It is made again for as long as it takes, also the first time.
type Conn struct {
	nc *nats.Conn
	js jetstream.JetStream
}

// Dial connects, and goes on trying in the background if the broker does not answer. Close must be called.
func Dial(a Access) (*Conn, error) {
	options, err := a.options()
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(strings.Join(a.URLs, ","), options...)
	if err != nil {
		return nil, fmt.Errorf("the broker at %s cannot be used: %w", strings.Join(a.URLs, ", "), err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(callTimeout))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("JetStream cannot be used: %w", err)
	}
	if !nc.IsConnected() {
		a.Lost(fmt.Errorf("the broker at %s does not answer yet", strings.Join(a.URLs, ", ")))
	}
	return &Conn{nc: nc, js: js}, nil
}

func (a Access) options() ([]nats.Option, error) {
	for _, s := range a.URLs {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" {
			return nil, usage.Errorf("%q is no address of a broker; write it as nats://host:4222", s)
		}
		if u.User != nil {
			return nil, usage.Errorf("the address of the broker at %s holds a user or a token, which others can see on the command line; put it into a file for --nats-creds", u.Host)
		}
	}
	options := []nats.Option{
		nats.Name("voted-bridge"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.RetryOnFailedConnect(true),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				a.Lost(fmt.Errorf("the connection to the broker broke: %w", err))
			}
		}),
		nats.ConnectHandler(func(*nats.Conn) { a.Lost(nil) }),
		nats.ReconnectHandler(func(*nats.Conn) { a.Lost(nil) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			a.Log.Warn("the broker reports an error", "error", err)
		}),
	}
	if a.Creds != "" {
		if _, err := os.ReadFile(a.Creds); err != nil { // it is read again at each connection
			return nil, usage.Errorf("the credentials of the broker cannot be read: %w", err)
		}
		options = append(options, nats.UserCredentials(a.Creds))
	}
	config, err := a.tls()
	if err != nil || config == nil {
		return options, err
	}
	return append(options, nats.Secure(config)), nil
}

// tls returns the TLS configuration, nil if the broker's address alone decides.
func (a Access) tls() (*tls.Config, error) {
	if (a.Cert == "") != (a.Key == "") {
		return nil, usage.Errorf("--nats-cert and --nats-key go together: the certificate and its key")
	}
	if a.CA == "" && a.Cert == "" {
		return nil, nil
	}
	config, err := pki.ClientTLS(a.Log, pki.Files{Cert: a.Cert, Key: a.Key, CA: a.CA})
	return config, usage.Mark(err)
}

// Close sends what was acknowledged and ends the connection.
func (c *Conn) Close() {
	_ = c.nc.FlushTimeout(callTimeout) // an acknowledgement that is lost brings a message again
	c.nc.Close()
}
