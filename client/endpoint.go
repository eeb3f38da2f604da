package client

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// endpoint is the public API of one node.
type endpoint struct {
	index   int
	name    string // as the caller wrote it, without a trailing slash
	scheme  string
	host    string
	base    string // path before /v1, usually empty
	rawBase string // base as escaped in the URL
	breaker breaker

	// What the hedging knows of it.
	lastAnswer    atomic.Int64 // when it answered last, with anything; nanoseconds since the client was made
	reads, writes served
}

// served is what an endpoint has done of late with the reads, or with the writes.
type served struct {
	newest    atomic.Int64 // when the newest call that it decided was sent; nanoseconds since the client was made
	latencies latencies
}

// served returns what the endpoint has done with calls such as k.
func (e *endpoint) served(k *call) *served {
	if k.write {
		return &e.writes
	}
	return &e.reads
}

// parseEndpoint reads "http://host:port" or "host:port".
func parseEndpoint(s string) (*endpoint, error) {
	name := strings.TrimRight(strings.TrimSpace(s), "/")
	if !strings.Contains(name, "://") {
		name = "http://" + name
	}
	u, err := url.Parse(name)
	if err != nil {
		return nil, fmt.Errorf("endpoint %q is not a URL: %w", s, err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("endpoint %q must look like http://host:port", s)
	}
	return &endpoint{name: name, scheme: u.Scheme, host: u.Host, base: u.Path, rawBase: u.EscapedPath()}, nil
}

// url returns the URL of a route at this endpoint. raw is the escaped path, or empty if
// it equals path.
func (e *endpoint) url(path, raw, query string) url.URL {
	u := url.URL{Scheme: e.scheme, Host: e.host, Path: path, RawPath: raw, RawQuery: query}
	if e.base != "" {
		if raw == "" {
			raw = path
		}
		u.Path, u.RawPath = e.base+path, e.rawBase+raw
	}
	return u
}

// endpoints chooses where the next try goes.
type endpoints struct {
	all    []*endpoint
	spread bool          // each call starts at the next endpoint
	cursor atomic.Uint32 // the endpoint that answers; with spread, where the last call started
}

// starts spreads the clients of one process over the endpoints. It begins at random, so
// that different processes begin at different endpoints.
var starts atomic.Uint32

func init() { starts.Store(rand.Uint32() >> 1) }

func newEndpoints(all []*endpoint, spread bool) *endpoints {
	e := &endpoints{all: all, spread: spread}
	e.cursor.Store(starts.Add(1) % uint32(len(all)))
	return e
}

// first returns where a call starts.
func (e *endpoints) first() int {
	if e.spread {
		return int(e.cursor.Add(1) % uint32(len(e.all)))
	}
	return int(e.cursor.Load())
}

// pick returns the first endpoint, counted from an index, whose breaker lets a call
// through. If none does, it returns the one that has been open longest, so there is
// always one.
func (e *endpoints) pick(from int) *endpoint {
	n := len(e.all)
	for i := range n {
		if ep := e.all[(from+i)%n]; ep.breaker.allow() {
			return ep
		}
	}
	oldest, since := e.all[from%n], time.Time{}
	for i := range n {
		ep := e.all[(from+i)%n]
		if at := ep.breaker.since(); i == 0 || at.Before(since) {
			oldest, since = ep, at
		}
	}
	return oldest
}

// otherThan returns the next endpoint after one whose breaker is closed; nil if there is
// none. A hedge is no probe.
func (e *endpoints) otherThan(ep *endpoint) *endpoint {
	n := len(e.all)
	for i := 1; i < n; i++ {
		other := e.all[(ep.index+i)%n]
		if BreakerState(other.breaker.state.Load()) == BreakerClosed && other.breaker.allow() {
			return other
		}
	}
	return nil
}

// leave moves later calls away from an endpoint that failed. If many calls fail there
// together, only one of them moves the cursor.
func (e *endpoints) leave(ep *endpoint) {
	if !e.spread {
		e.cursor.CompareAndSwap(uint32(ep.index), uint32((ep.index+1)%len(e.all)))
	}
}

// settle keeps later calls at an endpoint that answered after others failed.
func (e *endpoints) settle(ep *endpoint) {
	if !e.spread {
		e.cursor.Store(uint32(ep.index))
	}
}

// named returns the configured endpoint of this name, or makes one for a single use.
func (e *endpoints) named(name string) (*endpoint, error) {
	ep, err := parseEndpoint(name)
	if err != nil {
		return nil, err
	}
	for _, known := range e.all {
		if known.name == ep.name {
			return known, nil
		}
	}
	ep.breaker.failures = defaultBreakerFailures
	ep.breaker.cooldown = defaultBreakerCooldown
	return ep, nil
}
