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
	"path"
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
//	cmd → server → {api, cluster}    cluster → fsm → poll → tally    api → ballotjson → poll
//	{api, cluster} → survey → poll
//	server → web → its rooms → web/frame
//	bench, loadtest, faults, e2e → harness → client    faults → loadtest
var arrows = map[string][]string{
	"bench":                    {"bench/..."},
	"bench/...":                {"bench/...", "client", "harness/...", "internal/child", "internal/localcluster", "internal/ports", "internal/thousands", "proof"},
	"client":                   {"internal/moment", "internal/pause", "internal/poll", "internal/tally", "internal/voterid", "proof"},
	"client/...":               {"client"},
	"cmd/...":                  {"client", "cmd/...", "internal/auth", "internal/backup", "internal/ballotfile", "internal/ballottext", "internal/console", "internal/livefile", "internal/localcluster", "internal/moment", "internal/optionid", "internal/outfile", "internal/pki", "internal/profile", "internal/profilefile", "internal/profilefile/cvr", "internal/proofkey", "internal/rates", "internal/recount", "internal/resultfile", "internal/resultjson", "internal/resulttext", "internal/rollfile", "internal/server", "internal/tally", "internal/textfile", "internal/thousands", "internal/usage", "internal/voterid", "internal/webhook", "internal/witness", "proof"},
	"deploy":                   {},
	"docs":                     {},
	"e2e":                      {},
	"e2e/plain":                {},
	"faults":                   {"faults/...", "internal/console"},
	"faults/...":               {"client", "faults/...", "harness/...", "internal/auth", "internal/cluster/...", "internal/fsm", "internal/localcluster", "internal/pause", "internal/poll", "internal/refusal", "loadtest/..."},
	"harness/...":              {"client", "harness/..."},
	"internal/api":             {"internal/auth", "internal/ballotjson", "internal/ballottext", "internal/eventjson", "internal/history", "internal/lines", "internal/moment", "internal/optionid", "internal/poll", "internal/profile", "internal/profilefile", "internal/rates", "internal/refusal", "internal/resultfile", "internal/resultjson", "internal/rollfile", "internal/source", "internal/survey", "internal/tally", "internal/textfile", "internal/trace", "internal/voterid", "proof"},
	"internal/arrows":          {},
	"internal/audit":           {},
	"internal/auth":            {"internal/livefile", "internal/voterid"},
	"internal/backup":          {"internal/fsm", "internal/outfile", "internal/poll", "internal/profile", "internal/refusal", "internal/tally", "proof"},
	"internal/ballotfile":      {"internal/ballotjson", "internal/ballottext", "internal/poll", "internal/refusal", "internal/tally", "internal/textfile", "internal/voterid"},
	"internal/ballotjson":      {"internal/poll", "internal/refusal", "internal/tally", "internal/voterid"},
	"internal/ballottext":      {"internal/poll", "internal/tally"},
	"internal/child":           {},
	"internal/cluster":         {"internal/cluster/lookout", "internal/cluster/members", "internal/cluster/peer", "internal/cluster/replica", "internal/cluster/submit", "internal/fsm", "internal/history", "internal/poll", "internal/refusal", "internal/survey", "internal/trace", "internal/usage"},
	"internal/cluster/...":     {"internal/durable", "internal/trace"},
	"internal/console":         {},
	"internal/durable":         {},
	"internal/eventjson":       {"internal/moment", "internal/poll", "internal/refusal"},
	"internal/fsm":             {"internal/poll", "internal/refusal"},
	"internal/history":         {},
	"internal/lines":           {},
	"internal/livefile":        {},
	"internal/localcluster":    {"client", "internal/auth", "internal/child", "internal/pki", "internal/ports", "internal/proofkey", "proof"},
	"internal/optionid":        {"internal/poll"},
	"internal/optionorder":     {},
	"internal/moment":          {},
	"internal/outfile":         {"internal/durable"},
	"internal/pause":           {},
	"internal/pki":             {"internal/livefile"},
	"internal/poll":            {"internal/refusal", "internal/tally", "proof"},
	"internal/ports":           {},
	"internal/ports/...":       {"internal/ports"},
	"internal/profile":         {"internal/optionid", "internal/poll", "internal/tally"},
	"internal/profilefile":     {"internal/ballotjson", "internal/profile", "internal/profilefile/...", "internal/tally", "internal/textfile"},
	"internal/profilefile/...": {"internal/ballotjson", "internal/ballottext", "internal/optionid", "internal/poll", "internal/profile", "internal/tally", "internal/textfile", "internal/voterid"},
	"internal/proofkey":        {"internal/livefile", "internal/pki", "proof"},
	"internal/prover":          {"internal/durable", "internal/pause", "internal/witness", "proof"},
	"internal/prover/...":      {"internal/prover"},
	"internal/rates":           {},
	"internal/recount":         {"internal/ballotjson", "internal/ballottext", "internal/poll", "internal/refusal", "internal/resultjson", "internal/tally", "internal/voterid", "proof"},
	"internal/refusal":         {},
	"internal/resultfile":      {"internal/profile", "internal/resultjson", "internal/resulttext"},
	"internal/resultjson":      {"internal/tally"},
	"internal/resulttext":      {"internal/resultjson", "internal/tally"},
	"internal/rollfile":        {"internal/poll", "internal/textfile", "internal/voterid"},
	"internal/server":          {"internal/api", "internal/audit", "internal/auth", "internal/backup", "internal/cluster", "internal/cluster/peer", "internal/cluster/replica", "internal/cluster/storage", "internal/history", "internal/livefile", "internal/pki", "internal/poll", "internal/proofkey", "internal/prover", "internal/server/backend", "internal/source", "internal/survey", "internal/trace", "internal/usage", "internal/web", "internal/web/frame", "internal/webhook", "internal/witness", "proof"},
	"internal/server/backend":  {"internal/api", "internal/backup", "internal/cluster", "internal/cluster/peer", "internal/eventjson", "internal/pki", "internal/poll", "internal/proofkey", "internal/prover", "internal/refusal", "internal/webhook", "proof"},
	"internal/simtest":         {"client", "internal/api", "internal/cluster", "internal/cluster/peer", "internal/cluster/storage", "internal/eventjson", "internal/fsm", "internal/poll", "internal/prover", "internal/prover/provertest", "internal/refusal", "internal/server/backend", "internal/survey", "internal/tally", "internal/trace", "internal/webhook", "proof"},
	"internal/simtest/...":     {"internal/cluster", "internal/cluster/peer", "internal/cluster/storage", "internal/fsm", "internal/poll", "internal/refusal", "internal/tally", "internal/simtest", "internal/trace"},
	"internal/source":          {},
	"internal/survey":          {"internal/moment", "internal/poll"},
	"internal/tally":           {},
	"internal/textfile":        {},
	"internal/testrun":         {},
	"internal/thousands":       {},
	"internal/trace":           {},
	"internal/trace/...":       {},
	"internal/usage":           {},
	"internal/voterid":         {},
	"internal/web":             {"internal/web/..."},
	"internal/web/...":         {"internal/web/chart", "internal/web/frame"}, // rooms do not know each other
	"internal/web/chart":       {},
	"internal/web/frame":       {"internal/trace"},
	"internal/web/public":      {"internal/resultjson", "internal/resulttext", "internal/web/chart", "internal/web/frame"},
	"internal/web/voter":       {"internal/optionorder", "internal/web/chart", "internal/web/frame"},
	"internal/webhook":         {"internal/eventjson", "internal/livefile", "internal/pause", "internal/poll"},
	"internal/witness":         {"internal/outfile", "internal/rates", "internal/source", "proof"},
	"loadtest":                 {"harness/...", "internal/usage", "loadtest/..."},
	"proof":                    {},
	"loadtest/...":             {"client", "harness/...", "internal/console", "internal/localcluster", "internal/pause", "internal/ports", "internal/usage", "loadtest/...", "proof"},

	// The rooms of the cluster.
	"internal/cluster/lookout": {"internal/cluster/peer", "internal/cluster/replica", "internal/survey"},
	"internal/cluster/members": {"internal/cluster/lookout", "internal/cluster/peer", "internal/cluster/replica", "internal/cluster/submit", "internal/fsm", "internal/poll", "internal/refusal", "internal/survey", "internal/trace", "internal/usage"},
	"internal/cluster/storage": {"internal/cluster/storage/journal", "internal/durable"},
	"internal/cluster/replica": {"internal/fsm", "internal/poll", "internal/survey", "internal/trace", "internal/usage"},
	"internal/cluster/submit":  {"internal/cluster/peer", "internal/cluster/replica", "internal/fsm", "internal/history", "internal/poll", "internal/refusal", "internal/trace"},
}

