package browser

import (
	"net/http"
	"testing"

	"voted/client"
)

// buttonsOf are the names of a page's buttons.
const buttonsOf = `[...document.querySelectorAll('button, input[type=submit]')].filter(b => b.checkVisibility()).map(b => b.innerText.trim())`

// A program of a mail service that opens each link, runs the pages' scripts and presses each button once casts nothing:
// that takes a marked option, and two presses on two pages.
func TestAMailScannerCastsNothing(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Title: "Board", Revote: client.RevoteUntilClose})
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, page := range []string{"", "/ballot", "/receipt", "/review", "/cast", "/leave"} {
			s.send(t, method, "/vote/"+poll+page, "", "", func(r *http.Request) {
				r.AddCookie(&http.Cookie{Name: "__Secure-voted-vote", Value: s.Credential(t, poll, "v-1")})
				r.Header.Set("Sec-Purpose", "prefetch")
			})
		}
	}
	var tab *Tab
	pressed := 0
	open := func() []string {
		tab = Open(t, Desk) // what was pressed in an earlier one may still be under way
		tab.Follow(s.Link(t, poll, "v-1"))
		tab.AwaitAt("/vote/" + poll + "/ballot")
		return Eval[[]string](tab, buttonsOf)
	}
	for _, first := range open() {
		open()
		tab.Press(first)
		for _, second := range Eval[[]string](tab, buttonsOf) {
			if found[bool](tab, `(button => { button?.click(); return !!button })([...document.querySelectorAll(kinds.press)]
				.find(e => shown(e) && called(e) === `+quote(second)+`))`) {
				pressed++
			}
		}
	}
	if p, err := s.Client.Poll(t.Context(), poll); err != nil || *p.Ballots != 0 || pressed < 2 {
		t.Errorf("after %d buttons there are %v ballots (%v)", pressed, *p.Ballots, err)
	}
	// A person who marks an option casts with the same presses.
	open()
	tab.Mark("Bo")
	tab.Press("Check my ballot")
	tab.Press("Cast my ballot")
	tab.Shows("Your ballot is in the box")
	if p, err := s.Client.Poll(t.Context(), poll); err != nil || *p.Ballots != 1 {
		t.Errorf("a person's ballot is not there: %v", err)
	}
}
