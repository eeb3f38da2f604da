package api

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
)

// Backups hands out the whole state, and puts another one in its place.
type Backups interface {
	// Backup captures everything that was acknowledged before the call.
	Backup(ctx context.Context) (Backup, error)
	// Restore reads a backup to its end, checks it, and makes it the state of the
	// cluster where that is confirmed. It takes as long as it makes progress.
	Restore(ctx context.Context, backup io.Reader, o RestoreOrder) (Restored, error)
}

// Backup is a capture on its way out.
type Backup interface {
	Index() uint64
	Write(w io.Writer) error
	Close()
}

// RestoreOrder is what a restore is told beside the backup.
type RestoreOrder struct {
	Confirm string      // see poll.State.MayDrop
	Sum     poll.Digest // SHA-256 of the backup, as its sender knows it; zero: not said
}

// Restored is the answer to a restore.
type Restored struct {
	Index       uint64 `json:"index"` // log index of the restore
	Polls       uint64 `json:"polls"`
	Ballots     uint64 `json:"ballots"`
	BackupIndex uint64 `json:"backup_index"` // log index that the backup shows
	SHA256      string `json:"sha256"`
	Replayed    bool   `json:"replayed"` // it had been restored before, and nothing has changed since
}

// mediaBackup is what a backup is in HTTP.
const mediaBackup = "application/octet-stream"

// getBackup serves the whole state at one log index.
func (h *Handler) getBackup(w *response, r *http.Request) error {
	if _, err := negotiate(r, mediaBackup); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	b, err := h.cluster.Backup(ctx)
	cancel()
	if err != nil {
		return inTime(err, poll.CodeUnavailable)
	}
	defer b.Close()
	w.index = b.Index()
	header := w.Header()
	header.Set("Content-Type", mediaBackup)
	header["Cache-Control"] = noStore
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	out := bufio.NewWriterSize(&patient{w: w, control: http.NewResponseController(w)}, 64<<10)
	if err := errors.Join(b.Write(out), out.Flush()); err != nil {
		h.log.Debug("backup broke off", "request_id", w.id, "error", err)
		// A shortened backup must not end like a complete one.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// postRestore serves POST of a backup. What it would drop must be confirmed before the
// backup is read, and is looked at again in the same step in which it is dropped.
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
	var refusal *poll.Error
	h.cluster.Read(func(s *poll.State) {
		if !s.Untouched(order.Sum) {
			refusal = s.MayDrop(order.Confirm)
		}
	})
	if refusal != nil {
		return refusal
	}
	if !h.restores.take() {
		return poll.Refuse(poll.CodeTooManyRequests, "This node is receiving another backup; wait until that one is done.")
	}
	defer h.restores.give()
	p := &patience{control: http.NewResponseController(w)}
	defer p.end(false)
	// Reading stops when the node drains.
	defer context.AfterFunc(h.draining, func() { p.end(true) })()
	body := &patientReader{r: r.Body, p: p}
	done, err := h.cluster.Restore(&w.ctx, body, order)
	if err != nil {
		// Who is still sending would see a broken connection instead of the answer.
		_, _ = io.Copy(io.Discard, body)
		return inTime(err, poll.CodeOutcomeUnknown)
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
	if sum := q.Get("sha256"); sum != "" {
		b, err := hex.DecodeString(sum)
		if err != nil || len(b) != len(o.Sum) {
			return o, malformed("sha256 must be the SHA-256 of the backup in 64 hexadecimal digits, as sha256sum prints it.")
		}
		copy(o.Sum[:], b)
	}
	return o, nil
}

// patientReader gives the sender new time for each piece, and tells a sender who is
// gone from a disk that fails.
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
