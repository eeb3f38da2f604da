package localcluster

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAClusterThatCallsWebhooksHasOneKeyFileAlsoAtItsNextStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kept")
	var files []string
	for range 2 {
		c := startNodes(t, "plain", Options{Nodes: 2, Dir: dir, Webhooks: []string{"127.0.0.0/8", "9000"}})
		for _, n := range c.Nodes {
			if got := n.Flag("--webhook-key"); got != filepath.Join(dir, "webhook.key") || !strings.Contains(strings.Join(n.Args, " "), "--webhook-allow 127.0.0.0/8 --webhook-allow 9000") {
				t.Errorf("%s is started with %q", n.ID, n.Args)
			}
		}
		file, err := os.ReadFile(filepath.Join(dir, "webhook.key"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, string(file))
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if files[0] != files[1] || len(files[0]) < 40 {
		t.Error("the second start has another key")
	}
	if info, err := os.Stat(filepath.Join(dir, "webhook.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has the mode %v, %v", info.Mode(), err)
	}
	plain := startNodes(t, "plain", Options{Nodes: 1})
	if slices.Contains(plain.Nodes[0].Args, "--webhook-key") {
		t.Error("a cluster that was not told to calls webhooks")
	}
}
