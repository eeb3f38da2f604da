package client_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"voted/client"
)

// node answers a request of a call in a test; it may wait.
type node func(r *http.Request) (*http.Response, error)

// hangs never answers.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// answers returns a node that answers after a time.
func answers(after time.Duration, h http.HandlerFunc) node {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(after):
			return respond(r, h), nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// breaks returns a node whose connection breaks after a time.
func breaks(after time.Duration) node {
	return func(r *http.Request) (*http.Response, error) {
		if resp, err := answers(after, counted)(r); err != nil {
			return resp, err
		}
		return nil, errors.New("connection reset")
	}
}

func counted(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 201, receiptJSON) }

func refuses(status int, code client.Code) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answerProblem(w, status, string(code)) }
}

// inOrder is a transport whose first request of all goes to the first node, and so on;
// the last node has the rest. Which endpoint they are at does not matter.
func inOrder(nodes ...node) client.Option {
	var n atomic.Int32
	return client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
		return nodes[min(int(n.Add(1)), len(nodes))-1](r)
	}))
}

// hedges records the calls of OnHedge.
type hedges struct {
	mu  sync.Mutex
	all []client.Hedge
}

func (h *hedges) hooks() client.Hooks {
	return client.Hooks{OnHedge: func(_ context.Context, x client.Hedge) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.all = append(h.all, x)
	}}
}

func TestACallToANodeThatHangsIsAnsweredByAnotherNode(t *testing.T) {
	t.Parallel()
	const pause = 2500 * time.Millisecond
	for name, c := range map[string]struct {
		policy      client.HedgePolicy
		took        time.Duration
		sent, deny  uint64
		tries       int
		wantOutcome []client.HedgeOutcome
	}{
		"by default after a quarter of a second":                {client.HedgePolicy{}, 260 * time.Millisecond, 1, 0, 2, []client.HedgeOutcome{client.HedgeWon}},
		"after a longer delay that the caller wants":            {client.HedgePolicy{MinDelay: time.Second}, 1010 * time.Millisecond, 1, 0, 2, []client.HedgeOutcome{client.HedgeWon}},
		"without hedging only when the node is awake again":     {client.HedgePolicy{Off: true}, pause, 0, 0, 1, nil},
		"without a budget only when the node is awake again":    {client.HedgePolicy{BudgetBurst: -1}, pause, 0, 1, 1, []client.HedgeOutcome{client.HedgeDenied}},
		"not before the delay has passed, if the pause is less": {client.HedgePolicy{MinDelay: 2 * pause}, pause, 0, 0, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reported hedges
				cl := newClient(t, []string{"a", "b", "c"}, inOrder(answers(pause, counted), answers(10*time.Millisecond, counted)),
					client.WithHedging(c.policy), client.WithHooks(reported.hooks()))
				start := time.Now()
				r, err := cl.Cast(t.Context(), "p", "v", client.Choose("ann"))
				if took := time.Since(start); err != nil || took != c.took || r.Meta.Attempts != c.tries {
					t.Errorf("after %v and %d tries, not %v and %d: %v", took, r.Meta.Attempts, c.took, c.tries, err)
				}
				if n := cl.Hedges(); n.Sent != c.sent || n.Won != c.sent || n.Denied != c.deny {
					t.Errorf("counted %+v", n)
				}
				var outcomes []client.HedgeOutcome
				for _, h := range reported.all {
					outcomes = append(outcomes, h.Outcome)
					if h.Outcome == client.HedgeWon && (h.To != r.Meta.Endpoint || h.Endpoint == h.To || h.After != c.took-10*time.Millisecond) {
						t.Errorf("reported %+v, answered by %s", h, r.Meta.Endpoint)
					}
				}
				if !slices.Equal(outcomes, c.wantOutcome) {
					t.Errorf("reported %+v", reported.all)
				}
			})
		})
	}
}

