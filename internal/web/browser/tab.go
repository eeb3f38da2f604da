package browser

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience is how long a tab waits for anything: far longer than a failover takes.
const patience = 20 * time.Second

// Look is how a person sees a page. The zero value of a field is the common case.
type Look struct {
	Name          string // of screenshots
	Width, Height int    // in CSS pixels; default 1280 × 800
	Dark          bool   // prefers-color-scheme: dark
	Forced        bool   // forced-colors: active
	Still         bool   // prefers-reduced-motion: reduce
	Print         bool   // the media type print
	Text          int    // size of the default text in CSS pixels; default 16
	NoScript      bool   // script is switched off
	Language      string // Accept-Language; default en
}

// The looks that most tests need.
var (
	Desk  = Look{Name: "1280", Width: 1280, Height: 800}
	Phone = Look{Name: "390", Width: 390, Height: 844}
	Small = Look{Name: "320", Width: 320, Height: 568}
)

// Tab is one tab of the browser, in a context of its own: no cookie and no cache of another
// tab is in it. Its methods fail the test where the page has not what they ask for. It is
// used from the test's goroutine only.
type Tab struct {
	t    testing.TB
	ctx  context.Context
	look Look
	from *Chromium

	seen *seen
}

// Open opens a tab, which the end of the test closes.
func Open(t testing.TB, look Look) *Tab {
	t.Helper()
	return Shared(t).Open(t, look)
}

// Open opens a tab in a context of its own.
func (c *Chromium) Open(t testing.TB, look Look) *Tab {
	t.Helper()
	return c.open(t, look, chromedp.WithNewBrowserContext())
}

// Another opens a further tab that shares cookies and cache with this one, as a second tab
// of the same person.
func (p *Tab) Another() *Tab {
	p.t.Helper()
	id := chromedp.FromContext(p.ctx).BrowserContextID
	return p.from.open(p.t, p.look, chromedp.WithExistingBrowserContext(id))
}

func (c *Chromium) open(t testing.TB, look Look, in chromedp.ContextOption) *Tab {
	t.Helper()
	p := &Tab{t: t, from: c, seen: newSeen()}
	ctx, end := chromedp.NewContext(c.ctx, in, chromedp.WithListener(p.seen.event))
	t.Cleanup(end)
	p.ctx = ctx
	p.do(chromedp.Steps())
	p.Look(look)
	return p
}

// Look changes how the page is seen from now on.
func (p *Tab) Look(look Look) {
	p.t.Helper()
	if look.Width == 0 {
		look.Width, look.Height = Desk.Width, Desk.Height
	}
	if look.Text == 0 {
		look.Text = 16
	}
	if look.Language == "" {
		look.Language = "en"
	}
	p.look = look
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(look.Width), Height: int64(look.Height), DeviceScaleFactor: 1,
	})
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: pick(look.Dark, "dark", "light")},
		{Name: "forced-colors", Value: pick(look.Forced, "active", "none")},
		{Name: "prefers-reduced-motion", Value: pick(look.Still, "reduce", "no-preference")},
	}}
	if look.Print {
		media.Media = "print"
	}
	call(p, emulation.SetEmulatedMedia, media)
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: look.NoScript})
	call(p, page.SetFontSizes, page.SetFontSizesParams{FontSizes: &page.FontSizes{Standard: int64(look.Text), Fixed: int64(look.Text)}})
	call(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	call(p, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers("Accept-Language", look.Language)})
}

func pick(choose bool, yes, no string) string {
	if choose {
		return yes
	}
	return no
}

// do runs steps on the tab, and fails the test where they take too long.
func (p *Tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	// The first step binds the tab's life to its context: it must have no deadline.
	if chromedp.FromContext(p.ctx).Target == nil {
		if err := chromedp.Do(p.ctx, steps...); err != nil {
			p.t.Fatal(err)
		}
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%v\n%s", err, p.where())
	}
}

// call sends a command of the DevTools protocol, and fails the test where it is refused.
func call[P, R any](p *Tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		p.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// Eval evaluates an expression on the page and decodes its value. A promise is awaited. It
// works also where the page's own script is off.
func Eval[T any](p *Tab, expression string) T {
	p.t.Helper()
	value, err := eval[T](p, expression)
	if err != nil {
		p.t.Fatalf("%v\nevaluating %.200s\n%s", err, expression, p.where())
	}
	return value
}

func eval[T any](p *Tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}
