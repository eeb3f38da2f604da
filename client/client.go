package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Client sends requests to a cluster. It is safe for concurrent use and is meant to be
// shared: connections, breakers and the retry budget belong to it.
type Client struct {
	settings
	nodes   *endpoints
	budget  *budget
	hedging *hedging
	own     *http.Transport // nil if the caller gave a transport
	// wait is the "Prefer" value of calls whose time nothing shortens.
	wait []string
	// castHeader is the header of the most frequent call. It is shared only with the
	// client's own transport, which never changes it.
	castHeader http.Header
	// began has the rules that logs began with, *poll.Rules by the log's name: at most those that
	// the policies name.
	began sync.Map
}

// New makes a client of the nodes at the endpoints, such as "http://n1:8080".
// It connects to none of them yet.
func New(nodes []string, opts ...Option) (*Client, error) {
	c := &Client{settings: defaults()}
	for _, o := range opts {
		o(&c.settings)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("the client's options do not fit together: %w", err)
	}
	if len(nodes) == 0 {
		return nil, errors.New("a client needs at least one endpoint, such as http://127.0.0.1:8080")
	}
	c.retry = c.retry.withDefaults()
	all := make([]*endpoint, len(nodes))
	for i, s := range nodes {
		ep, err := parseEndpoint(s)
		if err != nil {
			return nil, err
		}
		ep.index = i
		ep.breaker.failures, ep.breaker.cooldown = c.retry.BreakerFailures, c.retry.BreakerCooldown
		ep.breaker.changed = func(s BreakerState) { c.breakerChanged(ep, s) }
		all[i] = ep
	}
	c.nodes = newEndpoints(all, c.spread)
	c.budget = newBudget(c.retry.BudgetRatio, c.retry.BudgetPerSecond, c.retry.BudgetBurst)
	c.hedging = newHedging(c.hedge)
	if c.transport == nil {
		c.own = newTransport(c.settings)
		c.transport = c.own
	}
	if w := waitSeconds(c.attemptTimeout); w != "" {
		c.wait = []string{"wait=" + w}
	}
	c.castHeader = c.header(c.wait, "application/json", "application/json")
	return c, nil
}

// Close closes the idle connections of the client's own transport. Calls under way
// continue.
func (c *Client) Close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// Endpoints returns the endpoints the client was made with.
func (c *Client) Endpoints() []string {
	names := make([]string, len(c.nodes.all))
	for i, ep := range c.nodes.all {
		names[i] = ep.name
	}
	return names
}

func (c *Client) breakerChanged(ep *endpoint, s BreakerState) {
	if c.hooks.OnBreaker != nil {
		c.hooks.OnBreaker(ep.name, s)
	}
	if c.log != nil {
		c.log.LogAttrs(context.Background(), slog.LevelWarn, "circuit breaker changed",
			slog.String("endpoint", ep.name), slog.String("state", s.String()))
	}
}

// header makes the header fields that calls share.
func (c *Client) header(wait []string, accept, contentType string) http.Header {
	h := make(http.Header, 8)
	h["User-Agent"] = []string{c.userAgent}
	if accept != "" {
		h["Accept"] = []string{accept}
	}
	if contentType != "" {
		h["Content-Type"] = []string{contentType}
	}
	if wait != nil {
		h["Prefer"] = wait
	}
	return h
}

// authorize adds the bearer token, if there is one.
func (c *Client) authorize(h http.Header) {
	if c.token == nil {
		return
	}
	if t := c.token(); t != "" {
		h["Authorization"] = []string{"Bearer " + t}
	}
}

// waitSeconds returns the N of "Prefer: wait=N" for a try of length d. It is empty if
// the node's own limit is shorter. N leaves enough time for the node's answer to
// arrive, and is at least one second.
func waitSeconds(d time.Duration) string {
	if d >= nodeHold+waitSlack {
		return ""
	}
	return strconv.Itoa(max(1, int((d-waitSlack)/time.Second)))
}

// preferenceOf is preference for one call.
func (c *Client) preferenceOf(k *call, deadline time.Time) []string {
	if !k.once {
		return c.preference(deadline)
	}
	if w := waitSeconds(min(c.timeOf(k), time.Until(deadline))); w != "" {
		return []string{"wait=" + w}
	}
	return nil
}

// timeOf returns how long one try of a call may take. A call that is tried only once
// gets the node's whole time: an answer that came too late would be lost for good.
func (c *Client) timeOf(k *call) time.Duration {
	if k.once {
		return max(c.attemptTimeout, nodeHold+waitSlack)
	}
	return c.attemptTimeout
}

// preference returns the "Prefer" value for a call that must end by deadline.
func (c *Client) preference(deadline time.Time) []string {
	left := time.Until(deadline)
	if left >= c.attemptTimeout {
		return c.wait
	}
	if w := waitSeconds(left); w != "" {
		return []string{"wait=" + w}
	}
	return nil
}
