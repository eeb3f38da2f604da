package browser

import (
	_ "embed"
	"errors"
	"strings"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

//go:embed js/find.js
var findJS string

// found evaluates an expression in which find and its companions of js/find.js are known, and which may be evaluated
// twice: it is evaluated again where another page came meanwhile.
func found[T any](p *Tab, expression string) T {
	p.t.Helper()
	script := "(() => {" + findJS + "; return " + expression + " })()"
	for deadline := time.Now().Add(patience); ; {
		value, err := eval[T](p, script)
		if err == nil {
			return value
		}
		var gone *cdproto.Error // the page; what goes wrong in a script is no error of the protocol
		if !errors.As(err, &gone) || time.Now().After(deadline) {
			p.t.Fatalf("%v\nevaluating %s\n%s", err, expression, p.where())
		}
	}
}

// Press presses the link or button with a name and waits for the page that follows.
func (p *Tab) Press(name string) {
	p.t.Helper()
	p.leaves(func() { p.Click(name) })
}

// Click presses the link, button or summary with a name, and waits for nothing.
func (p *Tab) Click(name string) {
	p.t.Helper()
	p.clickAt(found[spot](p, "middle(find('press', "+quote(name)+"))"), 1)
}

// DoubleClick presses it twice, as impatient people do.
func (p *Tab) DoubleClick(name string) {
	p.t.Helper()
	p.clickAt(found[spot](p, "middle(find('press', "+quote(name)+"))"), 2)
}

// Mark presses a radio button or a checkbox by its label.
func (p *Tab) Mark(label string) {
	p.t.Helper()
	p.clickAt(found[spot](p, "middle(find('mark', "+quote(label)+"))"), 1)
}

// Marked reports whether a radio button or checkbox is marked.
func (p *Tab) Marked(label string) bool {
	p.t.Helper()
	return found[bool](p, "find('mark', "+quote(label)+").checked")
}

// Fill types a text into the field with a label, in the place of what is in it.
func (p *Tab) Fill(label, text string) {
	p.t.Helper()
	found[bool](p, "(e => { e.scrollIntoView(); e.focus(); e.select?.(); return true })(find('field', "+quote(label)+"))")
	if text == "" {
		p.Keys(kb.Delete)
		return
	}
	call(p, input.InsertText, input.InsertTextParams{Text: text})
}

// Field returns what is in the field with a label.
func (p *Tab) Field(label string) string {
	p.t.Helper()
	return found[string](p, "find('field', "+quote(label)+").value")
}

// Pick picks an option of a select by its text.
func (p *Tab) Pick(label, option string) {
	p.t.Helper()
	found[bool](p, `((s, text) => {
		const o = [...s.options].find(o => words(o.text) === text)
		if (!o) throw new Error(text + ' is no option; there are: ' + [...s.options].map(o => words(o.text)).join(' | '))
		s.value = o.value
		for (const type of ['input', 'change']) s.dispatchEvent(new Event(type, {bubbles: true}))
		return true
	})(find('field', `+quote(label)+`), `+quote(option)+`)`)
}

// Attach puts files into the file field with a label.
func (p *Tab) Attach(label string, paths ...string) {
	p.t.Helper()
	result := call(p, runtime.Evaluate, runtime.EvaluateParams{
		Expression: "(() => {" + findJS + "; return find('field', " + quote(label) + ") })()",
	})
	if result.ExceptionDetails != nil {
		p.t.Fatal(result.ExceptionDetails.Exception.Description)
	}
	call(p, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: paths, ObjectID: result.Result.ObjectID})
}

// Keys sends keys to what has the focus: text, or those of package kb, such as kb.Tab.
func (p *Tab) Keys(keys ...string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(strings.Join(keys, "")))
}

// ShiftTab goes one control back.
func (p *Tab) ShiftTab() {
	p.t.Helper()
	p.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
}

// Focused returns what the control with the focus is called, "" for none.
func (p *Tab) Focused() string {
	p.t.Helper()
	return found[string](p, "document.activeElement === document.body ? '' : called(document.activeElement)")
}

// Has reports whether a link or button with exactly this name is on the page.
func (p *Tab) Has(name string) bool {
	p.t.Helper()
	return found[bool](p, "[...document.querySelectorAll(kinds.press)].some(e => shown(e) && called(e) === "+quote(name)+")")
}

// Links returns the addresses of all links of the page, in their order.
func (p *Tab) Links() []string {
	p.t.Helper()
	return Eval[[]string](p, "[...document.querySelectorAll('a[href]')].map(a => a.href)")
}

// spot is a place in the window, in CSS pixels.
type spot struct{ X, Y float64 }

// clickAt presses and releases the left button n times, as fast as a mouse can.
func (p *Tab) clickAt(at spot, n int) {
	p.t.Helper()
	call(p, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: at.X, Y: at.Y})
	for i := 1; i <= n; i++ {
		for _, what := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
			call(p, input.DispatchMouseEvent, input.DispatchMouseEventParams{
				Type: what, X: at.X, Y: at.Y, Button: input.MouseButtonLeft, ClickCount: int64(i),
			})
		}
	}
}
