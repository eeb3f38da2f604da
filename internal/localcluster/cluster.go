package localcluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"voted/internal/child"
	"voted/internal/pki"
)

// Options says what to start. Binary is required; the zero value of any other
// field means its default.
type Options struct {
	Binary string // path of a voted binary
	Nodes  int    // default 3, at most 15
	// Args returns further arguments of `voted serve` for a node, counted from 0.
	Args func(node int) []string
	// Env is added, as "NAME=value", to this process's own environment without
	// its VOTED_ variables.
	Env []string
	// Dir holds a data directory and a log file for each node. It is made if missing, and
	// kept. The default is a temporary one that Stop removes.
	Dir string
	// BasePort is the API port of the first node; the others follow, and their
	// peer ports lie 1000 above. 0: ports are chosen. To start again in a Dir
	// that has data, give the same port: the data holds the addresses.
	BasePort int
	// Place, if set, runs the nodes elsewhere than on loopback. BasePort must then be
	// set too.
	Place Place
	// Front, if set, is called with the peer addresses of the nodes before they start. It
	// returns the addresses under which the nodes reach each other, such as proxies'.
	Front func(peers []string) ([]string, error)
	// Secure puts API and peer ports under TLS; every request then needs the token. See
	// TLS and Token. Certificates and keys are kept in Dir.
	Secure bool
	// Tokens are further lines of the file of tokens of a cluster that is Secure, as
	// auth.NewToken makes them, for tests of what other roles may do.
	Tokens []string
	// Authority is the directory of a CA that `voted ca init` made, "" for none. Its
	// certificates put API and peer ports under TLS. Without Secure requests need no token.
	Authority string
	// LogName begins the names of polls' logs: each node then has a proof key and signs their heads. The keys are made
	// in Dir, and those that are there are used again. Empty: the nodes keep no logs. See Policy.
	LogName string
	// Webhooks are networks and ports that the nodes may call for webhooks, also without TLS.
	// They have one key file, which is made in Dir; one that is there is used again. Empty:
	// there are no webhooks.
	Webhooks []string
	// StallLimit is the nodes' --stall-limit; default 20 s, more than a node's own
	// default. The nodes share one disk: if it is slow, it is slow for all of them, and
	// another leader would not help.
	StallLimit time.Duration
	// StopTimeout is how long Stop waits before it kills; default 15 s, longer
	// than a node drains.
	StopTimeout time.Duration
	// OnExit is called, from its own goroutine, when a process ends unexpectedly. It must
	// not call Stop.
	OnExit func(n *Node, err error)
}

// Place is where nodes run if not on loopback, such as each in a network of its own.
type Place interface {
	// Host returns the address of a node, counted from 0, under which this process
	// and the other nodes reach it.
	Host(node int) string
	// Enter switches to where the node is to run, and calls start there, which starts a
	// process of the node. It is called on a locked thread that lives as long as the
	// cluster.
	Enter(node int, start func() error) error
}

// Cluster is a cluster of processes.
type Cluster struct {
	Dir   string
	Nodes []*Node

	options  Options
	secrets                  // of a secure cluster
	signers  []pki.ProofKeys // of a cluster that keeps logs, by node
	probes   *http.Client
	layout   *layout
	ownDir   bool
	starter  *child.Starter
	watchers sync.WaitGroup
	stopOnce sync.Once
	stopErr  error
	ending   chan struct{} // closed when Stop begins
}

// Start starts all nodes and returns without waiting for them to be ready (see
// WaitReady). After an error no process runs and every directory that it made is removed.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if o.Nodes == 0 {
		o.Nodes = 3
	}
	if o.StallLimit == 0 {
		o.StallLimit = stallLimit
	}
	if o.StopTimeout == 0 {
		o.StopTimeout = stopTimeout
	}
	switch {
	case o.Nodes < 1 || o.Nodes > maxNodes:
		return nil, fmt.Errorf("a local cluster has 1 to %d nodes, not %d", maxNodes, o.Nodes)
	case o.Binary == "":
		return nil, errors.New("a local cluster needs the path of a voted binary")
	case o.Place != nil && o.BasePort == 0:
		return nil, errors.New("a cluster that is put elsewhere needs a port to begin with, such as 8080")
	}
	c := &Cluster{Dir: o.Dir, options: o, ending: make(chan struct{})}
	if err := c.prepare(); err != nil {
		c.cleanUp()
		return nil, err
	}
	c.starter = child.NewStarter()
	for _, n := range c.Nodes {
		err := ctx.Err()
		if err == nil {
			err = n.start(false)
		}
		if err != nil {
			c.kill()
			return nil, errors.Join(err, c.Stop())
		}
	}
	return c, nil
}

