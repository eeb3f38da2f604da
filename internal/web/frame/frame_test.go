package frame

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

var testTemplates = fstest.MapFS{
	"templates/page.html":   {Data: []byte(`{{define "title"}}A page{{end}}{{define "content"}}<h1>{{.Data}}</h1>{{end}}`)},
	"templates/broken.html": {Data: []byte(`{{define "title"}}A page{{end}}{{define "content"}}half{{.Data.Nothing}}{{end}}`)},
}

// apiFunc stands for the API.
type apiFunc func(w http.ResponseWriter, r *http.Request)

// ServeHTTP implements http.Handler.
func (f apiFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) { f(w, r) }

// known identifies one token.
func known(_ context.Context, _ *http.Request, authorization string) (Identity, error) {
	switch authorization {
	case "Bearer admin":
		return Identity{Roles: []string{"admin"}, Name: "token:ops"}, nil
	case "":
		return Identity{}, nil
	}
	return Identity{}, &Refused{Why: Unknown}
}

// serve makes one request of a route at a guarded frame.
func serve(t *testing.T, api http.Handler, handle func(f *Frame) Serve, change func(r *http.Request)) *http.Response {
	t.Helper()
	f := New(Options{API: api, Identify: known, Secure: true, Logger: slog.New(slog.DiscardHandler)})
	r := httptest.NewRequest(http.MethodGet, "/console", nil)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	f.Handler(Route{Pattern: "GET /console", Serve: handle(f)}).ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheAPIGetsTheCredentialAndNothingElseOfTheBrowsers(t *testing.T) {
	t.Parallel()
	var got *http.Request
	api := apiFunc(func(w http.ResponseWriter, r *http.Request) { got = r })
	resp := serve(t, api, func(f *Frame) Serve {
		return func(w http.ResponseWriter, r *http.Request) error {
			_, err := f.Ask(r, Call{Method: http.MethodPost, Path: "/v1/x?y=z", Body: []byte("{}")})
			return err
		}
	}, func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: "__Host-voted-desk", Value: "admin"})
		r.AddCookie(&http.Cookie{Name: "__Secure-voted-vote", Value: "another"})
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Accept-Language", "de")
		r.Header.Set("X-Request-Id", "from-outside")
		r.Header.Set("Authorization", "Bearer of-the-page")
		r.RemoteAddr = "192.0.2.7:1234"
	})
	if resp.StatusCode != http.StatusOK || got == nil {
		t.Fatalf("status %d, request %v", resp.StatusCode, got)
	}
	want := http.Header{"Authorization": {"Bearer admin"}, "X-Request-Id": {"from-outside"}, "Content-Type": {"application/json"}}
	if len(got.Header) != len(want) {
		t.Errorf("headers %v, want %v", got.Header, want)
	}
	for name := range want {
		if got.Header.Get(name) != want.Get(name) {
			t.Errorf("%s: %q", name, got.Header.Get(name))
		}
	}
	if got.RemoteAddr != "192.0.2.7:1234" || got.URL.String() != "/v1/x?y=z" || got.Method != http.MethodPost {
		t.Errorf("%s %s from %s", got.Method, got.URL, got.RemoteAddr)
	}
}

