package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/bridge/health"
	"voted/internal/pause"
	"voted/internal/usage"
)

// numbers is a journal of the messages from oldest to newest, which may be moved.
type numbers struct {
	mu             sync.Mutex
	oldest, newest uint64 // guarded by mu
}

func (n *numbers) span() (oldest, newest uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.oldest, n.newest
}

func (n *numbers) move(oldest, newest uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.oldest, n.newest = oldest, newest
}

func (n *numbers) Newest(context.Context) (uint64, bool) {
	_, newest := n.span()
	return newest, true
}

func (n *numbers) After(ctx context.Context, last Message) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		after := last.Number
		oldest, newest := n.span()
		if after+1 < oldest {
			yield(Message{Number: oldest - 1, ID: fmt.Sprint("missed ", oldest-1), Type: TypeMissed, Left: newest - oldest + 1}, nil)
			return
		}
		if after >= newest {
			_ = pause.For(ctx, time.Second)
			return
		}
		for i := after + 1; i <= newest; i++ {
			if !yield(Message{Number: i, ID: fmt.Sprint("event ", i), Left: newest - i}, nil) {
				return
			}
		}
	}
}

// broker stores messages that arrive in any order, if they say where they belong.
type broker struct {
	mu        sync.Mutex
	messages  []Message // guarded by mu
	unguarded bool
}

// arrive stores a message if the stream is as long as expected.
func (b *broker) arrive(m Message, expected int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.messages) != expected && !b.unguarded {
		return false
	}
	b.messages = append(b.messages, m)
	return true
}

func (b *broker) all() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.messages[:len(b.messages):len(b.messages)]
}

// link is a feed's way to the broker: messages take their time, and some get lost.
type link struct {
	broker *broker
	random *rand.Rand
	delay  time.Duration // at most
	lost   float64       // share of the messages
	end    int
	flying sync.WaitGroup
}

func (l *link) Resume(ctx context.Context) (Message, error) {
	_ = pause.For(ctx, time.Duration(l.random.Int64N(int64(l.delay)+1)))
	all := l.broker.all()
	if l.end = len(all); l.end == 0 {
		return Message{}, nil
	}
	return all[l.end-1], nil
}

// Publish returns as soon as one message was refused or lost, while others are on their way.
func (l *link) Publish(_ context.Context, window []Message) error {
	results := make(chan error, len(window))
	for i, m := range window {
		late, lost, expected := time.Duration(l.random.Int64N(int64(l.delay)+1)), l.random.Float64() < l.lost, l.end+i
		l.flying.Go(func() {
			time.Sleep(late/8 + time.Duration(i)) // in order, mostly
			switch {
			case lost:
				time.Sleep(time.Second)
				results <- fmt.Errorf("message %d was not answered", m.Number)
			case l.broker.arrive(m, expected):
				results <- nil
			default:
				results <- ErrOvertaken
			}
		})
	}
	for range window {
		if err := <-results; err != nil {
			return err
		}
	}
	l.end += len(window)
	return nil
}

// trial is two feeds that publish a journal.
type trial struct {
	*numbers
	broker
	starts [2]uint64
	during func(stored int) // is called from time to time
}

// run lets the feeds publish to a broker until it has the last message of the journal. Each is
// killed again and again, and another one starts in its place with nothing.
func (tr *trial) run(t *testing.T, seed uint64) []Message {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var feeds sync.WaitGroup
	var links [2]link
	for n := range links {
		l := &links[n]
		*l = link{broker: &tr.broker, random: rand.New(rand.NewPCG(seed, uint64(n))), delay: 20 * time.Millisecond, lost: 0.001}
		feeds.Go(func() {
			for ctx.Err() == nil {
				life, kill := context.WithTimeout(ctx, time.Duration(l.random.Int64N(int64(500*time.Millisecond))))
				f := newFeed(tr.numbers, l)
				f.Start = tr.starts[n]
				if err := f.Run(life); err != nil {
					t.Error(err)
				}
				kill()
			}
		})
	}
	for end := time.Now().Add(time.Hour); time.Now().Before(end) && !tr.done(); time.Sleep(10 * time.Millisecond) {
		if tr.during != nil {
			tr.during(len(tr.all()))
		}
	}
	stop()
	feeds.Wait()
	for n := range links {
		links[n].flying.Wait()
	}
	return tr.all()
}

