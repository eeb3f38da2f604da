package closedloop

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// box is a server that counts each voter once.
type box struct {
	*httptest.Server
	mu     sync.Mutex
	voters map[string]bool
	polls  map[string]int
	// every so many requests one is answered in another way; 0: none.
	every  uint64
	answer http.HandlerFunc
	n      atomic.Uint64
}

func newBox(t *testing.T) *box {
	b := &box{voters: map[string]bool{}, polls: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/polls/{poll}", func(w http.ResponseWriter, r *http.Request) {
		b.cast(r.PathValue("poll"), "the poll itself")
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("PUT /v1/polls/{poll}/ballots/{voter}", func(w http.ResponseWriter, r *http.Request) {
		if b.every > 0 && b.n.Add(1)%b.every == 0 {
			b.answer(w, r)
			return
		}
		b.cast(r.PathValue("poll"), r.PathValue("voter"))
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"outcome":"counted"}`)
	})
	mux.HandleFunc("POST /v1/polls/{poll}/ballots", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			b.cast(r.PathValue("poll"), lines.Text())
			if b.every > 0 && b.n.Add(1)%b.every == 0 {
				b.answer(w, r)
				continue
			}
			io.WriteString(w, `{"outcome":"counted"}`+"\n")
		}
	})
	b.Server = httptest.NewServer(mux)
	t.Cleanup(b.Close)
	return b
}

func (b *box) cast(poll, voter string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.voters[poll+" "+voter] = true
	b.polls[poll]++
}

func (b *box) addr() string { return strings.TrimPrefix(b.URL, "http://") }

func TestASingleLoadUsesEachVoterOnceAndCountsEveryAnswer(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	r, err := Single{
		Targets: []string{b.addr()}, Connections: 5, Duration: 100 * time.Millisecond, Poll: "p", Prefix: "v", Selection: "a",
	}.Run(t.Context())
	if err != nil || r.Refused+r.Unknown > 0 {
		t.Fatalf("%v, %+v", err, r)
	}
	if r.Acknowledged == 0 || r.Acknowledged != uint64(len(b.voters)) || r.InWindow > r.Acknowledged || r.InWindow+5 < r.Acknowledged {
		t.Errorf("%d acknowledged, %d in the window, %d voters", r.Acknowledged, r.InWindow, len(b.voters))
	}
	if p50, p99 := r.Quantile(0.5), r.Quantile(0.99); p50 <= 0 || p99 < p50 {
		t.Errorf("p50 %s, p99 %s", p50, p99)
	}
}

func TestALoadUnderTLSTrustsOnlyItsCA(t *testing.T) {
	t.Parallel()
	// given a server under TLS, whose certificate the first load trusts and the second does not
	b := newBox(t)
	secure := httptest.NewUnstartedServer(b.Config.Handler)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail, as they are to
	secure.StartTLS()
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	for name, c := range map[string]struct {
		roots *x509.CertPool
		works bool
	}{"trusted": {roots, true}, "not trusted": {x509.NewCertPool(), false}} {
		// when ballots are cast, one a request and in bulk
		config, target := &tls.Config{RootCAs: c.roots}, []string{secure.Listener.Addr().String()}
		single, err := Single{
			Targets: target, TLS: config, Connections: 2, Requests: 20, Poll: "single", Prefix: "v", Selection: "a",
		}.Run(t.Context())
		if (err == nil) != c.works || (single.Acknowledged == 20) != c.works {
			t.Errorf("%s: single ballots: %v, %+v", name, err, single)
		}
		bulk, err := Bulk{
			Targets: target, TLS: config, Streams: 2, Ballots: 20, PerRequest: 5, Poll: "bulk", Prefix: "v", Selection: "a",
		}.Run(t.Context())
		if (err == nil) != c.works || (bulk.Acknowledged == 20) != c.works {
			t.Errorf("%s: bulk: %v, %+v", name, err, bulk)
		}
	}
	// then those of the first load arrived, and no other
	if b.polls["single"] != 20 || b.polls["bulk"] != 20 {
		t.Errorf("there are %v", b.polls)
	}
}

func TestALoadOfSoManyRequestsNumbersThemWithoutGaps(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	r, err := Single{
		Targets: []string{b.addr()}, Connections: 3, Requests: 20, First: 100, Poll: "p-", Definition: "{}",
	}.Run(t.Context())
	if err != nil || r.Acknowledged != 20 || len(b.polls) != 20 || b.polls["p-0000000100"] != 1 || b.polls["p-0000000119"] != 1 {
		t.Errorf("%v, %+v, %v", err, r, b.polls)
	}
}

func TestBallotsThatAreSentAgainAreOfTheSameVoters(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	r, err := Single{
		Targets: []string{b.addr()}, Connections: 3, Duration: 100 * time.Millisecond, Poll: "p", Prefix: "v", Selection: "a", First: 5, Again: 7,
	}.Run(t.Context())
	if err != nil || r.Acknowledged <= 7 || len(b.voters) != 7 || !b.voters["p v0000000005"] || !b.voters["p v0000000011"] {
		t.Errorf("%v, %d acknowledged of %v", err, r.Acknowledged, b.voters)
	}
}

func TestAnswersThatAreNoReceiptAreToldApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		of     func(Result) uint64
	}{
		"a refusal": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"code":"poll_closed"}`, http.StatusConflict)
		}, func(r Result) uint64 { return r.Refused }},
		"a success without an outcome": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
		}, func(r Result) uint64 { return r.Refused }},
		"an unknown outcome": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"code":"outcome_unknown"}`, http.StatusServiceUnavailable)
		}, func(r Result) uint64 { return r.Unknown }},
		"a broken connection": {func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, func(r Result) uint64 { return r.Unknown }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.every, b.answer = 10, c.answer
			r, err := Single{
				Targets: []string{b.addr()}, Connections: 1, Requests: 15, Poll: "p", Prefix: "v", Selection: "a",
			}.Run(t.Context())
			if err != nil || c.of(r) != 1 || r.Refused+r.Unknown != 1 || r.Problem == "" || r.Acknowledged < 9 {
				t.Errorf("%v, %+v", err, r)
			}
		})
	}
}

func TestABulkLoadCountsEveryLine(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	r, err := Bulk{
		Targets: []string{b.addr()}, Streams: 3, Poll: "p", Prefix: "v", Selection: "a", Ballots: 2500, PerRequest: 400,
	}.Run(t.Context())
	if err != nil || r.Acknowledged != 2500 || len(b.voters) != 2500 || r.Refused+r.Unknown > 0 || r.PerSecond() <= 0 {
		t.Errorf("%v, %+v, %d voters", err, r, len(b.voters))
	}
}

func TestABulkLoadCanGiveEachRequestItsPoll(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	r, err := Bulk{
		Targets: []string{b.addr()}, Streams: 4, Poll: "p-", PerPoll: true, Prefix: "v", Selection: "a",
		First: 30, Ballots: 50, PerRequest: 10,
	}.Run(t.Context())
	if err != nil || r.Acknowledged != 50 || len(b.polls) != 5 || b.polls["p-0000000003"] != 10 || b.polls["p-0000000007"] != 10 {
		t.Errorf("%v, %+v, %v", err, r, b.polls)
	}
}

func TestBulkLinesThatAreNoReceiptAreToldApart(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]Result{
		`{"line":7,"code":"already_voted"}`:                   {Acknowledged: 19, Refused: 1},
		`{"line":7,"code":"outcome_unknown"}`:                 {Acknowledged: 19, Unknown: 1},
		`{"line":7,"outcome":"replayed"}`:                     {Acknowledged: 20, Replayed: 1},
		`{"code":"unavailable","retry_from_line":20}`:         {Acknowledged: 19, Unknown: 1},
		`{"line":7,"outcome":"counted"}` + "\n" + `{"x":"y"}`: {Acknowledged: 20, Refused: 1},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.every, b.answer = 20, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, line) }
			r, err := Bulk{
				Targets: []string{b.addr()}, Streams: 1, Poll: "p", Prefix: "v", Selection: "a", Ballots: 20, PerRequest: 20,
			}.Run(t.Context())
			if err != nil || r.Acknowledged != want.Acknowledged || r.Refused != want.Refused || r.Unknown != want.Unknown || r.Replayed != want.Replayed {
				t.Errorf("%v, got %+v, want %+v", err, r, want)
			}
		})
	}
}

func TestALoadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for name, run := range map[string]func(context.Context) error{
		"single": func(ctx context.Context) error {
			_, err := Single{Targets: []string{b.addr()}, Connections: 2, Duration: time.Minute, Poll: "p", Prefix: "s", Selection: "a"}.Run(ctx)
			return err
		},
		"bulk": func(ctx context.Context) error {
			_, err := Bulk{Targets: []string{b.addr()}, Streams: 2, Duration: time.Minute, PerRequest: 100, Poll: "p", Prefix: "b", Selection: "a"}.Run(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := run(ctx); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestLatenciesAreSplitByStretchesOfTime(t *testing.T) {
	t.Parallel()
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	r := Join(Result{samples: []sample{{sent: 1_000_000, micros: 1000}, {sent: 2_000_000, micros: 9000}}},
		Result{samples: []sample{{sent: 2_995_000, micros: 10_000}, {sent: 5_000_000, micros: 2000}}})
	within, outside, n, m := r.QuantileSplit(1, []Interval{{at(1999), at(2001)}, {at(3000), at(4000)}})
	if within != 10*time.Millisecond || outside != 2*time.Millisecond || n != 2 || m != 2 {
		t.Errorf("within %s of %d, outside %s of %d", within, n, outside, m)
	}
}
