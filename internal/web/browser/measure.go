package browser

import (
	_ "embed"
	"fmt"

	"github.com/chromedp/chromedp/kb"
)

//go:embed js/measure.js
var measureJS string

func measured[T any](p *Tab, expression string) T {
	p.t.Helper()
	return Eval[T](p, "(() => {"+measureJS+"; return "+expression+" })()")
}

// Faint returns the texts whose contrast with what is behind them is less than least, such as
// 10 for 10:1 (WCAG 2.2, 1.4.3). Texts in drawings are left out: their contrast is that of the
// drawing's parts.
func (p *Tab) Faint(least float64) []string {
	p.t.Helper()
	return measured[[]string](p, fmt.Sprintf("faint(%g)", least))
}

// Flat returns the controls that are lower than least CSS pixels, links within a text left out.
func (p *Tab) Flat(least float64) []string {
	p.t.Helper()
	return measured[[]string](p, fmt.Sprintf("flat(%g)", least))
}

// Wide returns what makes the page wider than the window, nothing if it is not.
func (p *Tab) Wide() []string { p.t.Helper(); return measured[[]string](p, "wide()") }

// Cut returns the elements whose text does not fit into them and is cut off.
func (p *Tab) Cut() []string { p.t.Helper(); return measured[[]string](p, "cut()") }

// focusRing is the least width of the ring around what has the focus, in CSS pixels.
const focusRing = 3

// mostParts is how many stops a control may have: a field for a date and a time has one for each number.
const mostParts = 8

// stop is where Tab has led.
type stop struct {
	Place, Name string
	Ring        float64 // width of the outline
	Order       int     // position in the document
	Group       string  // name of a radio button's group, "" for other controls

	parts int // further stops in the same control, such as the hours of a time
}

// Walk goes through the page with Tab and returns what is wrong: controls that it does not
// come to, an order other than the document's, a focus that cannot be seen, a trap.
func (p *Tab) Walk() (wrong []string) {
	p.t.Helper()
	// Tab goes on from what had the focus last. Where the page has moved it, the whole document gets it, and loses it.
	Eval[bool](p, `((root, moved) => {
		if (moved) { root.tabIndex = -1; root.focus(); root.blur(); root.removeAttribute('tabindex') }
		getSelection().removeAllRanges()
		scrollTo(0, 0)
		return true
	})(document.documentElement, document.activeElement !== document.body)`)
	want := measured[[]string](p, "stops()")
	var came []stop
	for len(came) <= len(want) {
		p.Keys(kb.Tab)
		at := measured[*stop](p, "ring()")
		if at == nil || len(came) > 1 && at.Order == came[0].Order {
			break // out of the page, or round
		}
		if n := len(came); n > 0 && at.Order == came[n-1].Order {
			if came[n-1].parts++; came[n-1].parts > mostParts {
				wrong = append(wrong, fmt.Sprintf("%s %q lets nobody out", at.Place, at.Name))
				break
			}
			came[n-1].Ring = max(came[n-1].Ring, at.Ring)
			continue
		}
		came = append(came, *at)
	}
	for i, at := range came {
		if at.Ring < focusRing {
			wrong = append(wrong, fmt.Sprintf("%s %q shows its focus with %g px", at.Place, at.Name, at.Ring))
		}
		if i > 0 && at.Order < came[i-1].Order {
			wrong = append(wrong, fmt.Sprintf("%s %q comes after %s, which stands behind it", at.Place, at.Name, came[i-1].Place))
		}
	}
	if len(came) != len(want) {
		places := make([]string, len(came))
		for i, at := range came {
			places[i] = at.Place
		}
		wrong = append(wrong, fmt.Sprintf("Tab comes to %d controls of %d: %q, want %q", len(came), len(want), places, want))
	}
	return wrong
}
