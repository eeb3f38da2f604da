// Package pause waits for a time, unless a context ends first.
package pause

import (
	"context"
	"time"
)

// For waits for d. If ctx ends first, or has ended already, it returns the error of ctx.
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
