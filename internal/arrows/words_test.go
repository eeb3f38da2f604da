package arrows

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// foreignWords are those of HTTP and of the shell, which the core knows nothing of.
var foreignWords = []string{"If-Match", "If-None-Match", "Idempotency-Key", "HTTP", "GET ", "PUT ", "POST ", "PATCH ", "DELETE ", "/v1/", "`voted", "voted cluster", "voted poll", "--"}

// speaks returns the texts in a file that hold one of the words.
func speaks(t *testing.T, name string, source any) (texts []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if b, ok := n.(*ast.BasicLit); ok && b.Kind == token.STRING {
			for _, word := range foreignWords {
				if strings.Contains(b.Value, word) {
					texts = append(texts, b.Value)
					break
				}
			}
		}
		return true
	})
	return texts
}

func TestTheCoreSpeaksNeitherOfHTTPNorOfTheShell(t *testing.T) {
	t.Parallel()
	files := 0
	for _, dir := range []string{"poll", "tally", "refusal"} {
		names, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			files++
			for _, text := range speaks(t, name, nil) {
				t.Errorf("%s says %s; the sentences for HTTP stand in internal/api, those for the shell in cmd/voted", name, text)
			}
		}
	}
	if files < 30 {
		t.Errorf("only %d files were looked at", files)
	}
}

func TestASentenceOfHTTPOrOfTheShellIsFound(t *testing.T) {
	t.Parallel()
	for text, found := range map[string]bool{
		`"leave If-Match out"`:                           true,
		"\"make one with `voted cluster token n4`\"":     true,
		`"list them with " + "GET /v1/polls"`:            true,
		`"name it with --id"`:                            true,
		`"It lies in the past; close the poll now."`:     false,
		`"the poll " + "PUTnam"`:                         false,
		`"a" /* a comment that names If-Match is none*/`: false,
	} {
		if got := speaks(t, "x.go", "package x\nvar s = "+text+"\n"); (len(got) > 0) != found {
			t.Errorf("%s: found %q", text, got)
		}
	}
}
