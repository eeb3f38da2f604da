package client

import (
	"context"
	"net/http"
)

// ClusterStatus is the cluster as one node sees it.
type ClusterStatus struct {
	Leader string `json:"leader"` // empty where it knows of none
	Term   uint64 `json:"term"`
	Index  uint64 `json:"index"`
	// Quorum is how many voters must live; CanLose how many may fail now.
	Quorum  int      `json:"quorum"`
	CanLose int      `json:"can_lose"`
	Members []Member `json:"members"`
	Meta    Meta     `json:"-"`
}

// Member is one node of the cluster.
type Member struct {
	ID           string `json:"id"`
	Peer         string `json:"peer"`  // host:port for the other members
	API          string `json:"api"`   // base URL for clients
	Role         string `json:"role"`  // "voter" or "nonvoter"
	State        string `json:"state"` // "leader", "follower" or "unreachable"
	Healthy      bool   `json:"healthy"`
	AppliedIndex uint64 `json:"applied_index"`
	Digest       string `json:"digest,omitempty"` // of the state at AppliedIndex, hexadecimal
	Version      string `json:"version"`
}

// Cluster returns the cluster as the node that answers first sees it.
func (c *Client) Cluster(ctx context.Context) (ClusterStatus, error) {
	return c.cluster(ctx, nil)
}

// ClusterAt returns the cluster as the node at an endpoint sees it. It asks
// once, and need not be an endpoint of New.
func (c *Client) ClusterAt(ctx context.Context, node string) (ClusterStatus, error) {
	ep, err := c.nodes.named(node)
	if err != nil {
		return ClusterStatus{}, err
	}
	return c.cluster(ctx, ep)
}

func (c *Client) cluster(ctx context.Context, ep *endpoint) (ClusterStatus, error) {
	var s ClusterStatus
	k := call{method: http.MethodGet, path: "/v1/cluster", into: jsonInto{&s}, pinned: ep}
	meta, err := c.do(ctx, &k)
	s.Meta = meta
	return s, err
}

// AddMember adds a node, which receives the state first and then gets a vote.
func (c *Client) AddMember(ctx context.Context, id, peer string) error {
	k := call{method: http.MethodPost, path: "/v1/cluster/members", write: true}
	body := struct {
		ID   string `json:"id"`
		Peer string `json:"peer"`
	}{id, peer}
	if err := c.withBody(ctx, &k, "application/json", body); err != nil {
		return err
	}
	_, err := c.do(ctx, &k)
	return err
}

// RemoveMember takes a node out of the cluster.
func (c *Client) RemoveMember(ctx context.Context, id string) error {
	k := call{method: http.MethodDelete, write: true}
	if err := k.route("/v1/cluster/members/", id); err != nil {
		return err
	}
	_, err := c.do(ctx, &k)
	return err
}

// TransferLeadership hands leadership to a member, or to any other one where
// to is empty. Without a name it is tried again only if nothing happened.
func (c *Client) TransferLeadership(ctx context.Context, to string) error {
	k := call{method: http.MethodPost, path: "/v1/cluster/leader", write: true, once: to == ""}
	if to != "" {
		body := struct {
			ID string `json:"id"`
		}{to}
		if err := c.withBody(ctx, &k, "application/json", body); err != nil {
			return err
		}
	}
	_, err := c.do(ctx, &k)
	return err
}

// Ready asks one node, once, whether it takes requests. It returns nil, an
// *Error where the node lives but is not ready, or why it cannot be reached.
func (c *Client) Ready(ctx context.Context, node string) error {
	ep, err := c.nodes.named(node)
	if err != nil {
		return err
	}
	k := call{method: http.MethodGet, path: "/readyz", pinned: ep}
	_, err = c.do(ctx, &k)
	return err
}
