package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/web/frame"
)

// answering stands for the API: it says that it was asked.
var answering = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "the API: "+r.URL.Path)
})

func identify(_ context.Context, _ *http.Request, authorization string) (frame.Identity, error) {
	switch authorization {
	case "":
		return frame.Identity{}, nil
	case "Bearer admin":
		return frame.Identity{Roles: []string{"admin"}, Name: "token:ops"}, nil
	case "Bearer voter":
		return frame.Identity{Roles: []string{"voter"}, Voter: "v-17", Poll: "board"}, nil
	case "Bearer old":
		return frame.Identity{}, &frame.Refused{Why: frame.Expired}
	}
	return frame.Identity{}, &frame.Refused{Why: frame.Unknown}
}

func handler(change func(o *Options)) *Handler {
	o := Options{API: answering, Identify: identify, Secure: true, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	return New(o)
}

// ask sends a request, as a browser if header has no Accept.
func ask(h http.Handler, method, target string, form url.Values, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestThePortIsSplitByPath(t *testing.T) {
	t.Parallel()
	h := handler(nil)
	script := map[string]string{"Accept": "*/*"}
	for name, c := range map[string]struct {
		method, path string
		header       map[string]string
		status       int
		says         string
	}{
		"the API":                                    {http.MethodGet, "/v1/polls", nil, 200, "the API: /v1/polls"},
		"a probe":                                    {http.MethodGet, "/readyz", nil, 200, "the API: /readyz"},
		"the reference":                              {http.MethodGet, "/openapi.yaml", nil, 200, "the API: /openapi.yaml"},
		"what a code means, for curl":                {http.MethodGet, "/problems/poll_closed", script, 200, "the API: /problems/poll_closed"},
		"what a code means, in a browser":            {http.MethodGet, "/problems/poll_closed", nil, 200, "Voting has closed"},
		"an unknown code, in a browser":              {http.MethodGet, "/problems/nothing", nil, 404, "There is nothing at this address"},
		"the first page":                             {http.MethodGet, "/", nil, 200, "I have a voting link"},
		"the first page, for curl":                   {http.MethodGet, "/", script, 200, "I have a voting link"},
		"an unknown path, in a browser":              {http.MethodGet, "/nothing", nil, 404, "There is nothing at this address"},
		"an unknown path, for curl":                  {http.MethodGet, "/nothing", script, 200, "the API: /nothing"},
		"a method that a page lacks":                 {http.MethodDelete, "/signin", nil, 405, "This cannot be done at this address"},
		"a method that a page lacks, for curl":       {http.MethodDelete, "/signin", script, 405, `"code":"method_not_allowed"`},
		"a page in German":                           {http.MethodGet, "/help?lang=de", nil, 200, "Auf dem Telefon"},
		"what begins like the API's path and is not": {http.MethodGet, "/v1x", nil, 404, "There is nothing at this address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(h, c.method, c.path, nil, c.header)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("%d, want %d with %q:\n%s", w.Code, c.status, c.says, w.Body)
			}
			if w.Code == 405 && w.Header().Get("Allow") == "" {
				t.Error("it does not say which methods are taken")
			}
		})
	}
}

func TestAnAddressThatLooksLikeAnotherSiteLeadsNowhere(t *testing.T) {
	t.Parallel()
	h := handler(nil)
	for path, leads := range map[string]bool{"//evil.example": false, "/nothing": true} {
		w := ask(h, http.MethodGet, "http://127.0.0.1:8080"+path, nil, nil)
		if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), `href="//`) || strings.Contains(w.Body.String(), "?lang=de") != leads {
			t.Errorf("%s: %d, want links to other languages: %t\n%s", path, w.Code, leads, w.Body)
		}
	}
}

func TestEveryPageHasTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	h := handler(func(o *Options) { o.HSTS = 24 * time.Hour })
	for _, path := range []string{"/", "/signin", "/help", "/nothing", "/problems/internal"} {
		header := ask(h, http.MethodGet, path, nil, nil).Header()
		for name, part := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
			"X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy": "camera=()", "Cache-Control": "no-store", "Strict-Transport-Security": "max-age=86400", "X-Request-Id": "-p",
		} {
			if !strings.Contains(header.Get(name), part) {
				t.Errorf("%s: %s is %q", path, name, header.Get(name))
			}
		}
	}
	if got := ask(handler(func(o *Options) { o.HSTS, o.Secure = time.Hour, false }), http.MethodGet, "/", nil, nil).Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("without TLS browsers are told %q", got)
	}
}

