package browser

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/fetch"
)

// Each check of pages is held against a page that is wrong on purpose: a check that finds
// nothing there would find nothing anywhere.
func TestEachCheckFindsWhatItIsThereFor(t *testing.T) {
	t.Parallel()
	good := Open(t, Small)
	good.Go(serve(t, map[string]string{"/": goodBody}, ""))
	for name, wrong := range map[string]struct {
		body, style string
		check       func(p *Tab) []string
		says        string
	}{
		"a field without a label": {
			body:  `<h1>A page</h1><input name="code">`,
			check: axeRules, says: "label",
		},
		"faint text": {
			body:  `<h1>A page</h1><p style="color:#777">Faint.</p>`,
			check: func(p *Tab) []string { return p.Faint(10) }, says: `"Faint."`,
		},
		"text on a background that is nearly the same": {
			body:  `<h1>A page</h1><p style="background:#0b3a75">Dark on dark.</p>`,
			check: func(p *Tab) []string { return p.Faint(10) }, says: `"Dark on dark."`,
		},
		"a control that is too low": {
			body:  `<h1>A page</h1><button style="min-height:0;height:24px;padding:0">Low</button>`,
			check: func(p *Tab) []string { return p.Flat(44) }, says: `"Low"`,
		},
		"a page wider than the window": {
			body:  `<h1>A page</h1><p style="width:40rem">Wide.</p>`,
			check: (*Tab).Wide, says: "the page is",
		},
		"a text that is cut off": {
			body:  `<h1>A page</h1><p style="width:3rem;overflow:hidden;white-space:nowrap">A name that is long.</p>`,
			check: (*Tab).Cut, says: "p",
		},
		"a focus that cannot be seen": {
			body: `<h1>A page</h1><button>Here</button>`, style: `:focus-visible{outline:none}`,
			check: (*Tab).Walk, says: "shows its focus with 0 px",
		},
		"an order of its own": {
			body:  `<h1>A page</h1><button tabindex="2">One</button><button tabindex="1">Two</button>`,
			check: (*Tab).Walk, says: "stands behind it",
		},
		"a control that Tab does not reach": {
			body:  `<h1>A page</h1><button>One</button><button>Two</button><script>onkeydown = e => { if (document.activeElement.innerText === 'One') e.preventDefault() }</script>`,
			check: (*Tab).Walk, says: "lets nobody out",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Open(t, Small)
			p.Go(serve(t, map[string]string{"/": wrong.body}, wrong.style))
			if found := wrong.check(p); !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, wrong.says) }) {
				t.Errorf("it found %q, want %q among it", found, wrong.says)
			}
		})
	}
	for name, found := range map[string][]string{
		"axe": axeRules(good), "faint": good.Faint(10), "flat": good.Flat(44), "wide": good.Wide(), "cut": good.Cut(), "walk": good.Walk(),
		"complaints": good.Complaints(),
	} {
		if len(found) > 0 {
			t.Errorf("%s found on a page that is right: %q", name, found)
		}
	}
}

func axeRules(p *Tab) (rules []string) {
	p.t.Helper()
	for _, v := range p.Axe() {
		rules = append(rules, v.String())
	}
	return rules
}

func TestComplaintsAreSeenWithScriptAndWithout(t *testing.T) {
	t.Parallel()
	url := serveWith(t, map[string]string{
		"/inline": `<h1>A page</h1><p style="color:red">Red.</p><script>document.title = 'no'</script>`,
		"/lost":   `<h1>A page</h1><img src="/nothing.png" alt="">`,
	}, "", map[string]string{"Content-Security-Policy": "default-src 'none'; img-src 'self'"})
	for _, look := range []Look{{}, {NoScript: true}} {
		p := Open(t, look)
		p.Go(url + "/inline")
		if said := strings.Join(p.Complaints(), "\n"); !strings.Contains(said, "inline style") {
			t.Errorf("with %+v the browser said %q", look, said)
		}
		if p.Title() != "A page" {
			t.Error("a script ran that the policy forbids")
		}
		p.Forget()
		p.Go(url + "/lost")
		if said := strings.Join(p.Complaints(), "\n"); !strings.Contains(said, "404") {
			t.Errorf("of a part that is missing the browser said %q", said)
		}
	}
	p := Open(t, Look{})
	p.Go(serve(t, map[string]string{"/": `<h1>A page</h1><script>nothing.here()</script>`}, ""))
	if said := strings.Join(p.Complaints(), "\n"); !strings.Contains(said, "nothing is not defined") {
		t.Errorf("of an exception the browser said %q", said)
	}
}

