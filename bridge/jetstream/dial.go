// Package jetstream is the broker of the bridge, NATS JetStream: a source of ballots, and a sink of events.
package jetstream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
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
	// Lost is told when there is no connection, and with nil when it is there again. Closed is told if it is closed for
	// good and not by Close: nothing works from then on, and only another connection helps.
	Lost, Closed func(error)
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
	js, err := publisher(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &Conn{nc: nc, js: js}, nil
}

// publisher returns JetStream over a connection. What is published and never answered is forgotten in time: else it would
// stand in the way of what comes later.
func publisher(nc *nats.Conn) (jetstream.JetStream, error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(callTimeout), jetstream.WithPublishAsyncTimeout(callTimeout))
	if err != nil {
		return nil, fmt.Errorf("JetStream cannot be used: %w", err)
	}
	return js, nil
}

func (a Access) options() ([]nats.Option, error) {
	for _, s := range a.URLs {
		if strings.Contains(s, "@") { // which is not repeated
			return nil, usage.Errorf("the address of a broker holds a user or a token, which others can see on the command line; put it into a file for --nats-creds, and write nats://host:4222")
		}
		if u, err := url.Parse(s); err != nil || u.Host == "" {
			return nil, usage.Errorf("%q is no address of a broker; write it as nats://host:4222", s)
		}
	}
	var first sync.Once // later failures to connect say nothing new
	options := []nats.Option{
		nats.Name("voted-bridge"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.RetryOnFailedConnect(true),
		nats.IgnoreAuthErrorAbort(), nats.NoCallbacksAfterClientClose(),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			first.Do(func() { a.Lost(fmt.Errorf("the broker at %s cannot be reached: %w", strings.Join(a.URLs, ", "), err)) })
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				a.Lost(fmt.Errorf("the connection to the broker broke: %w", err))
			}
		}),
		nats.ConnectHandler(func(*nats.Conn) { a.Lost(nil) }),
		nats.ReconnectHandler(func(*nats.Conn) { a.Lost(nil) }),
		nats.ClosedHandler(func(nc *nats.Conn) {
			a.Closed(fmt.Errorf("the connection to the broker was closed for good: %w", nc.LastError()))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if refused(err) { // which comes again with each attempt
				a.Lost(fmt.Errorf("the broker does not accept the bridge's credentials: %w", err))
				return
			}
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

// refused reports whether an error is about who the bridge is.
func refused(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) ||
		errors.Is(err, nats.ErrAuthRevoked) || errors.Is(err, nats.ErrAccountAuthExpired)
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
