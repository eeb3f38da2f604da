package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"voted/bridge/feed"
	"voted/bridge/health"
	"voted/bridge/natstest"
	"voted/internal/pause"
	"voted/internal/usage"
)

// numbers is a journal of the messages from 1 to this one.
type numbers uint64

func (n numbers) Newest(context.Context) (uint64, bool) { return uint64(n), true }

func (n numbers) After(ctx context.Context, last feed.Message) iter.Seq2[feed.Message, error] {
	return func(yield func(feed.Message, error) bool) {
		after := last.Number
		for i := after + 1; i <= uint64(n); i++ {
			if !yield(event(i), nil) {
				return
			}
		}
		if after == uint64(n) {
			_ = pause.For(ctx, 10*time.Millisecond)
		}
	}
}

func event(number uint64) feed.Message {
	kinds := []string{"poll.created", "poll.closed", "cluster.alarm"}
	return feed.Message{
		Number: number, ID: fmt.Sprint("evt_c_", number), Type: kinds[number%3],
		Body: []byte(`{"type":"` + strings.Repeat("x", int(number%200)) + `"}`),
	}
}

// events is where the events of cluster c go.
var events = Target{Subject: "voted.c.events", ByType: true, Create: 1, Name: "events"}

// shared is the same in a stream that may have other subjects.
var shared = Target{Subject: "voted.c.events", Shared: true, Create: 1, Name: "events"}

