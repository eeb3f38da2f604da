package verify

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"voted/proof"
)

// served is a node that serves a log, and what was asked of it.
type served struct {
	files fstest.MapFS
	asked []string
	after int // this many answers, and then errDown; 0: any number
}

var errDown = errors.New("no node answered")

func (s *served) fetch(_ context.Context, name string) ([]byte, error) {
	if s.asked = append(s.asked, name); s.after > 0 && len(s.asked) > s.after {
		return nil, errDown
	}
	return fs.ReadFile(s.files, name)
}

// serve is a node with a log up to a size.
func (e entries) serve(t testing.TB, size uint64) *served {
	t.Helper()
	files := e.publish(t, size, e.head(t, size, 1, 1, 2))
	files[definitionFile] = &fstest.MapFile{Data: []byte("the canonical definition")}
	return &served{files: files}
}

func mirrored(t *testing.T, s *served, dir string) *Verdict {
	t.Helper()
	v, err := Mirror(t.Context(), s.fetch, dir, policy(t), utc)
	must(t, err)
	return v
}

// contents are the files of a directory by their names.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(b)
		return err
	}))
	return files
}

func sameFiles(t *testing.T, dir string, want fstest.MapFS) {
	t.Helper()
	got := contents(t, dir)
	for name, f := range want {
		if got[name] != string(f.Data) {
			t.Errorf("%s is not what was served", name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the directory has %d files, and the log %d", len(got), len(want))
	}
}

func mirrors(t *testing.T) []said {
	e, fork := goldenEntries(t), goldenEntries(t)
	fork[17][40] ^= 1
	// with mirrors one log after another into the same directory.
	with := func(logs ...*served) (v *Verdict) {
		dir := t.TempDir()
		for _, s := range logs {
			v = mirrored(t, s, dir)
		}
		return v
	}
	altered := e.serve(t, whole)
	b := altered.files["tile/entries/001.p/46"].Data
	b[40] ^= 1
	swapped := e.serve(t, whole)
	swapped.files[definitionFile].Data = []byte("other options")
	few := e.serve(t, whole)
	few.files["checkpoint"].Data = e.head(t, whole, 1, 3)
	other := e.serve(t, 200)
	p, err := e.view(t, 200).Root()
	must(t, err)
	other.files["checkpoint"].Data = sign(t, proof.Checkpoint{Origin: "votes.example/acme/lunch/1", Size: 200, Root: p}, 1, 1, 2)
	closed := publish(t)
	weak, moved := closed.serve(t), closed.serve(t)
	weak.files["closing"].Data = closed.closingProof(t, closed.whole(t, 3)).Append(nil)
	closed.profile[0].Ballots++
	closed.profile[1].Ballots--
	moved.files["profile"].Data = closed.profileFile()
	return []said{
		{"a log that is new", Right, with(e.serve(t, whole))},
		{"a log that has grown", Right, with(e.serve(t, 200), e.serve(t, whole))},
		{"a node that is behind", Right, with(e.serve(t, 290), e.serve(t, 200))},
		{"a record that was altered", Wrong, with(altered)},
		{"a record that was altered, after others", Wrong, with(e.serve(t, 200), altered)},
		{"a fork that is larger", Wrong, with(e.serve(t, 200), fork.serve(t, whole))},
		{"a fork that is smaller", Wrong, with(e.serve(t, whole), fork.serve(t, 200))},
		{"options that were swapped", Wrong, with(swapped)},
		{"a head that one member signed", Wrong, with(few)},
		{"a log of another poll", Wrong, with(e.serve(t, 200), other)},
		{"a closed poll with what its result follows from", Right, with(publish(t).serve(t))},
		{"a closing that one member signed", Wrong, with(weak)},
		{"choices that are not those of the close", Wrong, with(moved)},
	}
}

// serve is a node with all of a closed poll.
func (p *published) serve(t testing.TB) *served {
	t.Helper()
	s := p.entries.serve(t, uint64(len(p.entries)))
	for name, f := range p.result(t) {
		s.files[name] = f
	}
	return s
}

func TestAMirrorOfAClosedPollHasWhatItsResultFollowsFrom(t *testing.T) {
	t.Parallel()
	p, dir := publish(t), t.TempDir()
	// Given a mirror of the open poll, and one of the closed poll that was interrupted
	early, s := p.entries.serve(t, 200), p.serve(t)
	early.files[definitionFile] = s.files[definitionFile]
	if v := mirrored(t, early, dir); v.Outcome != Right {
		t.Fatal(v.Sentences)
	}
	s.after = 4
	if _, err := Mirror(t.Context(), s.fetch, dir, policy(t), utc); !errors.Is(err, errDown) {
		t.Fatalf("after %q: %v", s.asked, err)
	}
	// when it goes on, then all is there
	s.after = 0
	mirrored(t, s, dir)
	sameFiles(t, dir, s.files)
	if v := Result(os.DirFS(dir), policy(t), Told{}, utc); v.Outcome != Right {
		t.Errorf("the result: %q", v.Sentences)
	}
	// and nothing is fetched again.
	s.asked = nil
	mirrored(t, s, dir)
	if !slices.Equal(s.asked, []string{"checkpoint"}) {
		t.Errorf("of a poll that has not changed %q was fetched", s.asked)
	}
}

func TestAMirrorFetchesAgainWhatTheResultFollowsFromAndIsLostOrDamaged(t *testing.T) {
	t.Parallel()
	p, dir := publish(t), t.TempDir()
	s := p.serve(t)
	mirrored(t, s, dir)
	for _, name := range []string{definitionFile, profileFile, closingFile} {
		path := filepath.Join(dir, name)
		for how, harm := range map[string]func() error{
			"lost":    func() error { return os.Remove(path) },
			"damaged": func() error { return os.WriteFile(path, []byte("hello"), 0o644) },
		} {
			// Given a whole mirror of which one file is lost or damaged
			must(t, harm())
			// when it is mirrored again, then that file is fetched, and no other one.
			s.asked = nil
			if v := mirrored(t, s, dir); v.Outcome != Right {
				t.Errorf("the %s is %s: %q", name, how, v.Sentences)
			}
			sameFiles(t, dir, s.files)
			if !slices.Equal(s.asked, []string{"checkpoint", name}) {
				t.Errorf("the %s was %s, and %q was fetched", name, how, s.asked)
			}
		}
	}
}

func TestAMirrorHasTheLogAsItIsServed(t *testing.T) {
	t.Parallel()
	e, dir := goldenEntries(t), t.TempDir()
	for _, size := range []uint64{1, 3, 200, 210, 256, 257, whole} {
		s := e.serve(t, size)
		if v := mirrored(t, s, dir); v.Outcome != Right {
			t.Fatalf("%d entries: %q", size, v.Sentences)
		}
		sameFiles(t, dir, s.files)
	}
	s := e.serve(t, whole)
	mirrored(t, s, dir)
	if !slices.Equal(s.asked, []string{"checkpoint", "closing"}) { // which this one does not have
		t.Errorf("of a log that has not grown %q was fetched", s.asked)
	}
}

func TestAMirrorThatWasInterruptedGoesOn(t *testing.T) {
	t.Parallel()
	e, dir := goldenEntries(t), t.TempDir()
	for after := 1; ; after++ {
		s := e.serve(t, 300)
		s.after = after
		v, err := Mirror(t.Context(), s.fetch, dir, policy(t), utc)
		if err == nil {
			if v.Outcome != Right {
				t.Fatalf("after %d answers: %q", after, v.Sentences)
			}
			sameFiles(t, dir, s.files)
			return
		}
		if _, there := contents(t, dir)["checkpoint"]; there || !errors.Is(err, errDown) {
			t.Fatalf("after %d answers there is a checkpoint (%t), and the mirror says %v", after, there, err)
		}
	}
}

func TestAMirrorKeepsWhatItHadAndTheHeadThatContradictsIt(t *testing.T) {
	t.Parallel()
	e, fork, dir := goldenEntries(t), goldenEntries(t), t.TempDir()
	fork[17][40] ^= 1
	mirrored(t, e.serve(t, 300), dir)
	before := contents(t, dir)
	for _, size := range []uint64{250, 300, whole} {
		if v := mirrored(t, fork.serve(t, size), dir); v.Outcome != Wrong {
			t.Fatalf("a fork of %d entries is taken: %q", size, v.Sentences)
		}
		after := contents(t, dir)
		if after[contradicting] != string(fork.head(t, size, 1, 1, 2)) {
			t.Errorf("the head of the fork of %d entries is not kept", size)
		}
		delete(after, contradicting)
		for name, b := range before {
			if after[name] != b {
				t.Errorf("after a fork of %d entries %s is another one", size, name)
			}
		}
	}
	// What it kept is proof.
	head, err := os.ReadFile(filepath.Join(dir, contradicting))
	must(t, err)
	if v := Fraud(head, []byte(before["checkpoint"]), policy(t), nil); v.Outcome == Wrong {
		t.Errorf("the heads are said to be honest: %q", v.Sentences)
	}
}

func TestADirectoryThatIsDamagedIsNotMirroredInto(t *testing.T) {
	t.Parallel()
	e, dir := goldenEntries(t), t.TempDir()
	mirrored(t, e.serve(t, 200), dir)
	name := filepath.Join(dir, "tile", "entries", "000.p", "200")
	b, err := os.ReadFile(name)
	must(t, err)
	b[300] ^= 1
	must(t, os.WriteFile(name, b, 0o644))
	if _, err := Mirror(t.Context(), e.serve(t, whole).fetch, dir, policy(t), utc); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("got %v", err)
	}
}
