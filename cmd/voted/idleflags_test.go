package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestACertificateThatPlainHTTPDoesNotUseIsAWarning(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ca")
	for _, line := range [][]string{{"ca", "init", dir}, {"ca", "issue", dir, "client", "ops", "--role", "admin"}} {
		if got := voted(line...); got.code != 0 {
			t.Fatal(got.errout)
		}
	}
	ca := filepath.Join(dir, "ca.crt")
	cert := []string{"--cert", filepath.Join(dir, "ops.crt"), "--key", filepath.Join(dir, "ops.key")}
	for name, x := range map[string]struct {
		args  []string
		warns []string
	}{
		"a CA":                             {[]string{"--ca", ca, "--endpoint", "http://127.0.0.1:1"}, []string{"--ca does nothing"}},
		"a CA, and no scheme":              {[]string{"--ca", ca, "--endpoint", "127.0.0.1:1"}, []string{"--ca does nothing"}},
		"a certificate":                    {append(cert, "--endpoint", "http://127.0.0.1:1"), []string{"--cert does nothing"}},
		"neither":                          {[]string{"--endpoint", "http://127.0.0.1:1"}, nil},
		"one endpoint of two is under TLS": {[]string{"--ca", ca, "--endpoint", "http://127.0.0.1:1", "--endpoint", "https://127.0.0.1:1"}, nil},
	} {
		got := voted(append([]string{"poll", "list", "--timeout", "100ms"}, x.args...)...)
		if said := strings.Count(got.errout, "does nothing"); said != len(x.warns) {
			t.Errorf("%s: %s", name, got.errout)
		}
		for _, sentence := range x.warns {
			if !strings.Contains(got.errout, sentence) {
				t.Errorf("%s: %s does not say %q", name, got.errout, sentence)
			}
		}
	}
	if got := voted("health", "--ca", ca, "--endpoint", "http://127.0.0.1:1"); !strings.Contains(got.errout, "--ca does nothing") {
		t.Errorf("a health check: %s", got.errout)
	}
}
