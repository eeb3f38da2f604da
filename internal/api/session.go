package api

import (
	"context"
	"errors"
	"time"

	"voted/internal/auth"
	"voted/internal/refusal"
)

// session is the sender of a request that lasts, and must remain authorised: when its
// credential is withdrawn or ends, so does the request. It belongs to the goroutine that
// answers.
type session struct {
	h       *Handler
	shown   auth.Presented
	need    auth.Need
	changes uint64    // Authenticator.Changes at the last check
	until   time.Time // when the credential ends by itself; zero: it does not
}

// still refuses a sender that is no longer authorised. A nil session is always
// authorised. It may be called often: as long as nothing has changed it checks nothing
// else.
func (s *session) still(ctx context.Context) error {
	if s == nil {
		return nil
	}
	changes := s.h.access.auth.Changes()
	if changes == s.changes && (s.until.IsZero() || time.Now().Before(s.until)) {
		return nil
	}
	who, err := s.h.let(ctx, s.h.timeout, s.shown)
	var refused *refusal.Error
	if errors.As(err, &refused) && refused.Code == refusal.Unavailable {
		return nil // an issuer that cannot be reached withdraws no credential
	}
	if err == nil && !auth.Decide(who, s.need) {
		err = forbidden(who, s.need.Roles)
	}
	if err == nil {
		s.changes, s.until = changes, who.Until
	}
	return err
}
