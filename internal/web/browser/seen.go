package browser

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// Request is one that a tab sent.
type Request struct {
	Method, URL string
	Referer     string            // the header Referer, "" for none
	Kind        string            // as in the DevTools protocol: Document, Stylesheet, Script, Fetch, …
	Status      int               // of the answer; 0 without one
	Bytes       int               // of the answer, headers too, as they came over the network
	Headers     map[string]string // of the answer
}

// seen is what a tab's pages asked for and complained about.
type seen struct {
	mu         sync.Mutex
	requests   []*Request                     // guarded by mu
	open       map[network.RequestID]*Request // guarded by mu
	complaints []string                       // guarded by mu
	arrived    int                            // guarded by mu; documents that have loaded or come back
	changed    chan struct{}                  // guarded by mu; closed at the next event
}

func newSeen() *seen {
	return &seen{open: map[network.RequestID]*Request{}, changed: make(chan struct{})}
}

// event takes an event of the tab, in the tab's own loop.
func (s *seen) event(ev any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		s.sent(ev)
	case *network.EventResponseReceived:
		if r := s.open[ev.RequestID]; r != nil {
			s.answered(r, ev.Response)
		}
	case *network.EventLoadingFinished:
		if r := s.open[ev.RequestID]; r != nil {
			r.Bytes = int(ev.EncodedDataLength)
		}
	case *log.EventEntryAdded:
		s.logged(ev.Entry)
	case *runtime.EventExceptionThrown:
		s.complaints = append(s.complaints, "exception: "+thrown(ev.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeAssert {
			s.complaints = append(s.complaints, fmt.Sprintf("console.%s: %s", ev.Type, printed(ev.Args)))
		}
	case *page.EventLoadEventFired:
		s.arrived++
	case *page.EventFrameNavigated:
		if ev.Type == page.NavigationTypeBackForwardCacheRestore {
			s.arrived++ // it does not load again
		}
	default:
		return
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// sent notes a request; a redirect has the id of what it leads on from. s.mu is held.
func (s *seen) sent(ev *network.EventRequestWillBeSent) {
	if before := s.open[ev.RequestID]; before != nil && ev.RedirectResponse != nil {
		s.answered(before, ev.RedirectResponse)
		before.Bytes = int(ev.RedirectResponse.EncodedDataLength)
	}
	r := &Request{Method: ev.Request.Method, URL: ev.Request.URL, Kind: string(ev.Type)}
	r.Referer = text(ev.Request.Headers)["referer"]
	s.open[ev.RequestID] = r
	s.requests = append(s.requests, r)
}

func (s *seen) answered(r *Request, resp *network.Response) {
	r.Status, r.Headers = int(resp.Status), text(resp.Headers)
}

// logged notes what the browser itself says of a page. That a page has a status such as 404
// is no complaint: tests look at the status. s.mu is held.
func (s *seen) logged(e *log.Entry) {
	if e.Level != log.EntryLevelError && e.Level != log.EntryLevelWarning {
		return
	}
	if r := s.open[e.NetworkRequestID]; r != nil && (r.Kind == "Document" || r.Kind == "Fetch") {
		return
	}
	s.complaints = append(s.complaints, fmt.Sprintf("%s: %s %s", e.Source, e.Text, e.URL))
}

func thrown(e *runtime.ExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Exception.Description
	}
	return e.Text
}

func printed(args []*runtime.RemoteObject) string {
	var all []string
	for _, a := range args {
		all = append(all, a.Description+string(a.Value))
	}
	return strings.Join(all, " ")
}

func (s *seen) arrivals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived
}

// next returns a channel that is closed at the next event.
func (s *seen) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// text returns headers with names in lower case.
func text(h network.Headers) map[string]string {
	lower := make(map[string]string, len(h))
	for name, value := range h {
		lower[strings.ToLower(name)] = fmt.Sprint(value)
	}
	return lower
}

func headers(name, value string) network.Headers { return network.Headers{name: value} }

// Requests returns all requests that the tab has sent so far, in their order.
func (p *Tab) Requests() []Request {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	all := make([]Request, len(p.seen.requests))
	for i, r := range p.seen.requests {
		all[i] = *r
	}
	return all
}

// Sent counts the requests with a method to a path.
func (p *Tab) Sent(method, path string) int {
	n := 0
	for _, r := range p.Requests() {
		if u, err := url.Parse(r.URL); err == nil && r.Method == method && u.Path == path {
			n++
		}
	}
	return n
}

// Complaints returns what the browser said against the pages so far: violations of their
// Content Security Policy, errors on the console, exceptions, parts that do not load.
func (p *Tab) Complaints() []string {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	return slices.Clone(p.seen.complaints)
}

// Forget drops what was seen so far.
func (p *Tab) Forget() {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	p.seen.requests, p.seen.complaints = nil, nil
}
