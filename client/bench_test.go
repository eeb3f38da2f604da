package client_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"voted/client"
)

// BenchmarkCast measures the client itself: the transport is a function.
func BenchmarkCast(b *testing.B) {
	h := http.Header{"Content-Type": {"application/json"}, "Voted-Node": {"n1"}, "Voted-Leader": {"n1"}, "Voted-Index": {"12"}, "Etag": {`"1"`}}
	c := newClient(b, []string{"a", "b", "c"}, client.WithTransport(inProcess(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 201, Header: h, Body: io.NopCloser(strings.NewReader(receiptJSON))}, nil
	})))
	ballot := client.Choose("ann")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Cast(b.Context(), "p", "v", ballot); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCastMany measures a ballot of a stream, with a transport that
// answers each line as it is read.
func BenchmarkCastMany(b *testing.B) {
	c := newClient(b, []string{"a"}, client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
		pr, pw := io.Pipe()
		go func() {
			in, line := make([]byte, 32<<10), 0
			var out []byte
			for {
				n, err := r.Body.Read(in)
				out = out[:0]
				for _, c := range in[:n] {
					if c == '\n' {
						line++
						out = strconv.AppendInt(append(out, `{"line":`...), int64(line), 10)
						out = strconv.AppendInt(append(out, `,"outcome":"counted","ballot":`...), int64(line), 10)
						out = append(out, ",\"version\":1}\n"...)
					}
				}
				if _, werr := pw.Write(out); err != nil || werr != nil {
					_ = pw.Close()
					return
				}
			}
		}()
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/x-ndjson"}}, Body: pr}, nil
	})))
	b.ReportAllocs()
	for _, err := range c.CastMany(b.Context(), "p", ballots(b.N)) {
		if err != nil {
			b.Fatal(err)
		}
	}
}
