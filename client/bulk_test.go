package client_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"voted/client"
)

// box is a ballot box behind several test servers. Each of its streams may be
// made to break in some way.
type box struct {
	mu      sync.Mutex
	counted map[string]int // voter → ballot number
	streams int
	// breaks returns how stream n (from 1) ends, and after how many answers; nil:
	// properly.
	breaks func(n int) (after int, how string)
}

func (b *box) handle(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.streams++
	after, how := -1, ""
	if b.breaks != nil {
		after, how = b.breaks(b.streams)
	}
	b.mu.Unlock()
	rc := http.NewResponseController(w)
	_ = rc.EnableFullDuplex()
	// A full-duplex answer that ends before its request must end the connection.
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Type", "application/x-ndjson")
	in := bufio.NewScanner(r.Body)
	for line := 1; in.Scan(); line++ {
		var l struct{ Voter string }
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			hangUp(w)
			return
		}
		b.mu.Lock()
		n, again := b.counted[l.Voter]
		if !again {
			n = len(b.counted) + 1
			b.counted[l.Voter] = n
		}
		b.mu.Unlock()
		if line > after && how != "" {
			b.end(w, how, line)
			return
		}
		outcome := "counted"
		if again {
			outcome = "replayed"
		}
		if l.Voter == "v13" {
			fmt.Fprintf(w, `{"line":%d,"code":"already_voted","detail":"Another \"ballot\"."}`+"\n", line)
		} else {
			fmt.Fprintf(w, `{"line":%d,"outcome":"%s","ballot":%d,"version":1}`+"\n", line, outcome, n)
		}
		_ = rc.Flush()
	}
}

func (b *box) end(w http.ResponseWriter, how string, line int) {
	switch how {
	case "cut":
		hangUp(w)
	case "cut in a line":
		_, _ = io.WriteString(w, `{"line":`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "retry from line":
		fmt.Fprintf(w, `{"code":"unavailable","retry_from_line":%d}`+"\n", line)
	case "end early": // the answer just ends
	case "503":
		answerProblem(w, 503, "unavailable")
	case "refuse":
		answerProblem(w, 404, "poll_not_found")
	}
}

func ballots(n int) iter.Seq[client.BulkBallot] {
	return func(yield func(client.BulkBallot) bool) {
		for i := 1; i <= n; i++ {
			if !yield(client.BulkBallot{Voter: "v" + strconv.Itoa(i), Ballot: client.Choose("ann")}) {
				return
			}
		}
	}
}

func TestBulkIsResumedWithNoLineLostOrAnsweredTwice(t *testing.T) {
	t.Parallel()
	always := func(after int, how string, times int) func(int) (int, string) {
		return func(n int) (int, string) {
			if n > times {
				return 0, ""
			}
			return after, how
		}
	}
	for name, breaks := range map[string]func(int) (int, string){
		"no break":                        nil,
		"cut in the middle":               always(1000, "cut", 1),
		"cut again and again":             always(300, "cut", 6),
		"cut in the middle of a line":     always(700, "cut in a line", 2),
		"the node says where to go on":    always(500, "retry from line", 3),
		"the answer ends early":           always(200, "end early", 3),
		"the first nodes are unavailable": always(0, "503", 3),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &box{counted: map[string]int{}, breaks: breaks}
			c := newClient(t, []string{serve(t, b.handle), serve(t, b.handle), refusedPort(t)})
			const n = 3000
			want := uint64(1)
			for a, err := range c.CastMany(t.Context(), "p", ballots(n)) {
				if err != nil {
					t.Fatal(err)
				}
				if a.Line != want || a.Voter != "v"+strconv.Itoa(int(want)) {
					t.Fatalf("answer %d is %+v", want, a)
				}
				if a.Voter == "v13" {
					if !errors.Is(a.Err(), client.CodeAlreadyVoted) || a.Detail != `Another "ballot".` {
						t.Errorf("answer 13 = %+v", a)
					}
				} else if a.Err() != nil || a.Ballot != want {
					t.Fatalf("answer = %+v", a)
				}
				want++
			}
			if want != n+1 || len(b.counted) != n {
				t.Errorf("%d answers, %d voters counted", want-1, len(b.counted))
			}
		})
	}
}

