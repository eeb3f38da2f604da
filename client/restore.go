package client

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Restored is the result of a restore.
type Restored struct {
	Index       uint64 `json:"index"` // log index of the restore
	Polls       uint64 `json:"polls"`
	Ballots     uint64 `json:"ballots"`
	BackupIndex uint64 `json:"backup_index"` // log index of the state in the backup
	SHA256      string `json:"sha256"`
	ClusterID   string `json:"cluster_id"`        // the restore does not change it
	BackupOf    string `json:"backup_cluster_id"` // the cluster that the backup is of
	// Replayed says that the backup had been restored already: by an earlier try of
	// this call, or by anyone if nothing has changed since.
	Replayed bool `json:"replayed"`
	// Raw is the answer as the node wrote it.
	Raw  json.RawMessage `json:"-"`
	Meta Meta            `json:"-"`
}

// RestoreBackup is a backup to be restored.
type RestoreBackup struct {
	// Open returns the backup from its beginning; it is called for each try.
	Open func() (io.ReadCloser, error)
	// Size is in bytes, SHA256 in hexadecimal. The service recognises a retry by the
	// SHA256.
	Size   int64
	SHA256 string
	// Confirm says what the restore drops. It is required if the cluster holds polls:
	// the exact words are in the first of the Fields of an *Error with
	// CodeConfirmationNeeded.
	Confirm string
}

// Restore replaces the cluster's state by a backup. It takes as long as the transfer
// takes; a deadline bounds only when another try may begin. A retry undoes no change
// made after the restore; it then returns Replayed.
func (c *Client) Restore(ctx context.Context, b RestoreBackup) (Restored, error) {
	var done Restored
	seen, err := c.seen(ctx)
	if err != nil {
		return done, err
	}
	q := url.Values{"since": {strconv.FormatUint(seen, 10)}}
	if b.SHA256 != "" {
		q.Set("sha256", b.SHA256)
	}
	if b.Confirm != "" {
		q.Set("confirm", b.Confirm)
	}
	k := call{method: http.MethodPost, path: "/v1/restore", query: q.Encode(), write: true, into: rawInto{&done, &done.Raw}}
	k.header = c.header(nil, "application/json", "application/octet-stream")
	k.header["Expect"] = []string{"100-continue"} // a refusal comes before the backup is sent
	c.authorize(k.header)
	s := series{client: c, call: &k, deadline: c.callDeadline(ctx)}
	c.budget.called()
	for from := c.nodes.first(); ; {
		ep := c.nodes.pick(from)
		r := c.tryRestore(ctx, &k, ep, b, s.tries+1)
		if !r.retry {
			done.Meta = r.meta
			return done, r.err
		}
		c.nodes.leave(ep)
		if err := s.next(ctx, ep, r); err != nil {
			return done, err
		}
		from = ep.index + 1
	}
}

// seen returns a log index that is at least that of everything acknowledged before the
// call.
func (c *Client) seen(ctx context.Context) (uint64, error) {
	k := call{method: http.MethodGet, path: "/v1/polls", query: "page_size=1"}
	meta, err := c.do(ctx, &k)
	return meta.Index, err
}

func (c *Client) tryRestore(ctx context.Context, k *call, ep *endpoint, b RestoreBackup, n int) result {
	body, err := b.Open()
	if err != nil {
		return result{err: err}
	}
	req := k.request(ctx, ep)
	req.Body, req.ContentLength = body, b.Size // the transport closes it
	return c.exchange(ctx, k, ep, req, n)
}
