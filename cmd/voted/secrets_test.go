package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASecretThatEverybodyMayReadIsAWarning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	token, key := filepath.Join(dir, "token"), filepath.Join(dir, "key")
	if got := voted("credential", "key", key); got.code != 0 {
		t.Fatal(got.errout)
	}
	if err := os.WriteFile(token, []byte("voted_x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name, path string
		args       []string
	}{
		{"a token", token, []string{"poll", "list", "--token-file", token, "--endpoint", "http://127.0.0.1:1", "--timeout", "1s"}},
		{"a signing key", key, []string{"credential", "issue", "--signing-key", key, "p", "ann"}},
	} {
		for mode, warns := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true} {
			if err := os.Chmod(x.path, mode); err != nil {
				t.Fatal(err)
			}
			got := voted(x.args...)
			if said := strings.Contains(got.errout, "every user of this machine may read the secret in "+x.path); said != warns {
				t.Errorf("%s of mode %o: %s", x.name, mode, got.errout)
			}
		}
	}
}