// testArrows is what tests may import besides: end-to-end tests build on the real
// thing, and nothing in production follows from it.
var testArrows = map[string][]string{
	"cmd/...":                {"harness/overlay"},
	"docs":                   {"client", "harness/overlay", "internal/api", "internal/pki", "internal/poll", "internal/proofkey", "internal/refusal", "internal/ports/portstest", "internal/server", "internal/survey", "internal/tally", "internal/webhook", "proof"},
	"e2e":                    {"client", "cmd/voted/probe", "e2e/plain", "faults/loopfs", "harness/overlay", "internal/localcluster", "internal/ports/portstest", "internal/proofkey", "proof"},
	"faults/hostile":         {"internal/voterid"},
	"harness/wire":           {"internal/ports/portstest"},
	"internal/api":           {"internal/ballotfile", "internal/recount", "proof"},
	"internal/cluster":       {"internal/cluster/storage", "internal/livefile", "internal/pki", "internal/ports/portstest", "internal/simtest", "internal/simtest/...", "internal/tally"},
	"internal/fsm":           {"internal/tally"},
	"internal/prover":        {"internal/prover/provertest"},
	"internal/simtest":       {"harness/overlay"},
	"internal/server":        {"client", "internal/localcluster", "internal/ports", "internal/ports/portstest", "internal/refusal", "internal/tally", "internal/trace/otlptest", "proof"},
	"internal/trace":         {"internal/trace/otlptest"},
	"internal/web/...":       {"internal/refusal", "internal/tally"},
	"internal/web/public":    {"client", "internal/auth", "internal/ports", "internal/server", "internal/survey"},
	"internal/web/organiser": {"client", "internal/auth", "internal/ports", "internal/server", "internal/survey", "internal/tally"},
	"loadtest":               {"internal/localcluster"},
}

