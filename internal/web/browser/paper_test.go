package browser

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"voted/client"
)

// offScreen lists what of a page that does not scroll is not in the window, and what is cut off by its box.
func offScreen(p *Tab) []string {
	return append(Eval[[]string](p, `[...document.body.querySelectorAll('*')].filter(e => {
		const b = e.getBoundingClientRect()
		return e.checkVisibility() && !e.closest('.hidden') && e.innerText?.trim() && b.width > 1 && (b.bottom > innerHeight + 1 || b.right > innerWidth + 1 || b.top < -1 || b.left < -1)
	}).map(e => e.localName + '.' + e.className + ' "' + e.innerText.trim().slice(0, 40) + '"')`), p.Cut()...)
}

// A hall sees the whole page: with as many options as a screen has, turnout, a quorum, and the code to vote with.
func TestAProjectorShowsAllOfIt(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.election(t, client.Plurality)
	p := Open(t, Desk)
	p.Go(s.URL("/polls/" + poll + "/screen"))
	for _, look := range []Look{
		{Name: "720p", Width: 1280, Height: 720}, {Name: "2160p", Width: 3840, Height: 2160}, {Name: "720p-de", Width: 1280, Height: 720, Language: "de"},
	} {
		p.Look(look)
		p.Reload()
		if found := offScreen(p); len(found) > 0 {
			t.Errorf("%s: not on the screen: %s", look.Name, strings.Join(found, "\n\t"))
		}
		p.Shows("Hana Lindström", pick(look.Language == "de", "12 Stimmzettel", "12 ballots"))
		p.Picture("screen-" + look.Name)
	}
	// The measure finds what is not there: options that are this high have no room.
	Eval[bool](p, "(document.querySelectorAll('.option').forEach(o => o.style.height = '15vh'), true)")
	if len(offScreen(p)) == 0 {
		t.Error("nothing is missed where eight options are 120 % of the screen: this test finds nothing")
	}
}

var sheet = regexp.MustCompile(`/Type\s*/Page[^s]`)

// The result and the certificate, printed on A4: nothing reaches out of the sheet, and nothing is cut off.
func TestResultsAndCertificatesArePrintedWhole(t *testing.T) {
	t.Parallel()
	s := Common(t)
	paper := Look{Width: 688, Height: 1000, Print: true, Language: "de"} // A4 without its margins, at 96 dpi; German words are long
	p := Open(t, paper)
	for _, method := range []client.Method{client.Plurality, client.IRV, client.STAR, client.Schulze} {
		poll := s.election(t, method)
		if _, err := s.Client.ClosePoll(t.Context(), poll); err != nil {
			t.Fatal(err)
		}
		for page, most := range map[string]int{"": 4, "/certificate": 3} {
			p.Go(s.URL("/polls/" + poll + page))
			if found := append(p.Wide(), p.Cut()...); len(found) > 0 {
				t.Errorf("%s%s does not fit on paper: %s", method, page, strings.Join(found, "\n\t"))
			}
			pdf := p.PDF()
			if page != "" && method == client.Plurality {
				most = 1
			}
			sheets := len(sheet.FindAll(pdf, -1))
			if sheets < 1 || sheets > most {
				t.Errorf("%s%s has %d sheets, want %d at most", method, page, sheets, most)
			}
			keep(t, fmt.Sprintf("print-%s%s.pdf", method, strings.ReplaceAll(page, "/", "-")), pdf)
		}
	}
	// The measure finds what is too wide.
	p.Go(serve(t, map[string]string{"/": `<table><tr><td><pre>` + strings.Repeat("wide ", 60) + `</pre></table>`}, ""))
	if len(p.Wide()) == 0 {
		t.Error("a table of 300 letters fits on paper: this test finds nothing")
	}
}

