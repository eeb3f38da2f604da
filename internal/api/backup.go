package api

import (
	"bufio"
	"errors"
	"net/http"

	"voted/internal/refusal"
)

// mediaBackup is the media type of a backup.
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
		return inTime(err, refusal.Unavailable)
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