func TestTheDelayOfAHedgeFollowsTheLatenciesOfItsKindOfCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Given endpoints that answer ballots after 100 ms and reads at once, when they
		// hang, then a ballot waits for little more than 100 ms before it is hedged, and a
		// read for 50 ms.
		var hung atomic.Bool
		var reported hedges
		c := newClient(t, []string{"a", "b"}, client.WithHooks(reported.hooks()),
			client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
				after := 100 * time.Millisecond
				if r.Method == http.MethodGet {
					after = time.Millisecond
				}
				if hung.Load() {
					after = time.Second
				}
				return answers(after, counted)(r)
			})))
		cast := func() error { _, err := c.Cast(t.Context(), "p", "v", client.Choose("ann")); return err }
		read := func() error { _, err := c.Receipt(t.Context(), "p", "v"); return err }
		for range 100 {
			if err := errors.Join(cast(), read()); err != nil {
				t.Fatal(err)
			}
		}
		if n := c.Hedges(); n.Sent != 0 {
			t.Fatalf("%d hedges while nothing hung", n.Sent)
		}
		hung.Store(true)
		if err := errors.Join(cast(), read()); err != nil || len(reported.all) != 2 {
			t.Fatalf("reported %+v, %v", reported.all, err)
		}
		if d := reported.all[0].After; d <= 100*time.Millisecond || d > 125*time.Millisecond {
			t.Errorf("a ballot was hedged after %v", d)
		}
		if d := reported.all[1].After; d != 50*time.Millisecond {
			t.Errorf("a read was hedged after %v", d)
		}
	})
}

func TestTheBudgetBoundsHedges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Given an election, in which every node holds its calls for 400 ms, when a
		// thousand calls come, then at most a twentieth of them and 20 more are hedged, and
		// every one is answered.
		c := newClient(t, []string{"a", "b", "c"}, inOrder(answers(400*time.Millisecond, counted)), client.WithSpread())
		castMany(t, c, 1000, time.Millisecond)
		if n := c.Hedges(); n.Sent > 1000/20+20 || n.Sent < 20 || n.Denied < n.Sent {
			t.Errorf("hedges: %+v", n)
		}
	})
}

// castMany casts concurrently, a ballot every so often, and returns how long the slowest
// took.
func castMany(t *testing.T, c *client.Client, n int, every time.Duration) time.Duration {
	var callers sync.WaitGroup
	var slowest atomic.Int64
	for range n {
		callers.Go(func() {
			start := time.Now()
			if _, err := c.Cast(t.Context(), "p", "v", client.Choose("ann")); err != nil {
				t.Error(err)
			}
			for took := int64(time.Since(start)); ; {
				if have := slowest.Load(); have >= took || slowest.CompareAndSwap(have, took) {
					return
				}
			}
		})
		time.Sleep(every) // the pace of the load
	}
	callers.Wait()
	return time.Duration(slowest.Load())
}

// fragile is a transport of nodes that answer ballots after 5 ms, and of which one can
// hang: the one called a. It counts the requests that hang there and those it answers.
type fragile struct {
	hung           atomic.Bool
	sent, answered atomic.Int32
}

func (f *fragile) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case r.URL.Host == "a" && f.hung.Load():
		f.sent.Add(1)
		return hangs(r)
	case r.URL.Host == "a":
		f.answered.Add(1)
	}
	return answers(5*time.Millisecond, counted)(r)
}

