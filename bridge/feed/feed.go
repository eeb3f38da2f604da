package feed

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"math/rand/v2"
	"time"

	"voted/bridge/health"
	"voted/internal/pause"
	"voted/internal/usage"
)

// Message is an entry of a journal as it is published.
type Message struct {
	Number uint64 // its place in the journal; numbers rise
	ID     string // names it forever
	Type   string // what it says, such as "poll.closed"; it may be a part of the subject
	Body   []byte
	Left   uint64 // how many come after it, as far as the journal has said
}

// Journal is what is published.
type Journal interface {
	// After yields the messages after the one that was stored last, in order, and ends. Each
	// number is one higher than the one before, unless its message says what was missed. Where
	// there is none, it waits for a few seconds. An error of package usage is final; after any
	// other it is asked again. Of the last message only what Sink.Resume knows is set.
	After(ctx context.Context, last Message) iter.Seq2[Message, error]
	// Newest returns the number of the newest message; ok is false if that is not known.
	Newest(ctx context.Context) (number uint64, ok bool)
}

// Sink is the end of a broker's stream. Only one goroutine uses it.
type Sink interface {
	// Resume looks at the stream, and returns number and body of its last message, none of them
	// if it has none. Publish goes on there.
	Resume(ctx context.Context) (last Message, err error)
	// Publish stores messages in order. Each is stored only if the stream then ends with the one
	// before it, by position. After an error some of the first ones may be stored, now or a
	// moment later: Resume must come before the next Publish.
	Publish(ctx context.Context, window []Message) error
}

// ErrOvertaken says that the stream does not end where the sink thought: another feed was
// faster. Nothing is lost by that.
var ErrOvertaken = errors.New("another feed has published here meanwhile")

const (
	// windowSize is how many messages are under way at a time.
	windowSize = 64
	// raceWait bounds the pause of a feed that was overtaken, which keeps two of them from
	// running in step.
	raceWait = 20 * time.Millisecond
	// firstWait and longestWait bound the pause after a failure; it doubles.
	firstWait, longestWait = 100 * time.Millisecond, 5 * time.Second
)

// Options are what a feed is made of.
type Options struct {
	Name    string // in the log and in metrics: "events", "ballots/POLL"
	Journal Journal
	Sink    Sink
	// Start is the number after which a stream without messages begins.
	Start   uint64
	Log     *slog.Logger
	Metrics *Metrics
	State   *health.State // is told while the journal cannot be read or the stream not be written
}

// Feed publishes one journal to one sink.
type Feed struct {
	Options
	metrics series
	after   uint64 // the last message in the stream, as it was seen last
	known   bool   // the stream was seen
	failing bool   // the last pass failed
}

// New returns a feed that is not running.
func New(o Options) *Feed {
	f := &Feed{Options: o, metrics: o.Metrics.of(o.Name)}
	f.State.Fault(f.part(), "the end of the stream was not read yet")
	return f
}

func (f *Feed) part() string { return "feed " + f.Name }

// Run publishes until ctx ends, and then returns nil. An error of package usage ends it.
func (f *Feed) Run(ctx context.Context) error {
	wait := firstWait
	for {
		err := f.pass(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case usage.Is(err):
			return err
		case err == nil:
			f.succeeded()
			wait = firstWait
		case errors.Is(err, ErrOvertaken):
			f.metrics.conflicts.Inc()
			_ = pause.For(ctx, rand.N(raceWait))
		default:
			f.failed(ctx, err)
			_ = pause.For(ctx, wait/2+rand.N(wait/2))
			wait = min(2*wait, longestWait)
		}
	}
}

// pass publishes what the journal has after the end of the stream.
func (f *Feed) pass(ctx context.Context) error {
	last, err := f.Sink.Resume(ctx)
	if err != nil {
		return err
	}
	f.after, f.known = last.Number, true
	w, empty := window{last: last.Number}, true
	if last.Number == 0 {
		last.Number = f.Start
	}
	for m, broken := range f.Journal.After(ctx, last) {
		if broken != nil {
			return errors.Join(f.publish(ctx, w.take()), broken)
		}
		empty = false
		for _, full := range w.add(m) {
			if err := f.publish(ctx, full); err != nil {
				return err
			}
		}
	}
	if empty && ctx.Err() == nil {
		f.metrics.behind.Set(0)
	}
	return f.publish(ctx, w.take())
}

func (f *Feed) publish(ctx context.Context, messages []Message) error {
	if len(messages) == 0 {
		return nil
	}
	if err := f.Sink.Publish(ctx, messages); err != nil {
		return err
	}
	last := messages[len(messages)-1]
	f.after = last.Number
	f.metrics.published.Add(float64(len(messages)))
	f.metrics.behind.Set(float64(last.Left))
	f.succeeded()
	return nil
}

// succeeded notes that messages were stored, or that none were missing.
func (f *Feed) succeeded() {
	f.State.Fault(f.part(), "")
	if f.failing {
		f.failing = false
		f.Log.Info("the feed goes on", "feed", f.Name, "after", f.after)
	}
}

// failed notes why a pass failed. What was published before it counts: behind is what is
// left of the journal.
func (f *Feed) failed(ctx context.Context, err error) {
	f.State.Fault(f.part(), err.Error())
	if !f.failing {
		f.failing = true
		f.Log.Warn("the feed has stopped, and is tried again", "feed", f.Name, "after", f.after, "error", err)
	}
	if newest, ok := f.Journal.Newest(ctx); ok && f.known && newest >= f.after {
		f.metrics.behind.Set(float64(newest - f.after))
	}
}
