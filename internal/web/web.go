package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"voted/internal/web/frame"
	"voted/internal/web/lobby"
	"voted/internal/web/operator"
	"voted/internal/web/organiser"
	"voted/internal/web/public"
	"voted/internal/web/voter"
)

// Options configures the pages. The zero value of a field means its default.
type Options struct {
	API http.Handler // needed
	// Identify finds out who shows a credential; nil: nothing guards the node.
	Identify frame.Identify
	// Rendered is how streams of the API get the form of a page, see [frame.Frame.Rendered]; nil: they have the API's
	// own, which scripts of pages do not read.
	Rendered frame.Rendered
	// Groups are the groups of pages that are served, besides the common ones; nil: all.
	Groups []frame.Group
	// Secure is whether browsers reach the node under TLS.
	Secure bool
	// HSTS is for how long browsers are told to use TLS only; 0: they are not told.
	HSTS time.Duration
	// EmbedFrom are the origins whose pages may show results of polls for everybody in a frame; empty: none may.
	EmbedFrom []string
	// Knows reports whether the node goes by the name in Host; nil: by any.
	Knows  func(host string) bool
	Logger *slog.Logger
}

// ParseGroups reads the value of --pages: all, none, or names of groups with commas between. on is false for none.
func ParseGroups(s string) (groups []frame.Group, on bool, err error) {
	switch s {
	case "", "all":
		return frame.Groups(), true, nil
	case "none":
		return nil, false, nil
	}
	for name := range strings.SplitSeq(s, ",") {
		if !slices.Contains(frame.Groups(), frame.Group(name)) {
			return nil, false, fmt.Errorf("%q names no pages; use all, none, or some of vote, results, manage, console with commas between", name)
		}
		groups = append(groups, frame.Group(name))
	}
	return groups, true, nil
}

// Handler serves the whole port.
type Handler struct {
	api    http.Handler
	pages  *http.ServeMux
	failed http.Handler // makes a page of the error in the context
	same   *http.CrossOriginProtection
	knows  func(host string) bool
	hsts   string
	routes []frame.Route
}

// New makes the handler.
func New(o Options) *Handler {
	f := frame.New(frame.Options{API: o.API, Identify: o.Identify, Rendered: o.Rendered, Secure: o.Secure, Logger: o.Logger})
	h := &Handler{api: o.API, pages: http.NewServeMux(), same: http.NewCrossOriginProtection(), knows: o.Knows}
	if o.HSTS > 0 && o.Secure {
		h.hsts = "max-age=" + strconv.FormatInt(int64(o.HSTS/time.Second), 10)
	}
	groups := o.Groups
	if groups == nil {
		groups = frame.Groups()
	}
	for _, route := range rooms(f, o) {
		if route.Group == frame.Common || slices.Contains(groups, route.Group) {
			f.Add(route)
			h.routes = append(h.routes, route)
			h.pages.Handle(route.Pattern, f.Handler(route))
		}
	}
	h.failed = f.Handler(frame.Route{Pattern: "unmatched", Background: true, Serve: func(_ http.ResponseWriter, r *http.Request) error {
		return r.Context().Value(refusedKey{}).(error)
	}})
	return h
}

// rooms are the routes of all rooms.
func rooms(f *frame.Frame, o Options) []frame.Route {
	return slices.Concat(
		[]frame.Route{f.AssetRoute()},
		lobby.New(f).Routes(),
		organiser.New(f).Routes(),
		voter.New(f).Routes(),
		operator.New(f).Routes(),
		public.New(f, public.Options{EmbedFrom: o.EmbedFrom}).Routes(),
	)
}

// Routes are the routes that are served.
func (h *Handler) Routes() []frame.Route { return slices.Clone(h.routes) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isAPI(r) {
		h.api.ServeHTTP(w, r)
		return
	}
	serve, pattern := h.pages.Handler(r)
	if pattern == "" && !frame.WantsPage(r) && !h.takes(r.URL.Path) {
		h.api.ServeHTTP(w, r) // its answer says that there is nothing
		return
	}
	if h.hsts != "" {
		w.Header().Set("Strict-Transport-Security", h.hsts)
	}
	switch err := h.check(r); {
	case err != nil:
		h.fail(w, r, err)
	case pattern == "":
		h.unmatched(w, r, serve)
	default:
		h.pages.ServeHTTP(w, r) // which sets the variables of the path
	}
}

// isAPI reports whether a request is for the API. What a code means is a page for browsers, and text for all others.
func isAPI(r *http.Request) bool {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/v1/"), path == "/v1", path == "/livez", path == "/readyz", path == "/metrics", path == "/openapi.yaml":
		return true
	case strings.HasPrefix(path, "/problems/"):
		return !frame.WantsPage(r)
	}
	return false
}

// takes reports whether there is a page at a path, for some method.
func (h *Handler) takes(path string) bool {
	return slices.ContainsFunc([]string{http.MethodGet, http.MethodPost}, func(method string) bool {
		_, pattern := h.pages.Handler(&http.Request{Method: method, URL: parsed(path)})
		return pattern != ""
	})
}

// check refuses what a page of another origin may not send, and names that the node does not go by, as the API does.
// Origins that may call the API have no part in the pages: these know their visitors by cookies.
func (h *Handler) check(r *http.Request) error {
	if h.knows != nil && !h.knows(r.Host) {
		return &frame.Problem{Status: http.StatusMisdirectedRequest, Code: "misdirected"}
	}
	if h.same.Check(r) != nil {
		return &frame.Problem{Status: http.StatusForbidden, Code: "cross_origin"}
	}
	return nil
}

// unmatched answers where there is no page, or none for the method.
func (h *Handler) unmatched(w http.ResponseWriter, r *http.Request, serve http.Handler) {
	said := &said{header: http.Header{}}
	serve.ServeHTTP(said, r)
	p := &frame.Problem{Status: http.StatusNotFound, Code: "not_found"}
	if said.status == http.StatusMethodNotAllowed {
		w.Header()["Allow"] = said.header["Allow"]
		p = &frame.Problem{Status: said.status, Code: "method_not_allowed"}
	}
	h.fail(w, r, p)
}
