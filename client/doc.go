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
// All goroutines share one Client. Every method takes a context; one without a deadline
// is given 30 seconds.
//
// # Retries
//
// A call goes to one endpoint. It is tried again, with the same bytes and at the next
// endpoint, after a broken or refused connection, a silent node, a truncated answer,
// the statuses 429, 502, 503 and 504, and any refusal that the service marks as
// retryable, such as 507. No other refusal is tried again. Delays double, with full
// jitter, on top of Retry-After. A circuit breaker keeps calls away from an endpoint
// that keeps failing, but never from the last one, and a budget bounds retries to a
// share of the calls (RetryPolicy).
//
// This is safe because the service counts a ballot once, however often it is sent: a
// repeated ballot returns the first receipt, marked Replayed. Other repeated calls are
// protected, too: they carry an Idempotency-Key or the log index that the client has
// seen, or ask for something that happens only once to a poll. So a late duplicate does
// not undo later changes by others. The calls about members and join tokens have no
// such protection: they are repeated only if nothing was applied, and otherwise end
// with ErrOutcomeUnknown.
//
// # Hedging
//
// A node that hangs answers nothing, not even that it cannot answer. So a call that has
// no answer for longer than nearly all recent ones took, and at least 50 ms, also goes to
// a second endpoint, with the same bytes. The answer that decides the call first is its
// answer, and the other try is cancelled. Only calls that are safe to repeat are hedged,
// and never a stream, CastMany, a batch of LoadRoll, or a call to a named endpoint. A
// budget bounds hedges to a twentieth of the calls (HedgePolicy). The receipt of a hedged
// ballot may be Replayed, although the caller sent it once: both tries arrived.
//
// # Errors
//
// A refusal is an *Error, whose code errors.Is matches. A call that ended without an
// answer is an *UnansweredError, which names the endpoints and the last cause, and
// matches ErrOutcomeUnknown if the write may have been applied: that holds, too, if a node
// refused it for the moment after another had not answered. If a newer service's
// answer cannot be read by this client, the error is an *UnreadableError: the request
// was carried out.
//
// # Many ballots
//
// CastMany streams ballots and their answers, and resumes by itself. Watch
// streams results. Export and ExportBallots read what may be seen of the box, Audit and
// AuditBallots all of it.
//
//	for answer, err := range c.CastMany(ctx, "board-2026", ballots) {
//		if err != nil {
//			return err // the ballots without an answer may be sent again
//		}
//		if err := answer.Err(); err != nil { … }
//	}
package client
