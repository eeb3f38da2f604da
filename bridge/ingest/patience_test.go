package ingest

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPollThatCannotBeReadIsNotAskedForByEveryMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Given a poll whose opening is known,
		noon := time.Now().Add(time.Hour)
		c := &cluster{opens: noon}
		var p patience
		p.opening(t.Context(), c, "board")
		// when it cannot be read any more, and a batch of messages waits for it,
		time.Sleep(longestPause)
		c.silent, c.opens = errors.New("no node answers"), time.Time{}
		for range 100 {
			// then what was known holds on,
			if got := p.opening(t.Context(), c, "board"); !got.Equal(noon) {
				t.Fatalf("it opens at %v, want %v", got, noon)
			}
		}
		// the node is asked once,
		if c.asked != 2 {
			t.Errorf("the poll was read %d times, want 2", c.asked)
		}
		// and once more after a while.
		time.Sleep(longestPause)
		c.silent, c.opens = nil, noon.Add(time.Hour)
		if got := p.opening(t.Context(), c, "board"); !got.Equal(c.opens) {
			t.Errorf("it opens at %v, want %v", got, c.opens)
		}
	})
}
