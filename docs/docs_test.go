// Package docs holds the documents; its tests hold them to what is there.
package docs

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"voted/internal/api"
	"voted/internal/poll"
)

// root is the repository, seen from this folder.
const root = ".."

// documents returns the text of every Markdown file, by its path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	walk(t, ".md", func(path string) { docs[path] = read(t, path) })
	if len(docs) < 10 {
		t.Fatalf("only %d documents were found", len(docs))
	}
	return docs
}

// walk visits the files with a suffix, by their paths from the root.
func walk(t *testing.T, suffix string, visit func(path string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "voted-data" || e.Name() == "testdata" || len(e.Name()) > 1 && e.Name()[0] == '.'):
			return fs.SkipDir
		case strings.HasSuffix(path, suffix) && !e.IsDir():
			visit(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestEveryRelativeLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	for path, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(path), target)); err != nil {
				t.Errorf("%s links to %s, which is not there", path, target)
			}
		}
	}
}

var (
	makeLine = regexp.MustCompile("(?m)(?:^|`)make ([a-z][a-z-]*)")
	makeRule = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
)

func TestEveryMakeTargetIsThere(t *testing.T) {
	t.Parallel()
	var targets []string
	for _, m := range makeRule.FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets = append(targets, m[1])
	}
	for path, text := range documents(t) {
		for _, m := range makeLine.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(targets, m[1]) {
				t.Errorf("%s names make %s; the Makefile has %v", path, m[1], targets)
			}
		}
	}
}

var (
	testName  = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w+)`")
	testThere = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
)

func TestEveryTestThatIsNamedIsThere(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	walk(t, "_test.go", func(path string) {
		for _, m := range testThere.FindAllStringSubmatch(read(t, path), -1) {
			there[m[1]] = true
		}
	})
	for path, text := range documents(t) {
		for _, m := range testName.FindAllStringSubmatch(text, -1) {
			if !there[m[1]] {
				t.Errorf("%s names %s, which is not there", path, m[1])
			}
		}
	}
}

// binary is voted, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "voted-docs-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "voted")
	if out, err := exec.Command("go", "build", "-o", path, "voted/cmd/voted").CombinedOutput(); err != nil {
		return dir, fmt.Errorf("building voted: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path)) // a temporary directory: nothing depends on it
	}
	os.Exit(code)
}

// block finds code in a document: between fences, and within backquotes.
var block = regexp.MustCompile("(?s)```[a-z]*\n(.*?)```|`([^`\n]+)`")

// call is how a document runs voted.
var call = regexp.MustCompile(`(?:^|\s)(?:\./voted|go run \./cmd/voted|voted)((?: [^\s;&|<>()]+)+)`)

// commandLines returns the words after voted of every command line in a document.
func commandLines(text string) (lines [][]string) {
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		code := strings.ReplaceAll(m[1]+m[2], "\\\n", " ")
		for line := range strings.Lines(code) {
			for _, c := range call.FindAllStringSubmatch(line, -1) {
				words := strings.Fields(c[1])
				if first := words[0][0]; first == '-' || 'a' <= first && first <= 'z' { // no path
					lines = append(lines, words)
				}
			}
		}
	}
	return lines
}

// groups are the commands that have commands of their own.
var groups = []string{"poll", "cluster", "ca", "token", "credential"}

func TestEveryCommandAndFlagIsThere(t *testing.T) {
	t.Parallel()
	voted, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	help := map[string]string{}
	checked := 0
	for path, text := range documents(t) {
		for _, words := range commandLines(text) {
			command := []string{}
			if words[0][0] != '-' {
				command = words[:1]
				if slices.Contains(groups, words[0]) && len(words) > 1 && words[1][0] != '-' {
					command = words[:2]
				}
			}
			name := strings.Join(command, " ")
			if _, known := help[name]; !known {
				out, err := exec.CommandContext(t.Context(), voted, append(slices.Clone(command), "--help")...).CombinedOutput()
				if err != nil {
					t.Errorf("%s names voted %s, which is no command: %v", path, name, err)
				}
				help[name] = string(out)
			}
			for _, word := range words[len(command):] {
				flag, _, _ := strings.Cut(word, "=")
				if strings.HasPrefix(flag, "--") && !regexp.MustCompile(regexp.QuoteMeta(flag)+`\b[^-]`).MatchString(help[name]) {
					t.Errorf("%s names voted %s %s, which is no flag of it", path, name, flag)
				}
			}
			checked++
		}
	}
	if checked < 10 {
		t.Errorf("only %d command lines were found; is the pattern right?", checked)
	}
}

// nobody is a cluster that only says who it is: enough to ask what codes mean.
type nobody struct{ api.Cluster }

func (nobody) ID() string     { return "n1" }
func (nobody) Leader() string { return "" }
func (nobody) Index() uint64  { return 0 }

func TestTheTableOfCodesIsTheServers(t *testing.T) {
	t.Parallel()
	reference := read(t, "docs/api.md")
	h := api.New(nobody{}, api.Options{})
	for _, code := range poll.Codes() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/problems/"+code.String(), nil))
		var status int
		name, rest, _ := strings.Cut(w.Body.String(), " ")
		meaning, title, _ := strings.Cut(rest, ": ")
		if _, err := fmt.Sscanf(meaning, "(%d)", &status); err != nil || name != code.String() {
			t.Fatalf("the server explains %s as %q", code, w.Body)
		}
		row := fmt.Sprintf("| `%s` | %d | %s |", code, status, strings.TrimSuffix(title, ".\n"))
		if !strings.Contains(reference, row) {
			t.Errorf("docs/api.md has no row %s", row)
		}
	}
}

var routeThere = regexp.MustCompile(`(?m)^    "(/[^"]*)": \{$`)

func TestEveryRouteIsInTheReference(t *testing.T) {
	t.Parallel()
	reference := read(t, "docs/api.md")
	routes := routeThere.FindAllStringSubmatch(read(t, "internal/api/openapi.yaml"), -1)
	if len(routes) < 10 {
		t.Fatalf("only %d routes were found in openapi.yaml", len(routes))
	}
	for _, m := range routes {
		if !strings.Contains(reference, m[1]+"`") {
			t.Errorf("docs/api.md does not describe %s", m[1])
		}
	}
}
