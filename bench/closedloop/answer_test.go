package closedloop

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAnswersAreReadHoweverTheyArrive(t *testing.T) {
	t.Parallel()
	const created = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 7\r\nEtag: \"1\"\r\n\r\n{\"a\":1}"
	for name, c := range map[string]struct {
		in     string
		status int
		body   string
		fails  string
	}{
		"an answer with a body":                        {in: created, status: 201, body: `{"a":1}`},
		"an answer without a body":                     {in: "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", status: 204},
		"a body that is an answer":                     {in: "HTTP/1.1 200 OK\r\nCONTENT-LENGTH:4\r\n\r\n\r\n\r\n", status: 200, body: "\r\n\r\n"},
		"a length in another header's value":           {in: "HTTP/1.1 200 OK\r\nX: content-length:9\r\nContent-Length: 1\r\n\r\nx", status: 200, body: "x"},
		"a chunked answer is refused":                  {in: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", fails: "no Content-Length"},
		"a length that is none is refused":             {in: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", fails: "is no number"},
		"an answer cut in its head is refused":         {in: created[:30], fails: "broke"},
		"an answer cut in its body is refused":         {in: created[:len(created)-1], fails: "broke"},
		"nothing at all is refused":                    {in: "", fails: "broke"},
		"bytes behind the answer are refused":          {in: created + "x", fails: ""},
		"another protocol is refused":                  {in: "SSH-2.0-x\r\n\r\n", fails: "no HTTP/1.1"},
		"a server that closes the connection is named": {in: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", fails: "closes"},
		"a head without an end is refused":             {in: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", answerBytes), fails: "too long"},
		"a body beyond the buffer is refused":          {in: "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", fails: "longer than"},
	} {
		for how, reader := range map[string]io.Reader{
			"at once":       strings.NewReader(c.in),
			"byte by byte":  iotest.OneByteReader(strings.NewReader(c.in)),
			"half by half":  iotest.HalfReader(strings.NewReader(c.in)),
			"data with EOF": iotest.DataErrReader(strings.NewReader(c.in)),
		} {
			behind := strings.HasPrefix(name, "bytes behind")
			if behind && how == "byte by byte" {
				continue // a byte that has not arrived yet cannot be seen
			}
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				if behind {
					c.fails = "more than the answer"
				}
				status, body, err := newAnswers(reader).next()
				if c.fails != "" {
					if err == nil || !strings.Contains(err.Error(), c.fails) {
						t.Fatalf("got %v, want an error with %q", err, c.fails)
					}
					return
				}
				if err != nil || status != c.status || string(body) != c.body {
					t.Errorf("got %d %q %v, want %d %q", status, body, err, c.status, c.body)
				}
			})
		}
	}
}

func TestAnswersFollowOneAnother(t *testing.T) {
	t.Parallel()
	const one = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
	in := newAnswers(iotest.OneByteReader(strings.NewReader(one + one)))
	for range 2 {
		if status, body, err := in.next(); status != 201 || string(body) != "ok" || err != nil {
			t.Errorf("got %d %q %v", status, body, err)
		}
	}
}

func TestOnlyWholeLinesAreCounted(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", bulkReadBytes/2) + "\n"
	for name, c := range map[string]struct {
		in    string
		lines int
		fails bool
	}{
		"no lines":                  {in: ""},
		"lines":                     {in: "a\nbb\n\n", lines: 3},
		"lines across reads":        {in: strings.Repeat(long, 5), lines: 5},
		"a last line without end":   {in: "a\nb", lines: 1, fails: true},
		"a line that does not stop": {in: strings.Repeat("x", bulkReadBytes+1), fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := 0
			err := eachBlock(strings.NewReader(c.in), func(block []byte) { got += strings.Count(string(block), "\n") })
			if got != c.lines || (err != nil) != c.fails {
				t.Errorf("got %d lines and %v", got, err)
			}
		})
	}
}
