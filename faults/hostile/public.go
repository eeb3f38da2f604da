package hostile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
)

// sample is a valid request to be mutated.
type sample struct {
	method, path, media string
	body                string
}

// samples reach every decoder behind the public port. Those that would change the members
// of the cluster are cut off before their end, because they must never be valid.
var samples = []sample{
	{"PUT", "/v1/polls/target/ballots/v1", "application/json", `{"selections":["a"]}`},
	{"PUT", "/v1/polls/target-irv/ballots/v2", "application/json", `{"ranking":["a",["b","c"]]}`},
	{"PUT", "/v1/polls/target-score/ballots/v3", "application/json", `{"scores":{"a":5,"b":0,"c":3}}`},
	{"POST", "/v1/polls/target/ballots", "application/x-ndjson", "{\"voter\":\"w1\",\"selections\":[\"a\"]}\n{\"voter\":\"w2\",\"selections\":[\"b\"],\"if_version\":1}\n"},
	{"PUT", "/v1/polls/h-%d", "application/json", `{"title":"x","options":[{"id":"a","title":"A"},"b"],"method":"stv","seats":2,"min_selections":1,"max_selections":2,"revote":"until_close","results":"after_close","secrecy":"open","opens_at":"2026-12-01T08:00:00Z","closes_at":"2036-12-02T20:00:00Z","max_ballots":9}`},
	{"POST", "/v1/polls", "application/json", `{"options":["a","b"],"method":"approval"}`},
	{"PATCH", "/v1/polls/h-%d", "application/merge-patch+json", `{"title":"y","closes_at":"2036-12-02T20:00:00Z","opens_at":null}`},
	{"PUT", "/v1/polls/h-%d/roll", "application/x-ndjson", "{\"voter\":\"a\",\"weight\":3}\n{\"voter\":\"b\"}\n"},
	{"PUT", "/v1/polls/h-%d/roll", "text/csv", "voter,weight\na,3\n\"b\"\"c\",1\n"},
	{"PUT", "/v1/polls/h-%d/roll", "text/csv", "\ufeffsep=;\nName;E-Mail;Weight\n\"A\nnn\";ann@x;2\n\n;;\nBo;bo@x;1\n"},
	{"PUT", "/v1/polls/h-%d/roll", "text/csv; charset=windows-1252", "voter\tweight\nzo\xeb\t3\n"},
	{"POST", "/v1/polls/target/ballots", "application/x-ndjson", "\ufeff\n{\"voter\":\"w1\",\"selections\":[\"a\"]}\r\n \n{\"ballot\":1,\"voter_key\":\"k\",\"selections\":[\"b\"],\"version\":1}\n"},
	{"GET", "/v1/polls/target/results?consistency=stale", "", ""},
	{"GET", "/v1/polls?state=open&page_size=10&page_token=abc", "", ""},
	{"GET", "/v1/polls/target/ballots?format=cvr", "", ""},
	{"PUT", "/v1/polls/h-%d/roll?since=5&sinse=6;since=7", "application/x-ndjson", "{\"voter\":\"a\",\"weight\":9}\n"},
	{"DELETE", "/v1/polls/h-%d/roll/a?since=1&since=2", "", ""},
	{"GET", "/v1/polls/target/results/stream?format=%zz", "", ""},
	{"GET", "/v1/polls/target/ballots/v1", "", ""},
	{"GET", "/v1/polls/target/audit", "", ""},
	{"GET", "/v1/polls/target/ballots/v1/proof", "", ""},
	{"POST", "/v1/polls/target/proofs", "application/x-ndjson", "{\"voter\":\"v1\"}\n{\"voter\":\"w1\"}\n"},
	{"GET", "/v1/polls/target/log/checkpoint", "", ""},
	{"GET", "/v1/polls/target/log/tile/0/x001/000.p/17", "", ""},
	{"GET", "/v1/polls/target/log/tile/entries/000.p/2", "", ""},
	{"GET", "/v1/polls/h-%d/log/closing", "", ""},
	{"GET", "/v1/polls/h-%d/roll/a", "", ""},
	{"GET", "/problems/poll_closed", "", ""},
	{"POST", "/v1/polls/h-%d/close", "application/json", "{}"},
	{"DELETE", "/v1/polls/h-%d", "", ""},
	{"POST", "/v1/cluster/members", "application/json", `{"id":"n9","peer":"127.0.0.1:`},
	{"POST", "/v1/cluster/leader", "application/json", `{"id":"n9"`},
	{"DELETE", "/v1/cluster/members/nobody", "", ""},
}

