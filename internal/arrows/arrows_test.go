package arrows

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "voted"

// arrows is the whole truth: which packages of this module a package may import.
// A name that ends in /... stands for a tree; the longest name that fits a package
// is its rule. Packages outside the module are judged by the tables below.
//
//	cmd → server → {api, cluster}    cluster → fsm → poll → tally    api → {poll, tally}
var arrows = map[string][]string{
	"client":                  {},
	"client/...":              {"client"},
	"cmd/...":                 {"client", "internal/auth", "internal/backup", "internal/pki", "internal/server", "internal/localcluster", "cmd/..."},
	"deploy":                  {},
	"docs":                    {},
	"e2e":                     {},
	"faults":                  {"faults/..."},
	"faults/...":              {"client", "faults/...", "internal/auth", "internal/cluster/...", "internal/fsm", "internal/localcluster", "internal/poll", "loadtest/..."},
	"internal/api":            {"internal/auth", "internal/poll", "internal/tally", "internal/trace"},
	"internal/arrows":         {},
	"internal/audit":          {},
	"internal/auth":           {"internal/livefile"},
	"internal/backup":         {"internal/fsm", "internal/poll", "internal/tally"},
	"internal/child":          {},
	"internal/cluster":        {"internal/fsm", "internal/poll", "internal/cluster/storage", "internal/cluster/peer", "internal/trace"},
	"internal/cluster/...":    {"internal/trace"},
	"internal/fsm":            {"internal/poll"},
	"internal/livefile":       {},
	"internal/localcluster":   {"client", "internal/auth", "internal/child", "internal/pki", "internal/ports"},
	"internal/pki":            {"internal/livefile"},
	"internal/poll":           {"internal/tally"},
	"internal/ports":          {},
	"internal/ports/...":      {"internal/ports"},
	"internal/server":         {"internal/api", "internal/audit", "internal/auth", "internal/backup", "internal/cluster", "internal/cluster/peer", "internal/cluster/storage", "internal/pki", "internal/poll", "internal/server/backend", "internal/trace"},
	"internal/server/backend": {"internal/api", "internal/backup", "internal/cluster", "internal/poll"},
	"internal/simtest":        {"client", "internal/api", "internal/cluster", "internal/cluster/peer", "internal/cluster/storage", "internal/fsm", "internal/poll", "internal/server/backend", "internal/tally", "internal/trace"},
	"internal/simtest/...":    {"internal/cluster", "internal/cluster/peer", "internal/cluster/storage", "internal/fsm", "internal/poll", "internal/tally", "internal/simtest", "internal/trace"},
	"internal/tally":          {},
	"internal/trace":          {},
	"internal/trace/...":      {},
	"loadtest":                {"client", "internal/localcluster", "loadtest/..."},
	"loadtest/...":            {"client", "internal/child", "internal/localcluster", "internal/ports", "loadtest/..."},
}

// testArrows is what tests may import besides: end-to-end tests build on the real
// thing, and nothing in production follows from it.
var testArrows = map[string][]string{
	"docs":                 {"internal/api", "internal/pki", "internal/poll", "internal/ports/portstest", "internal/server"},
	"e2e":                  {"client", "faults/loopfs", "internal/localcluster", "internal/ports/portstest"},
	"internal/cluster":     {"internal/pki", "internal/ports/portstest", "internal/simtest", "internal/simtest/...", "internal/tally"},
	"internal/cluster/...": {"internal/cluster/storage", "internal/cluster/peer"},
	"internal/server":      {"client", "internal/localcluster", "internal/ports", "internal/ports/portstest", "internal/tally", "internal/trace/otlptest"},
	"internal/trace":       {"internal/trace/otlptest"},
	"loadtest/wire":        {"internal/ports/portstest"},
}

// pure packages import the standard library alone, and nothing of it that waits,
// writes, draws lots or knows the time: the same log must give the same state on
// every member.
var pure = []string{"internal/poll", "internal/tally"}

var impure = []string{
	"os", "os/...", "io/ioutil", "net", "net/...", "log", "log/...", "sync", "sync/...", "time",
	"math/rand", "math/rand/...", "crypto/rand", "syscall", "runtime", "runtime/...", "unsafe", "context",
}

// banned names packages outside this module that a package must not import, with
// all that it imports.
var banned = map[string][]string{
	"internal/api": {"github.com/hashicorp/...", "go.etcd.io/..."},
	"client":       {"github.com/hashicorp/...", "go.etcd.io/..."},
}

// listed is what go list says of one package.
type listed struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

func list(t *testing.T) []listed {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports,Deps", module+"/...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}

// fits reports whether a path is, or is below, what a rule names.
func fits(rule, path string) bool {
	if tree, ok := strings.CutSuffix(rule, "/..."); ok {
		return strings.HasPrefix(path, tree+"/")
	}
	return rule == path
}

func anyFits(rules []string, path string) bool {
	return slices.ContainsFunc(rules, func(rule string) bool { return fits(rule, path) })
}

// ruleOf returns the name of the rule for a package: the longest that fits.
func ruleOf[V any](table map[string]V, path string) (name string, ok bool) {
	for rule := range table {
		if fits(rule, path) && len(rule) > len(name) {
			name, ok = rule, true
		}
	}
	return name, ok
}