func TestBulkEndsWhereItMust(t *testing.T) {
	t.Parallel()
	t.Run("a refusal of the whole stream", func(t *testing.T) {
		t.Parallel()
		b := &box{counted: map[string]int{}, breaks: func(int) (int, string) { return 0, "refuse" }}
		var got error
		for _, err := range newClient(t, []string{serve(t, b.handle)}).CastMany(t.Context(), "p", ballots(100_000)) {
			got = err
		}
		if !errors.Is(got, client.CodePollNotFound) {
			t.Errorf("err = %v", got)
		}
	})
	t.Run("a consumer that has enough", func(t *testing.T) {
		t.Parallel()
		b := &box{counted: map[string]int{}}
		seen := 0
		for range newClient(t, []string{serve(t, b.handle)}).CastMany(t.Context(), "p", ballots(1_000_000)) {
			if seen++; seen == 10 {
				break
			}
		}
	})
	t.Run("no nodes until the deadline", func(t *testing.T) {
		t.Parallel()
		var got error
		c := newClient(t, []string{refusedPort(t)}, client.WithDeadline(200*time.Millisecond))
		for _, err := range c.CastMany(t.Context(), "p", ballots(10)) {
			got = err
		}
		var u *client.UnansweredError
		if !errors.As(got, &u) {
			t.Errorf("err = %v", got)
		}
	})
	t.Run("no ballots: nothing is sent", func(t *testing.T) {
		t.Parallel()
		for a, err := range newClient(t, []string{refusedPort(t)}).CastMany(t.Context(), "p", ballots(0)) {
			t.Error(a, err)
		}
	})
	t.Run("a cancelled context while the input waits", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		b := &box{counted: map[string]int{}}
		waiting := func(yield func(client.BulkBallot) bool) {
			if yield(client.BulkBallot{Voter: "v1", Ballot: client.Choose("ann")}) {
				<-ctx.Done()
			}
		}
		var got error
		answers := 0
		for _, err := range newClient(t, []string{serve(t, b.handle)}).CastMany(ctx, "p", waiting) {
			if got = err; err == nil {
				answers++
				cancel() // the first answer came while the input was still open
			}
		}
		cancel()
		if answers != 1 || !errors.Is(got, context.Canceled) || errors.Is(got, client.ErrOutcomeUnknown) {
			t.Errorf("%d answers, err = %v", answers, got)
		}
	})
}

func TestBulkLeavesASilentNode(t *testing.T) {
	t.Parallel()
	b := &box{counted: map[string]int{}}
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() })
	c := newClient(t, []string{silent, serve(t, b.handle), silent}, client.WithAttemptTimeout(100*time.Millisecond))
	n := 0
	for _, err := range c.CastMany(t.Context(), "p", ballots(50)) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 50 {
		t.Errorf("%d answers", n)
	}
}

func TestBulkLeavesANodeThatFallsSilentLater(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	b := &box{counted: map[string]int{}}
	node := func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > 1 {
			b.handle(w, r)
			return
		}
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = io.WriteString(w, `{"line":1,"outcome":"counted","ballot":1,"version":1}`+"\n")
		_ = rc.Flush()
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	c := newClient(t, []string{serve(t, node)}, client.WithStreamSilence(100*time.Millisecond))
	answers := 0
	for _, err := range c.CastMany(t.Context(), "p", ballots(50)) {
		if err != nil {
			t.Fatal(err)
		}
		answers++
	}
	if answers != 50 || n.Load() != 2 {
		t.Errorf("%d answers from %d streams", answers, n.Load())
	}
}

func TestBulkMemoryIsBounded(t *testing.T) {
	t.Parallel()
	produced := 0
	read := make(chan struct{})
	node := serve(t, func(w http.ResponseWriter, r *http.Request) { // takes everything, answers nothing
		_, _ = io.Copy(io.Discard, r.Body)
	})
	endless := func(yield func(client.BulkBallot) bool) {
		defer close(read)
		for yield(client.BulkBallot{Voter: "v" + strconv.Itoa(produced), Ballot: client.Choose("ann")}) {
			produced++
		}
	}
	c := newClient(t, []string{node}, client.WithAttemptTimeout(200*time.Millisecond), client.WithDeadline(600*time.Millisecond))
	var got error
	for _, err := range c.CastMany(t.Context(), "p", endless) {
		got = err
	}
	<-read
	if !errors.Is(got, client.ErrOutcomeUnknown) || produced > 64<<10 {
		t.Errorf("%d ballots were taken without an answer; err = %v", produced, got)
	}
}
