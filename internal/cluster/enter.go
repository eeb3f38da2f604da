package cluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
	"voted/internal/trace"
)

// The named values that a member keeps beside raft's.
const (
	valueMember   = "member"   // its id
	valueDisk     = "disk"     // drawn when the data directory was first used
	valueFounders = "founders" // JSON: the disks of the members that founded the cluster
)

// diskID returns what was drawn when this data directory was first used. A member
// that lost its disk has another one: that is how the others know it is not the
// member that they founded the cluster with.
func (n *Node) diskID() (string, error) {
	id, err := n.opts.Store.Value(valueDisk)
	if err != nil || id != nil {
		return string(id), err
	}
	id = []byte(rand.Text())
	return string(id), n.opts.Store.SetValue(valueDisk, id)
}

func (n *Node) founders() map[string]string {
	raw, err := n.opts.Store.Value(valueFounders)
	if err != nil || raw == nil {
		return nil
	}
	var f map[string]string
	if json.Unmarshal(raw, &f) != nil {
		return nil
	}
	return f
}

// enter makes this member part of a cluster: the one it was in, the one that it is
// told to join, or one that it founds with the others.
func (n *Node) enter() error {
	empty, err := n.opts.Store.Empty()
	switch {
	case err != nil:
		return err
	case !empty:
		return nil
	case len(n.opts.Join) > 0:
		return n.join()
	case len(n.opts.Cluster) > 0:
		return n.found()
	}
	return fmt.Errorf("%w: the data directory is empty; name the first members with --cluster, or a running cluster with --join", ErrUsage)
}

// found bootstraps the cluster once every member that is named has answered that
// it is empty too. One that lost its disk must not help to elect a leader that
// lacks what the others have acknowledged.
func (n *Node) found() error {
	n.log.Info("first start: asking the other members", "cluster", len(n.opts.Cluster))
	said := ""
	for {
		founders, silent, err := n.askFounders()
		if err != nil {
			return err
		}
		if len(silent) == 0 {
			return n.bootstrap(founders)
		}
		if now := strings.Join(silent, ", "); now != said {
			n.log.Info("waiting for members to start; a cluster is founded by all of them together", "silent", now)
			said = now
		}
		select {
		case <-time.After(askPause):
		case <-n.ctx.Done():
			return n.ctx.Err()
		}
	}
}

// askFounders asks every member named for its disk. silent lists those that did
// not answer.
func (n *Node) askFounders() (founders map[string]string, silent []string, err error) {
	founders = map[string]string{n.opts.ID: n.disk}
	for _, m := range n.opts.Cluster {
		if m.ID == n.opts.ID {
			continue
		}
		s, _, err := n.askStatus(n.ctx, m.Peer)
		if err != nil {
			n.log.Debug("a member does not answer", "member", m.ID, "peer", m.Peer, "error", err)
			silent = append(silent, m.ID)
			continue
		}
		switch {
		case s.ID != m.ID:
			return nil, nil, fmt.Errorf("%w: --cluster says that %s is member %s, but member %s answers there", ErrUsage, m.Peer, m.ID, s.ID)
		case s.Founders[n.opts.ID] == n.disk:
			return s.Founders, nil, nil // it has founded the cluster with this very disk
		case s.Member:
			return nil, nil, fmt.Errorf("%w: member %s has a cluster already, and this data directory is empty. "+
				"If this member lost its disk: remove it (voted cluster remove %s), then start it with --join %s", ErrUsage, m.ID, n.opts.ID, m.Peer)
		case len(s.Cluster) > 0 && !sameServers(s.Cluster, n.opts.Cluster):
			return nil, nil, fmt.Errorf("%w: member %s was started with another --cluster line (%s); it must be the same on every member", ErrUsage, m.ID, lineOf(s.Cluster))
		}
		founders[m.ID] = s.Disk
	}
	return founders, silent, nil
}

func (n *Node) bootstrap(founders map[string]string) error {
	raw, err := json.Marshal(founders)
	if err != nil {
		return err
	}
	// Durable before raft is: from here on the others may rely on this disk.
	if err := n.opts.Store.SetValue(valueFounders, raw); err != nil {
		return err
	}
	var c raft.Configuration
	for _, m := range sorted(n.opts.Cluster) {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(m.ID), Address: raft.ServerAddress(m.Peer)})
	}
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(n.opts.ID)
	rc.Logger = raftLogger(n.log)
	s := n.opts.Store
	if err := raft.BootstrapCluster(rc, s, s, s.Snapshots(), n.opts.Network.Transport(), c); err != nil {
		return fmt.Errorf("the cluster cannot be founded: %w", err)
	}
	n.log.Info("the cluster is founded", "members", lineOf(n.opts.Cluster))
	return nil
}

// join asks members of a running cluster to let this one in, as a non-voter.
func (n *Node) join() error {
	token, err := n.joinToken()
	if err != nil {
		return err
	}
	said := ""
	for {
		var last error
		for _, addr := range n.opts.Join {
			id := n.ids.Next()
			err := n.joinThrough(id, addr, token)
			var refusal *poll.Error
			switch {
			case err == nil:
				n.log.Info("joined; catching up before voting", "through", addr, "request_id", id)
				return nil
			case errors.As(err, &refusal) && !passing(refusal.Code):
				return fmt.Errorf("%w: %s", ErrUsage, refusal.Detail)
			}
			last = err
		}
		if now := last.Error(); now != said {
			n.log.Info("waiting for a member that lets this one in", "error", now)
			said = now
		}
		select {
		case <-time.After(askPause):
		case <-n.ctx.Done():
			return n.ctx.Err()
		}
	}
}

// passing reports whether a refusal to join may be another answer in a moment.
func passing(c poll.Code) bool {
	return c == poll.CodeUnavailable || c == poll.CodeOutcomeUnknown || c == poll.CodeTooManyRequests
}

// joinThrough asks the member at addr who leads, and that one to be let in, under an
// id that the logs of all three name.
func (n *Node) joinThrough(id, addr, token string) error {
	ctx, cancel := context.WithTimeout(trace.With(n.ctx, trace.Carried{ID: id}), 5*callTimeout)
	defer cancel()
	c, err := json.Marshal(change{Op: "join", ID: n.opts.ID, Peer: n.opts.Peer, Token: token, Disk: n.disk, Reads: n.opts.Reads})
	if err != nil {
		return err
	}
	_, err = n.ask(ctx, addr, callJoin, c)
	return err
}

func sorted(servers []Server) []Server {
	return slices.SortedFunc(slices.Values(servers), func(a, b Server) int { return strings.Compare(a.ID, b.ID) })
}

func sameServers(a, b []Server) bool { return slices.Equal(sorted(a), sorted(b)) }

func lineOf(servers []Server) string {
	entries := make([]string, len(servers))
	for i, s := range sorted(servers) {
		entries[i] = s.ID + "=" + s.Peer
	}
	return strings.Join(entries, ",")
}
