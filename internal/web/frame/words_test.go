package frame

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/refusal"
)

var placeholder = regexp.MustCompile(`\{\d+\}|\*\*`)

// marks are the arguments and the bold of a text, in no order.
func marks(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return found
}

func TestEveryLanguageHasTheSameWords(t *testing.T) {
	t.Parallel()
	c := readCatalogue()
	if len(c.languages) < 2 || c.languages[0].Code != "en" {
		t.Fatalf("the languages are %v", c.languages)
	}
	english := c.languages[0]
	for _, l := range c.languages[1:] {
		for _, key := range english.keys() {
			text, ok := l.texts[key]
			switch {
			case !ok:
				t.Errorf("%s has no words for %s", l.Code, key)
			case strings.TrimSpace(text) == "":
				t.Errorf("%s: %s is empty", l.Code, key)
			case !slices.Equal(slices.Compact(marks(text)), slices.Compact(marks(english.texts[key]))):
				t.Errorf("%s: %s has the arguments %q, and %q in English", l.Code, key, marks(text), marks(english.texts[key]))
			}
		}
		for _, key := range l.keys() {
			if !english.Has(key) {
				t.Errorf("%s has words for %s, and English has none", l.Code, key)
			}
		}
	}
}

func TestEveryCodeOfTheAPIHasWords(t *testing.T) {
	t.Parallel()
	c := readCatalogue()
	for _, code := range refusal.Codes() {
		for _, part := range []string{".title", ".text"} {
			if key := "code." + code.String() + part; !c.languages[0].Has(key) {
				t.Errorf("there are no words for %s", key)
			}
		}
	}
	if got := c.keyOf("a_code_of_a_newer_member"); got != "code.internal" {
		t.Errorf("a code without words has the key %s", got)
	}
}

// literal is a key, or the beginning or the end of keys that are put together, in a template, in Go or in a script.
var literal = regexp.MustCompile("[\"'`]([a-z0-9_]*\\.[a-z0-9_.]*)[\"'`]")

// literals are the literals in all sources of the pages.
func literals(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(path, "_test.go") || !slices.Contains([]string{".go", ".html", ".js"}, filepath.Ext(path)) {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range literal.FindAllSubmatch(b, -1) {
			found[string(m[1])] = true
		}
		return err
	})
	if err != nil || len(found) < 10 {
		t.Fatalf("%d literals: %v", len(found), err)
	}
	return found
}

// isUsed reports whether a key is named, or begins with what keys are put together from.
func isUsed(key string, named map[string]bool) bool {
	for _, form := range forms {
		if base, ok := strings.CutSuffix(key, "."+form); ok && named[base] {
			return true
		}
	}
	if named[key] {
		return true
	}
	for i, c := range key {
		if c == '.' && i > 0 && named[key[:i+1]] {
			return true
		}
	}
	return false
}

func TestEveryWordIsUsed(t *testing.T) {
	t.Parallel()
	named := literals(t)
	for _, key := range readCatalogue().languages[0].keys() {
		if !strings.HasPrefix(key, "code.") && !isUsed(key, named) {
			t.Errorf("no page uses %s", key)
		}
	}
	if isUsed("lobby.home.no_such_word", named) {
		t.Error("a key that nothing names is taken for used: this test would find nothing")
	}
}

func TestWordsTakeArguments(t *testing.T) {
	t.Parallel()
	l := &Language{Code: "en", tag: readCatalogue().languages[0].tag, printer: readCatalogue().languages[0].printer, texts: map[string]string{
		"x.hello": "**Hello** {0}, {1}", "x.n.one": "{0} ballot", "x.n.other": "{0} ballots of {1}",
	}}
	for _, c := range []struct{ got, want string }{
		{string(l.T("x.hello", Name("<b>"), "a&b")), "<strong>Hello</strong> <bdi>&lt;b&gt;</bdi>, a&amp;b"},
		{l.Text("x.hello", Name("<b>"), "a&b"), "Hello <b>, a&b"},
		{string(l.N("x.n", 1)), "1 ballot"},
		{string(l.N("x.n", 188571, Name("x"))), "188,571 ballots of <bdi>x</bdi>"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestTimesAreWrittenInTheLanguageAndInUTC(t *testing.T) {
	t.Parallel()
	c := readCatalogue()
	at := time.Date(2026, 12, 2, 20, 0, 3, 0, time.FixedZone("CET", 3600))
	if got := c.find("en").Date(at); got != "2 December 2026, 19:00" {
		t.Errorf("English: %q", got)
	}
	if got := c.find("de").Second(at); got != "2. Dezember 2026, 19:00:03" {
		t.Errorf("German: %q", got)
	}
	want := `<time datetime="2026-12-02T19:00:03Z" data-to="minute">2 December 2026, 19:00 UTC</time>`
	if got := string(c.find("en").When(at)); got != want {
		t.Errorf("%s", got)
	}
}
