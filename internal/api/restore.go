package api

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// postRestore serves POST of a backup. The sender must confirm what the restore drops.
// That is checked before the backup is read, and again in the step that drops it.
func (h *Handler) postRestore(w *response, r *http.Request) error {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	if err := contentType(r, mediaBackup); err != nil {
		return err
	}
	order, err := restoreOrder(r)
	if err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	err = h.sync(ctx)
	cancel()
	if err != nil {
		return err
	}
	var refused *refusal.Error
	h.cluster.Read(func(s *poll.State) {
		if order.Since > s.Index() {
			refused = sinceUnknown()
			return
		}
		if !s.Untouched(order.Sum) && !s.Restored(order.Sum, order.Since) {
			refused = s.MayDrop(order.Confirm)
		}
	})
	if refused != nil {
		return refused
	}
	if !h.restores.take() {
		return refusal.New(refusal.TooManyRequests, "This node is receiving another backup; wait until that one is done.")
	}
	defer h.restores.give()
	p := &patience{control: http.NewResponseController(w)}
	defer p.end(false)
	// Reading stops when the node drains.
	defer context.AfterFunc(h.draining, func() { p.end(true) })()
	body := &patientReader{r: r.Body, p: p}
	done, err := h.cluster.Restore(&w.ctx, body, order)
	if err != nil {
		// Otherwise a sender that is still sending would see a broken connection instead of the
		// answer.
		_, _ = io.Copy(io.Discard, body)
		return inTime(err, refusal.OutcomeUnknown)
	}
	h.log.Warn("the cluster's state was restored from a backup", "request_id", w.id, "index", done.Index, "backup_index", done.BackupIndex, "sha256", done.SHA256)
	text, err := json.Marshal(done)
	if err != nil {
		return err
	}
	w.index = done.Index
	w.send(http.StatusOK, typeJSON, append(text, '\n'))
	return nil
}

func restoreOrder(r *http.Request) (o RestoreOrder, err error) {
	q := r.URL.Query()
	o.Confirm = q.Get("confirm")
	if since := q.Get("since"); since != "" {
		if o.Since, err = strconv.ParseUint(since, 10, 64); err != nil {
			return o, sinceUnknown()
		}
	}
	if sum := q.Get("sha256"); sum != "" {
		b, err := hex.DecodeString(sum)
		if err != nil || len(b) != len(o.Sum) {
			return o, malformed("sha256 must be the SHA-256 of the backup in 64 hexadecimal digits, as sha256sum prints it.")
		}
		copy(o.Sum[:], b)
	}
	return o, nil
}

// patientReader gives the sender new time for each piece, and keeps the sender's faults
// apart from those of the disk.
type patientReader struct {
	r io.Reader
	p *patience
}

func (p *patientReader) Read(b []byte) (int, error) {
	p.p.extend()
	n, err := p.r.Read(b)
	switch {
	case errors.Is(err, io.EOF):
		p.p.rest()
	case err != nil:
		err = malformed("The backup did not arrive whole; nothing was changed. Send it again.")
	}
	return n, err
}
