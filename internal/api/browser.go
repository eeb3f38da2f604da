package api

import (
	"net/http"

	"voted/internal/refusal"
)

// browser keeps pages of other origins from using a node through the browsers of people
// who open them. A browser sends what a page makes it send: even to loopback, and with
// the client certificate of its user.
type browser struct {
	unsafe  *http.CrossOriginProtection
	origins map[string]bool // of pages that may call, as browsers write them; nil: none
	hosts   *Hosts          // nil: the node may be called by any name
}

func newBrowser(o Options) browser {
	b := browser{unsafe: http.NewCrossOriginProtection(), hosts: o.Hosts}
	for _, origin := range o.Origins {
		if err := b.unsafe.AddTrustedOrigin(origin); err != nil {
			panic("api: " + err.Error()) // the caller has checked them
		}
		if b.origins == nil {
			b.origins = map[string]bool{}
		}
		b.origins[origin] = true
	}
	return b
}

// What pages of allowed origins may send and read. A test compares the lists with the
// reference.
var (
	varyOrigin     = []string{"Origin"}
	exposedHeaders = []string{"ETag, Location, Allow, Retry-After, Idempotent-Replayed, Preference-Applied, Voted-Node, Voted-Leader, Voted-Index, Voted-Age, " +
		"RateLimit, RateLimit-Policy, WWW-Authenticate, X-Request-Id"}
	takenHeaders = []string{"Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Prefer, Last-Event-ID, X-Request-Id, " +
		"traceparent, tracestate"}
	// preflightSeconds is how long a browser remembers a preflight. For that time it still
	// sends requests for an origin that was taken off the list, and the node refuses them.
	preflightSeconds = []string{"600"}
)

// check refuses requests that a page may not send. Call it before anything else, so that
// such a page learns nothing.
func (b *browser) check(w *response, r *http.Request) error {
	if b.hosts != nil && !b.hosts.Know(r.Host) {
		return refusal.New(refusal.Misdirected, "Nothing guards this node, so it is called by its address, by localhost, or by a name that it was "+
			"started with: --advertise-api, or --allow-host for any other.")
	}
	if b.origins != nil {
		w.Header()["Vary"] = varyOrigin
	}
	if r.Header["Origin"] == nil && r.Header["Sec-Fetch-Site"] == nil {
		return nil // a browser always sends one of them for a page; other senders need no further check
	}
	if origin := r.Header["Origin"]; len(origin) == 1 && b.origins[origin[0]] {
		header := w.Header()
		header["Access-Control-Allow-Origin"] = w.value(origin[0])
		header["Access-Control-Expose-Headers"] = exposedHeaders
		w.foreign = r.Header.Get("Sec-Fetch-Site") != "same-origin"
		return nil
	}
	if isPreflight(r) || b.unsafe.Check(r) != nil {
		return refusal.New(refusal.CrossOrigin, "A page of another origin sent this request, and nothing was done; "+
			"to let the pages of an origin call the API, start the nodes with --allow-origin and that origin.")
	}
	return nil
}

// isPreflight reports whether a browser asks if a page of another origin may send a
// request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers a browser what pages of an allowed origin may send to the path. It
// does not allow the browser's own credentials, such as cookies: these pages send a token
// in a header.
func (e *endpoint) preflight(w *response) {
	header := w.Header()
	header["Access-Control-Allow-Methods"] = []string{e.allow}
	header["Access-Control-Allow-Headers"] = takenHeaders
	header["Access-Control-Max-Age"] = preflightSeconds
	w.WriteHeader(http.StatusNoContent)
}
