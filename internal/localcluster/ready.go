package localcluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// view is a node's answer about the cluster.
type view struct {
	Leader string `json:"leader"`
	Term   uint64 `json:"term"`
}

// WaitReady waits until every node that runs is ready and knows a leader. If a node ends
// instead, it fails at once, with the end of that node's log.
func (c *Cluster) WaitReady(ctx context.Context) error {
	for _, n := range c.Nodes {
		if !n.answering() && n.Running() {
			continue // paused on purpose
		}
		if err := n.WaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// WaitReady waits until the node is ready and knows a leader.
func (n *Node) WaitReady(ctx context.Context) error {
	p := n.current()
	var last error
	for {
		if !p.running() {
			return n.ended(p)
		}
		if last = n.ready(ctx); last == nil {
			return nil
		}
		if !pause(ctx, p.exited) {
			return fmt.Errorf("node %s is not ready (%w): %w", n.ID, last, ctx.Err())
		}
	}
}

// pause waits a moment, or less if the process ends; false: ctx has ended.
func pause(ctx context.Context, exited <-chan struct{}) bool {
	t := time.NewTimer(probeInterval)
	defer t.Stop()
	select {
	case <-t.C:
	case <-exited:
	case <-ctx.Done():
		return false
	}
	return true
}

func (n *Node) ready(ctx context.Context) error {
	if err := n.Get(ctx, "/readyz", nil); err != nil {
		return err
	}
	v, err := n.view(ctx)
	if err == nil && v.Leader == "" {
		err = fmt.Errorf("%s knows no leader yet", n.ID)
	}
	return err
}

func (n *Node) view(ctx context.Context) (v view, err error) {
	return v, n.Get(ctx, "/v1/cluster", &v)
}

// Get requests a path of the node, once, and decodes the JSON answer into what into points
// to. into may be nil if only the status matters.
func (n *Node) Get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL+path, nil)
	if err != nil {
		return err
	}
	n.cluster.authorize(req)
	resp, err := n.cluster.probes.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s%s: %s", n.URL, path, resp.Status)
	}
	if into == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// Leader waits until the nodes that can answer agree on a leader that can answer
// itself, the one of the highest term, and returns it.
func (c *Cluster) Leader(ctx context.Context) (*Node, error) {
	for {
		if n := c.leader(ctx); n != nil {
			return n, nil
		}
		if !pause(ctx, nil) {
			return nil, fmt.Errorf("no node of the cluster leads: %w", ctx.Err())
		}
	}
}

// leader asks all nodes at once; nil: there is no leader now.
func (c *Cluster) leader(ctx context.Context) *Node {
	views := make(chan view)
	asked := 0
	for _, n := range c.Nodes {
		if n.answering() {
			asked++
			go func() { // ends with its probe
				v, err := n.view(ctx)
				if err != nil {
					v = view{}
				}
				views <- v
			}()
		}
	}
	var best view
	for range asked {
		if v := <-views; v.Leader != "" && v.Term >= best.Term {
			best = v
		}
	}
	for _, n := range c.Nodes {
		if n.ID == best.Leader && n.answering() {
			return n
		}
	}
	return nil
}