// headers are valid header fields. Some are mutated before they are sent.
var headers = []string{
	`If-Match: "1"`, `Idempotency-Key: "k-1"`, "Prefer: wait=1, respond-async", `Prefer: proof, wait=1`, "Accept: text/csv;q=0.5, application/json", "Range: bytes=0-9",
	"X-Request-Id: abc", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1;host=n2", "Expect: 100-continue", "Accept-Encoding: gzip",
	"Content-Encoding: gzip", "Last-Event-Id: 12-k3jv7q2mzd4xw5ta", "If-None-Match: *", "Accept: application/json", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	`If-None-Match: W/"x"`, "Cookie: a=b", "Connection: close", "Upgrade: h2c", "Transfer-Encoding: chunked", "Content-Length: 5", "Trailer: X",
}

// request sends one mutated request to the public port.
func (w *worker) request() error {
	text, barred, partial := w.compose()
	return w.exchange(w.cluster.Nodes[w.node].APIAddr, true, text, barred, partial)
}

// compose writes a request by hand, because a library would make it well-formed. The other
// results are what exchange is given.
func (w *worker) compose() (text []byte, barred string, partial bool) {
	r := w.draw
	s := samples[r.IntN(len(samples))]
	if strings.Contains(s.path, "%d") {
		s.path = fmt.Sprintf(s.path, r.IntN(200))
	}
	body, path, token := []byte(s.body), s.path, w.access.Token
	switch n := r.IntN(20); {
	case n < 12 && len(body) > 0 && !strings.HasPrefix(s.path, "/v1/cluster"):
		body = mutate(r, body)
	case n < 13:
		body = duplicateKeys(r)
	case n < 15:
		path = mutatedPath(r, path)
	case n < 18:
		barred = "with a forged credential"
		// It is a ballot in the victim's name, or something that only an administrator may do.
		ballot := r.IntN(2) == 0
		if ballot {
			s.method, path, body = "PUT", "/v1/polls/target/ballots/"+victim, []byte(`{"selections":["a"]}`)
		} else if strings.HasPrefix(path, "/problems") {
			path = "/v1/cluster"
		}
		token = w.secrets.forged(r, ballot)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", s.method, path, w.cluster.Nodes[w.node].APIAddr)
	if token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	if s.media != "" && r.IntN(20) > 0 {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", s.media)
	}
	for range r.IntN(3) {
		h := headers[r.IntN(len(headers))]
		if r.IntN(2) == 0 {
			name, value, _ := strings.Cut(h, ": ")
			h = name + ": " + printable(mutate(r, []byte(value)))
		}
		partial = partial || strings.HasPrefix(h, "Transfer-Encoding") || strings.HasPrefix(h, "Content-Length") || strings.HasPrefix(h, "Expect")
		b.WriteString(h + "\r\n")
	}
	if r.IntN(200) == 0 { // headers up to what a node takes, and beyond
		b.WriteString(strings.Repeat("X-Pad: "+strings.Repeat("p", 100)+"\r\n", 1+r.IntN(400)))
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(body))
	b.Write(body)
	return b.Bytes(), barred, partial
}

// mutatedPath returns a path with changes. It has no space or line break.
func mutatedPath(r *rand.Rand, path string) string {
	if r.IntN(4) == 0 {
		return path + strings.Repeat("%"+fmt.Sprintf("%02x", r.IntN(256)), 1+r.IntN(300))
	}
	p := string(mutate(r, []byte(path)))
	if r.IntN(3) == 0 {
		return "/v1/polls/" + url.PathEscape(p[:min(len(p), 500)]) + "/ballots/" + url.PathEscape(p[:min(len(p), 2000)])
	}
	return strings.NewReplacer(" ", "%20", "\r", "%0d", "\n", "%0a").Replace(p[:min(len(p), 8000)])
}
