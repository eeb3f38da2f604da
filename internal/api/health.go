package api

import (
	_ "embed"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"voted/internal/refusal"
)

// live answers that the process runs. It does not depend on the cluster: a node must not
// be restarted because there is no quorum.
func (h *Handler) live(w *response, _ *http.Request) error {
	w.send(http.StatusOK, typeText, []byte("ok\n"))
	return nil
}

// ready answers whether clients should be sent here.
func (h *Handler) ready(w *response, r *http.Request) error {
	faults := h.cluster.Ready()
	var failed []string
	var lines strings.Builder
	check := func(name, why string) {
		if why == "" {
			lines.WriteString("[+]" + name + " ok\n")
			return
		}
		failed = append(failed, name)
		lines.WriteString("[-]" + name + ": " + why + "\n")
	}
	if h.draining.Err() != nil {
		check("serving", "the node is shutting down")
	} else {
		check("serving", "")
	}
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		check(name, oneLine(faults[name].Error()))
	}
	if len(faults) == 0 {
		check("cluster", "")
	}
	verbose := r.URL.Query().Has("verbose")
	switch {
	case failed == nil && verbose:
		w.send(http.StatusOK, typeText, []byte(lines.String()))
	case failed == nil:
		w.send(http.StatusOK, typeText, []byte("ok\n"))
	case verbose:
		w.Header().Set("Retry-After", strconv.FormatInt(w.wait(&refusal.Error{}), 10))
		w.send(http.StatusServiceUnavailable, typeText, []byte(lines.String()))
	default:
		return refusal.New(refusal.Unavailable, "Not ready: %s. GET /readyz?verbose says why.", strings.Join(failed, ", "))
	}
	return nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

//go:embed openapi.yaml
var reference []byte

// serveReference serves the OpenAPI document of this handler.
func (h *Handler) serveReference(w *response, _ *http.Request) error {
	w.send(http.StatusOK, []string{mediaYAML}, reference)
	return nil
}
