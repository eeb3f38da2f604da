package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// largest stands for an API with one poll of many options, which were counted in as many rounds: in each the last of those
// that stand goes. In pairs each option beats those after it.
func largest(method string, options int) http.Handler {
	var poll, results bytes.Buffer
	list := func(b *bytes.Buffer, n int, one func(i int) string) {
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(one(i))
		}
	}
	id := func(i int) string { return fmt.Sprintf("option-%04d", i) }
	votes := func(i int) string { return fmt.Sprintf(`"%s":%d`, id(i), 2*options-i) }
	fmt.Fprintf(&poll, `{"id":"large","title":"Large","method":"%s","state":"open","audience":"anyone","secrecy":"secret","results":"live","options":[`, method)
	list(&poll, options, func(i int) string { return fmt.Sprintf(`{"id":"%s"}`, id(i)) })
	poll.WriteString("]}")
	results.WriteString(`{"state":"open","index":7,"ballots":9,"winners":["option-0000"],"options":[`)
	list(&results, options, func(i int) string { return fmt.Sprintf(`{"id":"%s","votes":%d}`, id(i), 2*options-i) })
	results.WriteString("]")
	if method == "irv" {
		results.WriteString(`,"rounds":[`)
		list(&results, options-1, func(round int) string {
			var b bytes.Buffer
			b.WriteString(`{"votes":{`)
			list(&b, options-round, votes)
			fmt.Fprintf(&b, `},"exhausted":0,"eliminated":["%s"]}`, id(options-round-1))
			return b.String()
		})
		results.WriteString("]")
	} else {
		results.WriteString(`,"pairwise":{`)
		list(&results, options, func(row int) string {
			var b bytes.Buffer
			fmt.Fprintf(&b, `"%s":{`, id(row))
			list(&b, options-1, func(i int) string {
				if i >= row {
					return fmt.Sprintf(`"%s":5`, id(i+1))
				}
				return fmt.Sprintf(`"%s":4`, id(i))
			})
			b.WriteString("}")
			return b.String()
		})
		results.WriteString("}")
	}
	results.WriteString("}")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/polls/large":
			_, _ = w.Write(poll.Bytes())
		case "/v1/polls/large/results":
			_, _ = w.Write(results.Bytes())
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
}

// What anybody may ask for must not take a node's time: pages of the largest polls are as large as others, and the whole is
// in the downloads.
func TestThePagesOfTheLargestPollsAreBounded(t *testing.T) {
	t.Parallel()
	for method, paths := range map[string][]string{
		"irv":     {"", "?view=rounds", "?view=flow", "/live.json", "/screen", "/embed", "/download/chart.svg?view=rounds", "/download/chart.svg?view=flow"},
		"schulze": {"", "?view=pairs", "/live.json"},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			h := handler(func(o *Options) { o.API, o.Identify = largest(method, 512), nil })
			for _, path := range paths {
				began := time.Now()
				w := ask(h, http.MethodGet, "/polls/large"+path, nil, nil)
				took := time.Since(began)
				t.Logf("%s: %d bytes after %v", path, w.Body.Len(), took)
				if w.Code != http.StatusOK || w.Body.Len() > 500<<10 {
					t.Errorf("%s: %d with %d bytes after %v", path, w.Code, w.Body.Len(), took)
				}
				if text := w.Body.String(); method == "irv" && path == "?view=rounds" && !strings.Contains(text, "The last 30 of 511 rounds are shown") {
					t.Errorf("%s does not say that it has not all rounds", path)
				}
			}
		})
	}
}
