package replica

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writeBehind is sound only while raft works as it does in this version. Whoever updates
// raft must read the functions below again, with the proof in
// docs/adr/0046-the-leader-writes-behind.md, and only then change this file.
const pinnedRaft = "v1.7.3"

// calledFrom is which functions of raft call a function of this name. What is not listed
// here must not call it.
var calledFrom = map[string][]string{
	// A leader stores entries only on the main goroutine: run → runLeader → leaderLoop.
	"StoreLogs":                {"(*InmemStore).StoreLog", "(*LogCache).StoreLog", "(*LogCache).StoreLogs", "(*MockMonotonicLogStore).StoreLogs", "(*Raft).appendEntries", "(*Raft).dispatchLogs"},
	"dispatchLogs":             {"(*Raft).appendConfigurationEntry", "(*Raft).leaderLoop", "(*Raft).runLeader"},
	"appendConfigurationEntry": {"(*Raft).leaderLoop"},
	"leaderLoop":               {"(*Raft).runLeader"},
	"runLeader":                {"(*Raft).run"},
	// It commits only when a match is counted.
	"setCommitIndex": {"(*Raft).appendEntries", "(*Raft).leaderLoop"},
	"recalculate":    {"(*commitment).match", "(*commitment).setConfiguration"},
	// A follower matches only after AppendEntries returned, or a snapshot was installed.
	"match":              {"(*Raft).dispatchLogs", "(*Raft).sendLatestSnapshot", "updateLastAppended"},
	"updateLastAppended": {"(*Raft).pipelineDecode", "(*Raft).replicateTo"},
	// The state and the newest configuration change only on the main goroutine, or before
	// there is one.
	"setState": {
		"(*Raft).appendEntries", "(*Raft).checkLeaderLease", "(*Raft).dispatchLogs", "(*Raft).installSnapshot", "(*Raft).leaderLoop", "(*Raft).Shutdown",
		"(*Raft).requestVote", "(*Raft).runCandidate", "(*Raft).runFollower", "(*Raft).setState", "(*Raft).timeoutNow", "NewRaft",
	},
	"setLatestConfiguration": {
		"(*Raft).appendConfigurationEntry", "(*Raft).appendEntries", "(*Raft).installSnapshot", "(*Raft).processConfigurationLogEntry", "(*Raft).restoreSnapshot",
	},
}

// texts are the functions whose order of steps counts, with the beginnings of the SHA-256
// of their sources, without comments.
var texts = map[string]string{
	"(*Raft).appendConfigurationEntry": "089428c4e13f", // stores, sets the configuration, counts
	"(*Raft).dispatchLogs":             "ab69788a961f", // stores, matches its own
	"(*Raft).replicateTo":              "b115d0100e74", // asks, then matches; a pipeline only if the transport has one
	"(*Raft).pipelineReplicate":        "4ff0bda04b9f", // gives up if the transport has none
	"(*Raft).sendLatestSnapshot":       "c5dafbf8cdfa",
	"(*Raft).setLatestConfiguration":   "cbb28fc0de56",
	"(*Raft).setState":                 "3587f07f299a",
	"(*Raft).appendEntries":            "8f32366d9df0", // skips what it finds in its log
	"(*commitment).match":              "10c47694fd55",
	"(*commitment).recalculate":        "8acf1e62a5d4",
	"(*commitment).setConfiguration":   "4d42636196e4",
	"updateLastAppended":               "e2d26f91d073",
}

func TestRaftStillWorksAsTheWriteBehindNeedsIt(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", "github.com/hashicorp/raft").Output()
	if err != nil {
		t.Fatal(err)
	}
	version, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if version != pinnedRaft {
		t.Errorf("raft is %s, and the write-behind was proven with %s; see pinnedRaft", version, pinnedRaft)
	}
	raft := readPackage(t, dir)
	for name, want := range calledFrom {
		slices.Sort(want)
		if got := raft.callers(name); !slices.Equal(got, want) {
			t.Errorf("%s is called from\n\t%s, and was from\n\t%s", name, got, want)
		}
	}
	for name, want := range texts {
		if got := raft.sum(name); got != want {
			t.Errorf("%s has changed: its sum is %q, and was %q", name, got, want)
		}
	}
}

// source is the functions of a package by name, as `(*T).f` or `f`, without its tests.
type source map[string]*ast.FuncDecl

func readPackage(t *testing.T, dir string) source {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	all := source{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				all[nameOf(f)] = f
			}
		}
	}
	return all
}

func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	switch r := f.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		if id, ok := r.X.(*ast.Ident); ok {
			return "(*" + id.Name + ")." + f.Name.Name
		}
	case *ast.Ident:
		return r.Name + "." + f.Name.Name
	}
	return "?." + f.Name.Name
}

// callers returns the functions that use a function of this name in any way.
func (s source) callers(name string) (all []string) {
	for caller, f := range s {
		if f.Body == nil {
			continue
		}
		uses := false
		ast.Inspect(f.Body, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			uses = uses || ok && id.Name == name
			return true
		})
		if uses {
			all = append(all, caller)
		}
	}
	slices.Sort(all)
	return all
}

func (s source) sum(name string) string {
	f := s[name]
	if f == nil {
		return "gone"
	}
	bare := *f
	bare.Doc = nil
	var text bytes.Buffer
	if err := printer.Fprint(&text, token.NewFileSet(), &bare); err != nil {
		return err.Error()
	}
	sum := sha256.Sum256(text.Bytes())
	return hex.EncodeToString(sum[:6])
}