func TestCallsAtANodeThatHangsMoveToTheOthersAndItIsAvoided(t *testing.T) {
	for name, c := range map[string]struct {
		policy client.HedgePolicy
		retry  client.RetryPolicy
		atMost time.Duration
		lost   int32 // calls that go to the node that hangs, at most
	}{
		// The breaker lets one call a second through.
		"hedging as it is":                       {client.HedgePolicy{}, client.RetryPolicy{}, 100 * time.Millisecond, 60},
		"without a budget of the hedges' own":    {client.HedgePolicy{BudgetBurst: -1}, client.RetryPolicy{}, 100 * time.Millisecond, 60},
		"without hedging they wait, all of them": {client.HedgePolicy{Off: true}, client.RetryPolicy{BudgetRatio: -1}, 4 * time.Second, 1010},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Given a thousand ballots a second over three nodes, when one hangs for
				// three seconds, then no ballot waits for it for long, and few go there.
				f := &fragile{}
				opened := atomic.Int32{}
				cl := newClient(t, []string{"a", "b", "c"}, client.WithTransport(f), client.WithSpread(), client.WithHedging(c.policy), client.WithRetryPolicy(c.retry),
					client.WithHooks(client.Hooks{OnBreaker: func(string, client.BreakerState) { opened.Add(1) }}))
				castMany(t, cl, 300, time.Millisecond)
				if n := cl.Hedges(); n.Sent != 0 || opened.Load() != 0 {
					t.Fatalf("%+v hedges and %d changes of breakers while nothing hangs", n, opened.Load())
				}
				f.hung.Store(true)
				slowest := castMany(t, cl, 3000, time.Millisecond)
				t.Logf("the slowest took %v, and %d calls went to the node that hangs; hedges %+v", slowest, f.sent.Load(), cl.Hedges())
				if slowest > c.atMost || f.sent.Load() > c.lost {
					t.Errorf("the slowest took %v, and %d calls went to the node that hangs", slowest, f.sent.Load())
				}
				if c.policy.Off && slowest < 3*time.Second {
					t.Errorf("nothing waited for the node that hangs: %v", slowest)
				}
				f.hung.Store(false)
				time.Sleep(1100 * time.Millisecond) // lets the breaker's time pass
				before, at := cl.Hedges(), f.answered.Load()
				castMany(t, cl, 300, time.Millisecond)
				if after := cl.Hedges(); after != before || f.answered.Load()-at < 90 {
					t.Errorf("when the node is awake again it answers %d calls of 300, with hedges %+v, before %+v", f.answered.Load()-at, after, before)
				}
			})
		})
	}
}

func TestAfterAnElectionNoNodeIsAvoidedForBeingTheLastToAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Given nodes that all hold their calls until a leader is elected, when one of
		// them answers 10 ms before the others, then no breaker changes.
		elected := time.Now().Add(400 * time.Millisecond)
		c := newClient(t, []string{"a", "b", "c"}, client.WithSpread(),
			client.WithHooks(client.Hooks{OnBreaker: func(at string, s client.BreakerState) { t.Errorf("the breaker of %s is %s", at, s) }}),
			client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
				wait := time.Until(elected)
				if r.URL.Host != "b" {
					wait += 10 * time.Millisecond
				}
				return answers(max(5*time.Millisecond, wait), counted)(r)
			})))
		castMany(t, c, 600, time.Millisecond)
		if n := c.Hedges(); n.Won == 0 {
			t.Errorf("no hedge won: %+v", n)
		}
	})
}