func TestPagesOfOtherOriginsAndOtherNamesGetNothing(t *testing.T) {
	t.Parallel()
	h := handler(func(o *Options) { o.Knows = func(host string) bool { return host == "127.0.0.1:8080" } })
	form := url.Values{"token": {"admin"}}
	for name, c := range map[string]struct {
		target string
		header map[string]string
		status int
	}{
		"a page of its own":             {"http://127.0.0.1:8080/signin", map[string]string{"Sec-Fetch-Site": "same-origin"}, 303},
		"curl":                          {"http://127.0.0.1:8080/signin", nil, 303},
		"a page of another site":        {"http://127.0.0.1:8080/signin", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"an older browser's, elsewhere": {"http://127.0.0.1:8080/signin", map[string]string{"Origin": "https://evil.example"}, 403},
		"a name of the page's own":      {"http://evil.example/signin", nil, 421},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(h, http.MethodPost, c.target, form, c.header)
			if w.Code != c.status || (w.Header().Get("Set-Cookie") != "") != (c.status == 303) {
				t.Errorf("%d, cookie %q", w.Code, w.Header().Get("Set-Cookie"))
			}
		})
	}
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	h := handler(nil)
	for name, c := range map[string]struct {
		token, next string
		status      int
		says        string
	}{
		"a token, and on to where it was asked for": {"admin", "/console", 303, ""},
		"a token with blanks around it":             {"  admin\n", "/", 303, ""},
		"a wrong token":                             {"guess", "/", 403, "This token is not known here"},
		"no token":                                  {"", "/", 403, "This token is not known here"},
		"one that has expired":                      {"old", "/", 403, "This token has expired"},
		"a voting code":                             {"voter", "/", 403, "This is a voting code"},
		"one that leads elsewhere":                  {"admin", "//evil.example", 303, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(h, http.MethodPost, "/signin", url.Values{"token": {c.token}, "next": {c.next}}, nil)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
				t.Fatalf("%d:\n%s", w.Code, w.Body)
			}
			cookie := w.Header().Get("Set-Cookie")
			if (c.status == 303) != strings.HasPrefix(cookie, "__Host-voted-desk=admin; Path=/; Max-Age=1800; HttpOnly; Secure; SameSite=Strict") {
				t.Errorf("cookie %q", cookie)
			}
			if at := w.Header().Get("Location"); strings.Contains(at, "evil") {
				t.Errorf("on to %q", at)
			}
			if c.token != "" && strings.Contains(w.Body.String(), `"`+c.token+`"`) {
				t.Error("the page repeats the token")
			}
		})
	}
	out := ask(h, http.MethodPost, "/signout", url.Values{}, map[string]string{"Cookie": "__Host-voted-desk=admin"})
	cookies := out.Result().Cookies()
	if last := cookies[len(cookies)-1]; out.Code != 303 || last.MaxAge >= 0 || last.Value != "" {
		t.Errorf("after signing out: %d, %v", out.Code, cookies)
	}
}

func TestGroupsAreTurnedOnOneByOne(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]int{"": 4, "all": 4, "none": 0, "vote": 1, "vote,results": 2} {
		groups, on, err := ParseGroups(given)
		if err != nil || len(groups) != want || on != (want > 0) {
			t.Errorf("%q: %v, %v, %v", given, groups, on, err)
		}
	}
	for _, wrong := range []string{"votes", "all,vote", "vote,", "none,vote", "common"} {
		if _, _, err := ParseGroups(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	all := handler(nil).Routes()
	for _, group := range frame.Groups() {
		h := handler(func(o *Options) { o.Groups = []frame.Group{group} })
		for _, route := range all {
			there := slices.ContainsFunc(h.Routes(), func(r frame.Route) bool { return r.Pattern == route.Pattern })
			if want := route.Group == group || route.Group == frame.Common; there != want {
				t.Errorf("with %s alone, %s is served: %t", group, route.Pattern, there)
			}
		}
	}
}

// row is a route in docs/web.md: pattern, group.
var row = regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\| ([a-z]+) \\|")

func TestTheDocumentHasExactlyTheRoutesServed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/web.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		documented[m[1]] = m[2]
	}
	for _, route := range handler(nil).Routes() {
		pattern := strings.ReplaceAll(route.Pattern, "{$}", "")
		if documented[pattern] != string(route.Group) {
			t.Errorf("docs/web.md has %s in the group %q, and it is in %q", pattern, documented[pattern], route.Group)
		}
		delete(documented, pattern)
	}
	for pattern := range documented {
		t.Errorf("docs/web.md has %s, which is not served", pattern)
	}
}

// A language is kept when a person chooses it, and not when a script or a frame asks in one.
func TestOnlyAPersonsLanguageIsKept(t *testing.T) {
	t.Parallel()
	for dest, kept := range map[string]bool{"": true, "document": true, "empty": false, "iframe": false} {
		w := ask(handler(nil), http.MethodGet, "/help?lang=de", nil, map[string]string{"Sec-Fetch-Dest": dest, "Accept": "text/html"})
		if (w.Header().Get("Set-Cookie") != "") != kept || !strings.Contains(w.Body.String(), "Auf dem Telefon") {
			t.Errorf("%q: the cookie is %q", dest, w.Header().Get("Set-Cookie"))
		}
	}
}
