package arrows

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// searches are the functions that look for something in a text.
var searches = []string{
	"HasPrefix", "HasSuffix", "Contains", "ContainsAny", "ContainsFunc", "ContainsRune", "EqualFold", "Compare", "Count",
	"Index", "IndexAny", "IndexByte", "LastIndex", "Cut", "CutPrefix", "CutSuffix", "Split", "SplitN", "Fields",
	"Match", "MatchString", "TrimPrefix", "TrimSuffix",
}

// prose finds where a program decides by the words of a sentence: the text of an error, or
// the detail of a refusal. It follows them through the variables of a function.
type prose struct {
	files *token.FileSet
	found []string
	words map[string]bool // variables that hold a sentence, in the function at hand
}

// isSentence reports whether an expression is the text of an error or the detail of a
// refusal.
func (p *prose) isSentence(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.ParenExpr:
		return p.isSentence(x.X)
	case *ast.Ident:
		return p.words[x.Name]
	case *ast.SelectorExpr:
		return x.Sel.Name == "Detail"
	case *ast.CallExpr:
		called, ok := x.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		if called.Sel.Name == "Error" && len(x.Args) == 0 {
			return true
		}
		lowers := called.Sel.Name == "ToLower" || strings.HasPrefix(called.Sel.Name, "Trim")
		return lowers && len(x.Args) > 0 && p.isSentence(x.Args[0])
	}
	return false
}

// Visit implements ast.Visitor.
func (p *prose) Visit(n ast.Node) ast.Visitor {
	switch x := n.(type) {
	case *ast.FuncDecl:
		p.words = map[string]bool{}
	case *ast.AssignStmt:
		for i, from := range x.Rhs {
			if name, ok := x.Lhs[i].(*ast.Ident); ok && len(x.Lhs) == len(x.Rhs) && p.isSentence(from) {
				p.words[name.Name] = true
			}
		}
	case *ast.BinaryExpr:
		if (x.Op == token.EQL || x.Op == token.NEQ) && (p.isSentence(x.X) && isWording(x.Y) || p.isSentence(x.Y) && isWording(x.X)) {
			p.report(x.Pos())
		}
	case *ast.SwitchStmt:
		if x.Tag != nil && p.isSentence(x.Tag) {
			p.report(x.Pos())
		}
	case *ast.CallExpr:
		called, ok := x.Fun.(*ast.SelectorExpr)
		if ok && slices.Contains(searches, called.Sel.Name) && slices.ContainsFunc(x.Args, p.isSentence) {
			p.report(x.Pos())
		}
	}
	return p
}

func (p *prose) report(at token.Pos) { p.found = append(p.found, p.files.Position(at).String()) }

// isWording reports whether an expression is a certain text: a literal that is not empty,
// or the text of an error.
func isWording(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.BasicLit:
		return x.Value != `""`
	case *ast.CallExpr:
		called, ok := x.Fun.(*ast.SelectorExpr)
		return ok && called.Sel.Name == "Error"
	}
	return false
}

// decidesByProse returns the places in a file where a program decides by the words of a
// sentence; source is the file's text, nil: it is read.
func decidesByProse(t *testing.T, name string, source any) []string {
	t.Helper()
	p := &prose{files: token.NewFileSet(), words: map[string]bool{}}
	f, err := parser.ParseFile(p.files, name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Walk(p, f)
	return p.found
}

// wordless are the files that must go by the words of errors of others, which have neither
// a type nor a value: raft's error for a checksum, those of crypto/tls and of net/http for a
// connection that broke.
var wordless = []string{"internal/cluster/storage/snapshots.go", "internal/webhook/send.go"}

// Sentences are for people, and may be worded better any day: a program goes by codes and
// by types.
func TestNoProgramDecidesByTheWordsOfASentence(t *testing.T) {
	t.Parallel()
	files := 0
	for _, dir := range []string{"client", "cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			places := decidesByProse(t, path, nil)
			if allowed := slices.Contains(wordless, filepath.ToSlash(strings.TrimPrefix(path, filepath.Join("..", "..")+string(filepath.Separator)))); allowed != (len(places) > 0) {
				t.Errorf("%s: the words of a sentence decide at %q, and it is in the list of files that may: %v; go by a code, a type or errors.Is", path, places, allowed)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Errorf("only %d files were looked at", files)
	}
}

func TestADecisionByTheWordsOfASentenceIsFound(t *testing.T) {
	t.Parallel()
	for code, found := range map[string]bool{
		`if strings.HasPrefix(e.Detail, "Not every") { return }`:                  true,
		`if strings.Contains(err.Error(), "refused") { return }`:                  true,
		`if strings.Contains(strings.ToLower(err.Error()), "refused") { return }`: true,
		`said := err.Error(); at := strings.LastIndex(said, ": "); _ = at`:        true,
		`switch e.Detail { case "no": }`:                                          true,
		`if err.Error() == "EOF" { return }`:                                      true,
		`if "EOF" != err.Error() { return }`:                                      true,
		`if err.Error() == errGone.Error() { return }`:                            true,
		`if e.Detail == "" { return }`:                                            false,
		`if now := err.Error(); now != said { said = now }`:                       false,
		`said := strings.TrimRight(e.Detail, ".") + "!"; _ = said`:                false,
		`if strings.HasPrefix(path, "/v1/") { return }`:                           false,
	} {
		at := decidesByProse(t, "x.go", "package x\nfunc f() {\n"+code+"\n}\n")
		if (len(at) > 0) != found {
			t.Errorf("%s: found at %v", code, at)
		}
	}
}
