// Package docs holds the documents; its tests hold them to what is there.
package docs

import (
	"context"
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
	"unicode/utf8"

	"voted/harness/overlay"
	"voted/internal/api"
	"voted/internal/refusal"
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

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the places of a document that a link can name: its headings, as they are named where it is shown.
func anchors(text string) (names []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		names = append(names, strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return names
}

func TestEveryRelativeLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	all := documents(t)
	for path, text := range all {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			there := path
			if target != "" {
				there = filepath.Join(filepath.Dir(path), target)
			}
			if _, err := os.Stat(filepath.Join(root, there)); err != nil {
				t.Errorf("%s links to %s, which is not there", path, target)
			} else if anchor != "" && !slices.Contains(anchors(all[there]), anchor) {
				t.Errorf("%s links to %s, which has no heading %q", path, there, anchor)
			}
		}
	}
}

// widest is at how many columns Markdown is wrapped.
const widest = 120

func TestMarkdownIsWrapped(t *testing.T) {
	t.Parallel()
	for path, text := range documents(t) {
		code := false
		number := 0
		for line := range strings.Lines(text) {
			number++
			line = strings.TrimRight(line, "\n")
			begins := strings.TrimSpace(line)
			if strings.HasPrefix(begins, "```") {
				code = !code
			}
			isTable := strings.HasPrefix(begins, "|")
			isLong := utf8.RuneCountInString(line) > widest && strings.Contains(begins, " ")
			if isLong && !code && !isTable {
				t.Errorf("%s:%d is wider than %d columns", path, number, widest)
			}
		}
	}
}

// measured is how figures name what they were taken on.
var measured = regexp.MustCompile(`[0-9]+ cores\b|\b(?:EPYC|Xeon)\b`)

// A figure that stands in several places is old in all but one. The README shows a run.
func TestFiguresStandInTwoPlaces(t *testing.T) {
	t.Parallel()
	home := []string{"docs/performance.md", "docs/testing.md", "README.md"}
	for path, text := range documents(t) {
		if found := measured.FindString(text); found != "" && !slices.Contains(home, path) {
			t.Errorf("%s names the machine of a measurement (%s); figures stand in docs/performance.md and docs/testing.md", path, found)
		}
	}
	for _, path := range home {
		if !measured.MatchString(read(t, path)) {
			t.Errorf("%s names no machine; is the pattern right?", path)
		}
	}
}

var (
	makeLine = regexp.MustCompile("(?m)(?:^|`)make ([a-z][a-z-]*)")
	makeRule = regexp.MustCompile(`(?m)^([a-z][a-z-]*):(.*)$`)
)

func TestEveryMakeTargetSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "help")
	cmd.Dir = root
	help, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("make help: %v\n%s", err, help)
	}
	for _, m := range makeRule.FindAllStringSubmatch(read(t, "Makefile"), -1) {
		_, says, _ := strings.Cut(m[2], "## ")
		if says == "" || !regexp.MustCompile(`(?m)^`+m[1]+` +`+regexp.QuoteMeta(says)+`$`).Match(help) {
			t.Errorf("make help does not say what %s is for; give it a ## comment", m[1])
		}
	}
}

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

// namedPath is a file or folder of the repository, or an example of one.
var namedPath = regexp.MustCompile("`((?:bench|client|cmd|deploy|docs|e2e|faults|harness|internal|loadtest|tools|\\.ci)/[\\w./-]*\\w)`")

func TestEveryPathThatIsNamedIsThere(t *testing.T) {
	t.Parallel()
	checked := 0
	for path, text := range documents(t) {
		for _, m := range namedPath.FindAllStringSubmatch(text, -1) {
			checked++
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", path, m[1])
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d paths were found; is the pattern right?", checked)
	}
}

// binary is voted, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "voted-docs-")
	if err != nil {
		return "", err
	}
	return overlay.Build(context.Background(), dir, overlay.Node)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path)) // a temporary directory: nothing depends on it
	}
	os.Exit(code)
}

// block finds code in a document: between fences, and within backquotes.
var block = regexp.MustCompile("(?s)```([a-z]*)\n(.*?)```|`([^`\n]+)`")

// call is how a document runs voted.
var call = regexp.MustCompile(`(?:^|\s)(?:\./voted|go run \./cmd/voted|voted)((?: [^\s;&|<>()]+)+)`)

// commandLines returns the words after voted of every command line in a document.
func commandLines(text string) (lines [][]string) {
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		if m[1] == "go" || m[1] == "mod" {
			continue // files, not commands
		}
		code := strings.ReplaceAll(m[2]+m[3], "\\\n", " ")
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
var groups = []string{"poll", "roll", "cluster", "ca", "token", "credential", "proof", "verify", "webhook"}

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
	for _, code := range refusal.Codes() {
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
