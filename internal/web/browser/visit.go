package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Go visits a URL, waits until it has loaded, and returns the status of the page.
func (p *Tab) Go(url string) int {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	resp, err := chromedp.Run(ctx, chromedp.NavigateResponse(url))
	if err != nil {
		p.t.Fatalf("visiting %s: %v", url, err)
	}
	return int(resp.Status)
}

// Follow goes to a URL from which a page's script leads on at once, as from a voting link, and waits for nothing: await
// where it leads with AwaitAt.
func (p *Tab) Follow(url string) {
	p.t.Helper()
	call(p, page.Navigate, page.NavigateParams{URL: url})
}

// GoInVain visits a URL where no page comes, and returns what the browser says.
func (p *Tab) GoInVain(url string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.Navigate(url))
	var failed *chromedp.LoadError
	if !errors.As(err, &failed) {
		p.t.Fatalf("visiting %s: %v; want that nothing loads", url, err)
	}
	return failed.ErrorText
}

// Reload loads the page again, as the browser's own button does: a page that was the answer
// to a form sends the form again.
func (p *Tab) Reload() { p.t.Helper(); p.do(chromedp.Reload()) }

// Back goes back in the history, Forward forward.
func (p *Tab) Back() { p.t.Helper(); p.leaves(func() { p.step(-1) }) }

// Forward goes forward in the history.
func (p *Tab) Forward() { p.t.Helper(); p.leaves(func() { p.step(+1) }) }

func (p *Tab) step(by int64) {
	p.t.Helper()
	entries, err := chromedp.Run(p.ctx, chromedp.NavigationEntries())
	if err != nil {
		p.t.Fatal(err)
	}
	to := entries.CurrentIndex + by
	if to < 0 || to >= int64(len(entries.Entries)) {
		p.t.Fatalf("the history has no entry %d: it has %d", to, len(entries.Entries))
	}
	call(p, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: entries.Entries[to].ID})
}

// History returns the URLs of the tab's history, oldest first.
func (p *Tab) History() (urls []string) {
	p.t.Helper()
	entries, err := chromedp.Run(p.ctx, chromedp.NavigationEntries())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range entries.Entries {
		urls = append(urls, e.URL)
	}
	return urls
}

// leaves does something and waits until another document has loaded, or this one has come
// out of the browser's memory again.
func (p *Tab) leaves(do func()) {
	p.t.Helper()
	before := p.seen.arrivals()
	do()
	p.awaitSeen("another page", func() bool { return p.seen.arrivals() > before })
}

// awaitSeen waits until something is so of what the tab has seen. what says in words what is awaited.
func (p *Tab) awaitSeen(what string, is func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		changed := p.seen.next() // before looking: what comes after the look is not missed
		if is() {
			return
		}
		select {
		case <-changed:
		case <-time.After(time.Until(deadline)):
			p.t.Fatalf("this did not come within %s: %s\n%s", patience, what, p.where())
		case <-p.ctx.Done():
			p.t.Fatal(p.ctx.Err())
		}
	}
}

// Await waits until an expression is true on the page, also over the coming of another one.
// what says in words what is awaited.
func (p *Tab) Await(what, expression string) {
	p.t.Helper()
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(25 * time.Millisecond) {
		is, err := eval[bool](p, "!!("+expression+")")
		if err == nil && is {
			return
		}
		last = err
	}
	p.t.Fatalf("this did not come within %s: %s (%v)\n%s", patience, what, last, p.where())
}

// AwaitText waits until the page shows a text.
func (p *Tab) AwaitText(text string) {
	p.t.Helper()
	p.Await("the text "+quote(text), "document.body && document.body.innerText.includes("+quote(text)+")")
}

// AwaitAt waits until the tab is at a path.
func (p *Tab) AwaitAt(path string) {
	p.t.Helper()
	p.Await("the path "+path, "location.pathname === "+quote(path)+" && document.readyState === 'complete'")
}

// URL returns where the tab is, with what stands behind #.
func (p *Tab) URL() string { p.t.Helper(); return Eval[string](p, "location.href") }

// Path returns the path where the tab is.
func (p *Tab) Path() string { p.t.Helper(); return Eval[string](p, "location.pathname") }

// Title returns the document's title.
func (p *Tab) Title() string { p.t.Helper(); return Eval[string](p, "document.title") }

// Heading returns the text of the page's h1.
func (p *Tab) Heading() string {
	p.t.Helper()
	return Eval[string](p, "(document.querySelector('h1')?.innerText ?? '').trim()")
}

// Text returns what the page shows, as text.
func (p *Tab) Text() string { p.t.Helper(); return Eval[string](p, "document.body.innerText") }

// Shows fails the test unless the page shows each text.
func (p *Tab) Shows(texts ...string) {
	p.t.Helper()
	all := spaced(p.Text())
	for _, text := range texts {
		if !strings.Contains(all, spaced(text)) {
			p.t.Errorf("the page does not say %q\n%s", text, p.where())
		}
	}
}

// ShowsNot fails the test if the page shows one of the texts.
func (p *Tab) ShowsNot(texts ...string) {
	p.t.Helper()
	all := spaced(p.Text())
	for _, text := range texts {
		if strings.Contains(all, spaced(text)) {
			p.t.Errorf("the page says %q\n%s", text, p.where())
		}
	}
}

func spaced(text string) string { return strings.Join(strings.Fields(text), " ") }

// where says what the tab shows, for messages of failed tests.
func (p *Tab) where() string {
	ctx, cancel := context.WithTimeout(p.ctx, 2*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.pathname + '\\n' + document.body.innerText"))
	if err != nil {
		return fmt.Sprintf("(what the tab shows is not known: %v)", err)
	}
	return "the tab is at " + text
}

// quote writes a string as a literal of the page's script.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(b)
}
