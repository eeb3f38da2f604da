package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/internal/localcluster"
	"voted/proof"
)

// place is a directory of a test's, with commands that work in it.
type place struct {
	t   *testing.T
	dir string
}

func (p place) at(name string) string { return filepath.Join(p.dir, name) }

// voted runs a command line whose words that begin with @ are files of the place.
func (p place) voted(line string, code int, says string) string {
	p.t.Helper()
	args := strings.Fields(line)
	for i, a := range args {
		if name, ok := strings.CutPrefix(a, "@"); ok {
			args[i] = p.at(name)
		}
	}
	got := voted(args...)
	if got.code != code || !strings.Contains(got.out+got.errout, says) {
		p.t.Fatalf("voted %s: exit %d, want %d and %q\n%s%s", line, got.code, code, says, got.out, got.errout)
	}
	return got.out
}

func (p place) read(name string) []byte {
	p.t.Helper()
	b, err := os.ReadFile(p.at(name))
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// certified is a place with a CA and three members.
func certified(t *testing.T) place {
	t.Helper()
	p := place{t, t.TempDir()}
	p.voted("ca init @ca", 0, "")
	for _, n := range []string{"n1", "n2", "n3"} {
		p.voted("ca issue @ca member "+n+" --out "+p.dir, 0, "a new proof key")
	}
	return p
}

func TestAPolicyIsMadeOfCertifiedKeysAlone(t *testing.T) {
	t.Parallel()
	p, strangers := certified(t), certified(t)
	const policy = "proof policy board --log-name votes.example/acme --ca @ca/ca.crt "
	all := p.voted(policy+"@n3.proof.crt @n1.proof.crt @n2.proof.crt", 0, "quorum members")
	read, err := proof.ParsePolicy([]byte(all))
	if err != nil || len(read.Logs) != 3 || read.Logs[0].Key.Name() != "votes.example/acme/board/1" || read.Witnesses[0].Key.Name() != "votes.example/acme/n1" {
		t.Errorf("it is read as %v, %v", read, err)
	}
	p.voted(policy+"@n1.proof.crt @n2.proof.crt @n3.proof.crt -o @board.policy", 0, "")
	if string(p.read("board.policy")) != all {
		t.Error("the order of the files makes another policy")
	}
	p.voted(policy+"@n1.proof.crt --witness nobody", 2, "is not 'NAME KEY'")
	p.voted(policy+"@n1.proof.crt --quorum 2", 2, "cannot be")
	p.voted(policy+"@n1.proof.key", 2, "should hold certificates alone")
	p.voted(policy+"@n1.crt", 2, "is for a member")
	p.voted(policy+strangers.at("n1.proof.crt"), 2, "another CA")
	p.voted(policy+"@none", 2, "there is no file")
	p.voted(policy+"@n1.proof.crt -o @none/x", 2, "there is no directory")
	p.voted("proof policy board --log-name votes+example --ca @ca/ca.crt @n1.proof.crt", 2, "no plus")
	p.voted("proof policy a/b/ --log-name votes.example --ca @ca/ca.crt @n1.proof.crt", 2, "cannot be the name of a log")
}

func TestANewPolicyIsGoodOnceAQuorumOfTheOldOneHasSignedIt(t *testing.T) {
	t.Parallel()
	p := certified(t)
	const policy = "proof policy board --log-name votes.example/acme --ca @ca/ca.crt "
	p.voted(policy+"@n1.proof.crt @n2.proof.crt @n3.proof.crt -o @old.policy", 0, "")
	// n1 gets another key.
	for _, name := range []string{"n1.proof.key", "n1.proof.crt"} {
		if err := os.Rename(p.at(name), p.at("old."+name)); err != nil {
			t.Fatal(err)
		}
	}
	p.voted("ca issue @ca member n1 --out "+p.dir, 0, "a new proof key")
	p.voted(policy+"@n1.proof.crt @old.n1.proof.crt @n2.proof.crt @n3.proof.crt -o @new.policy", 0, "")
	const sign = "proof sign @new.policy --under @old.policy --proof-key "
	p.voted(sign+"@n1.proof.key", 2, "does not name this key")
	p.voted(sign+"@old.n1.proof.key", 0, "needs more signatures")
	once := p.read("new.policy")
	p.voted(sign+"@old.n1.proof.key", 0, "needs more signatures")
	if !bytes.Equal(p.read("new.policy"), once) {
		t.Error("a second signature of one key was added")
	}
	old, err := proof.ParsePolicy(p.read("old.policy"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Next(once); err == nil {
		t.Error("one of three makes a policy good")
	}
	p.voted(sign+"@n3.proof.key", 0, "new.policy follows")
	next, err := old.Next(p.read("new.policy"))
	if err != nil || len(next.Witnesses) != 4 {
		t.Fatalf("followed by %v, %v", next, err)
	}
	// The next one after that is signed under the signed one.
	p.voted(policy+"@n1.proof.crt @n2.proof.crt @n3.proof.crt -o @third.policy", 0, "")
	p.voted("proof sign @third.policy --under @new.policy --proof-key @n1.proof.key", 0, "needs more signatures")
	p.voted("proof sign @third.policy --under @new.policy --proof-key @n2.proof.key", 0, "third.policy follows")
	// An editor may have left out the last newline, which a signed text needs.
	if err := os.WriteFile(p.at("cut.policy"), bytes.TrimSuffix(p.read("old.policy"), []byte("\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	p.voted("proof sign @cut.policy --under @old.policy --proof-key @n2.proof.key", 0, "needs more signatures")
	p.voted("proof sign @cut.policy --under @old.policy --proof-key @n3.proof.key", 0, "cut.policy follows")
	// Whoever has the first one may take the others, in their order.
	p.voted("verify policy @new.policy --under @old.policy", 0, "n1 and n3 signed it")
	p.voted("verify policy @third.policy --under @old.policy --next @new.policy", 0, "follows the older one")
	p.voted("verify policy @third.policy --under @old.policy", 1, "")
	p.voted("verify policy @new.policy --under @old.policy --next @third.policy", 2, "does not follow")
	p.voted("verify policy @old.policy --under @old.policy", 2, "no policy that somebody signed")
	// What was signed is no longer what it says.
	changed := bytes.Replace(p.read("third.policy"), []byte("group members 2"), []byte("group members 1"), 1)
	if err := os.WriteFile(p.at("third.policy"), changed, 0o600); err != nil {
		t.Fatal(err)
	}
	p.voted("proof sign @third.policy --under @new.policy --proof-key @n1.proof.key", 1, "signature is false")
	p.voted("proof sign @n1.crt --under @old.policy --proof-key @n1.proof.key", 2, "no policy")
	p.voted("proof sign @new.policy --under @old.policy --proof-key @n1.key", 2, "it is one for TLS")
}

func TestTheManualsProofKeys(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(manual), "\n## Proof keys\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := strings.Split(section, "```sh\n")[1:]
	if len(blocks) != 2 {
		t.Fatalf("the manual has %d blocks of commands about proof keys", len(blocks))
	}
	p := place{t, t.TempDir()}
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		shell := exec.CommandContext(testContext(t, 20*time.Second), "sh", "-euc", `voted() { "$program" "$@"; }`+"\n"+block)
		shell.Dir, shell.Env = p.dir, append(os.Environ(), asVoted+"=1", "program="+os.Args[0])
		if out, err := shell.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	old, err := proof.ParsePolicy(p.read("board-2026.policy"))
	if err != nil {
		t.Fatal(err)
	}
	if next, err := old.Next(p.read("board-2026.new.policy")); err != nil || len(next.Witnesses) != 4 {
		t.Errorf("followed by %v, %v", next, err)
	}
}

func TestAProofKeyIsMadeOnceWithoutACAToo(t *testing.T) {
	t.Parallel()
	p := place{t, t.TempDir()}
	first := p.voted("proof key n1 --dir @keys", 0, "is a new proof key")
	if strings.Count(first, "BEGIN PUBLIC KEY") != 2 || strings.Contains(first, "PRIVATE") {
		t.Errorf("printed is\n%s", first)
	}
	key := p.read("keys/n1.proof.key")
	if second := p.voted("proof key n1 --dir @keys", 0, ""); second != first || !bytes.Equal(p.read("keys/n1.proof.key"), key) {
		t.Error("the second time it is another key")
	}
	p.voted("proof key a/b --dir @keys", 2, "cannot be the id")
}

func TestACastWithAProofEndsWithAFileThatAnybodyCanCheck(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	p, strangers := certified(t), certified(t)
	const policy = "proof policy board --log-name votes.example --ca @ca/ca.crt @n1.proof.crt @n2.proof.crt @n3.proof.crt -o @board.policy"
	p.voted(policy, 0, "")
	strangers.voted(policy, 0, "")
	c, err := localcluster.Start(testContext(t, time.Minute), localcluster.Options{
		Binary: os.Args[0], Env: []string{asVoted + "=1"}, Nodes: 3, Dir: p.at("cluster"),
		Args: func(i int) []string {
			return []string{"--log-level", "warn", "--log-name", "votes.example", "--proof-key", p.at(fmt.Sprintf("n%d.proof.key", i+1))}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	at := " --endpoint " + c.Nodes[0].URL
	p.voted("poll create board ann bo"+at, 0, "")
	p.voted("cast board v-17 ann --proof"+at, 2, "--policy")
	p.voted("cast board v-17 ann --policy @board.policy"+at, 2, "--proof")
	p.voted("cast board v-17 ann --proof --policy @board.policy -o @mine"+at, 0, "Your ballot in board is counted: record 1 of 1.")
	p.voted("verify receipt @mine --policy @board.policy --voter v-17", 0, "Your ballot in board is counted")
	p.voted("cast board v-17 ann --proof --policy @board.policy -o @again"+at, 0, "is counted")
	if string(p.read("again")) == "" {
		t.Error("a retry has no proof")
	}
	p.voted("proof get board v-17 --policy @board.policy -o @later"+at, 0, "is counted")
	p.voted("proof get board nobody"+at, 1, "no ballot")
	if out := p.voted("proof get board v-17"+at, 0, ""); !strings.HasPrefix(out, "c2sp.org/tlog-proof@v1\n") {
		t.Errorf("printed is %s", out)
	}
	// By a policy of others it is no proof, and the file is kept all the same.
	p.voted("cast board v-18 bo --proof --policy "+strangers.at("board.policy")+" -o @strange"+at, 1, "")
	p.voted("verify receipt @strange --policy @board.policy --voter v-18", 0, "is counted")

	// Where receipts show choices, the one that is recorded is compared with the one that was cast.
	p.voted("cast board v-19 bo --proof --policy @board.policy -o @secret"+at, 0, "this file cannot show")
	p.voted("poll create open ann bo --secrecy open"+at, 0, "")
	p.voted(strings.ReplaceAll(policy, "board", "open"), 0, "")
	p.voted("cast open v-17 ann --proof --policy @open.policy -o @opened"+at, 0, "It is recorded as you chose.")
	// A node that changes what it is sent is found out, though all members sign what it says.
	lying := httptest.NewServer(swapping(t, c.Nodes[0].URL, `"ann"`, `"bo"`))
	defer lying.Close()
	p.voted("cast open v-18 ann --proof --policy @open.policy -o @swapped --endpoint "+lying.URL, 1, "another choice was recorded")
	p.voted("verify receipt @swapped --policy @open.policy --voter v-18", 0, "is counted")
}

// swapping is a node that puts another choice in the place of one that voters send.
func swapping(t *testing.T, node, from, to string) http.Handler {
	t.Helper()
	at, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(at)
		if r.In.Method != http.MethodPut {
			return
		}
		body, err := io.ReadAll(r.In.Body)
		if err != nil {
			t.Error(err)
		}
		body = bytes.ReplaceAll(body, []byte(from), []byte(to))
		r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}}
}

func TestWhoMakesASecretPollIsToldWhatItsRetriesTell(t *testing.T) {
	t.Parallel()
	endpoint := startCluster(t, 1, "").Endpoints()[0]
	const told = "the same choice is answered as a repetition"
	for line, is := range map[string]bool{
		"poll create a ann bo":                           true,
		"poll create b ann bo --receipt opened":          true,
		"poll create c ann bo --secrecy open":            false,
		"poll create d ann bo --json":                    false,
		"poll create e ann bo --secrecy secret --quorum": false, // it is not made
	} {
		got := voted(append(strings.Fields(line), "--endpoint", endpoint)...)
		if strings.Contains(strings.Join(strings.Fields(got.errout), " "), told) != is || strings.Contains(got.out, told) {
			t.Errorf("voted %s says %s%s", line, got.out, got.errout)
		}
	}
}
