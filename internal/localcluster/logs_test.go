package localcluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAClusterThatKeepsLogsHasTheSameKeysAtItsNextStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kept")
	var policies []string
	for range 2 {
		c := startNodes(t, "plain", Options{Nodes: 3, Dir: dir, LogName: "votes.example"})
		for _, n := range c.Nodes {
			if key := n.Flag("--proof-key"); n.Flag("--log-name") != "votes.example" || filepath.Base(key) != n.ID+".proof.key" {
				t.Errorf("%s is started with %q", n.ID, n.Args)
			}
		}
		policy, err := c.Policy("board", "r9")
		if err != nil {
			t.Fatal(err)
		}
		if flags := c.PolicyFlags(); !strings.Contains(flags, "--log-name votes.example --ca "+dir) {
			t.Errorf("policies are made with %s", flags)
		}
		policies = append(policies, policy.String())
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if policies[0] != policies[1] || strings.Count(policies[0], "votes.example/board/r9+") != 3 || !strings.Contains(policies[0], "group members 2 n1 n2 n3\n") {
		t.Errorf("the policies are\n%s", strings.Join(policies, "\n"))
	}
}

func TestAClusterWithoutLogsHasNoPolicyFlags(t *testing.T) {
	t.Parallel()
	c := startNodes(t, "plain", Options{Nodes: 1})
	if flags := c.PolicyFlags(); flags != "" {
		t.Errorf("policies are made with %s", flags)
	}
	if _, err := os.Stat(c.secretsDir()); err == nil {
		t.Error("it has keys, which nothing needs")
	}
}
