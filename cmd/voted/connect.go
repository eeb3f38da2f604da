package main

import (
	"encoding/json"
	"time"

	"voted/client"
)

// connection are the flags of commands that talk to a cluster.
type connection struct {
	Endpoint []string      `help:"API of a node; may be repeated, and others are tried when one is down." default:"http://127.0.0.1:8080" placeholder:"URL"`
	Timeout  time.Duration `help:"How long to keep trying." default:"30s"`
	JSON     bool          `help:"Print JSON instead of text for people." name:"json"`

	credentialFlags
}

// open makes the client; the caller closes it.
func (c *connection) open() (*client.Client, error) {
	if c.Timeout <= 0 {
		return nil, usagef("--timeout must be longer than zero, such as 30s")
	}
	options, err := c.credentialFlags.options()
	if err != nil {
		return nil, err
	}
	options = append(options, client.WithDeadline(c.Timeout), client.WithUserAgent("voted/"+version()))
	cl, err := client.New(c.Endpoint, options...)
	if err != nil {
		return nil, usage{err}
	}
	return cl, nil
}

// printJSON writes one JSON value on a line.
func printJSON(s *session, v any) error {
	e := json.NewEncoder(s.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
