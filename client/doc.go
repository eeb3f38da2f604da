// Package client is the Go SDK of voted, for gateways and tools.
//
//	c, err := client.New([]string{"http://n1:8080", "http://n2:8080", "http://n3:8080"})
//	…
//	r, err := c.Cast(ctx, "board-2026", "v-17", client.Choose("ann"))
//	switch {
//	case err == nil: // in the box, durably: r.Ballot, r.Outcome
//	case errors.Is(err, client.CodeAlreadyVoted): // another ballot of this voter counts
//	case errors.Is(err, client.CodePollClosed): // too late
//	case errors.Is(err, client.ErrOutcomeUnknown): // call Cast again, now or later
//	}
//
// A Client is shared by all goroutines. Every method takes a context; one
// without a deadline is given 30 seconds.
//
// # Retries
//
// A call goes to one endpoint. It is tried again, byte for byte the same and at
// the next endpoint, after a broken or refused connection, a silent node, an
// answer cut short, and the statuses 429, 502, 503 and 504; never after another
// refusal. Delays double, with full jitter, on top of Retry-After. A circuit breaker
// keeps calls away from an endpoint that keeps failing, but never from the last
// one, and a budget bounds retries to a share of the calls (RetryPolicy).
//
// This is safe because the service counts a ballot once, however often it is
// sent: a repeated ballot returns the first receipt, marked Replayed.
//
// # Errors
//
// A refusal is an *Error, whose code errors.Is matches. A call that ended
// without an answer is an *UnansweredError, which names the endpoints and the
// last cause, and matches ErrOutcomeUnknown where the write may have happened.
//
// # Many ballots
//
// CastMany streams ballots and their answers, and resumes by itself. Watch
// streams results. Export and ExportBallots read the box.
//
//	for answer, err := range c.CastMany(ctx, "board-2026", ballots) {
//		if err != nil {
//			return err // the ballots without an answer may be sent again
//		}
//		if err := answer.Err(); err != nil { … }
//	}
package client
