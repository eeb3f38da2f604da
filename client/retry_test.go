package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"voted/client"
)

// misbehaviours are first answers after which a second try must follow.
var misbehaviours = map[string]http.HandlerFunc{
	"503 with Retry-After": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		answerProblem(w, 503, "unavailable")
	},
	"503 outcome unknown": func(w http.ResponseWriter, _ *http.Request) { answerProblem(w, 503, "outcome_unknown") },
	"429":                 func(w http.ResponseWriter, _ *http.Request) { answerProblem(w, 429, "too_many_requests") },
	"502 of a proxy":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) },
	"504 of a proxy":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusGatewayTimeout) },
	"connection cut after the request was read": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		hangUp(w)
	},
	"truncated body": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "500")
		_, _ = io.WriteString(w, receiptJSON[:40])
	},
	"JSON cut short by a proxy": func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 201, receiptJSON[:40]) },
	"slow server":               func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
}

func TestCastIsTriedAgainByteForByte(t *testing.T) {
	t.Parallel()
	for name, bad := range misbehaviours {
		t.Run("after "+name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var seen []string
			h := func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				seen = append(seen, fmt.Sprint(r.Method, r.RequestURI, r.Header, string(body)))
				n := len(seen)
				mu.Unlock()
				if n == 1 {
					bad(w, r)
					return
				}
				answerJSON(w, 201, receiptJSON)
			}
			c := newClient(t, []string{serve(t, h), serve(t, h)},
				unhedged(), client.WithAttemptTimeout(300*time.Millisecond), client.WithToken(func() string { return "secret" }))
			r, err := c.Cast(t.Context(), "p", "a/b c", client.Choose("ann"))
			if err != nil {
				t.Fatal(err)
			}
			if r.Ballot != 7 || r.Version != 1 || r.Index != 12 || r.Outcome != client.Counted || r.Meta.Attempts != 2 || r.Meta.Node != "n1" {
				t.Errorf("receipt = %+v", r)
			}
			if len(seen) != 2 || seen[0] != seen[1] {
				t.Errorf("requests differ:\n%s", strings.Join(seen, "\n"))
			}
			if !strings.Contains(seen[0], "/v1/polls/p/ballots/a%2Fb%20c") || !strings.Contains(seen[0], `{"selections":["ann"]}`) ||
				!strings.Contains(seen[0], "Bearer secret") || !strings.Contains(seen[0], "wait=1") {
				t.Errorf("request = %s", seen[0])
			}
		})
	}
}

func TestRefusalsAreFinal(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]client.Code{
		404: client.CodePollNotFound, 409: client.CodeAlreadyVoted, 412: client.CodeVersionMismatch,
		422: client.CodeInvalidBallot, 401: client.CodeUnauthenticated, 500: client.CodeInternal,
	} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			c := newClient(t, []string{serve(t, func(w http.ResponseWriter, _ *http.Request) {
				n.Add(1)
				w.Header().Set("Etag", `"3"`)
				answerProblem(w, status, string(code))
			})})
			_, err := c.Cast(t.Context(), "p", "v", client.Choose("ann"))
			var e *client.Error
			if !errors.Is(err, code) || !errors.As(err, &e) || errors.Is(err, client.ErrOutcomeUnknown) {
				t.Fatalf("err = %v", err)
			}
			if e.Status != status || e.Version != 3 || e.RequestID != "r1" || len(e.Fields) != 1 || n.Load() != 1 {
				t.Errorf("error = %+v after %d requests", e, n.Load())
			}
		})
	}
}

func TestARefusalAfterATryWithoutAnAnswerIsFinalOnlyIfItLasts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first   node
		status  int
		code    client.Code
		unknown bool
	}{
		"the voter may be put on the roll before the first is carried out": {hangs, 403, client.CodeNotEligible, true},
		"the first may have got through before its connection broke":       {breaks(time.Millisecond), 409, client.CodePollNotOpen, true},
		"a closed poll opens for no one":                                   {hangs, 409, client.CodePollClosed, false},
		"the first was certainly not carried out":                          {answers(0, refuses(503, client.CodeUnavailable)), 409, client.CodePollNotOpen, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cl := newClient(t, []string{"a", "b"}, unhedged(), inOrder(c.first, answers(0, refuses(c.status, c.code)), func(*http.Request) (*http.Response, error) {
					t.Error("there was a third try")
					return nil, errors.New("no third node")
				}))
				_, err := cl.Cast(t.Context(), "p", "v", client.Choose("ann"))
				if !errors.Is(err, c.code) || errors.Is(err, client.ErrOutcomeUnknown) != c.unknown {
					t.Errorf("err = %v", err)
				}
				var u *client.UnansweredError
				if errors.As(err, &u) && (u.Attempts != 2 || len(u.Endpoints) != 2) {
					t.Errorf("%d tries at %v", u.Attempts, u.Endpoints)
				}
			})
		})
	}
}

