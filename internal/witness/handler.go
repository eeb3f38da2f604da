package witness

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"voted/internal/rates"
	"voted/internal/source"
)

// Handler serves POST /add-checkpoint (c2sp.org/tlog-witness), so often for each address as
// limit allows; nil: as often as it likes. Refusals that may be somebody's misbehaviour are
// logged, with the head.
func (w *Witness) Handler(log *slog.Logger, limit *rates.Table) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", func(out http.ResponseWriter, r *http.Request) {
		if limit != nil {
			if ok, left := limit.Take(source.Of(r.RemoteAddr).String(), time.Now()); !ok {
				out.Header().Set("Retry-After", strconv.Itoa(int(limit.Wait(left))))
				http.Error(out, "too many heads come from this address; send them after the time in Retry-After", http.StatusTooManyRequests)
				return
			}
		}
		body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, maxRequestBytes))
		if err != nil {
			http.Error(out, "the request is too long, or broke off", http.StatusBadRequest)
			return
		}
		line, err := w.AddCheckpoint(body)
		if err != nil {
			refuse(out, log, body, err)
			return
		}
		out.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(out, line) // a client that is gone asks again
	})
	return mux
}

// sizeType is the media type of the size of the last head that was cosigned.
const sizeType = "text/x.tlog.size"

// statuses are those of the specification.
var statuses = []struct {
	err    error
	status int
}{
	{ErrMalformed, http.StatusBadRequest},
	{ErrUnknownLog, http.StatusNotFound},
	{ErrNotQuorum, http.StatusForbidden},
	{ErrFork, http.StatusConflict},
	{ErrInconsistent, http.StatusUnprocessableEntity},
}

func refuse(out http.ResponseWriter, log *slog.Logger, body []byte, err error) {
	if errors.Is(err, ErrSetBack) {
		log.Warn("A log is smaller than it was when this witness cosigned it: its cluster was set back. Keep this, and the last head: they may be proof against those who signed.",
			"error", err, "request", string(body))
	}
	var size *SizeError
	if errors.As(err, &size) {
		out.Header().Set("Content-Type", sizeType)
		out.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintf(out, "%d\n", size.Size) // a client that is gone asks again
		return
	}
	if errors.Is(err, ErrFork) || errors.Is(err, ErrInconsistent) {
		log.Warn("A head that a quorum signed does not continue the last one. Keep this: it may be proof against those who signed.", "error", err, "request", string(body))
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			http.Error(out, err.Error(), s.status)
			return
		}
	}
	log.Error("A head could not be kept, and so was not cosigned.", "error", err)
	http.Error(out, "the witness cannot keep heads now; ask again later", http.StatusInternalServerError)
}