// done reports whether the stream has the newest message.
func (tr *trial) done() bool {
	all := tr.all()
	_, newest := tr.span()
	return len(all) > 0 && all[len(all)-1].Number == newest
}

func newFeed(j Journal, s Sink) *Feed {
	return New(Options{
		Name: "events", Journal: j, Sink: s, Log: slog.New(slog.DiscardHandler),
		Metrics: NewMetrics(prometheus.NewRegistry()), State: &health.State{},
	})
}

// faults says what is wrong with a stream that must have the messages from the first one on,
// each once and in order.
func faults(all []Message, first, last uint64) (found []string) {
	next := first
	for i, m := range all {
		if m.Number != next {
			found = append(found, fmt.Sprintf("message %d is number %d, not %d", i, m.Number, next))
		}
		next = m.Number + 1
	}
	if next != last+1 {
		found = append(found, fmt.Sprintf("it ends with number %d, not %d", next-1, last))
	}
	return found
}

const seeds = 10

// each runs a trial for each seed, in virtual time, and returns what was wrong in all of them.
func each(t *testing.T, last uint64, make func() *trial) (found []string) {
	t.Helper()
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			all := make().run(t, seed)
			first := uint64(1)
			if len(all) > 0 {
				first = all[0].Number
			}
			found = append(found, faults(all, first, last)...)
		})
	}
	return found
}

func TestTwoFeedsThatAreKilledAgainAndAgainPublishEachMessageOnceAndInOrder(t *testing.T) {
	t.Parallel()
	two := func() *trial { return &trial{numbers: &numbers{oldest: 1, newest: 1000}} }
	if found := each(t, 1000, two); found != nil {
		t.Errorf("found %q", found)
	}
	blind := func() *trial { tr := two(); tr.unguarded = true; return tr }
	if each(t, 1000, blind) == nil {
		t.Error("nothing is found where the broker stores whatever arrives")
	}
}

func TestTwoFeedsThatBeginAtDifferentPlacesLoseNothing(t *testing.T) {
	t.Parallel()
	two := func() *trial {
		return &trial{numbers: &numbers{oldest: 1, newest: 600}, starts: [2]uint64{0, 400}}
	}
	if found := each(t, 600, two); found != nil {
		t.Errorf("found %q", found)
	}
}

func TestWhatDoesNotFollowIsPublishedAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		last    uint64
		numbers []uint64
		windows string
	}{
		"after the one before it": {7, []uint64{8, 9, 10}, "[[8 9 10]]"},
		"into an empty stream":    {0, []uint64{1, 2, 3}, "[[1] [2 3]]"},
		"after a gap":             {7, []uint64{8, 9, 20, 21}, "[[8 9] [20] [21]]"},
		"a gap at once":           {7, []uint64{20}, "[[20]]"},
		"nothing":                 {7, nil, "[]"},
	} {
		w, all := window{last: c.last}, [][]uint64{}
		note := func(messages []Message) {
			var numbers []uint64
			for _, m := range messages {
				numbers = append(numbers, m.Number)
			}
			if numbers != nil {
				all = append(all, numbers)
			}
		}
		for _, n := range c.numbers {
			for _, full := range w.add(Message{Number: n}) {
				note(full)
			}
		}
		if note(w.take()); fmt.Sprint(all) != c.windows {
			t.Errorf("%s: %v", name, all)
		}
	}
	w, sizes := window{last: 1}, []int{}
	for n := range uint64(150) {
		for _, full := range w.add(Message{Number: n + 2}) {
			sizes = append(sizes, len(full))
		}
	}
	if fmt.Sprint(sizes, len(w.take())) != "[64 64] 22" {
		t.Errorf("150 messages come in windows of %d", sizes)
	}
}

func TestWhatWasPrunedIsSaidInItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, away := &numbers{oldest: 1, newest: 100}, false
		tr := &trial{numbers: j}
		tr.during = func(stored int) {
			if !away && stored > 40 {
				away = true
				j.move(301, 400)
			}
		}
		all := tr.run(t, 1)
		said, next := 0, uint64(1)
		for _, m := range all {
			switch {
			case m.Type == TypeMissed && m.Number == 300:
				said++
				next = 300
			case m.Number != next:
				t.Errorf("number %d comes in place of %d", m.Number, next)
			}
			next++
		}
		if said != 1 || next != 401 {
			t.Errorf("the gap is said %d times, and the stream ends before %d", said, next)
		}
	})
}

func TestAFeedSaysThatItCannotReachItsStreamAndHowFarItIsBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, broken := &numbers{oldest: 1, newest: 10}, make(chan error, 1)
		sink := &breaking{broken: broken}
		f := newFeed(j, sink)
		measured := prometheus.NewRegistry()
		measured.MustRegister(f.metrics.behind)
		behind := func() float64 { return valueOf(t, measured) }
		if f.State.Faults() == nil {
			t.Error("it is ready before it has looked at the stream")
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan error)
		broken <- errors.New("no broker answers yet")
		go func() { ended <- f.Run(ctx) }()
		time.Sleep(time.Minute)
		if err := f.State.Faults(); err == nil || behind() != 0 {
			t.Errorf("before the end of the stream is known it is %v, %v behind", err, behind())
		}
		<-broken
		time.Sleep(time.Minute)
		if err := f.State.Faults(); err != nil || sink.last != 10 || behind() != 0 {
			t.Errorf("after a minute it is %v, at %d, %v behind", err, sink.last, behind())
		}
		broken <- errors.New("no broker answers")
		j.move(1, 15)
		time.Sleep(time.Minute)
		if err := f.State.Faults(); err == nil || behind() != 5 {
			t.Errorf("without a broker it is %v, %v behind", err, behind())
		}
		<-broken
		broken <- nil
		time.Sleep(time.Minute)
		if err := f.State.Faults(); err != nil || sink.last != 15 || behind() != 0 {
			t.Errorf("with the broker again it is %v, at %d, %v behind", err, sink.last, behind())
		}
		<-broken
		broken <- usage.Errorf("It is the stream of something else.")
		if err := <-ended; err == nil || err.Error() != "It is the stream of something else." {
			t.Errorf("a refusal ends it with %v", err)
		}
	})
}

func TestAFeedThatStoresNothingDoesNotSayThatItWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f := newFeed(&numbers{oldest: 1, newest: 10}, full{})
		f.Log = slog.New(slog.NewTextHandler(&log, nil))
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := f.Run(ctx); err != nil {
			t.Error(err)
		}
		if strings.Count(log.String(), "level=WARN") != 1 || strings.Contains(log.String(), "goes on") || f.State.Faults() == nil {
			t.Errorf("in a minute it says %v and\n%s", f.State.Faults(), log.String())
		}
	})
}

// full is a sink that can be read and takes nothing.
type full struct{}

func (full) Resume(context.Context) (Message, error)  { return Message{}, nil }
func (full) Publish(context.Context, []Message) error { return errors.New("the disk is full") }

// breaking is a sink that fails with what is in broken.
type breaking struct {
	broken chan error
	last   uint64
}

func (b *breaking) fault() error {
	select {
	case err := <-b.broken:
		b.broken <- err
		return err
	default:
		return nil
	}
}

func (b *breaking) Resume(context.Context) (Message, error) {
	if err := b.fault(); err != nil {
		return Message{}, err
	}
	return Message{Number: b.last}, nil
}

func (b *breaking) Publish(_ context.Context, window []Message) error {
	b.last = window[len(window)-1].Number
	return b.fault()
}

// valueOf returns the value of the one gauge of a registry.
func valueOf(t *testing.T, r *prometheus.Registry) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families[0].GetMetric()[0].GetGauge().GetValue()
}
