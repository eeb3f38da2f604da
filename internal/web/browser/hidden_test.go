package browser

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"voted/client"
)

// The ballots of a poll whose numbers are found on a page if they are on it.
const (
	manyAnn = 1733
	manyBo  = 2389
)

// numbersOn returns which of the poll's numbers a text has, with or without separators.
func numbersOn(text string) (found []string) {
	for _, n := range []int{manyAnn, manyBo, manyAnn + manyBo} {
		digits := fmt.Sprint(n)
		pattern := regexp.MustCompile(`(^|[^0-9])` + digits[:1] + `[.,' \x{00a0}\x{202f}\x{2009}]?` + digits[1:] + `([^0-9]|$)`)
		if pattern.MatchString(text) {
			found = append(found, digits)
		}
	}
	return found
}

// fillBox casts the ballots.
func (s *Site) fillBox(t testing.TB, poll string) {
	t.Helper()
	ballots := func(yield func(client.BulkBallot) bool) {
		for i := range manyAnn + manyBo {
			choice := "bo"
			if i < manyAnn {
				choice = "ann"
			}
			if !yield(client.BulkBallot{Voter: fmt.Sprintf("b-%d", i), Ballot: client.Choose(choice)}) {
				return
			}
		}
	}
	for _, err := range s.Client.CastMany(t.Context(), poll, ballots) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Hidden results are on no page and in no download, for whomever it is.
func TestHiddenResultsAreNowhere(t *testing.T) {
	t.Parallel()
	s := Common(t)
	d := definitionOf("Board")
	d.Results = client.ResultsAfterClose
	hidden := s.Poll(t, d)
	live := s.Poll(t, definitionOf("Board"))
	s.fillBox(t, hidden)
	s.fillBox(t, live)
	shown := false
	for _, r := range routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		if method != http.MethodGet || !strings.Contains(path, "{poll}") || slices.Contains(streams, r.Pattern) {
			continue
		}
		paths := []string{strings.TrimSuffix(variable.ReplaceAllStringFunc(path, func(v string) string {
			if v == "{poll}" {
				return "POLL"
			}
			return fill[strings.Trim(v, "{}.")]
		}), "{$}")}
		if strings.HasSuffix(path, "/ballots") {
			for _, format := range []string{"csv", "ndjson", "abif"} {
				paths = append(paths, paths[0]+"?format="+format)
			}
		}
		if base, is := strings.CutSuffix(paths[0], "/results.csv"); is {
			for _, file := range []string{"results.json", "rounds.csv", "report.txt", "chart.svg"} {
				paths = append(paths, base+"/"+file)
			}
		}
		for _, path := range paths {
			for _, role := range visitors {
				if found := numbersOn(s.send(t, method, strings.Replace(path, "POLL", hidden, 1), role, "", s.asVoter(t, role, hidden)).text); len(found) > 0 {
					t.Errorf("%q sees %v at %s", role, found, path)
				}
				if len(numbersOn(s.send(t, method, strings.Replace(path, "POLL", live, 1), role, "", s.asVoter(t, role, live)).text)) > 0 {
					shown = true
				}
			}
		}
	}
	if !shown {
		t.Error("the numbers of a poll with live results are nowhere either: this test finds nothing")
	}
}

// asVoter adds the cookie of a voter of a poll.
func (s *Site) asVoter(t testing.TB, role, poll string) func(r *http.Request) {
	return func(r *http.Request) {
		if role == "voter" {
			r.AddCookie(&http.Cookie{Name: "__Secure-voted-vote", Value: s.Credential(t, poll, "b-1")})
		}
	}
}

// Looking changes nothing: neither a person, nor a program that opens every link.
func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	s, p := exhibits(t)
	before := s.state(t)
	for _, at := range places(t, p) {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := s.send(t, method, at.path, at.role, "", nil)
			if a.status >= 500 || method == http.MethodHead && a.text != "" {
				t.Errorf("%s %s: %d with %d bytes", method, at.path, a.status, len(a.text))
			}
		}
	}
	if after := s.state(t); after != before || !strings.Contains(before, "show-open") {
		t.Errorf("it was %s\nand is %s", before, after)
	}
}