// pure packages import the standard library alone, and nothing of it that waits,
// writes, draws lots or knows the time: the same log must give the same state on
// every member.
var pure = []string{"e2e/plain", "internal/moment", "internal/poll", "internal/refusal", "internal/survey", "internal/tally", "internal/voterid", "proof"}

// timed are pure packages whose values may be instants and durations, which they take as
// arguments. They import time; what it has that waits, or that knows the time or the
// place, they do not use.
var timed = []string{"internal/moment", "internal/survey"}

var untimely = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Local", "LoadLocation"}

// tables are what a pure package may import besides the standard library: data that
// others keep, and functions of it.
var tables = map[string][]string{"internal/voterid": {"golang.org/x/text/unicode/norm"}}

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
	Doc          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

func list(t *testing.T) []listed {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Doc,GoFiles,Imports,TestImports,XTestImports,Deps", module+"/...")
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
		case path == "time" && slices.Contains(timed, name):
		case anyFits(impure, path):
			wrong = append(wrong, name+" is pure and must not import "+path)
		case !ours && !slices.Contains(tables[name], path) && strings.Contains(strings.Split(path, "/")[0], "."):
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

// raft is imported where its own interfaces are implemented or it is run, and nowhere
// else: the others speak of members, entries and leaders in words of this module. The
// simulation implements the same interfaces as storage and peer; two layers of faults read
// and write logs.
var raft = []string{"faults/corruption", "faults/powercut", "internal/cluster/peer", "internal/cluster/replica", "internal/cluster/storage", "internal/cluster/storage/journal", "internal/fsm", "internal/simtest"}

const raftPath = "github.com/hashicorp/raft"

func TestRaftStaysWhereItIsRun(t *testing.T) {
	t.Parallel()
	var found []string
	for _, p := range list(t) {
		name, _ := inModule(p.ImportPath)
		if slices.Contains(p.Imports, raftPath) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	if !slices.Equal(found, raft) {
		t.Errorf("%s is imported by %q, and should be by %q: ask the replica instead", raftPath, found, raft)
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
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(untimely, sel.Sel.Name) {
					t.Errorf("%s: a pure package has nothing to do with time.%s", fset.Position(n.Pos()), sel.Sel.Name)
				}
				return true
			})
		}
	}
}

// undocumented returns why a package's comment does not name its subject, "" if it does.
func undocumented(p listed) string {
	name := path.Base(p.ImportPath)
	program := strings.ToUpper(name[:1]) + name[1:]
	switch {
	case len(p.GoFiles) == 0: // tests alone
	case p.Doc == "":
		return p.ImportPath + " has no package comment: say in its first line what the one subject is"
	case !strings.HasPrefix(p.Doc, "Package "+name+" ") && !strings.HasPrefix(p.Doc, "Command "+name+" ") && !strings.HasPrefix(p.Doc, program+" "):
		return p.ImportPath + " has a comment that does not begin as Go's tools expect: " + p.Doc
	}
	return ""
}

func TestEveryPackageNamesItsSubject(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		if wrong := undocumented(p); wrong != "" {
			t.Error(wrong)
		}
	}
	for doc, wrong := range map[string]bool{"": true, "These are limits.": true, "Package pause waits.": false, "Command pause waits.": false, "Pause waits.": false} {
		if got := undocumented(listed{ImportPath: "voted/internal/pause", Doc: doc, GoFiles: []string{"pause.go"}}); (got != "") != wrong {
			t.Errorf("%q: %q", doc, got)
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
		"survey imports time, and sync":              {listed{ImportPath: "voted/internal/survey", Imports: []string{"time", "sync"}}, 1},
		"poll imports tables of Unicode":             {listed{ImportPath: "voted/internal/poll", Imports: []string{"golang.org/x/text/unicode/norm"}}, 1},
		"a test of poll imports fsm":                 {listed{ImportPath: "voted/internal/poll", XTestImports: []string{"voted/internal/fsm", "voted/internal/poll"}}, 1},
		"client imports something of the service":    {listed{ImportPath: "voted/client", Imports: []string{"voted/internal/poll", "voted/internal/api"}}, 1},
		"the harness imports the server":             {listed{ImportPath: "voted/harness/ledger", Imports: []string{"voted/internal/server"}}, 1},
		"the harness imports what builds on it":      {listed{ImportPath: "voted/harness/drive", Imports: []string{"voted/loadtest/trial", "voted/bench/compare"}}, 2},
		"the product imports the harness":            {listed{ImportPath: "voted/cmd/voted", Imports: []string{"voted/harness/overlay", "voted/bench/machine", "voted/loadtest/report", "voted/faults/layer"}}, 4},
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
