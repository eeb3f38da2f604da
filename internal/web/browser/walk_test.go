package browser

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Every page, as it is drawn for a phone, a tablet and a desk, light, dark and with the visitor's own colours: axe finds
// nothing, text has a contrast of 10:1, nothing reaches out of the window, controls are large enough, Tab goes through
// the page in its order, and the browser has nothing to complain of and nowhere else to go.
func TestEveryPageIsForEveryone(t *testing.T) {
	t.Parallel()
	s, p := exhibits(t)
	for _, at := range lookedAt(places(t, p), p) {
		t.Run(at.name, func(t *testing.T) {
			t.Parallel()
			tab := s.visitor(t, Small, at)
			if status := tab.Go(s.URL(at.path)); status >= 500 {
				t.Fatalf("%s has status %d\n%s", at.path, status, tab.where())
			}
			checkPage(t, tab, s.Nodes[0].URL)
			tab.Shot(at.name)
		})
	}
}

// checkPage holds the page that a tab shows to what all pages promise. own is the origin of the pages.
func checkPage(t *testing.T, tab *Tab, own string) {
	t.Helper()
	report := func(what string, found []string) {
		t.Helper()
		if len(found) > 0 {
			t.Errorf("%s: %s", what, strings.Join(found, "\n\t"))
		}
	}
	// Colours do not depend on the width: each width once, and each scheme once.
	for _, look := range []Look{
		{Name: "light", Width: 1280}, {Name: "light", Width: 768}, {Name: "light", Width: 320}, {Name: "dark", Width: 320, Dark: true}, {Name: "forced", Width: 320, Forced: true},
	} {
		look.Height = 800
		tab.Look(look)
		report(fmt.Sprintf("axe at %d px, %s", look.Width, look.Name), axeRules(tab))
		if !look.Forced && look.Width == 320 {
			report("contrast below 10:1, "+look.Name, tab.Faint(10))
		}
	}
	narrow, large := Small, Small
	large.Text = 32
	cut := tab.Cut
	if strings.HasSuffix(tab.Path(), "/screen") { // a projector's page is for halls, and does not scroll: long names end in …
		narrow, large, cut = Desk, Look{Width: 3840, Height: 2160}, func() []string { return nil }
	}
	tab.Look(narrow)
	report("wider than the window", tab.Wide())
	report("cut off", cut())
	least := 44.0
	if Eval[bool](tab, "document.body.classList.contains('booth')") {
		least = 56
	}
	report(fmt.Sprintf("lower than %g px", least), tab.Flat(least))
	report("Tab", tab.Walk())
	tab.Look(large)
	report("wider than the window with text of 200 %", tab.Wide())
	report("cut off with text of 200 %", cut())
	tab.Look(Small)
	report("complaints", tab.Complaints())
	report("elsewhere", elsewhere(tab, own))
	report("policy", withoutPolicy(tab))
}

// elsewhere returns the requests that went to another origin.
func elsewhere(tab *Tab, own string) (urls []string) {
	for _, r := range tab.Requests() {
		if u, err := url.Parse(r.URL); err != nil || u.Scheme != "data" && u.Scheme+"://"+u.Host != own {
			urls = append(urls, r.URL)
		}
	}
	return urls
}

// policy is what must stand in the Content-Security-Policy of every document.
var policy = []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors", "form-action"}

// withoutPolicy returns the documents that came without a policy, or with one that lets script from elsewhere in.
func withoutPolicy(tab *Tab) (urls []string) {
	for _, r := range tab.Requests() {
		csp := r.Headers["content-security-policy"]
		if r.Kind == "Document" && (slices.ContainsFunc(policy, func(p string) bool { return !strings.Contains(csp, p) }) || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*")) {
			urls = append(urls, r.URL+": "+csp)
		}
	}
	return urls
}

func TestTheWalkNoticesWhatGoesElsewhereAndWhatHasNoPolicy(t *testing.T) {
	t.Parallel()
	other := serve(t, map[string]string{"/font": ""}, "")
	own := serve(t, map[string]string{"/": `<h1>A page</h1><img src="` + other + `/font" alt="">`}, "")
	tab := Open(t, Small)
	tab.Go(own)
	if found := elsewhere(tab, own); len(found) != 1 || !strings.HasPrefix(found[0], other) {
		t.Errorf("elsewhere: %q", found)
	}
	if found := withoutPolicy(tab); len(found) != 1 {
		t.Errorf("without a policy: %q", found)
	}
}

// Markup in titles and options is text.
func TestTitlesAreTextWhateverTheyHold(t *testing.T) {
	t.Parallel()
	s, p := exhibits(t)
	for _, path := range []string{"/polls", "/manage", "/manage/" + p.open, "/manage/" + p.closed} {
		at := place{path: path, role: "admin"}
		tab := s.visitor(t, Desk, at)
		tab.Go(s.URL(at.path))
		tab.Shows(nasty)
		if scripts := Eval[int](tab, "[...document.scripts].filter(s => !s.src).length"); scripts != 0 {
			t.Errorf("%s has %d scripts of its own", path, scripts)
		}
		if said := tab.Complaints(); len(said) > 0 {
			t.Errorf("%s: %q", path, said)
		}
	}
}

func TestSigningInLeadsOnAndSigningOutEndsIt(t *testing.T) {
	t.Parallel()
	s := Common(t)
	for _, look := range []Look{Phone, {NoScript: true}} {
		tab := Open(t, look)
		tab.Go(s.URL("/manage"))
		tab.Shows("For organisers, operators")
		tab.Fill("Token", "voted_nonsense")
		tab.Press("Sign in")
		tab.Shows("There is a problem")
		if on := Eval[bool](tab, "document.activeElement.matches('.problems')"); on == look.NoScript {
			t.Errorf("the focus is on what is wrong: %t, with script: %t", on, !look.NoScript)
		}
		tab.Fill("Token", s.TokenOf("admin"))
		tab.Press("Sign in")
		if tab.Path() != "/manage" || tab.Heading() != "Manage votes" {
			t.Errorf("signing in led to %s: %s", tab.URL(), tab.Heading())
		}
		tab.Press("Sign out")
		tab.Go(s.URL("/manage"))
		if tab.Path() != "/signin" {
			t.Errorf("after signing out /manage is at %s", tab.URL())
		}
		if said := tab.Complaints(); len(said) > 0 {
			t.Errorf("%q", said)
		}
	}
}
