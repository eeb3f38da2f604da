package client_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"voted/client"
)

// leaderless is a node that holds each request for as long as the client allows, and
// then answers that there is no leader.
func leaderless(t *testing.T, wishes *[]string) client.Option {
	return client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
		wish := r.Header.Get("Prefer")
		*wishes = append(*wishes, wish)
		seconds, err := strconv.Atoi(strings.TrimPrefix(wish, "wait="))
		if err != nil {
			t.Errorf("Prefer = %q", wish)
		}
		select {
		case <-time.After(time.Duration(seconds) * time.Second):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		return respond(r, func(w http.ResponseWriter, _ *http.Request) { answerProblem(w, 503, "unavailable") }), nil
	}))
}

func TestATryThatTheDeadlineCutsShortDoesNotHideWhatANodeSaid(t *testing.T) {
	t.Parallel()
	// Whatever is left for the last try, from nothing to all of it.
	for rest := 100 * time.Millisecond; rest < 3*time.Second; rest += 200 * time.Millisecond {
		for name, own := range map[string]bool{"the client's deadline": false, "the caller's deadline": true} {
			t.Run(name+" "+rest.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var wishes []string
					deadline := 4*time.Second + rest
					ctx, cancel := context.WithCancel(t.Context())
					if own {
						ctx, cancel = context.WithTimeout(ctx, deadline)
					}
					defer cancel()
					c := newClient(t, []string{"a"}, leaderless(t, &wishes), client.WithDeadline(deadline),
						client.WithRetryPolicy(client.RetryPolicy{BaseDelay: time.Nanosecond, MaxDelay: time.Nanosecond}))
					_, err := c.Cast(ctx, "p", "v", client.Choose("ann"))
					var unanswered *client.UnansweredError
					if !errors.As(err, &unanswered) || !errors.Is(err, client.CodeUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
						t.Fatalf("after %q: %v", wishes, err)
					}
					if !unanswered.Unknown { // a node may have taken what it was asked last
						t.Errorf("after %q nothing is unknown: %v", wishes, err)
					}
				})
			})
		}
	}
}

func TestSilenceOfATryThatHadItsWholeTimeIsToldAsSuch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := newClient(t, []string{"a"}, client.WithDeadline(4*time.Second), client.WithRetryPolicy(client.RetryPolicy{MaxAttempts: 2}),
			client.WithTransport(inProcess(func(r *http.Request) (*http.Response, error) {
				if calls++; calls == 1 {
					return respond(r, func(w http.ResponseWriter, _ *http.Request) { answerProblem(w, 503, "unavailable") }), nil
				}
				<-r.Context().Done()
				return nil, r.Context().Err()
			})))
		_, err := c.Cast(t.Context(), "p", "v", client.Choose("ann"))
		if errors.Is(err, client.CodeUnavailable) || !errors.Is(err, client.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "did not answer in time") {
			t.Errorf("err = %v", err)
		}
	})
}