func TestTheFirstAnswerThatDecidesACallIsItsAnswer(t *testing.T) {
	t.Parallel()
	soon := 10 * time.Millisecond // after the hedge was sent, at 250 ms
	for name, c := range map[string]struct {
		first, hedge node
		took         time.Duration
		want         error // nil: counted
		unknown      bool  // the call may be counted later
		tries        int
		read         bool
	}{
		"a refusal that lasts ends the call": {
			first: hangs, hedge: answers(soon, refuses(409, client.CodeAlreadyVoted)),
			took: 260 * time.Millisecond, want: client.CodeAlreadyVoted, tries: 2,
		},
		"a refusal that may not last waits for the other try, which counts": {
			first: answers(time.Second, counted), hedge: answers(soon, refuses(409, client.CodePollNotOpen)),
			took: time.Second, tries: 2,
		},
		"the same if the first is refused and the hedge counts": {
			first: answers(260*time.Millisecond, refuses(403, client.CodeNotEligible)), hedge: answers(500*time.Millisecond, counted),
			took: 750 * time.Millisecond, tries: 2,
		},
		"a refusal that may not last is the answer if the other try is refused too": {
			first: answers(time.Second, refuses(409, client.CodePollNotOpen)), hedge: answers(soon, refuses(409, client.CodePollNotOpen)),
			took: time.Second, want: client.CodePollNotOpen, tries: 2,
		},
		"a refusal that may not last waits for the time of the other try, which may count even later": {
			first: hangs, hedge: answers(soon, refuses(409, client.CodePollNotOpen)),
			took: 3 * time.Second, want: client.CodePollNotOpen, unknown: true, tries: 2,
		},
		"the same if the first is refused and the hedge hangs": {
			first: answers(260*time.Millisecond, refuses(403, client.CodeNotEligible)), hedge: hangs,
			took: 3250 * time.Millisecond, want: client.CodeNotEligible, unknown: true, tries: 2,
		},
		"any refusal ends a read": {
			first: hangs, hedge: answers(soon, refuses(404, client.CodePollNotFound)), read: true,
			took: 260 * time.Millisecond, want: client.CodePollNotFound, tries: 2,
		},
		"a refusal of the first ends the call while the hedge is under way": {
			first: answers(255*time.Millisecond, refuses(409, client.CodePollClosed)), hedge: hangs,
			took: 255 * time.Millisecond, want: client.CodePollClosed, tries: 2,
		},
		"a hedge that fails leaves the first try alone": {
			first: answers(time.Second, counted), hedge: breaks(soon),
			took: time.Second, tries: 2,
		},
		"a hedge goes on when the first try fails": {
			first: breaks(255 * time.Millisecond), hedge: answers(500*time.Millisecond, counted),
			took: 750 * time.Millisecond, tries: 2,
		},
		"a hedge at a node without a leader leaves the first try alone": {
			first: answers(time.Second, counted), hedge: answers(soon, refuses(503, client.CodeUnavailable)),
			took: time.Second, tries: 2,
		},
		"a page of something else leaves the first try alone": {
			first: answers(time.Second, counted), hedge: answers(soon, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }),
			took: time.Second, tries: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var rec recorder
				cl := newClient(t, []string{"a", "b"}, client.WithHooks(rec.hooks()),
					inOrder(c.first, c.hedge, func(*http.Request) (*http.Response, error) {
						t.Error("there was a third try")
						return nil, errors.New("no third node")
					}))
				start := time.Now()
				var r client.Receipt
				var err error
				if c.read {
					r, err = cl.Receipt(t.Context(), "p", "v")
				} else {
					r, err = cl.Cast(t.Context(), "p", "v", client.Choose("ann"))
				}
				if took := time.Since(start); took != c.took || !errors.Is(err, c.want) || errors.Is(err, client.ErrOutcomeUnknown) != c.unknown || r.Meta.Attempts != c.tries || len(rec.attempts()) != c.tries {
					t.Errorf("after %v and %d tries: %v", took, r.Meta.Attempts, err)
				}
				if c.want == nil && (err != nil || r.Outcome != client.Counted || r.Ballot != 7) {
					t.Errorf("receipt %+v, %v", r, err)
				}
			})
		})
	}
}

func TestTwoTriesThatFailAreTwoTriesOfTheCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		nodes []node
		tries int
		err   bool
	}{
		"a third node answers":      {[]node{breaks(300 * time.Millisecond), breaks(100 * time.Millisecond), answers(0, counted)}, 3, false},
		"in any order":              {[]node{breaks(400 * time.Millisecond), breaks(100 * time.Millisecond), answers(0, counted)}, 3, false},
		"no further try is allowed": {[]node{breaks(300 * time.Millisecond), breaks(100 * time.Millisecond)}, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cl := newClient(t, []string{"a", "b", "c"}, inOrder(c.nodes...), client.WithRetryPolicy(client.RetryPolicy{MaxAttempts: len(c.nodes)}))
				r, err := cl.Cast(t.Context(), "p", "v", client.Choose("ann"))
				if !c.err {
					if err != nil || r.Meta.Attempts != c.tries {
						t.Errorf("%d tries: %v", r.Meta.Attempts, err)
					}
					return
				}
				var u *client.UnansweredError
				if !errors.As(err, &u) || u.Attempts != c.tries || len(u.Endpoints) != 2 || !errors.Is(err, client.ErrOutcomeUnknown) {
					t.Errorf("err = %v", err)
				}
			})
		})
	}
}

func TestARetryPolicyOfOneTryAllowsNoHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, []string{"a", "b"}, inOrder(answers(time.Second, counted)), client.WithRetryPolicy(client.RetryPolicy{MaxAttempts: 1}))
		if _, err := c.Cast(t.Context(), "p", "v", client.Choose("ann")); err != nil || c.Hedges().Sent != 0 {
			t.Errorf("%+v, %v", c.Hedges(), err)
		}
	})
}

func TestACallerWhoLeavesEndsBothTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := newClient(t, []string{"a", "b"}, inOrder(hangs)).Cast(ctx, "p", "v", client.Choose("ann"))
		var u *client.UnansweredError
		if !errors.As(err, &u) || u.Attempts != 2 || len(u.Endpoints) != 2 || !u.Unknown || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestBothTriesAreTheSameRequestAndTheLoserIsCancelled(t *testing.T) {
	t.Parallel()
	// Given a node that reads a ballot and then hangs, when another one has answered,
	// then the first one's connection is closed, and the hooks know of both.
	var mu sync.Mutex
	var seen []string
	gone := make(chan struct{})
	h := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		seen = append(seen, strings.Join([]string{r.Method, r.RequestURI, r.Header.Get("If-Match"), r.Header.Get("Prefer"), string(body)}, " "))
		n := len(seen)
		mu.Unlock()
		if n == 1 {
			<-r.Context().Done()
			close(gone)
			return
		}
		w.Header().Set("Idempotent-Replayed", "true")
		answerJSON(w, 200, strings.Replace(receiptJSON, "counted", "replayed", 1))
	}
	var rec recorder
	c := newClient(t, []string{serve(t, h), serve(t, h)}, client.WithHooks(rec.hooks()))
	r, err := c.Replace(t.Context(), "p", "a/b", client.Choose("ann"), 3)
	if err != nil || r.Outcome != client.Replayed || !r.Meta.Replayed {
		t.Fatalf("%+v, %v", r, err)
	}
	<-gone
	if len(seen) != 2 || seen[0] != seen[1] || !strings.Contains(seen[0], `"3" wait=2 {"selections":["ann"]}`) {
		t.Errorf("requests differ:\n%s", strings.Join(seen, "\n"))
	}
	all := rec.attempts()
	if len(all) != 2 || all[0].Number != 1 || all[0].Err == nil || all[0].Status != 0 || all[1].Number != 2 || all[1].Err != nil ||
		all[1].Endpoint != r.Meta.Endpoint || all[0].Endpoint == all[1].Endpoint {
		t.Errorf("attempts %+v", all)
	}
}

