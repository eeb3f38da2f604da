package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"voted/internal/localcluster"
)

var writeGoldens = flag.Bool("golden.write", false, "make the golden data directory that does not exist yet; an existing one is never touched")

// The data directory of one member of a released format: polls of every kind, a
// snapshot, and entries after it; and what the member answered about them.
const (
	goldenData     = "testdata/v1/member.tar.gz"
	goldenExpected = "testdata/v1/expected.json"
)

// expected is what a member that starts on a golden directory must answer again.
type expected struct {
	Index   uint64                    `json:"index"`
	Digest  string                    `json:"digest"`
	Results map[string]map[string]any `json:"results"`
}

// Golden directories are never removed: a build must start on those of every earlier
// one. Results may say more than they did.
func TestTodaysBinaryStartsOnTheDataOfEarlierFormats(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(goldenExpected)
	if errors.Is(err, fs.ErrNotExist) && *writeGoldens {
		makeGolden(t)
		raw, err = os.ReadFile(goldenExpected)
	}
	if err != nil {
		t.Fatalf("%v; it is made with: go test ./e2e -run TestTodaysBinaryStarts -golden.write", err)
	}
	var want expected
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unpack(t, goldenData, dir)
	node := single(t, dir)
	got := said(t, node, want.Index)
	if got.Digest != want.Digest {
		t.Errorf("the digest is %s, not %s", got.Digest, want.Digest)
	}
	for id, results := range want.Results {
		if !stillSays(got.Results[id], results) {
			t.Errorf("%s is counted as\n%v, not\n%v", id, got.Results[id], results)
		}
	}
	if len(got.Results) != len(want.Results) || len(want.Results) == 0 {
		t.Errorf("there are %d polls, not %d", len(got.Results), len(want.Results))
	}
	// A retry of the first ballot is recognised.
	if resp, body := request(t, "PUT", node.URL+"/v1/polls/secret/ballots/v0", `{"selections":["ann"]}`); resp.StatusCode != http.StatusOK || !strings.Contains(body, `"ballot":1,`) {
		t.Errorf("a retry of the first ballot: %s %s", resp.Status, body)
	}
}

