package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
)

// assetLink is what a page loads.
var assetLink = regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`)

// weigh returns the bytes that a browser gets on its first visit of a page, headers left out.
func weigh(t *testing.T, h http.Handler, path string) (page, all int) {
	t.Helper()
	w := ask(h, http.MethodGet, path, nil, nil)
	page = w.Body.Len()
	all = page
	for _, m := range assetLink.FindAllStringSubmatch(w.Body.String(), -1) {
		r := httptest.NewRequest(http.MethodGet, m[1], nil)
		r.Header.Set("Accept-Encoding", "gzip")
		got := httptest.NewRecorder()
		h.ServeHTTP(got, r)
		if got.Code != http.StatusOK || got.Header().Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: %d %v", m[1], got.Code, got.Header())
		}
		all += got.Body.Len()
		if z, err := gzip.NewReader(got.Body); err != nil {
			t.Fatal(err)
		} else if n, err := io.Copy(io.Discard, z); err != nil || n == 0 {
			t.Fatalf("%s: %d bytes, %v", m[1], n, err)
		}
	}
	return page, all
}

// A first visit fits into the first ten packets of a connection, 14 KB, so that a slow line waits once.
func TestPagesWeighLittle(t *testing.T) {
	t.Parallel()
	h := handler(nil)
	for path, most := range map[string]struct{ page, all int }{
		"/vote/board": {2 << 10, 14 << 10}, "/vote": {2 << 10, 14 << 10}, "/": {3 << 10, 14 << 10}, "/signin": {3 << 10, 14 << 10}, "/help": {4 << 10, 14 << 10},
	} {
		page, all := weigh(t, h, path)
		if page > most.page || all > most.all {
			t.Errorf("%s weighs %d bytes, and %d with what it loads; at most %d and %d", path, page, all, most.page, most.all)
		}
		if all < page+1000 {
			t.Errorf("%s loads %d bytes: this test does not see what it loads", path, all-page)
		}
	}
}
