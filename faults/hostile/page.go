package hostile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// allowedOrigin is the origin of pages that may call the nodes.
const allowedOrigin = "https://vote.example.org"

// foreign are origins and hosts that are not the nodes' own; some look like them.
var foreign = []string{
	"https://evil.example", "null", "http://vote.example.org", "https://vote.example.org:8443", "https://vote.example.org.evil.example",
	"https://localhost.evil.example", "https://127.0.0.1.evil.example:8080", "https://evil.example/https://vote.example.org", "http://localhost:9999",
	"https://VOTE.example.org", "https://vote.example.org/", "https://vote.example.org,https://evil.example", "file://", "chrome-extension://abc",
}

// page sends what a browser sends for a page of another origin: a request that is right in
// everything else. Its token may do anything. It stands for the certificate that a browser
// would show, or for the network that it is in.
func (w *worker) page() error {
	r := w.draw
	s := w.sample(true)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", s.method, s.path, w.cluster.Nodes[w.node].APIAddr)
	if r.IntN(4) > 0 || s.media == "" {
		s.media = []string{s.media, "application/x-www-form-urlencoded", "text/plain;charset=UTF-8"}[r.IntN(3)]
	}
	if s.media != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", s.media)
	}
	origin := foreign[r.IntN(len(foreign))]
	site := []string{"cross-site", "same-site"}[r.IntN(2)]
	switch r.IntN(6) {
	case 0:
		site = "" // an old browser, or a target that is neither https nor loopback
	case 1:
		origin = foreignText(r, origin)
	}
	fmt.Fprintf(&b, "Origin: %s\r\nReferer: %s/\r\n", origin, origin)
	if site != "" {
		mode := []string{"navigate", "no-cors", "cors"}[r.IntN(3)]
		fmt.Fprintf(&b, "Sec-Fetch-Site: %s\r\nSec-Fetch-Mode: %s\r\nSec-Fetch-Dest: document\r\n", site, mode)
	}
	fmt.Fprintf(&b, "Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", w.access.Token, len(s.body), s.body)
	return w.exchange(w.cluster.Nodes[w.node].APIAddr, true, b.Bytes(), "a page of another origin", false)
}

// rebound sends what a browser sends for a page whose own host name resolves to a node's
// address.
func (w *worker) rebound() error {
	r := w.draw
	s := w.sample(false)
	name := strings.TrimPrefix(strings.TrimPrefix(foreign[r.IntN(len(foreign))], "https://"), "http://")
	name, _, _ = strings.Cut(name, "/")
	if name, _, _ = strings.Cut(name, ":"); !strings.Contains(name, ".") || r.IntN(4) == 0 {
		name = label(r) + ".example"
	}
	if r.IntN(2) == 0 {
		name += fmt.Sprint(":", 1+r.IntN(65535))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n", s.method, s.path, name, name)
	if s.media != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", s.media)
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(s.body), s.body)
	return w.exchange(w.cluster.Nodes[w.node].APIAddr, false, b.Bytes(), "called by a foreign name", false)
}

// sample draws a valid request. If unsafe, it is one that changes something.
func (w *worker) sample(unsafe bool) sample {
	for {
		s := samples[w.draw.IntN(len(samples))]
		if unsafe && s.method == "GET" {
			continue
		}
		if strings.Contains(s.path, "%d") {
			s.path = fmt.Sprintf(s.path, w.draw.IntN(200))
		}
		return s
	}
}

// foreignText returns an origin with changes. It is never the allowed one.
func foreignText(r *rand.Rand, origin string) string {
	text := strings.TrimSpace(printable(mutate(r, []byte(origin))))
	if text == "" || text == allowedOrigin {
		return "null"
	}
	return text
}

// label returns a part of a host name.
func label(r *rand.Rand) string {
	b := make([]byte, 1+r.IntN(60))
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[r.IntN(36)]
	}
	return string(b)
}
