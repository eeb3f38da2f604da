package witness

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
)

// Handler serves POST /add-checkpoint (c2sp.org/tlog-witness). Refusals that may be
// somebody's misbehaviour are logged, with the head.
func (w *Witness) Handler(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", func(out http.ResponseWriter, r *http.Request) {
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
	var size *SizeError
	if errors.As(err, &size) {
		out.Header().Set("Content-Type", "text/x.tlog.size")
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
