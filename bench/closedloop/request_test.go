package closedloop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func parse(t *testing.T, raw []byte) (path, body string) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(raw))
	r, err := http.ReadRequest(in)
	if err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	data, err := io.ReadAll(r.Body)
	if err != nil || in.Buffered() > 0 {
		t.Fatalf("body: %v, %d bytes follow it", err, in.Buffered())
	}
	if r.Header.Get("Content-Type") != "application/json" || r.Host != "h:1" || r.Method != http.MethodPut {
		t.Errorf("the request is %s, %v", r.Method, r.Header)
	}
	return r.URL.Path, string(data)
}

func TestRequestsAreWhatTheServerParses(t *testing.T) {
	t.Parallel()
	cast := newRequest("h:1", "board", false, "v", "ann")
	many := newRequest("h:1", "poll-", true, "v", "ann")
	create := newCreation("h:1", "poll-", `{"options":["a","b"]}`)
	for _, n := range []uint64{7, 4_294_967_296, 0} { // a shorter number after a longer one
		path, body := parse(t, cast.as(n, 0))
		if want := fmt.Sprintf("/v1/polls/board/ballots/v%010d", n); path != want || body != `{"selections":["ann"]}` {
			t.Errorf("a ballot: %s %s", path, body)
		}
		path, _ = parse(t, many.as(n, 10))
		if !strings.HasPrefix(path, "/v1/polls/poll-000000000") || !strings.HasSuffix(path, fmt.Sprintf("/ballots/v%010d", n)) {
			t.Errorf("a ballot in one of ten polls: %s", path)
		}
		path, body = parse(t, create.as(n, 0))
		if want := fmt.Sprintf("/v1/polls/poll-%010d", n); path != want || body != `{"options":["a","b"]}` {
			t.Errorf("a poll: %s %s", path, body)
		}
	}
}

func TestBallotsAreScatteredOverAllPolls(t *testing.T) {
	t.Parallel()
	const polls, each = 100, 100
	hit := map[uint64]int{}
	for n := range uint64(polls * each) {
		hit[scatter(n)%polls]++
	}
	for poll := range uint64(polls) {
		if hit[poll] < each/2 || hit[poll] > 2*each {
			t.Errorf("poll %d has %d of about %d ballots", poll, hit[poll], each)
		}
	}
}

func TestBulkLinesAreNumberedWithoutGaps(t *testing.T) {
	t.Parallel()
	l := newLines("v", "ann")
	for _, first := range []uint64{0, 999_999_999 - 3} {
		block := l.from(first, 5)
		n := first
		for line := range bytes.Lines(block) {
			var got struct {
				Voter      string   `json:"voter"`
				Selections []string `json:"selections"`
			}
			if err := json.Unmarshal(line, &got); err != nil {
				t.Fatalf("%v in %q", err, line)
			}
			if got.Voter != fmt.Sprintf("v%010d", n) || got.Selections[0] != "ann" {
				t.Errorf("line %d is %s", n, line)
			}
			n++
		}
		if n != first+5 {
			t.Errorf("%d lines", n-first)
		}
	}
}
