package client

import (
	"context"
	"net/http"
	"time"
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
	// FormatLevel is up to which level formats are used in the log and in snapshots.
	FormatLevel uint32    `json:"format_level"`
	Summary     string    `json:"summary"`  // what the cluster can lose, in a sentence
	Findings    []Finding `json:"findings"` // what is wrong
	Meta        Meta      `json:"-"`
}

// Finding is one thing that is not as it should be.
type Finding struct {
	Kind   string `json:"kind"`
	Member string `json:"member,omitempty"` // empty: it is about the cluster
	Text   string `json:"text"`             // a sentence that says what to do
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
	// ReadsFormat is the highest format level that it reads; 0 where it is away.
	ReadsFormat uint32    `json:"reads_format,omitempty"`
	FreeBytes   uint64    `json:"free_bytes,omitempty"` // on its disk
	DiskLow     bool      `json:"disk_low,omitempty"`   // those are too few
	AwaySince   time.Time `json:"away_since,omitzero"`  // as the node that answers saw it
	// RestartRisks say why it must not be restarted now; none: it may be.
	RestartRisks []string `json:"restart_risks,omitempty"`
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

// JoinToken lets one member in, once, before it expires.
type JoinToken struct {
	ID        string    `json:"id"`
	Token     string    `json:"token"` // a secret
	ExpiresAt time.Time `json:"expires_at"`
}

// NewJoinToken makes a token with which the member of an id may join once. ttl is in
// whole seconds, at most a week; 0: an hour. Earlier ones for that id that nobody
// used are withdrawn, also one whose answer got lost on the way here.
func (c *Client) NewJoinToken(ctx context.Context, id string, ttl time.Duration) (JoinToken, error) {
	var t JoinToken
	k := call{method: http.MethodPost, path: "/v1/cluster/tokens", write: true, into: jsonInto{&t}}
	body := struct {
		ID  string `json:"id"`
		TTL int64  `json:"ttl_seconds,omitempty"`
	}{id, int64(ttl / time.Second)}
	if err := c.withBody(ctx, &k, "application/json", body); err != nil {
		return t, err
	}
	_, err := c.do(ctx, &k)
	return t, err
}

// RevokeJoinTokens withdraws the join tokens of a member.
func (c *Client) RevokeJoinTokens(ctx context.Context, id string) error {
	k := call{method: http.MethodDelete, write: true}
	if err := k.route("/v1/cluster/tokens/", id); err != nil {
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