func single(t *testing.T, dir string, args ...string) *localcluster.Node {
	t.Helper()
	long(t)
	c, err := localcluster.Start(t.Context(), localcluster.Options{Binary: binary, Nodes: 1, Dir: dir, Args: func(int) []string { return args }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	ready(t, c)
	return c.Nodes[0]
}

// said asks a node about everything. The node must have applied at least an index.
func said(t *testing.T, node *localcluster.Node, behind uint64) expected {
	t.Helper()
	c := dial(t, node.URL)
	status, err := c.Cluster(t.Context())
	if err != nil || status.Index < behind {
		t.Fatalf("it stands at %d: %v", status.Index, err)
	}
	x := expected{status.Index, status.Members[0].Digest, map[string]map[string]any{}}
	_, body := request(t, "GET", node.URL+"/v1/polls", "")
	var list struct{ Polls []struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	for _, p := range list.Polls {
		var results map[string]any
		resp, body := request(t, "GET", node.URL+"/v1/polls/"+p.ID+"/results", "")
		if err := json.Unmarshal([]byte(body), &results); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %s", p.ID, resp.Status, body)
		}
		delete(results, "index") // of the reading, not of the poll
		x.Results[p.ID] = results
	}
	return x
}

// makeGolden fills a member, kills it, and packs its directory.
func makeGolden(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	node := single(t, dir, "--snapshot-every", "64")
	at := func(method, path, body string, header ...string) {
		t.Helper()
		if resp, said := request(t, method, node.URL+"/v1/polls/"+path, body, header...); resp.StatusCode/100 != 2 {
			t.Fatalf("%s %s: %s %s", method, path, resp.Status, said)
		}
	}
	options := `"options":["ann","bo","cy"]`
	at("PUT", "secret", `{`+options+`,"revote":"until_close"}`)
	at("PUT", "open", `{`+options+`,"secrecy":"open","revote":"until_close"}`)
	at("PUT", "weighted", `{`+options+`,"eligibility":"roll","quorum":3}`)
	at("PUT", "gone", `{`+options+`}`)
	for _, method := range []string{"approval", "score", "irv"} {
		at("PUT", method, `{`+options+`,"method":"`+method+`"}`)
	}
	roll := `{"voter":"v0"}` + "\n" + `{"voter":"v1","weight":2}` + "\n" + `{"voter":"v2","weight":3}` + "\n"
	at("PUT", "weighted/roll", roll, "Content-Type", "application/x-ndjson")
	at("DELETE", "weighted/roll/v2", "")
	rankings := []string{`["bo","ann"]`, `["cy"]`, `["ann","cy","bo"]`}
	for n := range 30 {
		voter := fmt.Sprintf("v%d", n)
		choice := []string{"ann", "bo", "cy"}[n%7%3]
		for _, id := range []string{"secret", "open", "approval"} {
			at("PUT", id+"/ballots/"+voter, `{"selections":["`+choice+`"]}`)
		}
		at("PUT", "score/ballots/"+voter, fmt.Sprintf(`{"scores":{"ann":%d,"bo":%d}}`, n%6, n%4))
		at("PUT", "irv/ballots/"+voter, `{"ranking":`+rankings[n%5%3]+`}`)
	}
	for n := range 5 { // replaced ballots
		at("PUT", fmt.Sprintf("open/ballots/v%d", n), `{"selections":["cy"]}`, "If-Match", `"1"`)
	}
	at("PUT", "weighted/ballots/v0", `{"selections":["ann"]}`)
	at("PUT", "weighted/ballots/v1", `{"selections":["bo"]}`)
	waitForSnapshot(t, node)
	at("POST", "gone/close", "")
	at("DELETE", "gone", "")
	at("POST", "approval/close", "")
	x := said(t, node, 0)
	if err := node.Kill(); err != nil {
		t.Fatal(err)
	}
	pack(t, filepath.Join(dir, node.ID), goldenData)
	b, err := json.MarshalIndent(x, "", " ")
	if err == nil {
		err = os.WriteFile(goldenExpected, append(b, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pack writes a directory into an archive that does not exist yet.
func pack(t *testing.T, dir, archive string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	root := os.DirFS(filepath.Dir(dir))
	err := fs.WalkDir(root, filepath.Base(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: path + "/", Mode: 0o750})
		}
		if d.Name() == "ballast" { // made again if missing
			return nil
		}
		content, err := fs.ReadFile(root, path)
		if err == nil {
			err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o600, Size: int64(len(content))})
		}
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	})
	if err := errors.Join(err, w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(archive, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(b.Bytes())
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// unpack puts what pack packed into dir.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// stillSays reports whether decoded JSON has everything that an earlier one had, with the same
// values.
func stillSays(now, before any) bool {
	switch before := before.(type) {
	case map[string]any:
		object, ok := now.(map[string]any)
		for name, value := range before {
			ok = ok && stillSays(object[name], value)
		}
		return ok
	case []any:
		list, ok := now.([]any)
		ok = ok && len(list) == len(before)
		for i := 0; ok && i < len(before); i++ {
			ok = stillSays(list[i], before[i])
		}
		return ok
	}
	return reflect.DeepEqual(now, before)
}

func TestResultsThatSayLessOrElseAreNotTheSame(t *testing.T) {
	t.Parallel()
	before := map[string]any{"votes": []any{map[string]any{"ann": 3.0}}, "state": "open"}
	for name, c := range map[string]struct {
		now  any
		same bool
	}{
		"more":          {map[string]any{"votes": []any{map[string]any{"ann": 3.0, "bo": 1.0}}, "state": "open", "ranking": 1.0}, true},
		"less":          {map[string]any{"state": "open"}, false},
		"another value": {map[string]any{"votes": []any{map[string]any{"ann": 2.0}}, "state": "open"}, false},
		"another item":  {map[string]any{"votes": []any{map[string]any{"ann": 3.0}, 1.0}, "state": "open"}, false},
	} {
		if stillSays(c.now, before) != c.same {
			t.Errorf("%s is taken for the same: %t", name, !c.same)
		}
	}
}
