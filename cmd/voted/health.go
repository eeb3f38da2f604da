package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"voted/client"
	"voted/internal/pki"
	"voted/internal/usage"
)

// healthCommand is for health checks of images and supervisors that have no curl. It asks
// once; whoever runs it repeats it.
type healthCommand struct {
	Endpoint []string      `help:"API of the node; may be repeated, and then all are asked." default:"http://127.0.0.1:8080" placeholder:"URL"`
	Ready    bool          `help:"Ask whether clients should be sent there, instead of whether the process answers. That depends on the other members: restart no node for it."`
	CA       string        `help:"CA of the nodes' certificates (default: the system's)." placeholder:"FILE" name:"ca"`
	Timeout  time.Duration `help:"How long an answer may take." default:"3s"`
}

func (healthCommand) Help() string {
	return `Exit code 0 if all is well. It needs no credentials.

    voted health --endpoint https://127.0.0.1:8080 --ca ca.crt`
}

// maxHealthAnswer is more than the length of /readyz?verbose.
const maxHealthAnswer = 16 << 10

// Run asks.
func (c *healthCommand) Run(s *session) error {
	if c.Timeout <= 0 {
		return usage.Errorf("--timeout must be longer than zero, such as 3s")
	}
	transport := &http.Transport{DisableKeepAlives: true}
	if c.CA != "" {
		config, err := pki.ClientTLS(s.logger(), pki.Files{CA: c.CA})
		if err != nil {
			return usage.Mark(err)
		}
		transport.TLSClientConfig = config
	}
	path := "/livez"
	if c.Ready {
		path = "/readyz?verbose"
	}
	nodes, err := client.New(c.Endpoint)
	if err != nil {
		return usage.Mark(err) // the error names what is wrong with a URL
	}
	web := &http.Client{Transport: transport, Timeout: c.Timeout}
	for _, e := range nodes.Endpoints() {
		if err := ask(s.ctx, web, e+path); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	s.stdout.Linef("ok")
	return nil
}

// ask sends one request; any answer but 200 is an error.
func ask(ctx context.Context, web *http.Client, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return usage.Mark(err)
	}
	resp, err := web.Do(r)
	if err != nil {
		return fmt.Errorf("the node does not answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxHealthAnswer))
	if err != nil {
		return fmt.Errorf("the node's answer broke off: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s\n%s", resp.Status, bytes.TrimSpace(body))
	}
	return nil
}
