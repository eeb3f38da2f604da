package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
)

// Restored is what became of a restore.
type Restored struct {
	Index       uint64 `json:"index"` // log index of the restore
	Polls       uint64 `json:"polls"`
	Ballots     uint64 `json:"ballots"`
	BackupIndex uint64 `json:"backup_index"` // log index that the backup shows
	SHA256      string `json:"sha256"`
	// Replayed says that it had been restored before, and nothing has changed since.
	Replayed bool `json:"replayed"`
	Meta     Meta `json:"-"`
}

// RestoreBackup is a backup to be restored.
type RestoreBackup struct {
	// Open returns the backup from its beginning; it is called for each try.
	Open func() (io.ReadCloser, error)
	// Size in bytes, and SHA-256 in hexadecimal: by the latter a retry is recognised.
	Size   int64
	SHA256 string
	// Confirm says what the restore drops, where the cluster holds polls: the exact
	// words are in the first of the Fields of an *Error with CodeConfirmationNeeded.
	Confirm string
}

// Restore puts a backup in the place of the cluster's state. It takes as long as the
// transfer takes; a deadline bounds only when a further try may begin. A retry after an
// unknown outcome is safe: where nothing has changed since, it says Replayed.
func (c *Client) Restore(ctx context.Context, b RestoreBackup) (Restored, error) {
	var done Restored
	q := url.Values{"sha256": {b.SHA256}}
	if b.Confirm != "" {
		q.Set("confirm", b.Confirm)
	}
	k := call{method: http.MethodPost, path: "/v1/restore", query: q.Encode(), write: true, into: jsonInto{&done}}
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

func (c *Client) tryRestore(ctx context.Context, k *call, ep *endpoint, b RestoreBackup, n int) result {
	body, err := b.Open()
	if err != nil {
		return result{err: err}
	}
	req := k.request(ctx, ep)
	req.Body, req.ContentLength = body, b.Size // the transport closes it
	return c.exchange(ctx, k, ep, req, n)
}