func TestOnlyCallsThatAreHarmlessTwiceAreHedged(t *testing.T) {
	t.Parallel()
	type calls map[string]func(ctx context.Context, c *client.Client)
	yes := calls{
		"Cast": func(ctx context.Context, c *client.Client) { _, _ = c.Cast(ctx, "p", "v", client.Choose("a")) },
		"Replace": func(ctx context.Context, c *client.Client) {
			_, _ = c.Replace(ctx, "p", "v", client.Choose("a"), 1)
		},
		"Receipt":    func(ctx context.Context, c *client.Client) { _, _ = c.Receipt(ctx, "p", "v") },
		"CreatePoll": func(ctx context.Context, c *client.Client) { _, _ = c.CreatePoll(ctx, client.Definition{ID: "p"}) },
		"CreatePollWithKey": func(ctx context.Context, c *client.Client) {
			_, _ = c.CreatePollWithKey(ctx, "k", client.Definition{})
		},
		"Poll": func(ctx context.Context, c *client.Client) { _, _ = c.Poll(ctx, "p") },
		"Polls": func(ctx context.Context, c *client.Client) {
			c.Polls(ctx, client.PollsQuery{})(func(client.Poll, error) bool { return false })
		},
		"Schedule": func(ctx context.Context, c *client.Client) {
			_, _ = c.Schedule(ctx, "s", client.Scheduled{At: time.Now(), Close: "p"})
		},
		"Unschedule":   func(ctx context.Context, c *client.Client) { _ = c.Unschedule(ctx, "s") },
		"Scheduled":    func(ctx context.Context, c *client.Client) { _, _ = c.Scheduled(ctx, "s") },
		"ScheduleList": func(ctx context.Context, c *client.Client) { _, _ = c.ScheduleList(ctx) },
		"PutWebhook": func(ctx context.Context, c *client.Client) {
			_, _ = c.PutWebhook(ctx, "w", client.WebhookDefinition{URL: "https://a.example"})
		},
		"PatchWebhook": func(ctx context.Context, c *client.Client) {
			_, _ = c.PatchWebhook(ctx, "w", client.WebhookPatch{Paused: new(bool)})
		},
		"DeleteWebhook":    func(ctx context.Context, c *client.Client) { _ = c.DeleteWebhook(ctx, "w") },
		"RotateWebhook":    func(ctx context.Context, c *client.Client) { _, _ = c.RotateWebhook(ctx, "w", time.Hour) },
		"RedeliverWebhook": func(ctx context.Context, c *client.Client) { _, _ = c.RedeliverWebhook(ctx, "w", "evt_c_1") },
		"RedeliverWebhookAfter": func(ctx context.Context, c *client.Client) {
			_, _ = c.RedeliverWebhookAfter(ctx, "w", 1)
		},
		"Webhook":         func(ctx context.Context, c *client.Client) { _, _ = c.Webhook(ctx, "w") },
		"Webhooks":        func(ctx context.Context, c *client.Client) { _, _ = c.Webhooks(ctx) },
		"WebhookAttempts": func(ctx context.Context, c *client.Client) { _, _ = c.WebhookAttempts(ctx, "w") },
		"PatchPoll": func(ctx context.Context, c *client.Client) {
			_, _ = c.PatchPoll(ctx, "p", client.Patch{Title: new("x")})
		},
		"ClosePoll":  func(ctx context.Context, c *client.Client) { _, _ = c.ClosePoll(ctx, "p") },
		"DrawLot":    func(ctx context.Context, c *client.Client) { _, _ = c.DrawLot(ctx, "p", client.Lot{Seed: "s"}) },
		"DeletePoll": func(ctx context.Context, c *client.Client) { _ = c.DeletePoll(ctx, "p") },
		"Results":    func(ctx context.Context, c *client.Client) { _, _ = c.Results(ctx, "p", client.Stale) },
		"Roll":       func(ctx context.Context, c *client.Client) { _, _ = c.Roll(ctx, "p") },
		"Enrolled":   func(ctx context.Context, c *client.Client) { _, _ = c.Enrolled(ctx, "p", "v") },
		"Cluster":    func(ctx context.Context, c *client.Client) { _, _ = c.Cluster(ctx) },
		"Holders":    func(ctx context.Context, c *client.Client) { _, _ = c.Holders(ctx, "p", "v") },
		"Repeats":    func(ctx context.Context, c *client.Client) { _, _ = c.Repeats(ctx, "p") },
		"Proof":      func(ctx context.Context, c *client.Client) { _, _ = c.Proof(ctx, "p", "v") },
		"LogFile":    func(ctx context.Context, c *client.Client) { _, _ = c.LogFile(ctx, "p", client.LogCheckpoint) },
	}
	// These begin with a read that is hedged; what follows it is in the table below.
	read := func(path string) func(r *http.Request) bool {
		return func(r *http.Request) bool { return r.Method == http.MethodGet && r.URL.Path == path }
	}
	begins := map[string]func(r *http.Request) bool{
		"DropVoter": read("/v1/polls/p/roll"), "LoadRoll": read("/v1/polls/p/roll"), "Restore": read("/v1/polls"),
	}
	yes["DropVoter"] = func(ctx context.Context, c *client.Client) { _ = c.DropVoter(ctx, "p", "v") }
	no := calls{
		"AddMember":          func(ctx context.Context, c *client.Client) { _ = c.AddMember(ctx, "n4", "h:1") },
		"RemoveMember":       func(ctx context.Context, c *client.Client) { _ = c.RemoveMember(ctx, "n4") },
		"NewJoinToken":       func(ctx context.Context, c *client.Client) { _, _ = c.NewJoinToken(ctx, "n4", 0) },
		"RevokeJoinTokens":   func(ctx context.Context, c *client.Client) { _ = c.RevokeJoinTokens(ctx, "n4") },
		"TransferLeadership": func(ctx context.Context, c *client.Client) { _ = c.TransferLeadership(ctx, "") },
		"PingWebhook":        func(ctx context.Context, c *client.Client) { _, _ = c.PingWebhook(ctx, "w") },
		"ClusterAt":          func(ctx context.Context, c *client.Client) { _, _ = c.ClusterAt(ctx, "a") },
		"HistoryAt":          func(ctx context.Context, c *client.Client) { _, _ = c.HistoryAt(ctx, "a", time.Time{}) },
		"Ready":              func(ctx context.Context, c *client.Client) { _ = c.Ready(ctx, "a") },
		"Export":             func(ctx context.Context, c *client.Client) { _, _ = c.Export(ctx, "p", "", io.Discard) },
		"Backup":             func(ctx context.Context, c *client.Client) { _, _ = c.Backup(ctx, io.Discard) },
		"ResultsAs":          func(ctx context.Context, c *client.Client) { _, _ = c.ResultsAs(ctx, "p", "", "", io.Discard) },
		"Audit":              func(ctx context.Context, c *client.Client) { _, _ = c.Audit(ctx, "p", io.Discard) },
		"AuditBallots": func(ctx context.Context, c *client.Client) {
			c.AuditBallots(ctx, "p")(func(client.ExportedBallot, error) bool { return false })
		},
		"Proofs": func(ctx context.Context, c *client.Client) {
			c.Proofs(ctx, "p", []string{"v"})(func(client.VoterProof, error) bool { return false })
		},
		"ExportBallots": func(ctx context.Context, c *client.Client) {
			c.ExportBallots(ctx, "p")(func(client.ExportedBallot, error) bool { return false })
		},
		"BallotsAfter": func(ctx context.Context, c *client.Client) {
			c.BallotsAfter(ctx, "p", 0)(func(client.ExportedBallot, error) bool { return false })
		},
		"EventPage": func(ctx context.Context, c *client.Client) { _, _ = c.EventPage(ctx, client.EventsQuery{}) },
		"Events": func(ctx context.Context, c *client.Client) { // held by the node
			c.Events(ctx, client.EventsQuery{})(func(client.JournalEvent, error) bool { return false })
		},
		"Watch": func(ctx context.Context, c *client.Client) {
			c.Watch(ctx, "p")(func(client.Results, error) bool { return false })
		},
		"CastMany": func(ctx context.Context, c *client.Client) {
			c.CastMany(ctx, "p", ballots(2))(func(client.BulkAnswer, error) bool { return false })
		},
		"LoadRoll": func(ctx context.Context, c *client.Client) {
			_, _ = c.LoadRoll(ctx, "p", slices.Values([]client.RollEntry{{Voter: "v"}}), nil)
		},
		"Restore": func(ctx context.Context, c *client.Client) {
			_, _ = c.Restore(ctx, client.RestoreBackup{Open: func() (io.ReadCloser, error) { return http.NoBody, nil }})
		},
	}
	for _, m := range slices.Sorted(maps.Keys(yes)) {
		t.Run(m+" is hedged", func(t *testing.T) { t.Parallel(); hedgesOf(t, yes[m], begins[m], 1) })
	}
	for _, m := range slices.Sorted(maps.Keys(no)) {
		t.Run(m+" is not hedged", func(t *testing.T) { t.Parallel(); hedgesOf(t, no[m], begins[m], 0) })
	}
	for m := range reflect.TypeFor[*client.Client]().Methods() {
		if takesContext := m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[context.Context](); takesContext && yes[m.Name] == nil && no[m.Name] == nil {
			t.Errorf("decide whether %s may be hedged, and put it into a table of this test", m.Name)
		}
	}
}

