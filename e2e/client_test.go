package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A program outside this module is built as docs/client.md says, without a network. Its
// go.mod names a copy of this repository, and everything else is in the module cache,
// since this test was built from it.
func TestAProgramOfOnesOwnImportsTheClient(t *testing.T) {
	t.Parallel()
	const page = "../docs/client.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, m := range fenced.FindAllStringSubmatch(string(b), -1) {
		switch {
		case m[1] == "mod":
			files["go.mod"] = m[2]
		case m[1] == "go" && strings.HasPrefix(m[2], "package main\n"):
			files["main.go"] = m[2]
		}
	}
	if len(files) != 2 {
		t.Fatalf("%s does not show a go.mod and a program", page)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	c := start(t)
	s := newShell(t, "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
	if err := os.Symlink(root, filepath.Join(s.dir, "voted")); err != nil {
		t.Fatal(err)
	}
	s.dir = filepath.Join(s.dir, "gateway")
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ports := map[string]string{}
	for i, n := range c.Nodes {
		ports[[]string{"8080", "8081", "8082"}[i]] = n.APIAddr[strings.LastIndex(n.APIAddr, ":")+1:]
	}
	s.carryOut(stepsOf(t, page), ports)
}