// Each view of results, in the language with the longer words, on a small phone and on a desk.
func TestEveryViewOfResultsFitsTheWindow(t *testing.T) {
	t.Parallel()
	s := Common(t)
	p := Open(t, Small)
	for _, c := range []struct {
		method client.Method
		views  []string
	}{
		{client.IRV, []string{"bars", "flow"}},
		{client.Schulze, []string{"pairs"}},
		{client.STAR, []string{"scores"}},
		{client.STV, []string{"rounds"}}, // the last, for the control below: names in the heads of pairs hold columns open
	} {
		poll := s.election(t, c.method)
		if _, err := s.Client.ClosePoll(t.Context(), poll); err != nil {
			t.Fatal(err)
		}
		for _, view := range c.views {
			p.Look(Look{Width: 320, Height: 568, Language: "de"})
			p.Go(s.URL("/polls/" + poll + "?view=" + view))
			for _, width := range []int{320, 1280} {
				p.Look(Look{Width: width, Height: 800, Language: "de"})
				if found := append(p.Wide(), p.Cut()...); len(found) > 0 {
					t.Errorf("%s as %s at %d px: %s", c.method, view, width, strings.Join(found, "\n\t"))
				}
			}
			if found := p.brokenNumbers(); len(found) > 0 {
				t.Errorf("%s as %s: these numbers stand on two lines: %q", c.method, view, found)
			}
			p.Shot("results-" + string(c.method) + "-" + view)
		}
	}
	// The measure finds numbers that are broken.
	Eval[bool](p, "(document.querySelectorAll('.scroll td').forEach(td => { td.textContent = '1,234 567'; td.style.whiteSpace = 'normal'; td.style.maxWidth = '3em' }), true)")
	if len(p.brokenNumbers()) == 0 {
		t.Error("numbers in columns of 3 em are on one line: this test finds nothing")
	}
}

// brokenNumbers are the numbers in tables that do not stand on one line.
func (p *Tab) brokenNumbers() []string {
	p.t.Helper()
	return Eval[[]string](p, `[...document.querySelectorAll('.scroll td')].flatMap(td => {
		const texts = document.createTreeWalker(td, NodeFilter.SHOW_TEXT), broken = []
		for (let n = texts.nextNode(); n; n = texts.nextNode()) {
			const r = document.createRange()
			r.selectNode(n)
			if (/\d/.test(n.data) && new Set([...r.getClientRects()].map(b => b.top)).size > 1) broken.push(n.data)
		}
		return broken
	})`)
}

// election makes a poll for everybody with eight options of usual names, a list of voters with weights, a quorum and 12 ballots.
func (s *Site) election(t testing.TB, method client.Method) string {
	t.Helper()
	d := client.Definition{Title: "Election of the board 2026", Method: method, Audience: client.AudienceAnyone, Eligibility: client.OnRoll, Quorum: 10}
	for _, name := range []string{"Ann Smith", "Bo Jensen", "Cy Okonkwo-Fitzgerald", "Dilan Yılmaz", "Eve Marchand", "Fritz Obermüller", "Giulia Conti", "Hana Lindström"} {
		id, _, _ := strings.Cut(strings.ToLower(name), " ")
		d.Options = append(d.Options, client.PollOption{ID: id, Title: name})
	}
	if method == client.STV {
		d.Seats = 2
	}
	poll := s.Poll(t, d)
	var roll []client.RollEntry
	for n := range 20 {
		roll = append(roll, client.RollEntry{Voter: fmt.Sprint("v-", n), Weight: uint32(1 + n%2)})
	}
	if _, err := s.Client.LoadRoll(t.Context(), poll, func(yield func(client.RollEntry) bool) {
		for _, e := range roll {
			if !yield(e) {
				return
			}
		}
	}, nil); err != nil {
		t.Fatal(err)
	}
	for n := range 12 {
		at := func(k int) string {
			return d.Options[([]int{0, 1, 2, 0, 1, 3, 4, 0, 5, 1, 2, 6}[n]+k*3)%len(d.Options)].ID
		}
		ballot := client.Choose(at(0))
		switch method {
		case client.IRV, client.STV, client.Schulze:
			ballot = client.Rank(at(0), at(1), at(2))
		case client.STAR:
			ballot = client.Score(map[string]int{at(0): 5, at(1): 3, at(2): 1})
		}
		if _, err := s.Client.Cast(t.Context(), poll, fmt.Sprint("v-", n), ballot); err != nil {
			t.Fatal(err)
		}
	}
	return poll
}
