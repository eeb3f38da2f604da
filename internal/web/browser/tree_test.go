package browser

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"voted/client"
)

var update = flag.Bool("update", false, "write the accessibility trees of testdata/trees again")

// sameTree holds what a screen reader has to say of a page to a file.
func sameTree(t *testing.T, tab *Tab, name string) {
	t.Helper()
	path := filepath.Join("testdata", "trees", name+".txt")
	got := mainOf(tab.Tree())
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := firstDifference(string(want), got); diff != "" {
		t.Errorf("%s: %s; if that is right, run go test -run %s -update", name, diff, t.Name())
	}
}

// mainOf leaves out of a tree what stands around a page: where else one can go.
func mainOf(tree string) string {
	_, inside, _ := strings.Cut(tree, "\nmain\n")
	inside, _, _ = strings.Cut(inside, "\ncontentinfo")
	return "main\n" + inside + "\n"
}

// firstDifference says where two texts differ first; "" if they do not.
func firstDifference(want, got string) string {
	if want == got {
		return ""
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		x, y := "the end", "the end"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return "line " + strings.TrimSpace(y) + ", want " + strings.TrimSpace(x)
		}
	}
	return ""
}

func TestWhatAScreenReaderSays(t *testing.T) {
	t.Parallel()
	s := Common(t)
	stranger := Open(t, Desk)
	for name, path := range map[string]string{"home": "/", "signin": "/signin", "help": "/help", "secrecy": "/about/secrecy", "no-such-page": "/nothing/here"} {
		stranger.Go(s.URL(path))
		sameTree(t, stranger, name)
	}
	stranger.Go(s.URL("/signin"))
	stranger.Fill("Token", "voted_nonsense")
	stranger.Press("Sign in")
	sameTree(t, stranger, "signin-wrong")

	tab := s.visitor(t, Desk, place{role: "admin"})
	s.Poll(t, client.Definition{ID: "tree", Title: "Board", Eligibility: client.OnRoll, TieBreak: client.TiesByLot, Quorum: 2})
	tab.Go(s.URL("/manage/new"))
	sameTree(t, tab, "manage-new")
	tab.Fill("Title", "Lunch")
	tab.Fill("Options", "Pizza")
	tab.Press("Check")
	sameTree(t, tab, "manage-new-wrong")
	tab.Fill("Options", "Pizza\nSushi")
	tab.Press("Check")
	sameTree(t, tab, "manage-check")
	tab.Go(s.URL("/manage/tree"))
	sameTree(t, tab, "manage-open")
	tab.Press("List of voters")
	tab.Attach("File", rollFile(t, "voter,weight\nv-1,3\nv-2,none\n"))
	tab.Press("Send the list")
	sameTree(t, tab, "manage-roll-sent")
	tab.Go(s.URL("/manage/tree/change"))
	sameTree(t, tab, "manage-change")
	tab.Go(s.URL("/manage/tree/close"))
	sameTree(t, tab, "manage-close")
	tab.Press("Close it now")
	sameTree(t, tab, "manage-closed")
	tab.Press("Draw the lot")
	sameTree(t, tab, "manage-lot")
	tab.Fill("Seed", "dice 4 1 6")
	tab.Press("Enter the lot")
	sameTree(t, tab, "manage-lot-drawn")
	tab.Go(s.URL("/manage/tree/delete"))
	sameTree(t, tab, "manage-delete")
}

func TestADifferenceInATreeIsNoticed(t *testing.T) {
	t.Parallel()
	if firstDifference("a\nb\n", "a\nb\n") != "" || firstDifference("a\nb\n", "a\nc\n") == "" || firstDifference("a\n", "a\nb\n") == "" {
		t.Error("texts that differ are taken for equal, or the other way round")
	}
}
