package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealthAsksOnceAndItsExitCodeTells(t *testing.T) {
	t.Parallel()
	answers := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			http.Error(w, "[-]leader: no leader is known", http.StatusServiceUnavailable)
		}
	})
	well, dead, secure := httptest.NewServer(answers), httptest.NewServer(answers), httptest.NewTLSServer(answers)
	defer well.Close()
	defer secure.Close()
	dead.Close()
	ca := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, line string
		code       int
		says       string
	}{
		{"a node that lives", "--endpoint " + well.URL, 0, "ok"},
		{"one that is not ready", "--ready --endpoint " + well.URL, 1, "no leader is known"},
		{"one that is down", "--endpoint " + dead.URL, 1, "does not answer"},
		{"one of two is down", "--endpoint " + well.URL + " --endpoint " + dead.URL, 1, dead.URL},
		{"under TLS with its CA", "--endpoint " + secure.URL + " --ca " + ca, 0, "ok"},
		{"under TLS with a CA that is not known", "--endpoint " + secure.URL, 1, "certificate"},
		{"no URL", "--endpoint ftp://n1", 2, "ftp"},
		{"no time", "--timeout 0s", 2, "--timeout"},
		{"no such CA", "--ca none", 2, "none"},
	} {
		got := voted(append([]string{"health"}, strings.Fields(c.line)...)...)
		if got.code != c.code || !strings.Contains(got.out+got.errout, c.says) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", c.name, got.code, c.code, c.says, got.out, got.errout)
		}
	}
}