// prepare makes the directory, and finds the ports.
func (c *Cluster) prepare() (err error) {
	if c.Dir == "" {
		c.Dir, err = os.MkdirTemp("", "voted-")
		c.ownDir = err == nil
	} else if _, missing := os.Stat(c.Dir); missing != nil {
		err = os.MkdirAll(c.Dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("the directory of the cluster cannot be made: %w", err)
	}
	switch {
	case c.options.Place != nil:
		c.layout, err = layoutFrom(c.options.BasePort, c.options.Nodes)
	case c.options.BasePort != 0:
		c.layout, err = fixedLayout(c.options.BasePort, c.options.Nodes)
	default:
		c.layout, err = chosenLayout(c.options.Nodes)
	}
	if err != nil {
		return err
	}
	for i := range c.options.Nodes {
		c.Nodes = append(c.Nodes, newNode(c, i, c.layout.api[i], c.layout.peer[i]))
	}
	if err := c.writeArgs(); err != nil {
		return err
	}
	if c.options.LogName != "" {
		if err := c.keepLogs(); err != nil {
			return err
		}
	}
	if len(c.options.Webhooks) > 0 {
		if err := c.callHooks(); err != nil {
			return err
		}
	}
	if c.options.Secure || c.options.Authority != "" {
		err = c.encrypt()
	}
	switch {
	case err != nil:
		return err
	case c.options.Secure:
		err = c.requireToken()
	case c.options.Place != nil:
		for _, n := range c.Nodes {
			n.Args = append(n.Args, "--insecure") // the place is the caller's own
		}
	}
	c.probes = c.newProbes()
	return err
}

// writeArgs writes the command line of each node.
func (c *Cluster) writeArgs() error {
	known := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		known[i] = n.PeerAddr
	}
	if front := c.options.Front; front != nil {
		var err error
		if known, err = front(known); err != nil {
			return fmt.Errorf("nothing can be put in front of the peer ports: %w", err)
		}
	}
	members := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		members[i] = n.ID + "=" + known[i]
	}
	for i, n := range c.Nodes {
		n.Args = []string{
			"serve", "--id", n.ID, "--data", n.DataDir, "--api", n.APIAddr, "--peer", n.PeerAddr,
			"--cluster", strings.Join(members, ","), "--stall-limit", c.options.StallLimit.String(),
		}
		if c.options.Front != nil {
			n.Args = append(n.Args, "--advertise-peer", known[i])
		}
		if c.options.Args != nil {
			n.Args = append(n.Args, c.options.Args(i)...)
		}
	}
	return nil
}

// Endpoints returns the URLs of all nodes.
func (c *Cluster) Endpoints() []string {
	urls := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		urls[i] = n.URL
	}
	return urls
}

func (c *Cluster) stopped() bool {
	select {
	case <-c.ending:
		return true
	default:
		return false
	}
}

// Stop asks all nodes to end, kills those that take too long, and removes what Start made
// for itself. It may be called again, also concurrently. The error names the nodes that
// had to be killed.
func (c *Cluster) Stop() error {
	c.stopOnce.Do(func() {
		close(c.ending)
		c.stopErr = c.end()
	})
	return c.stopErr
}

// end asks all nodes to end at the same time: the last ones would only elect one more
// leader.
func (c *Cluster) end() error {
	deadline := time.After(c.options.StopTimeout)
	var errs []error
	for _, n := range c.Nodes {
		if n.Running() {
			_ = n.Continue()  // a paused process would not receive the signal
			_ = n.Terminate() // it may just have ended by itself
		}
	}
	late := false
	for _, n := range c.Nodes {
		p := n.current()
		if p == nil {
			continue
		}
		if !late {
			select {
			case <-p.exited:
			case <-deadline:
				late = true
			}
		}
		if p.running() {
			errs = append(errs, fmt.Errorf("node %s did not end within %s and was killed", n.ID, c.options.StopTimeout))
			_ = n.Kill()
		}
	}
	c.watchers.Wait()
	c.starter.Close()
	return errors.Join(append(errs, c.cleanUp())...)
}

// kill ends all nodes at once.
func (c *Cluster) kill() {
	for _, n := range c.Nodes {
		_ = n.Kill() // an error if it never started
	}
}

func (c *Cluster) cleanUp() error {
	if c.layout != nil {
		c.layout.release()
	}
	if c.ownDir {
		if err := os.RemoveAll(c.Dir); err != nil {
			return fmt.Errorf("the temporary directory could not be removed: %w", err)
		}
	}
	return nil
}
