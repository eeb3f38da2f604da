package webhook

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/poll"
)

// book is a log to which progress is committed.
type book struct {
	began   time.Time
	entries []string
	takes   time.Duration
	down    atomic.Bool // nothing can be committed
}

var errDown = errors.New("no quorum")

func (b *book) commit(ctx context.Context, moves []poll.Move) error {
	if b.takes > 0 {
		time.Sleep(b.takes)
	}
	if b.down.Load() {
		return errDown
	}
	text := fmt.Sprint(time.Since(b.began), ":")
	for _, m := range moves {
		text += fmt.Sprintf(" %d@%d", m.Endpoint, m.Cursor)
	}
	b.entries = append(b.entries, text)
	return nil
}

// commits runs f beside a progress in virtual time, and returns what was committed when.
func commits(t *testing.T, f func(p *progress, b *book)) (entries []string) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{began: time.Now()}
		p := newProgress(b.commit)
		ctx, cancel := context.WithCancel(t.Context())
		go p.run(ctx, func(error) {})
		f(p, b)
		time.Sleep(time.Minute)
		synctest.Wait()
		cancel()
		synctest.Wait()
		entries = b.entries
	})
	return entries
}

func TestProgressIsCommittedSoonAfterTheLastDeliveryAndNotLongAfterTheFirst(t *testing.T) {
	t.Parallel()
	move := func(endpoint, cursor uint64) poll.Move { return poll.Move{Endpoint: endpoint, Cursor: cursor} }
	for name, c := range map[string]struct {
		f    func(p *progress, b *book)
		want []string
	}{
		"one delivery": {func(p *progress, _ *book) { p.note(move(1, 7)) }, []string{"50ms: 1@7"}},
		"several in one entry, in the order of the endpoints": {func(p *progress, _ *book) {
			p.note(move(2, 7))
			time.Sleep(40 * time.Millisecond)
			p.note(move(1, 7))
			p.note(move(2, 8))
		}, []string{"90ms: 1@7 2@8"}},
		"deliveries without a pause": {func(p *progress, _ *book) {
			for n := range uint64(20) {
				p.note(move(1, n+1))
				time.Sleep(30 * time.Millisecond)
			}
		}, []string{"200ms: 1@7", "410ms: 1@14", "620ms: 1@20"}},
		"nothing at all": {func(*progress, *book) {}, nil},
		"what moves while an entry is under way comes in the next one": {func(p *progress, b *book) {
			b.takes = 100 * time.Millisecond
			p.note(move(1, 7))
			time.Sleep(60 * time.Millisecond)
			p.note(move(1, 8))
		}, []string{"150ms: 1@7", "250ms: 1@8"}},
		"what could not be committed is committed later": {func(p *progress, b *book) {
			b.down.Store(true)
			p.note(move(1, 7))
			time.Sleep(60 * time.Millisecond)
			p.note(move(2, 9))
			b.down.Store(false)
		}, []string{"150ms: 1@7 2@9"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := commits(t, c.f); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestALaterMoveHasWhatAnEarlierOneHad(t *testing.T) {
	t.Parallel()
	redone := func(n uint64) poll.Redone {
		return poll.Redone{Redelivery: poll.Redelivery{Number: n}, Delivered: true}
	}
	first := poll.Move{
		Endpoint: 1, Revision: 1, Cursor: 7, Last: 7, DeadEver: 1, FailingSince: 99, Dead: []poll.DeadLetter{{Number: 6}},
		Done: []poll.Redone{redone(2)}, Verified: true, Disable: poll.ReasonGone,
	}
	later := poll.Move{
		Endpoint: 1, Revision: 1, Cursor: 9, Last: 8, DeadEver: 2, Dead: []poll.DeadLetter{{Number: 8}}, Done: []poll.Redone{redone(3)},
	}
	want := poll.Move{
		Endpoint: 1, Revision: 1, Cursor: 9, Last: 8, DeadEver: 2, Dead: []poll.DeadLetter{{Number: 6}, {Number: 8}},
		Done: []poll.Redone{redone(2), redone(3)}, Verified: true, Disable: poll.ReasonGone,
	}
	if got := joined(first, later); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	later.Revision = 2
	want = later
	want.Done = []poll.Redone{redone(2), redone(3)}
	if got := joined(first, later); !reflect.DeepEqual(got, want) {
		t.Errorf("at another URL: %+v, want %+v", got, want)
	}
}

func TestNothingIsDeliveredWhileProgressCannotBeCommitted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &book{began: time.Now()}
		b.down.Store(true)
		p := newProgress(b.commit)
		ctx, cancel := context.WithCancel(t.Context())
		go p.run(ctx, func(error) {})
		defer synctest.Wait()
		defer cancel()
		p.note(poll.Move{Endpoint: 1, Cursor: 1})
		if err := p.room(ctx); err != nil || time.Since(b.began) != 0 {
			t.Fatalf("held up after %v: %v", time.Since(b.began), err)
		}
		time.Sleep(commitOverdue)
		time.AfterFunc(time.Minute, func() { b.down.Store(false) })
		if err := p.room(ctx); err != nil {
			t.Fatal(err)
		}
		if held := time.Since(b.began) - commitOverdue; held < time.Minute || held > time.Minute+time.Second {
			t.Errorf("held for %v", held)
		}
	})
}

// A leader that stops has little time. It must not spend all of it on a try of before.
func TestACommitWaitsForTheOneBeforeOnlyAsLongAsItMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		p := newProgress(func(context.Context, []poll.Move) error { <-answer; return nil })
		p.note(poll.Move{Endpoint: 1, Cursor: 1})
		first := make(chan error)
		go func() { first <- p.flush(t.Context()) }()
		synctest.Wait()
		p.note(poll.Move{Endpoint: 1, Cursor: 2})
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := p.flush(short); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		close(answer)
		if err := <-first; err != nil {
			t.Error(err)
		}
		if _, due := p.due(); !due {
			t.Error("what came meanwhile is not due any more")
		}
	})
}
