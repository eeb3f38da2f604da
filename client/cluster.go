package client

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// ClusterStatus is the cluster as one node sees it.
type ClusterStatus struct {
	ClusterID string `json:"cluster_id"` // made when the cluster is founded, and again by voted recover
	Leader    string `json:"leader"`     // empty if it knows none
	Term      uint64 `json:"term"`
	Index     uint64 `json:"index"`
	// Quorum is how many voting members must be up; CanLose how many may fail now.
	Quorum  int      `json:"quorum"`
	CanLose int      `json:"can_lose"`
	Members []Member `json:"members"`
	// FormatLevel is the highest level of formats used in the log and in snapshots.
	FormatLevel uint32    `json:"format_level"`
	Summary     string    `json:"summary"`  // what the cluster can lose, in a sentence
	Findings    []Finding `json:"findings"` // what is wrong
	// Raw is the whole answer as the node wrote it.
	Raw  json.RawMessage `json:"-"`
	Meta Meta            `json:"-"`
}

// clusterInto decodes a status and keeps the answer as it came.
type clusterInto struct{ ClusterStatus }

func (s *clusterInto) decode(body []byte) error {
	s.ClusterStatus = ClusterStatus{}
	if err := decodeJSON(body, &s.ClusterStatus); err != nil {
		return err
	}
	s.Raw = bytes.Clone(bytes.TrimSpace(body))
	return nil
}

// Finding is one thing that is not as it should be.
type Finding struct {
	Kind   string `json:"kind"`
	Member string `json:"member,omitempty"` // empty: the finding is about the cluster
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
	CommitIndex  uint64 `json:"commit_index,omitempty"` // 0: not reported
	// LagEntries and LagSeconds are how far it is behind the member that has applied most.
	LagEntries uint64  `json:"lag_entries,omitempty"`
	LagSeconds float64 `json:"lag_seconds,omitempty"`
	// BallotsPerSecond, CastP50 and CastP99 (milliseconds) are of its own clients' ballots in
	// the last ten seconds.
	BallotsPerSecond float64 `json:"ballots_per_second,omitempty"`
	CastP50          float64 `json:"cast_p50_ms,omitempty"`
	CastP99          float64 `json:"cast_p99_ms,omitempty"`
	Digest           string  `json:"digest,omitempty"` // of the state at AppliedIndex, hexadecimal
	Version          string  `json:"version"`
	// ReadsFormat is the highest format level that it can read; 0 while it is away.
	ReadsFormat uint32    `json:"reads_format,omitempty"`
	FreeBytes   uint64    `json:"free_bytes,omitempty"` // on its disk
	DiskLow     bool      `json:"disk_low,omitempty"`   // FreeBytes is too small
	AwaySince   time.Time `json:"away_since,omitzero"`  // as seen by the node that answers
	// RestartRisks say why it must not be restarted now; with none, it may be.
	RestartRisks []string `json:"restart_risks,omitempty"`
	// WebhookAllow are the networks and ports to which it sends webhooks, while it leads, besides
	// public addresses and the ports of HTTPS; "http" stands for URLs without TLS.
	WebhookAllow []string `json:"webhook_allow,omitempty"`
}

// Cluster returns the cluster as the node that answers first sees it.
func (c *Client) Cluster(ctx context.Context) (ClusterStatus, error) {
	return c.cluster(ctx, nil)
}

// ClusterAt returns the cluster as the node at an endpoint sees it. The endpoint is
// asked once, and may be one that New was not given.
func (c *Client) ClusterAt(ctx context.Context, node string) (ClusterStatus, error) {
	ep, err := c.nodes.named(node)
	if err != nil {
		return ClusterStatus{}, err
	}
	return c.cluster(ctx, ep)
}

func (c *Client) cluster(ctx context.Context, ep *endpoint) (ClusterStatus, error) {
	var into clusterInto
	k := call{method: http.MethodGet, path: "/v1/cluster", into: &into, pinned: ep}
	meta, err := c.do(ctx, &k)
	into.Meta = meta
	return into.ClusterStatus, err
}

// AddMember adds a node, which receives the state first and then becomes a voting
// member. The call is tried again only if it certainly was not applied.
func (c *Client) AddMember(ctx context.Context, id, peer string) error {
	k := call{method: http.MethodPost, path: "/v1/cluster/members", write: true, once: true}
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

// RemoveMember removes a node from the cluster. The call is tried again only if it
// certainly was not applied: a late duplicate would remove a member that has joined
// again since.
func (c *Client) RemoveMember(ctx context.Context, id string) error {
	k := call{method: http.MethodDelete, write: true, once: true}
	if err := k.route("/v1/cluster/members/", id); err != nil {
		return err
	}
	_, err := c.do(ctx, &k)
	return err
}

// JoinToken admits one member, once, before it expires.
type JoinToken struct {
	ID        string    `json:"id"`
	Token     string    `json:"token"` // a secret
	ExpiresAt time.Time `json:"expires_at"`
	// Raw is the answer as the node wrote it, with the secret.
	Raw json.RawMessage `json:"-"`
}

// NewJoinToken makes a token with which the member of this id may join once. ttl is in
// whole seconds, at most a week; 0: an hour. A new token withdraws earlier unused ones
// of that id, including one whose answer was lost. The call is tried again only if it
// certainly was not applied.
func (c *Client) NewJoinToken(ctx context.Context, id string, ttl time.Duration) (JoinToken, error) {
	var t JoinToken
	k := call{method: http.MethodPost, path: "/v1/cluster/tokens", write: true, once: true, into: rawInto{&t, &t.Raw}}
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

// RevokeJoinTokens withdraws the join tokens of a member. The call is tried again only
// if it certainly was not applied: a late duplicate would withdraw a token made since.
func (c *Client) RevokeJoinTokens(ctx context.Context, id string) error {
	k := call{method: http.MethodDelete, write: true, once: true}
	if err := k.route("/v1/cluster/tokens/", id); err != nil {
		return err
	}
	_, err := c.do(ctx, &k)
	return err
}

// TransferLeadership hands leadership to a member; to any other one if to is empty. The
// call is tried again only if it certainly was not applied.
func (c *Client) TransferLeadership(ctx context.Context, to string) error {
	k := call{method: http.MethodPost, path: "/v1/cluster/leader", write: true, once: true}
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

// Ready asks one node, once, whether it takes requests. It returns nil, an *Error if
// the node is up but not ready, or why it cannot be reached.
func (c *Client) Ready(ctx context.Context, node string) error {
	ep, err := c.nodes.named(node)
	if err != nil {
		return err
	}
	k := call{method: http.MethodGet, path: "/readyz", pinned: ep}
	_, err = c.do(ctx, &k)
	return err
}
