package pause

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPauseLastsAsLongAsItShouldOrUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit, d, want time.Duration
		err            error
	}{
		"the whole time":          {time.Hour, time.Minute, time.Minute, nil},
		"until the context ends":  {time.Second, time.Minute, time.Second, context.DeadlineExceeded},
		"no time at all":          {time.Hour, 0, 0, nil},
		"less than none":          {time.Hour, -time.Second, 0, nil},
		"after the context's end": {-time.Second, time.Minute, 0, context.DeadlineExceeded},
		"no time, after its end":  {-time.Second, 0, 0, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.limit)
				defer cancel()
				began := time.Now()
				if err := For(ctx, c.d); !errors.Is(err, c.err) {
					t.Errorf("the error is %v, want %v", err, c.err)
				}
				if took := time.Since(began); took != c.want {
					t.Errorf("it took %v, want %v", took, c.want)
				}
			})
		})
	}
}
