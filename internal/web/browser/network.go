package browser

import (
	"context"
	"net/url"
	"sync"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Fate is what becomes of a request on its way. The zero value lets it and its answer pass.
type Fate struct {
	// Before is called when the request is about to leave the browser, After when the
	// answer has come and the page does not know it yet; both may be nil.
	Before, After func()
	// LoseRequest keeps the request from the server; LoseAnswer keeps the answer, which the
	// server has given, from the page.
	LoseRequest, LoseAnswer bool
	// Status, if not 0, answers the request here, with Header and Body.
	Status int
	Header map[string]string
	Body   string
}

// Interception decides about the requests of one method to one path.
type Interception struct {
	mu   sync.Mutex
	seen int // guarded by mu
}

// Count returns how many requests were sent.
func (i *Interception) Count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.seen
}

func (i *Interception) next() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seen++
	return i.seen
}

// Intercept lets fate decide about each request of a method to a path; n counts them from 1.
// A tab has one interception.
func (p *Tab) Intercept(method, path string, fate func(n int) Fate) *Interception {
	p.t.Helper()
	i := &Interception{}
	paused := chromedp.Events(p.ctx, fetch.RequestPaused)
	call(p, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: "*" + path + "*"}}})
	var ended sync.WaitGroup
	ended.Go(func() {
		fates := map[fetch.RequestID]Fate{}
		for ev, err := range paused {
			if err != nil {
				return // the tab is closed
			}
			at, err := url.Parse(ev.Request.URL)
			if err != nil || ev.Request.Method != method || at.Path != path {
				p.tell(fetch.ContinueRequest.Method, fetch.ContinueRequestParams{RequestID: ev.RequestID})
				continue
			}
			f, answered := fates[ev.RequestID]
			if !answered {
				f = fate(i.next())
				fates[ev.RequestID] = f
			}
			p.carry(ev.RequestID, f, answered)
		}
	})
	p.t.Cleanup(func() { chromedp.Cancel(p.ctx); ended.Wait() })
	return i
}

// carry carries out what is to become of a request, before it leaves or when its answer came.
func (p *Tab) carry(id fetch.RequestID, f Fate, answered bool) {
	hook := f.Before
	if answered {
		hook = f.After
	}
	if hook != nil {
		hook()
	}
	switch {
	case answered && f.LoseAnswer:
		p.tell(fetch.FailRequest.Method, fetch.FailRequestParams{RequestID: id, ErrorReason: network.ErrorReasonConnectionReset})
	case answered:
		p.tell(fetch.ContinueResponse.Method, fetch.ContinueResponseParams{RequestID: id})
	case f.LoseRequest:
		p.tell(fetch.FailRequest.Method, fetch.FailRequestParams{RequestID: id, ErrorReason: network.ErrorReasonConnectionRefused})
	case f.Status != 0:
		answer := fetch.FulfillRequestParams{RequestID: id, ResponseCode: int64(f.Status), Body: []byte(f.Body)}
		for name, value := range f.Header {
			answer.ResponseHeaders = append(answer.ResponseHeaders, &fetch.HeaderEntry{Name: name, Value: value})
		}
		p.tell(fetch.FulfillRequest.Method, answer)
	default:
		p.tell(fetch.ContinueRequest.Method, fetch.ContinueRequestParams{
			RequestID: id, InterceptResponse: new(f.LoseAnswer || f.After != nil),
		})
	}
}

// tell sends a command from a goroutine that may not fail the test. A command that comes too
// late, for a page that is gone, changes nothing.
func (p *Tab) tell(method string, params any) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_ = chromedp.FromContext(p.ctx).Target.Call(ctx, method, params, nil)
}

// Offline takes the network away from the tab, or gives it back. The page is told as well.
func (p *Tab) Offline(offline bool) {
	p.t.Helper()
	call(p, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1}},
	})
	call(p, network.OverrideNetworkState, network.OverrideNetworkStateParams{
		Offline: offline, DownloadThroughput: -1, UploadThroughput: -1,
	})
}

// Slow delays every answer.
func (p *Tab) Slow(latency time.Duration) {
	p.t.Helper()
	call(p, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Latency: float64(latency.Milliseconds()), DownloadThroughput: -1, UploadThroughput: -1}},
	})
}

// Cookie gives the tab a cookie as the pages set theirs: for one path, unseen by script, from this site alone.
func (p *Tab) Cookie(url, name, value, path string) {
	p.t.Helper()
	call(p, network.SetCookie, network.SetCookieParams{
		Name: name, Value: value, URL: url, Path: path, Secure: new(true), HTTPOnly: new(true), SameSite: network.CookieSameSiteStrict,
	})
}