func TestAPageIsUsedByWhatStandsOnIt(t *testing.T) {
	t.Parallel()
	for _, look := range []Look{Phone, {NoScript: true}} {
		p := Open(t, look)
		url := serve(t, map[string]string{"/": goodBody, "/next": `<h1>Next</h1>`, "/sent": `<h1>Sent</h1>`}, "")
		if status := p.Go(url + "/missing"); status != 404 {
			t.Errorf("a page that is not there has status %d", status)
		}
		p.Go(url)
		p.Mark("Bo")
		p.Fill("Code", "vc1")
		if !p.Marked("Bo") || p.Marked("Ann") || p.Field("Code") != "vc1" {
			t.Error("the form has not what was put into it")
		}
		want := "group \"Choose one.\"\n"
		if tree := p.Tree(); !strings.Contains(tree, want) || !strings.Contains(tree, `radio "Bo" checked=true`) || !strings.Contains(tree, `textbox "Code" = vc1`) {
			t.Errorf("the tree is\n%s", tree)
		}
		p.Press("Send")
		if p.Heading() != "Sent" || p.Sent("POST", "/sent") != 1 {
			t.Errorf("after sending: %q, %d sent", p.Heading(), p.Sent("POST", "/sent"))
		}
		p.Back()
		p.Press("text")
		if p.Path() != "/next" {
			t.Errorf("the link led to %s", p.URL())
		}
	}
}

func TestRequestsAndAnswersAreLost(t *testing.T) {
	t.Parallel()
	p := Open(t, Phone)
	url := serve(t, map[string]string{"/": goodBody, "/sent": `<h1>Sent</h1>`}, "")
	p.Go(url)
	arrived := 0
	i := p.Intercept("POST", "/sent", func(n int) Fate {
		switch n {
		case 1:
			return Fate{LoseRequest: true}
		case 2:
			return Fate{After: func() { arrived++ }, LoseAnswer: true}
		case 3:
			return Fate{Status: 503, Header: map[string]string{"Retry-After": "1"}, Body: "busy"}
		}
		return Fate{}
	})
	send := "fetch('/sent', {method: 'POST'}).then(r => r.status, () => 0)"
	var got []int
	for range 4 {
		got = append(got, Eval[int](p, send))
	}
	if want := []int{0, 0, 503, 200}; !slices.Equal(got, want) || i.Count() != 4 || arrived != 1 {
		t.Errorf("statuses %v, want %v; %d were sent, %d answered and lost", got, want, i.Count(), arrived)
	}
	call(p, fetch.Disable, struct{}{})
	p.Offline(true)
	if Eval[bool](p, "navigator.onLine") || Eval[int](p, send) != 0 {
		t.Error("the tab has a network after all")
	}
	p.Offline(false)
	if Eval[int](p, send) != 200 {
		t.Error("the tab has no network again")
	}
}

func TestTabsShareNothingButThoseOfOnePerson(t *testing.T) {
	t.Parallel()
	url := serve(t, map[string]string{"/": goodBody}, "")
	one, two := Open(t, Look{}), Open(t, Look{})
	one.Go(url)
	two.Go(url)
	Eval[bool](one, "(document.cookie = 'who=one', true)")
	again := one.Another()
	again.Go(url)
	if mine, theirs := Eval[string](again, "document.cookie"), Eval[string](two, "document.cookie"); mine != "who=one" || theirs != "" {
		t.Errorf("the cookie of one tab is %q in another of the same person and %q in a stranger's", mine, theirs)
	}
}

func TestTheLiteralIsCutOutWhole(t *testing.T) {
	t.Parallel()
	script := "x=`no`;y=" + axeBegins + "4 */ a\\`b \\${c}`;z=`more`"
	if got, err := templateLiteral(script, axeBegins); err != nil || got != axeBegins+"4 */ a\\`b \\${c}`" {
		t.Errorf("it cut %q, %v", got, err)
	}
	for _, wrong := range []string{"x=`no`", axeBegins + "4 \\`"} {
		if got, err := templateLiteral(wrong, axeBegins); err == nil {
			t.Errorf("of %q it cut %q", wrong, got)
		}
	}
}
