package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/cluster/peer"
	"voted/internal/poll"
)

func TestStampsFollowTheMedianClock(t *testing.T) {
	t.Parallel()
	s := time.Second
	for _, x := range []struct {
		name    string
		offsets []time.Duration
		want    time.Duration
	}{
		{"alone: its own", []time.Duration{0}, 0},
		{"two: the slower one, whichever that is", []time.Duration{0, 3600 * s}, 0},
		{"two, the other is behind", []time.Duration{0, -5 * s}, -5 * s},
		{"three: one clock an hour ahead changes nothing", []time.Duration{0, 3600 * s, s / 100}, s / 100},
		{"three: the leader itself is a day ahead", []time.Duration{0, -86400 * s, -86401 * s}, -86400 * s},
		{"five: two wrong clocks change nothing", []time.Duration{0, -3600 * s, 3600 * s, s / 10, -s / 10}, 0},
	} {
		if got := medianOf(x.offsets); got != x.want {
			t.Errorf("%s: median is %v, want %v", x.name, got, x.want)
		}
	}
}

// The leader's own clock jumps after it has seen those of the others.
func TestAJumpBetweenTwoLooksAtItsOwnClockMovesNoStamp(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{time.Hour, -24 * time.Hour} {
		right := time.Now()
		c := newClock(func() time.Time { return time.Now().Round(0).Add(jump) })
		seen := []sighting{{server: Server{ID: "n1"}, voter: true}}
		for _, id := range []string{"n2", "n3"} {
			s := sighting{server: Server{ID: id}, voter: true, at: right}
			s.status.Now = right.Round(0)
			seen = append(seen, s)
		}
		c.heard("n1", seen, slog.New(slog.DiscardHandler))
		if now, ok := c.read(); !ok || now.Sub(time.Now().Round(0)).Abs() > time.Minute {
			t.Errorf("after a jump by %v the stamp is %v, and it is %v", jump, now, time.Now())
		}
	}
}

func TestAReaderNeverJoinsARoundThatBeganBeforeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var rounds atomic.Uint64
		gate := make(chan struct{})
		r := newReadRounds(ctx, func(context.Context) (uint64, error) {
			n := rounds.Add(1)
			<-gate
			return n, nil
		})
		got := make(chan uint64, 3)
		join := func() {
			n, err := r.join(ctx)
			if err != nil {
				t.Error(err)
			}
			got <- n
		}
		// Given a round under way, when two more readers come …
		go join()
		synctest.Wait()
		go join()
		go join()
		synctest.Wait()
		// … then they share the next one.
		gate <- struct{}{}
		if n := <-got; n != 1 {
			t.Errorf("the first reader got round %d", n)
		}
		gate <- struct{}{}
		if a, b := <-got, <-got; a != 2 || b != 2 {
			t.Errorf("later readers got rounds %d and %d, want 2", a, b)
		}
	})
}

func TestAnErrorTellsWhetherTheLogWasTouched(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		err  error
		not  bool
	}{
		{"the leader said no", fmt.Errorf("%w: why", errNotAppended), true},
		{"its queue was full", errBusy, true},
		{"the connection was refused", fmt.Errorf("dial: %w", peer.ErrNotSent), true},
		{"the connection broke", errors.New("EOF"), false},
		{"the deadline passed", context.DeadlineExceeded, false},
		{"the handler failed", &peer.RemoteError{Method: "propose", Message: "boom"}, false},
	} {
		if definitelyNot(x.err) != x.not {
			t.Errorf("%s: certainly not appended = %v, want %v", x.name, !x.not, x.not)
		}
	}
}

func TestVerdictsCrossTheNetworkUnchanged(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		nil, errBusy, fmt.Errorf("%w: not here", errNotAppended),
		poll.Refuse(poll.CodeQuorumAtRisk, "no"), errors.New("something else"),
	} {
		n := &Node{log: slog.New(slog.DiscardHandler)}
		n.opts.Network = answering(n.verdict(t.Context(), callPropose, err, func() []byte { return []byte("ok") }))
		rest, got := n.ask(t.Context(), "", callPropose, nil)
		var want, is *poll.Error
		switch {
		case err == nil:
			if got != nil || string(rest) != "ok" {
				t.Errorf("done came back as %q, %v", rest, got)
			}
		case errors.As(err, &want):
			if !errors.As(got, &is) || is.Code != want.Code || is.Detail != want.Detail {
				t.Errorf("%v came back as %v", err, got)
			}
		case errors.Is(err, errBusy) != errors.Is(got, errBusy), errors.Is(err, errNotAppended) != errors.Is(got, errNotAppended):
			t.Errorf("%v came back as %v", err, got)
		case definitelyNot(err) != definitelyNot(got):
			t.Errorf("%v came back as %v, which says something else about the log", err, got)
		}
	}
}

// answering is a network whose every call is answered alike.
func answering(answer []byte) Network { return fixed{answer: answer} }

type fixed struct {
	Network
	answer []byte
}

func (f fixed) Call(context.Context, string, string, []byte) ([]byte, error) { return f.answer, nil }

func TestAMemberThatDidNotRunHasNotListened(t *testing.T) {
	t.Parallel()
	const every = 50 * time.Millisecond
	a := attention{every: every}
	start := time.Now()
	at := func(looks int) time.Time { return start.Add(time.Duration(looks) * every) }
	// given a leader that is heard from, and then no more
	a.look(start)
	for range 3 {
		a.look(start)
	}
	if got := a.listened(start, at(3)); got != 3*every {
		t.Errorf("after three looks it has listened for %s", got)
	}
	// when the process stands still for a second, and goes on with one late look
	a.look(start)
	if got := a.listened(start, at(23)); got != 5*every {
		t.Errorf("after standing still it has listened for %s, want %s", got, 5*every)
	}
	// then a sign of life counts at once, also before a look has seen it
	if got := a.listened(at(23), at(24)); got != every {
		t.Errorf("after a sign of life it has listened for %s", got)
	}
	a.look(at(23))
	if got := a.listened(at(23), at(30)); got != every {
		t.Errorf("a look at it leaves %s", got)
	}
}

func TestAnErrorNamesTheBatchUnderWhichOtherMembersLogIt(t *testing.T) {
	t.Parallel()
	n := &Node{}
	b := &batch{}
	before := n.gaveUp(false, nil)
	if got := b.named(before); got != before {
		t.Errorf("a ballot that was in no batch yet: %v", got)
	}
	b.id = "n1-ab-7"
	err := b.named(n.gaveUp(false, errBusy))
	var refusal *poll.Error
	if !errors.As(err, &refusal) || refusal.Code != poll.CodeTooManyRequests || !errors.Is(err, errBusy) {
		t.Fatalf("naming the batch made another error of it: %v", err)
	}
	if !strings.Contains(err.Error(), "batch n1-ab-7: ") || strings.Contains(refusal.Detail, b.id) {
		t.Errorf("the batch belongs into the log, not into the answer: %v, %q", err, refusal.Detail)
	}
	if err := b.named(n.gaveUp(true, nil)); !strings.HasSuffix(err.Error(), ": batch n1-ab-7") {
		t.Errorf("without a cause: %v", err)
	}
}