// inModule returns an import's path within this module.
func inModule(path string) (string, bool) { return strings.CutPrefix(path, module+"/") }

// faults returns every arrow of a package that points where it must not.
func faults(p listed) (wrong []string) {
	name, _ := inModule(p.ImportPath)
	rule, ok := ruleOf(arrows, name)
	if !ok {
		return []string{"package " + name + " has no rule: say what it may import in the table arrows of internal/arrows/arrows_test.go"}
	}
	allowed := arrows[rule]
	for _, path := range p.Imports {
		if to, ours := inModule(path); ours && !anyFits(allowed, to) {
			wrong = append(wrong, name+" must not import "+to+"; if it should, change the table arrows and say why in docs/design.md")
		}
	}
	testRule, _ := ruleOf(testArrows, name)
	allowed = append(slices.Clone(allowed), testArrows[testRule]...)
	for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
		if to, ours := inModule(path); ours && to != name && !anyFits(allowed, to) {
			wrong = append(wrong, "the tests of "+name+" must not import "+to+"; if they should, change the table testArrows")
		}
	}
	if slices.Contains(pure, name) {
		wrong = append(wrong, impurities(p, name)...)
	}
	if rule, ok := ruleOf(banned, name); ok {
		for _, path := range p.Deps {
			if anyFits(banned[rule], path) {
				wrong = append(wrong, name+" must not depend on "+path+", not by way of another package either")
			}
		}
	}
	return wrong
}

func impurities(p listed, name string) (wrong []string) {
	for _, path := range p.Imports {
		_, ours := inModule(path)
		switch {
		case anyFits(impure, path):
			wrong = append(wrong, name+" is pure and must not import "+path)
		case !ours && strings.Contains(strings.Split(path, "/")[0], "."):
			wrong = append(wrong, name+" imports the standard library alone, not "+path)
		}
	}
	return wrong
}

func TestEveryImportFollowsTheArrows(t *testing.T) {
	t.Parallel()
	all := list(t)
	for _, p := range all {
		for _, fault := range faults(p) {
			t.Error(fault)
		}
	}
	// What was not listed was not checked.
	for _, name := range append(slices.Clone(pure), "internal/fsm", "internal/cluster", "internal/api", "internal/server", "client") {
		if !slices.ContainsFunc(all, func(p listed) bool { return p.ImportPath == module+"/"+name && len(p.GoFiles) > 0 }) {
			t.Errorf("go list does not know %s: this test would prove nothing about it", name)
		}
	}
}

// An import can be renamed; a call of time.Now cannot hide in the syntax tree.
func TestPurePackagesDoNotAskForTheTime(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		name, _ := inModule(p.ImportPath)
		if !slices.Contains(pure, name) {
			continue
		}
		for _, file := range p.GoFiles {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if _, starts := n.(*ast.GoStmt); starts {
					t.Errorf("%s: a pure package starts no goroutine", fset.Position(n.Pos()))
				}
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep"}, sel.Sel.Name) {
					t.Errorf("%s: a pure package does not ask for the time", fset.Position(n.Pos()))
				}
				return true
			})
		}
	}
}

// The test itself must fail where an arrow is wrong, or it guards nothing.
func TestWrongArrowsAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p     listed
		wrong int
	}{
		"api imports cluster":                        {listed{ImportPath: "voted/internal/api", Imports: []string{"voted/internal/cluster"}}, 1},
		"api reaches raft by way of another package": {listed{ImportPath: "voted/internal/api", Deps: []string{"github.com/hashicorp/raft"}}, 1},
		"poll imports fsm":                           {listed{ImportPath: "voted/internal/poll", Imports: []string{"voted/internal/fsm"}}, 1},
		"poll imports time, net/http and a module":   {listed{ImportPath: "voted/internal/poll", Imports: []string{"time", "net/http", "go.etcd.io/bbolt", "fmt"}}, 3},
		"tally imports math/rand/v2":                 {listed{ImportPath: "voted/internal/tally", Imports: []string{"math/rand/v2"}}, 1},
		"a test of poll imports fsm":                 {listed{ImportPath: "voted/internal/poll", XTestImports: []string{"voted/internal/fsm", "voted/internal/poll"}}, 1},
		"client imports something internal":          {listed{ImportPath: "voted/client", Imports: []string{"voted/internal/poll"}}, 1},
		"loadtest imports the server":                {listed{ImportPath: "voted/loadtest/ledger", Imports: []string{"voted/internal/server"}}, 1},
		"localcluster imports the server":            {listed{ImportPath: "voted/internal/localcluster", Imports: []string{"voted/internal/server"}}, 1},
		"something imports cmd":                      {listed{ImportPath: "voted/internal/server", Imports: []string{"voted/cmd/voted"}}, 1},
		"storage imports fsm":                        {listed{ImportPath: "voted/internal/cluster/storage", Imports: []string{"voted/internal/fsm"}}, 1},
		"a package without a rule":                   {listed{ImportPath: "voted/internal/novel"}, 1},
		"all is well":                                {listed{ImportPath: "voted/internal/server", Imports: []string{"voted/internal/api", "voted/internal/cluster", "net/http"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := faults(c.p); len(got) != c.wrong {
				t.Fatalf("%d faults: %q", len(got), got)
			}
		})
	}
}
