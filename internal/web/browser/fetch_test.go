package browser

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answer is what a node sent to a request that no browser made.
type answer struct {
	status int
	header http.Header
	text   string
}

// send sends a request to the first node as a visitor of a role would: with the cookie that the role has there. change
// may add to it.
func (s *Site) send(t testing.TB, method, path, role, body string, change func(r *http.Request)) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL(path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	switch at := (place{path: r.URL.Path, role: role}); {
	case role == "":
	case role == "voter" && at.poll() != "":
		r.AddCookie(&http.Cookie{Name: "__Secure-voted-vote", Value: s.Credential(t, at.poll(), "v-1")})
	case role != "voter":
		r.AddCookie(&http.Cookie{Name: "__Host-voted-desk", Value: s.TokenOf(role)})
	}
	if change != nil {
		change(r)
	}
	resp, err := s.plain().Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// plain is a client that follows nothing and keeps no cookies.
func (s *Site) plain() *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: s.TLS(), DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// visitors are all who may come: nobody in particular, a voter, and the roles.
var visitors = append([]string{"", "voter"}, Roles...)
