package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// frameOf is a page that nothing is wrong with; what stands in for BODY and HEAD is up to a test.
const frameOf = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<style>:root{color-scheme:light dark}body{margin:1rem;color:#16181d;background:#fff;font:1.125rem/1.5 sans-serif}
a{color:#0b3a75}:focus-visible{outline:3px solid #16181d}button,input{font:inherit;min-height:3.5rem}HEAD</style></head>
<body><main>BODY</main></body></html>`

// serve serves pages by path, made of a body and further style.
func serve(t *testing.T, pages map[string]string, style string) string {
	t.Helper()
	return serveWith(t, pages, style, nil)
}

func serveWith(t *testing.T, pages map[string]string, style string, header map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		page := strings.NewReplacer("HEAD", style, "BODY", body).Replace(frameOf)
		if _, err := w.Write([]byte(page)); err != nil {
			t.Logf("the browser hung up: %v", err)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const goodBody = `<h1>A page</h1><p>Some <a href="/next">text</a>.</p>
<form method="post" action="/sent"><fieldset><legend>Choose one.</legend>
<label><input type="radio" name="o" value="ann"> Ann</label><label><input type="radio" name="o" value="bo"> Bo</label></fieldset>
<label for="code">Code</label> <input id="code" name="code"> <button>Send</button></form>`