func TestARefusalOfTheAPIBecomesAPage(t *testing.T) {
	t.Parallel()
	api := apiFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"code":"unavailable","status":503,"retryable":true}`)
	})
	for name, call := range map[string]func(f *Frame) Serve{
		"asked": func(f *Frame) Serve {
			return func(w http.ResponseWriter, r *http.Request) error { _, err := f.Ask(r, Call{Path: "/v1"}); return err }
		},
		"passed": func(f *Frame) Serve {
			return func(w http.ResponseWriter, r *http.Request) error { return f.Pass(w, r, Call{Path: "/v1"}) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := serve(t, api, call, func(r *http.Request) {
				r.Header.Set("Accept", "text/html")
				r.Header.Set("Accept-Language", "fr, de;q=0.8, en;q=0.1")
			})
			text := body(t, resp)
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "3" || !strings.Contains(text, "Die Urne ist gerade nicht erreichbar") || !strings.Contains(text, "Diese Seite versucht es in 3 Sekunden wieder") || !strings.Contains(text, `http-equiv="refresh" content="3"`) {
				t.Errorf("status %d, %v:\n%s", resp.StatusCode, resp.Header, text)
			}
			resp = serve(t, api, call, nil)
			if text := body(t, resp); resp.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(text, `"code":"unavailable"`) {
				t.Errorf("a script gets %v: %s", resp.Header, text)
			}
		})
	}
}

func TestWhatIsPassedGoesToTheClientAsItComes(t *testing.T) {
	t.Parallel()
	api := apiFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		_, _ = io.WriteString(w, "a,b\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("a stream cannot be flushed: %v", err)
		}
	})
	resp := serve(t, api, func(f *Frame) Serve {
		return func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Disposition", "attachment")
			return f.Pass(w, r, Call{Path: "/v1"})
		}
	}, nil)
	if text := body(t, resp); text != "a,b\n" || resp.Header.Get("Content-Type") != "text/csv" || resp.Header.Get("Content-Disposition") != "attachment" {
		t.Errorf("%v: %q", resp.Header, text)
	}
}

// Else a HEAD of a stream never ends, and a HEAD of an export makes it all.
func TestAHeadIsAHeadForTheAPIToo(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		var asked []string
		api := apiFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.Method)
			w.Header().Set("Content-Type", "text/event-stream") // and no more: a HEAD has no body
		})
		resp := serve(t, api, func(f *Frame) Serve {
			return func(w http.ResponseWriter, r *http.Request) error {
				if _, err := f.Ask(r, Call{Path: "/v1"}); err != nil { // what a page reads of the API it needs
					return err
				}
				return f.Pass(w, r, Call{Path: "/v1"})
			}
		}, func(r *http.Request) { r.Method = method })
		if !slices.Equal(asked, []string{http.MethodGet, method}) || resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s became %q, and the answer has %v", method, asked, resp.Header)
		}
	}
}

func TestAnAnswerThatIsPassedVariesWithWhatThePageDoesToo(t *testing.T) {
	t.Parallel()
	api := apiFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Vary", "Accept") })
	resp := serve(t, api, func(f *Frame) Serve {
		return func(w http.ResponseWriter, r *http.Request) error { return f.Pass(w, r, Call{Path: "/v1"}) }
	}, nil)
	if vary := strings.Join(resp.Header.Values("Vary"), ", "); vary != "Accept-Language, Cookie, Accept" {
		t.Errorf("it varies with %s", vary)
	}
}

func TestWhatAHandlerSaidOfItsAnswerDoesNotHoldForAnError(t *testing.T) {
	t.Parallel()
	api := apiFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	resp := serve(t, api, func(f *Frame) Serve {
		return func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Disposition", `attachment; filename="ballots.csv"`)
			w.Header().Set("Cache-Control", "public, max-age=1")
			return f.Pass(w, r, Call{Path: "/v1"})
		}
	}, nil)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Content-Disposition") != "" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

func TestWhatIsUnexpectedShowsNoDetail(t *testing.T) {
	t.Parallel()
	resp := serve(t, nil, func(f *Frame) Serve {
		return func(http.ResponseWriter, *http.Request) error { return errors.New("the secret is a swordfish") }
	}, func(r *http.Request) { r.Header.Set("Accept", "text/html"); r.Header.Set("X-Request-Id", "r-1") })
	if text := body(t, resp); resp.StatusCode != http.StatusInternalServerError || strings.Contains(text, "swordfish") || !strings.Contains(text, "request r-1") {
		t.Errorf("status %d:\n%s", resp.StatusCode, text)
	}
}

func TestStrangersAreSentToTheSignInAndBack(t *testing.T) {
	t.Parallel()
	refuse := func(*Frame) Serve {
		return func(http.ResponseWriter, *http.Request) error { return &Problem{Status: 401, Code: "unauthenticated"} }
	}
	resp := serve(t, nil, refuse, func(r *http.Request) { r.Header.Set("Accept", "text/html"); r.URL.RawQuery = "a=b" })
	if at := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || at != "/signin?next=%2Fconsole%3Fa%3Db" && at != "/signin?next=%2Fconsole" {
		t.Errorf("%d to %s", resp.StatusCode, at)
	}
	for path, want := range map[string]string{"/console?a=b": "/console?a=b", "//evil.example": "/", "https://evil.example": "/", "/\\evil.example": "/", "": "/", "/a\nb": "/"} {
		if got := Local(path, "/"); got != want {
			t.Errorf("%q leads to %q", path, got)
		}
	}
}

func TestCookiesAreForThisSiteAndItsServerAlone(t *testing.T) {
	t.Parallel()
	resp := serve(t, nil, func(f *Frame) Serve {
		return func(w http.ResponseWriter, r *http.Request) error {
			f.StartVote(w, "board", "vc1.x", time.Now().Add(time.Hour))
			return nil
		}
	}, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-voted-desk", Value: "admin"}) })
	cookies := map[string]*http.Cookie{}
	for _, c := range resp.Cookies() {
		cookies[c.Name+" "+c.Path] = c
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode {
			t.Errorf("cookie %s", c)
		}
	}
	for _, path := range []string{"/vote/board", "/polls/board"} {
		if c := cookies["__Secure-voted-vote "+path]; c == nil || c.MaxAge > 3600 || c.MaxAge < 3500 {
			t.Errorf("the voter's cookie below %s is %v", path, c)
		}
	}
	if c := cookies["__Host-voted-desk /"]; c == nil || c.MaxAge != 1800 {
		t.Errorf("an admin's session does not go on: %v", c)
	}
}

func TestAVotersCookieIsForThePathOfItsPoll(t *testing.T) {
	t.Parallel()
	f := New(Options{Identify: known})
	r := httptest.NewRequest(http.MethodGet, "/vote/board/ballot", nil)
	r.AddCookie(&http.Cookie{Name: "voted-vote", Value: "v"})
	r.AddCookie(&http.Cookie{Name: "voted-desk", Value: "d"})
	if got := f.Credential(r); got != "v" {
		t.Errorf("below /vote/ the credential is %q", got)
	}
	r.URL.Path = "/polls"
	if got := f.Credential(r); got != "d" {
		t.Errorf("elsewhere the credential is %q", got)
	}
	r.Header.Set("Cookie", "voted-vote=v")
	if got := f.Credential(r); got != "v" {
		t.Errorf("at the results a voter's credential is %q", got)
	}
	r.Header.Set("Cookie", "voted-desk="+strings.Repeat("x", MaxCredentialBytes+1))
	if got := f.Credential(r); got != "" {
		t.Errorf("a cookie of %d bytes is taken", len(got))
	}
}

func TestPagesLoadNothingButWhatIsTheirs(t *testing.T) {
	t.Parallel()
	show := func(p Page) *http.Response {
		return serve(t, nil, func(f *Frame) Serve {
			pages := f.Templates("test", testTemplates)
			return func(w http.ResponseWriter, r *http.Request) error { return pages.Show(w, r, p) }
		}, nil)
	}
	resp := show(Page{Template: "page", Data: `<script>alert("x")</script>`})
	text, policy := body(t, resp), resp.Header.Get("Content-Security-Policy")
	if strings.Contains(text, "<script") || !strings.Contains(policy, "script-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("%s:\n%s", policy, text)
	}
	if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Robots-Tag") != "noindex" || resp.Header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("headers %v", resp.Header)
	}
	resp = show(Page{Template: "page", Scripts: []string{"times.js"}, Frames: []string{"https://news.example"}})
	policy = resp.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "script-src 'self'") || !strings.Contains(policy, "frame-ancestors https://news.example") || resp.Header.Get("X-Frame-Options") != "" {
		t.Errorf("%s, X-Frame-Options %q", policy, resp.Header.Get("X-Frame-Options"))
	}
	resp = show(Page{Template: "broken"})
	if text := body(t, resp); resp.StatusCode != http.StatusInternalServerError || strings.Contains(text, "half") {
		t.Errorf("a page that fails: %d %q", resp.StatusCode, text)
	}
}

func TestAssetsAreKeptForeverUnderTheirHashAlone(t *testing.T) {
	t.Parallel()
	f := New(Options{})
	handler := http.NewServeMux()
	handler.Handle(f.AssetRoute().Pattern, f.Handler(f.AssetRoute()))
	get := func(path, encoding string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	path := f.assets.url("app.css")
	packed := get(path, "br, gzip")
	if packed.Code != http.StatusOK || !strings.Contains(packed.Header().Get("Cache-Control"), "immutable") || packed.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("%d %v", packed.Code, packed.Header())
	}
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(z)
	plain := get(path, "").Body.Bytes()
	if err != nil || !bytes.Equal(unpacked, plain) || !bytes.Equal(plain, f.assets["app.css"].plain) {
		t.Errorf("%d and %d bytes: %v", len(unpacked), len(plain), err)
	}
	// A node of another version asks for its own.
	old := get("/assets/0123456789ab/app.css", "")
	if old.Code != http.StatusOK || old.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("under another hash: %d %v", old.Code, old.Header())
	}
	if got := get("/assets/0123456789ab/nothing.css", ""); got.Code != http.StatusNotFound {
		t.Errorf("what is not there: %d", got.Code)
	}
}

// A style sheet is served without what is only for those who read its source, and loses nothing else.
func TestAStyleSheetIsServedWithoutComments(t *testing.T) {
	t.Parallel()
	const source = "/* Over\n two lines. */\na { b: c; } /* d */\n\n@media print {\n  e { f: g\n     h; }\n}\n"
	if got, want := string(lean([]byte(source))), "\na { b: c; } \n@media print {\ne { f: g\nh; }\n}\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	words := func(s string) []string { return strings.Fields(comments.ReplaceAllString(s, "")) }
	var all []string
	for _, name := range names("assets/css/*.css") {
		all = append(all, words(string(read(name)))...)
	}
	served := words(string(readAssets()["app.css"].plain))
	slices.Sort(all)
	slices.Sort(served)
	if !slices.Equal(all, served) || len(served) < 1000 {
		t.Errorf("%d words are served of %d", len(served), len(all))
	}
}