// hedgesOf makes a call that no node answers for two seconds, except for the reads that
// it begins with, and wants so many hedges.
func hedgesOf(t *testing.T, call func(context.Context, *client.Client), begins func(*http.Request) bool, want uint64) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, []string{"a", "b"}, client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
			if begins != nil && begins(r) {
				return respond(r, func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 200, `{}`) }), nil
			}
			return hangs(r)
		})))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		call(ctx, c)
		if n := c.Hedges(); n.Sent != want {
			t.Errorf("hedges: %+v", n)
		}
	})
}

func TestWhereAllCallsAreSlowANodeThatHangsIsStillLeftSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Given nodes that take a second for each fifth call, so that the percentile is
		// a second, when one of them hangs, then its calls move after a quarter of a second.
		var n atomic.Int32
		var hung atomic.Bool
		c := newClient(t, []string{"a", "b", "c"}, client.WithSpread(), client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
			switch {
			case hung.Load() && r.URL.Host == "a":
				return hangs(r)
			case !hung.Load() && n.Add(1)%5 == 0:
				return answers(time.Second, counted)(r)
			}
			return answers(5*time.Millisecond, counted)(r)
		})))
		castMany(t, c, 1000, time.Millisecond)
		hung.Store(true)
		if slowest := castMany(t, c, 1000, time.Millisecond); slowest > 320*time.Millisecond {
			t.Errorf("the slowest took %v", slowest)
		}
	})
}