// connect returns a connection that the test closes.
func connect(t testing.TB, url string) *Conn {
	t.Helper()
	c, err := Dial(Access{URLs: strings.Split(url, ","), Log: slog.New(slog.DiscardHandler), Lost: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func sinkOf(t testing.TB, c *Conn, target Target) *Sink {
	t.Helper()
	s, err := c.Sink(target)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// impatient returns a sink for a broker that stops: what it drops then is asked again soon.
func impatient(t testing.TB, c *Conn, target Target) *Sink {
	t.Helper()
	s := sinkOf(t, c, target)
	s.timeout = time.Second
	return s
}

// stored are the numbers of a stream's messages, in its order.
func stored(t testing.TB, c *Conn, stream string) (all []uint64) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for ; ; _ = pause.For(t.Context(), 50*time.Millisecond) { // a leader may be elected meanwhile
		all, err := c.stored(within(t, 10*time.Second), stream)
		if err == nil {
			return all
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func (c *Conn) stored(ctx context.Context, stream string) (all []uint64, err error) {
	s, err := c.js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	consumer, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return nil, err
	}
	batch, err := consumer.Fetch(int(s.CachedInfo().State.Msgs), jetstream.FetchMaxWait(10*time.Second))
	if err != nil {
		return nil, err
	}
	for m := range batch.Messages() {
		n, err := strconv.ParseUint(m.Headers().Get(SequenceHeader), 10, 64)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	if err := batch.Error(); err != nil {
		return nil, err
	}
	if uint64(len(all)) != s.CachedInfo().State.Msgs {
		return nil, fmt.Errorf("%d of %d messages came", len(all), s.CachedInfo().State.Msgs)
	}
	return all, nil
}

// inOrder returns what is wrong with numbers that must go from 1 to last, each once.
func inOrder(all []uint64, last uint64) error {
	for i, n := range all {
		if n != uint64(i)+1 {
			return fmt.Errorf("message %d of %d has number %d", i+1, len(all), n)
		}
	}
	if uint64(len(all)) != last {
		return fmt.Errorf("there are %d messages, not %d", len(all), last)
	}
	return nil
}

// race lets two feeds publish a journal, each of which is killed again and again, until done
// says of the stream's end that it is enough.
func race(t *testing.T, n numbers, life time.Duration, open func() (*Sink, feed.Sink), done func(end uint64) bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	var feeds sync.WaitGroup
	for range 2 {
		feeds.Go(func() {
			for ctx.Err() == nil {
				alive, kill := context.WithTimeout(ctx, rand.N(life))
				_, sink := open()
				if err := feedOf(n, sink).Run(alive); err != nil {
					t.Error(err)
					stop()
				}
				kill()
			}
		})
	}
	for last, _ := open(); ctx.Err() == nil; _ = pause.For(ctx, 20*time.Millisecond) {
		if _, err := last.Resume(ctx); err == nil && done(last.end) {
			break
		}
	}
	if ctx.Err() != nil {
		t.Error("the stream did not get all messages in time")
	}
	stop()
	feeds.Wait()
}

func feedOf(n numbers, s feed.Sink) *feed.Feed {
	return feed.New(feed.Options{
		Name: "events", Journal: n, Sink: s, Log: slog.New(slog.DiscardHandler),
		Metrics: feed.NewMetrics(prometheus.NewRegistry()), State: &health.State{},
	})
}

// blind is a sink that publishes wherever the stream ends.
type blind struct{ *Sink }

func (b blind) Publish(ctx context.Context, window []feed.Message) error {
	var acks []jetstream.PubAckFuture
	for _, m := range window {
		ack, err := b.js.PublishMsgAsync(b.message(m))
		if err != nil {
			return err
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func TestTwoFeedsThatAreKilledAgainAndAgainStoreEachEventOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		target Target
		blind  bool
		synced bool
		last   numbers
	}{
		"a stream of its own":          {target: events, last: 10_000},
		"each message synced":          {target: events, last: 2000, synced: true},
		"a shared stream":              {target: shared, last: 1500},
		"without looking at the place": {target: events, blind: true, last: 10_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := natstest.Start(t, func(o *server.Options) { o.SyncAlways = c.synced })
			conn := connect(t, broker.URL())
			open := func() (*Sink, feed.Sink) {
				s := sinkOf(t, conn, c.target)
				if c.blind {
					return s, blind{s}
				}
				return s, s
			}
			race(t, c.last, 200*time.Millisecond, open, func(end uint64) bool { return end >= uint64(c.last) })
			err := inOrder(stored(t, conn, "events"), uint64(c.last))
			if (err == nil) == c.blind {
				t.Errorf("the check finds %v", err)
			}
		})
	}
}

func TestTheBrokersLeaderMayStopAgainAndAgain(t *testing.T) {
	t.Parallel()
	const stops = 4
	servers := natstest.StartCluster(t, 3)
	target := events
	target.Create = 3
	conn := connect(t, servers.URL())
	open := func() (*Sink, feed.Sink) { s := impatient(t, conn, target); return s, s }
	stopped, written := 0, uint64(0)
	race(t, 1<<40, 10*time.Second, open, func(end uint64) bool {
		if end < written+500 { // since the last stop it has not gone on for long enough
			return false
		}
		if stopped == stops {
			return true
		}
		leader := servers.Leader("events")
		if leader == nil {
			return false
		}
		leader.Stop()
		if err := leader.Restart(); err != nil {
			t.Error(err)
		}
		stopped, written = stopped+1, end
		return false
	})
	all := stored(t, conn, "events")
	if err := inOrder(all, uint64(len(all))); err != nil {
		t.Error(err)
	}
	t.Logf("%d messages, and the leader stopped %d times", len(all), stopped)
}

func TestAFeedGoesOnWithABrokerThatIsThereAgain(t *testing.T) {
	t.Parallel()
	broker := natstest.Start(t)
	c := connect(t, broker.URL())
	s := impatient(t, c, events)
	publish(t, s, 100)
	broker.Stop()
	if _, err := s.Resume(within(t, time.Second)); err == nil {
		t.Error("a broker that is away has an end of the stream")
	}
	if err := broker.Restart(); err != nil {
		t.Fatal(err)
	}
	publish(t, s, 200)
	if err := inOrder(stored(t, c, "events"), 200); err != nil {
		t.Error(err)
	}
}

func TestWhatTheBrokerLostIsPublishedAgain(t *testing.T) {
	t.Parallel()
	broker := natstest.Start(t)
	c := connect(t, broker.URL())
	s := impatient(t, c, events)
	publish(t, s, 100)
	broker.Stop()
	yesterday := broker.Files(t)
	if err := broker.Restart(); err != nil {
		t.Fatal(err)
	}
	publish(t, s, 300)
	broker.Stop()
	broker.PutBack(t, yesterday)
	if err := broker.Restart(); err != nil {
		t.Fatal(err)
	}
	if all := stored(t, c, "events"); len(all) != 100 {
		t.Fatalf("the broker of yesterday has %d messages", len(all))
	}
	publish(t, s, 300)
	if err := inOrder(stored(t, c, "events"), 300); err != nil {
		t.Error(err)
	}
}

func TestAPurgedStreamGetsTheMessagesAgain(t *testing.T) {
	t.Parallel()
	c := connect(t, natstest.Start(t).URL())
	s := sinkOf(t, c, events)
	publish(t, s, 10)
	ctx := within(t, time.Minute)
	stream, err := c.js.Stream(ctx, "events")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(ctx); err != nil {
		t.Fatal(err)
	}
	if last, err := s.Resume(ctx); last.Number != 0 || err != nil {
		t.Fatalf("a purged stream ends with %d, %v", last.Number, err)
	}
	if err := s.Publish(ctx, []feed.Message{event(1)}); !errors.Is(err, errForgotten) {
		t.Fatalf("a message that the broker remembers, and does not have, is answered with %v", err)
	}
	config := stream.CachedInfo().Config
	config.Duplicates = 100 * time.Millisecond
	if _, err := c.js.UpdateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
	publish(t, s, 20) // once the window is over
	if err := inOrder(stored(t, c, "events"), 20); err != nil {
		t.Error(err)
	}
}

func TestAStreamThatIsNotTheFeedsAloneIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config  jetstream.StreamConfig
		target  Target
		foreign string // subject of a message that is published first
		says    string
	}{
		"other subjects":     {jetstream.StreamConfig{Subjects: []string{"voted.c.events.>", "orders.>"}}, events, "", "also takes orders.>"},
		"all clusters":       {jetstream.StreamConfig{Subjects: []string{"voted.*.events.>"}}, events, "", "also takes voted.*.events.>"},
		"a work queue":       {jetstream.StreamConfig{Subjects: []string{"voted.c.events.>"}, Retention: jetstream.WorkQueuePolicy}, events, "", "--retention limits"},
		"no acknowledgement": {jetstream.StreamConfig{Subjects: []string{"voted.c.events.>"}, NoAck: true}, events, "", "does not acknowledge"},
		"a foreign message":  {jetstream.StreamConfig{Subjects: []string{"voted.c.events.>"}}, events, "voted.c.events.mine", "no feed of this journal wrote"},
		"one, when shared":   {jetstream.StreamConfig{Subjects: []string{"voted.>"}}, shared, "voted.c.events", "no feed of this journal wrote"},
		"of a poll":          {jetstream.StreamConfig{Subjects: []string{"voted.c.ballots.*"}}, Target{Subject: "voted.c.ballots.p"}, "", "also takes voted.c.ballots.*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, ctx := connect(t, natstest.Start(t).URL()), within(t, time.Minute)
			c.config.Name = "given"
			if _, err := conn.js.CreateStream(ctx, c.config); err != nil {
				t.Fatal(err)
			}
			if c.foreign != "" {
				if _, err := conn.js.Publish(ctx, c.foreign, nil); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := sinkOf(t, conn, c.target).Resume(ctx); !usage.Is(err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAMissingStreamIsAskedFor(t *testing.T) {
	t.Parallel()
	c, ctx := connect(t, natstest.Start(t).URL()), within(t, time.Minute)
	target := events
	target.Create = 0
	s := sinkOf(t, c, target)
	if _, err := s.Resume(ctx); err == nil || !strings.Contains(err.Error(), "nats stream add events --subjects 'voted.c.events.>'") {
		t.Errorf("without a stream it says %v", err)
	}
	publish(t, sinkOf(t, c, events), 3)
	if last, err := s.Resume(ctx); last.Number != 3 || string(last.Body) != string(event(3).Body) || err != nil {
		t.Errorf("with a stream it is at %+v, %v", last, err)
	}
	if err := c.js.DeleteStream(ctx, "events"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resume(ctx); err == nil {
		t.Error("a stream that was deleted has an end")
	}
	publish(t, sinkOf(t, c, events), 5)
	if last, err := s.Resume(ctx); last.Number != 5 || err != nil {
		t.Errorf("with another stream it is at %d, %v", last.Number, err)
	}
}

// within is a context of the test that ends after a time.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// publish lets a feed publish until the stream ends with this message.
func publish(t testing.TB, s *Sink, last uint64) {
	t.Helper()
	if err := feedOf(numbers(last), &until{s, last}).Run(within(t, time.Minute)); !errors.Is(err, errAll) {
		t.Fatalf("the feed ended with %v", err)
	}
}

var errAll = usage.Errorf("all was published")

// until ends a feed when the stream has a message.
type until struct {
	feed.Sink
	last uint64
}

func (u *until) Resume(ctx context.Context) (feed.Message, error) {
	last, err := u.Sink.Resume(ctx)
	if err == nil && last.Number == u.last {
		return last, errAll
	}
	return last, err
}