func TestForeignAnswersAreFinal(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	for name, h := range map[string]http.HandlerFunc{
		"a redirect to another host": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
		},
		"a page where JSON was expected": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var rec recorder
			c := newClient(t, []string{serve(t, h)}, client.WithHooks(rec.hooks()))
			_, err := c.Cast(t.Context(), "p", "v", client.Choose("ann"))
			if err == nil || len(rec.attempts()) != 1 {
				t.Fatalf("err = %v after %d tries", err, len(rec.attempts()))
			}
		})
	}
}

func TestOneDeadEndpointOfThreeCostsNoCall(t *testing.T) {
	t.Parallel()
	ok := func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 201, receiptJSON) }
	var rec recorder
	dead := refusedPort(t)
	c := newClient(t, []string{dead, serve(t, ok), serve(t, ok)}, client.WithSpread(), unhedged(), client.WithHooks(rec.hooks()))
	for range 60 {
		if _, err := c.Cast(t.Context(), "p", "v", client.Choose("ann")); err != nil {
			t.Fatal(err)
		}
	}
	failed, nodes := 0, map[string]int{}
	for _, a := range rec.attempts() {
		nodes[a.Endpoint]++
		if a.Err != nil {
			failed++
		}
	}
	// Five failures open the breaker; the calls take far less than its second.
	if failed > 6 || len(nodes) != 3 {
		t.Errorf("%d tries failed, tries by endpoint %v", failed, nodes)
	}
}

func TestDeadlineNamesEndpointsCauseAndOutcome(t *testing.T) {
	t.Parallel()
	a, b := refusedPort(t), refusedPort(t)
	cut := serve(t, func(w http.ResponseWriter, _ *http.Request) { hangUp(w) })
	for _, tt := range []struct {
		name    string
		nodes   []string
		unknown bool
	}{
		{"nothing listens: nothing was applied", []string{a, b}, false},
		{"one node read the request: unknown", []string{a, cut}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := newClient(t, tt.nodes).Cast(ctx, "p", "v", client.Choose("ann"))
			var u *client.UnansweredError
			if !errors.As(err, &u) || !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("err = %v", err)
			}
			if errors.Is(err, client.ErrOutcomeUnknown) != tt.unknown {
				t.Errorf("unknown = %v: %v", !tt.unknown, err)
			}
			for _, n := range tt.nodes {
				if !strings.Contains(err.Error(), n) {
					t.Errorf("%q does not name %s", err, n)
				}
			}
		})
	}
}

func TestRetryAfterIsAFloor(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]func() string{
		"in seconds": func() string { return "3" },
		"as a date":  func() string { return time.Now().Add(3 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				// One node: there is no other that might answer at once.
				c := newClient(t, []string{"a"}, client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
					calls++
					return respond(r, func(w http.ResponseWriter, _ *http.Request) {
						if calls == 1 {
							w.Header().Set("Retry-After", value())
							answerProblem(w, 503, "unavailable")
							return
						}
						answerJSON(w, 201, receiptJSON)
					}), nil
				})))
				start := time.Now()
				if _, err := c.Cast(t.Context(), "p", "v", client.Choose("ann")); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took < 3*time.Second || took > 3100*time.Millisecond {
					t.Errorf("waited %v", took)
				}
			})
		})
	}
}

func TestBudgetBoundsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, calls := 0, 2000
		c := newClient(t, []string{"a", "b", "c"},
			client.WithRetryPolicy(client.RetryPolicy{BudgetBurst: 20}),
			client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
				tries++
				return respond(r, func(w http.ResponseWriter, _ *http.Request) { answerProblem(w, 503, "unavailable") }), nil
			})))
		start, failed := time.Now(), 0
		for range calls {
			if _, err := c.Cast(t.Context(), "p", "v", client.Choose("ann")); errors.Is(err, client.CodeUnavailable) {
				failed++
			}
		}
		// Every call fails. So the retries are a fifth of the calls, ten a second, and
		// what was saved.
		limit := float64(calls)*0.2 + 10*time.Since(start).Seconds() + 20
		if retries := tries - calls; float64(retries) > limit || failed != calls {
			t.Errorf("%d retries, more than %.0f; %d calls failed", retries, limit, failed)
		}
	})
}

func TestBreakersNeverBlockTheLastEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tried := map[string]int{}
		healthy := ""
		c := newClient(t, []string{"a", "b", "c"},
			client.WithRetryPolicy(client.RetryPolicy{BudgetRatio: -1, BreakerCooldown: time.Hour}),
			client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
				tried[r.URL.Host]++
				if r.URL.Host != healthy {
					return nil, errors.New("connection reset")
				}
				return respond(r, func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 201, receiptJSON) }), nil
			})))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if _, err := c.Cast(ctx, "p", "v", client.Choose("ann")); !errors.Is(err, client.ErrOutcomeUnknown) {
			t.Fatalf("err = %v", err)
		}
		lo, hi := min(tried["a"], tried["b"], tried["c"]), max(tried["a"], tried["b"], tried["c"])
		if lo < 20 || hi-lo > 6 {
			t.Errorf("with every breaker open the tries were %v", tried)
		}
		healthy = "b"
		if _, err := c.Cast(t.Context(), "p", "v", client.Choose("ann")); err != nil {
			t.Fatal(err)
		}
		before := tried["b"]
		if _, err := c.Cast(t.Context(), "p", "v", client.Choose("ann")); err != nil || tried["b"] != before+1 {
			t.Errorf("the endpoint that answered is not stayed with: %v %v", tried, err)
		}
	})
}

func TestLeadershipIsNotMovedTwice(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	h := func(w http.ResponseWriter, _ *http.Request) { n.Add(1); hangUp(w) }
	err := newClient(t, []string{serve(t, h)}).TransferLeadership(t.Context(), "")
	if !errors.Is(err, client.ErrOutcomeUnknown) || n.Load() != 1 {
		t.Errorf("err = %v after %d requests", err, n.Load())
	}
}

func TestIdempotencyKeyIsTheSameInEveryTry(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var keys []string
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if keys = append(keys, r.Header.Get("Idempotency-Key")); len(keys) == 1 {
			hangUp(w)
			return
		}
		w.Header().Set("Idempotent-Replayed", "true")
		answerJSON(w, 201, `{"id":"made","options":["a","b"],"state":"open"}`)
	})})
	p, err := c.CreatePollWithKey(t.Context(), "", client.Definition{Options: client.Options("a", "b")})
	if err != nil || p.ID != "made" || !p.Meta.Replayed || p.Options[1].Title != "b" {
		t.Fatalf("%+v %v", p, err)
	}
	if len(keys) != 2 || keys[0] != keys[1] || len(keys[0]) < 20 || keys[0][0] != '"' {
		t.Errorf("keys = %q", keys)
	}
}

func TestHooksTellEveryAttempt(t *testing.T) {
	t.Parallel()
	var rec recorder
	var retries atomic.Int32
	h := rec.hooks()
	h.OnRetry = func(context.Context, client.Retry) { retries.Add(1) }
	ok := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Idempotent-Replayed", "true")
		answerJSON(w, 200, receiptJSON)
	})
	c := newClient(t, []string{refusedPort(t), ok, refusedPort(t)}, unhedged(), client.WithHooks(h))
	if _, err := c.Cast(t.Context(), "p", "v", client.Choose("ann")); err != nil {
		t.Fatal(err)
	}
	all := rec.attempts()
	last := all[len(all)-1]
	if int(retries.Load()) != len(all)-1 || last.Endpoint != ok || last.Node != "n1" || !last.Replayed || last.Status != 200 ||
		last.Number != len(all) || last.End.Before(last.Start) || last.Header.Get("Voted-Index") != "12" {
		t.Errorf("%d retries, attempts %+v", retries.Load(), all)
	}
}

func TestCancelledCallsSendNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := newClient(t, []string{serve(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") })})
	_, err := c.Cast(ctx, "p", "v", client.Choose("ann"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrOutcomeUnknown) {
		t.Errorf("err = %v", err)
	}
}

func TestBallotsKeepTheirForm(t *testing.T) {
	t.Parallel()
	for want, b := range map[string]client.Ballot{
		`{"selections":["ann"]}`:              client.Choose("ann"),
		`{"selections":[]}`:                   client.Choose(),
		`{"ranking":["bo","ann"]}`:            client.Rank("bo", "ann"),
		`{"ranking":["bo",["ann","cy"]]}`:     client.RankTiers([]string{"bo"}, []string{"ann", "cy"}),
		`{"scores":{"ann":5,"bo":0}}`:         client.Score(map[string]int{"bo": 0, "ann": 5}),
		"{\"selections\":[\"\\\"ä\\u0001\"]}": client.Choose("\"ä\x01"),
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			got, err := b.MarshalJSON()
			if err != nil || string(got) != want {
				t.Fatalf("%s, %v", got, err)
			}
			var back client.Ballot
			if err := back.UnmarshalJSON(got); err != nil || !reflect.DeepEqual(back, b) {
				t.Errorf("back: %#v, %v", back, err)
			}
		})
	}
}

func TestAKilledNodeCostsConcurrentCallersNothing(t *testing.T) {
	t.Parallel()
	// Given 32 callers over three nodes, when one node's process dies, then every
	// call is still answered.
	var served atomic.Int32
	ok := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		served.Add(1)
		answerJSON(w, 201, receiptJSON)
	}
	dying := httptest.NewServer(http.HandlerFunc(ok))
	defer dying.Close()
	c := newClient(t, []string{dying.URL, serve(t, ok), serve(t, ok)}, client.WithSpread(), client.WithConnections(32))
	var callers sync.WaitGroup
	for caller := range 32 {
		callers.Go(func() {
			for n := range 30 {
				if caller == 0 && n == 10 {
					dying.Listener.Close()
					dying.CloseClientConnections()
				}
				if _, err := c.Cast(t.Context(), "p", "v", client.Choose("ann")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	if served.Load() < 32*30 {
		t.Errorf("%d requests were served", served.Load())
	}
}

func TestIDsThatCannotBeSentAreRefusedHere(t *testing.T) {
	t.Parallel()
	c := newClient(t, []string{refusedPort(t)})
	for _, voter := range []string{"", ".", "..", "a\nb", "\xff", strings.Repeat("x", 257)} {
		if _, err := c.Cast(t.Context(), "p", voter, client.Choose("ann")); !errors.Is(err, client.CodeInvalidVoter) {
			t.Errorf("voter %q: %v", voter, err)
		}
	}
	if _, err := c.Poll(t.Context(), ".."); !errors.Is(err, client.CodeMalformedRequest) {
		t.Error(err)
	}
	both := client.Ballot{Selections: []string{"a"}, Ranking: [][]string{{"a"}}}
	if _, err := c.Cast(t.Context(), "p", "v", both); !errors.Is(err, client.CodeInvalidBallot) {
		t.Error(err)
	}
	if _, err := client.New(nil); err == nil {
		t.Error("a client without endpoints was made")
	}
	if _, err := client.New([]string{"ftp://x"}); err == nil {
		t.Error("an endpoint that is not HTTP was accepted")
	}
}

func TestReadyAsksOneNodeOnce(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		http.Error(w, "leader: unknown", http.StatusServiceUnavailable)
	})})
	var e *client.Error
	if err := c.Ready(t.Context(), c.Endpoints()[0]); !errors.As(err, &e) || e.Status != 503 || n.Load() != 1 {
		t.Errorf("err = %v after %d requests", err, n.Load())
	}
	if err := c.Ready(t.Context(), refusedPort(t)); err == nil {
		t.Error("a port without a listener is ready")
	}
}

func TestANodeThatAsksToWaitIsPassedOverForOneThatAnswers(t *testing.T) {
	t.Parallel()
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"status":503,"code":"unavailable","retryable":true}`)
	}))
	defer busy.Close()
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"poll":"p","voter":"v","outcome":"counted","version":1,"ballot":1,"index":1,"cast_at":"2026-12-01T08:00:00.000Z"}`)
	}))
	defer good.Close()
	for range 4 { // whichever is asked first
		c, err := client.New([]string{busy.URL, good.URL}, client.WithSpread(), client.WithDeadline(5*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Cast(t.Context(), "p", "v", client.Choose("a")); err != nil {
			t.Errorf("one node asked to wait, and the other was not tried: %v", err)
		}
		c.Close()
	}
}

func TestATransportThatTracesSeesTheCallersContextAtEachTry(t *testing.T) {
	t.Parallel()
	type traceparent struct{}
	var sent []string
	c := newClient(t, []string{"a", "b"}, client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
		traced := r.Clone(r.Context())
		traced.Header.Set("traceparent", r.Context().Value(traceparent{}).(string))
		sent = append(sent, traced.Header.Get("traceparent")+r.Header.Get("traceparent"))
		return respond(traced, func(w http.ResponseWriter, _ *http.Request) {
			if len(sent) == 1 {
				answerProblem(w, 503, "unavailable")
				return
			}
			answerJSON(w, 201, receiptJSON)
		}), nil
	})))
	if _, err := c.Cast(context.WithValue(t.Context(), traceparent{}, "00-a-b-01"), "p", "v", client.Choose("ann")); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(sent, []string{"00-a-b-01", "00-a-b-01"}) {
		t.Errorf("sent %q", sent)
	}
}
