package main

import (
	"encoding/json"
	"io"
	"time"

	"voted/client"
	"voted/cmd/voted/clock"
	"voted/internal/usage"
)

// connection are the flags of commands that talk to a cluster.
type connection struct {
	Endpoint []string      `help:"API of a node; may be repeated, and others are tried when one is down." default:"http://127.0.0.1:8080" placeholder:"URL"`
	Timeout  time.Duration `help:"How long to keep trying." default:"30s"`
	JSON     bool          `help:"Print JSON instead of text for people." name:"json"`
	UTC      bool          `help:"Read and show times in UTC, not in local time." name:"utc"`

	credentialFlags
}

// open makes the client; the caller closes it.
func (c *connection) open() (*client.Client, error) { return c.openWith() }

// openWith is open with further options.
func (c *connection) openWith(further ...client.Option) (*client.Client, error) {
	if c.Timeout <= 0 {
		return nil, usage.Errorf("--timeout must be longer than zero, such as 30s")
	}
	options, err := c.credentialFlags.options()
	if err != nil {
		return nil, err
	}
	options = append(options, client.WithDeadline(c.Timeout), client.WithUserAgent("voted/"+version()), client.WithRawReceipts())
	options = append(options, further...)
	cl, err := client.New(c.Endpoint, options...)
	if err != nil {
		return nil, usage.Mark(err)
	}
	return cl, nil
}

// clock returns the clock of the zone that was asked for.
func (c *connection) clock() clock.Clock { return clock.Local(c.UTC) }

// printJSON writes one JSON value on a line. Control characters and invisible ones are
// written as escapes, which does not change the value.
func printJSON(s *session, v any) error { return encodeJSON(s.stdout.JSON(), v) }

// encodeJSON writes one JSON value on a line, without the escapes that only HTML needs.
func encodeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
