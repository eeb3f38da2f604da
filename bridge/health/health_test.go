package health

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

func TestABridgeIsReadyWhileNothingKeepsItFromWorking(t *testing.T) {
	t.Parallel()
	s, r := &State{}, prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "voted_bridge_test_total"})
	r.MustRegister(c)
	h := Handler(r, s)
	if code, _ := get(t, h, "/readyz"); code != http.StatusOK {
		t.Errorf("a new one: %d", code)
	}
	if !s.Fault("cluster", "no leader") || s.Fault("cluster", "no leader") || !s.Fault("broker", "away") {
		t.Error("what is new is not told")
	}
	if code, body := get(t, h, "/readyz"); code != http.StatusServiceUnavailable || body != "broker: away\ncluster: no leader\n" {
		t.Errorf("%d %q", code, body)
	}
	if code, _ := get(t, h, "/livez"); code != http.StatusOK {
		t.Errorf("it lives: %d", code)
	}
	if !s.Fault("cluster", "") || !s.Fault("broker", "") || s.Fault("broker", "") {
		t.Error("what is over is not told")
	}
	if code, _ := get(t, h, "/readyz"); code != http.StatusOK {
		t.Errorf("after all: %d", code)
	}
	if _, body := get(t, h, "/metrics"); !strings.Contains(body, "voted_bridge_test_total 0") {
		t.Errorf("%s", body)
	}
}

func TestAnAddressThatIsTakenIsAFaultOfUsage(t *testing.T) {
	t.Parallel()
	at, stop, err := Serve("127.0.0.1:0", http.NotFoundHandler(), func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, _, err := Serve(at.String(), http.NotFoundHandler(), nil); err == nil || !strings.Contains(err.Error(), at.String()) {
		t.Errorf("%v", err)
	}
}
