package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"voted/bridge/health"
	"voted/client"
	"voted/internal/pause"
)

// cluster answers as it is told, by voter; a ballot that nothing is told of is counted.
type cluster struct {
	mu      sync.Mutex
	codes   map[string]client.Code
	breaks  map[string]error // by poll, before any answer
	takes   time.Duration    // for each upload
	uploads []int            // ballots of each; guarded by mu
	opens   time.Time
	silent  error // of reading a poll
	asked   int   // how often a poll was read; guarded by mu
}

func (c *cluster) CastMany(ctx context.Context, poll string, ballots iter.Seq[client.BulkBallot]) iter.Seq2[client.BulkAnswer, error] {
	return func(yield func(client.BulkAnswer, error) bool) {
		all := slices.Collect(ballots)
		c.mu.Lock()
		c.uploads = append(c.uploads, len(all))
		broken := c.breaks[poll]
		c.mu.Unlock()
		_ = pause.For(ctx, c.takes)
		if err := ctx.Err(); err != nil {
			broken = &client.UnansweredError{Unknown: true, Context: err}
		}
		if broken != nil {
			yield(client.BulkAnswer{}, broken)
			return
		}
		for i, b := range all {
			a := client.BulkAnswer{Line: uint64(i + 1), Voter: b.Voter, Outcome: client.Counted, Ballot: 7, Version: 1}
			if code := c.codes[b.Voter]; code != "" {
				a = client.BulkAnswer{Line: uint64(i + 1), Voter: b.Voter, Code: code, Detail: "no"}
			}
			if !yield(a, nil) {
				return
			}
		}
	}
}

func (c *cluster) Poll(context.Context, string) (client.Poll, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	return client.Poll{Definition: client.Definition{OpensAt: c.opens}}, c.silent
}

// outbox keeps letters, or refuses them all.
type outbox struct {
	broker  *broker
	letters []Letter
	err     error // of all letters
	buries  error // of dead ones
}

func (o *outbox) Store(_ context.Context, letters []Letter) []error {
	o.broker.mu.Lock()
	defer o.broker.mu.Unlock()
	errs := make([]error, len(letters))
	for i, l := range letters {
		if errs[i] = o.err; l.Dead && o.buries != nil {
			errs[i] = o.buries
		}
		if errs[i] == nil {
			o.letters = append(o.letters, l)
			o.broker.told = append(o.broker.told, "stored "+l.ID)
		}
	}
	return errs
}

// source gives out what it has, once; what is to be tried again comes again at once.
type source struct {
	mu      sync.Mutex
	batches [][]Message
	fetched []time.Time
	most    []int
	err     error
}

func (s *source) Fetch(most int, wait time.Duration) ([]Message, error) {
	batch, err := s.next(most)
	if batch == nil && err == nil {
		time.Sleep(wait)
	}
	return batch, err
}

func (s *source) next(most int) ([]Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched, s.most = append(s.fetched, time.Now()), append(s.most, most)
	if s.err != nil || len(s.batches) == 0 {
		return nil, s.err
	}
	batch := s.batches[0]
	s.batches = s.batches[1:]
	return batch, nil
}

func (s *source) AckWait() time.Duration              { return 30 * time.Second }
func (s *source) Lag(context.Context) (uint64, error) { return 42, s.err }

// world is a bridge with what it works with.
type world struct {
	*Bridge
	cluster *cluster
	outbox  *outbox
	source  *source
	broker  *broker
	state   *health.State
	metrics *prometheus.Registry
}

func newWorld(t *testing.T) *world {
	t.Helper()
	b := &broker{}
	w := &world{
		cluster: &cluster{codes: map[string]client.Code{}, breaks: map[string]error{}},
		outbox:  &outbox{broker: b}, source: &source{}, broker: b, state: &health.State{}, metrics: prometheus.NewRegistry(),
	}
	var err error
	w.Bridge, err = New(Options{
		Source: w.source, Outbox: w.outbox, Cluster: w.cluster, State: w.state, Metrics: w.metrics,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) message(voter string) *message {
	return &message{id: "B-" + voter, poll: "p", body: fmt.Sprintf(`{"voter":%q,"selections":["ann"]}`, voter), broker: w.broker}
}

func (w *world) total(outcome string) float64 {
	return testutil.ToFloat64(w.Bridge.metrics.messages.WithLabelValues(outcome))
}

func TestABallotThatCountsIsAcknowledgedAndGetsItsReceiptFirstWhereItAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	quiet, asks := w.message("quiet"), w.message("asks")
	asks.receipt = true
	w.process(t.Context(), []Message{quiet, asks})
	if quiet.answer != "ack" || !slices.Equal(w.broker.told[:2], []string{"stored B-asks", "ack B-quiet"}) || asks.answer != "ack" {
		t.Errorf("the broker was told %q", w.broker.told)
	}
	want := `{"poll":"p","voter":"asks","outcome":"counted","version":1,"ballot":7,"message":"B-asks"}`
	if l := w.outbox.letters[0]; l.Dead || string(l.Body) != want || l.Poll != "p" {
		t.Errorf("%+v %s", l, l.Body)
	}
	if w.total("counted") != 2 {
		t.Errorf("%v are counted", w.total("counted"))
	}
}

// The receipt of a ballot may be lost with its bridge, and the voter may have another one when the message comes again.
func TestABallotThatWasReplacedMeanwhileGetsItsReceiptToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cluster.codes["asks"], w.cluster.codes["quiet"] = client.CodeSuperseded, client.CodeSuperseded
	quiet, asks := w.message("quiet"), w.message("asks")
	asks.receipt = true
	w.process(t.Context(), []Message{quiet, asks})
	if quiet.answer != "ack" || asks.answer != "ack" || len(w.outbox.letters) != 1 {
		t.Fatalf("the broker was told %q", w.broker.told)
	}
	want := `{"poll":"p","voter":"asks","outcome":"superseded","message":"B-asks"}`
	if l := w.outbox.letters[0]; l.Dead || string(l.Body) != want {
		t.Errorf("%+v %s", l, l.Body)
	}
}

func TestPoisonIsStoredBeforeItIsTerminatedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cluster.codes["late"] = client.CodePollClosed
	late, no, fine := w.message("late"), w.message("no"), w.message("fine")
	no.body = "no JSON"
	w.process(t.Context(), []Message{late, no, fine})
	if late.answer != "term" || no.answer != "term" || fine.answer != "ack" {
		t.Errorf("%q", w.broker.told)
	}
	for _, m := range []*message{late, no} {
		if slices.Index(w.broker.told, "stored "+m.id) > slices.Index(w.broker.told, "term "+m.id) {
			t.Errorf("%s is terminated before its letter is stored: %q", m.id, w.broker.told)
		}
	}
	for _, l := range w.outbox.letters {
		if !l.Dead || l.ID == "B-late" && (l.Code != client.CodePollClosed || string(l.Body) != late.body || !strings.Contains(string(l.Problem), `"code":"poll_closed"`)) {
			t.Errorf("%+v", l)
		}
	}
	if got := testutil.ToFloat64(w.Bridge.metrics.dead.WithLabelValues("poll_closed")); got != 1 {
		t.Errorf("%v dead letters are poll_closed", got)
	}
}

func TestAMessageWhoseLetterIsNotStoredComesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.outbox.err = errors.New("no stream stores dead.p")
	no, asks := w.message("no"), w.message("asks")
	no.body, asks.receipt = "no JSON", true
	w.process(t.Context(), []Message{no, asks})
	if no.answer != "retry" || asks.answer != "retry" || no.pause == 0 {
		t.Errorf("%q", w.broker.told)
	}
	if len(w.state.Faults()) != 2 || w.total("dead") != 0 || w.total("returned") != 2 {
		t.Errorf("the bridge is well: %q", w.state.Faults())
	}
	w.outbox.err = nil
	w.process(t.Context(), []Message{no, asks})
	if no.answer != "term" || asks.answer != "ack" || len(w.state.Faults()) != 0 {
		t.Errorf("%q %q", w.broker.told, w.state.Faults())
	}
}

func TestReceiptsThatAreStoredDoNotHideThatDeadLettersAreNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.outbox.buries = errors.New("no stream stores dead.p")
	no, asks := w.message("no"), w.message("asks")
	no.body, asks.receipt = "no JSON", true
	faults := func(batch ...Message) string {
		w.process(t.Context(), batch)
		return strings.Join(w.state.Faults(), " ")
	}
	for step, batch := range [][]Message{{no}, {asks}, {no, asks}, {}} {
		if got := faults(batch...); got != "dead letters: no stream stores dead.p" {
			t.Errorf("step %d: %q", step, got)
		}
	}
	w.outbox.buries = nil
	if got := faults(no); got != "" {
		t.Errorf("after all: %q", got)
	}
}

func TestTheTimeThatTheClusterIsAwayIsNotOfTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cluster.codes["over"] = client.CodeVersionMismatch
		m, other := w.message("over"), w.message("other")
		w.process(t.Context(), []Message{m})
		w.cluster.breaks["p"] = &client.Error{Status: 503, Code: client.CodeUnavailable}
		w.process(t.Context(), []Message{m})
		time.Sleep(ReorderWindow)
		delete(w.cluster.breaks, "p")
		for step, c := range []struct {
			batch  []Message
			sleep  time.Duration
			answer string
		}{
			{[]Message{m}, ReorderWindow - 1, "retry"}, // the first that the cluster answers
			{[]Message{other, m}, 1, "retry"},
			{[]Message{m}, 0, "term"},
		} {
			if w.process(t.Context(), c.batch); m.answer != c.answer {
				t.Errorf("step %d: %s", step, m.answer)
			}
			time.Sleep(c.sleep)
		}
	})
}

func TestAMessageWaitsForTheWindowFromItsFirstRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cluster.codes["over"] = client.CodeVersionMismatch
		m := w.message("over")
		for range 60 {
			m.deliveries++
			w.process(t.Context(), []Message{m})
			if m.answer != "retry" {
				break
			}
			time.Sleep(m.pause)
		}
		// Doubling pauses and then 30 s each: it ends with the first try after ten minutes.
		if m.answer != "term" || m.deliveries != 29 {
			t.Errorf("%s after %d deliveries", m.answer, m.deliveries)
		}
		if len(w.patience.waits) != 0 {
			t.Error("it is remembered although it is settled")
		}
	})
}

func TestARevoteThatOvertookIsHealedByItsBallot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cluster.codes["over"] = client.CodeVersionMismatch
	m := w.message("over")
	w.process(t.Context(), []Message{m})
	delete(w.cluster.codes, "over")
	w.process(t.Context(), []Message{m})
	if m.answer != "ack" || len(w.patience.waits) != 0 {
		t.Errorf("%q", w.broker.told)
	}
}

func TestAPollThatIsNotThereIsWaitedForByEachOfItsMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cluster.breaks["p"] = &client.Error{Status: 404, Code: client.CodePollNotFound}
	a, b, other := w.message("a"), w.message("b"), w.message("c")
	other.poll = "q"
	w.process(t.Context(), []Message{a, b, other})
	if a.answer != "retry" || b.answer != "retry" || other.answer != "ack" || len(w.state.Faults()) != 0 {
		t.Errorf("%q %q", w.broker.told, w.state.Faults())
	}
}

func TestWhenAPollOpensIsReadOnceForManyMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cluster.opens = time.Now().Add(90 * time.Second)
		var batch []Message
		for i := range 100 {
			m := w.message(fmt.Sprint(i))
			w.cluster.codes[fmt.Sprint(i)] = client.CodePollNotOpen
			batch = append(batch, m)
		}
		w.process(t.Context(), batch)
		for _, m := range batch {
			if m := m.(*message); m.answer != "retry" || m.pause != 90*time.Second {
				t.Fatalf("%s %s", m.answer, m.pause)
			}
		}
		if w.cluster.asked != 1 {
			t.Errorf("the poll was read %d times", w.cluster.asked)
		}
	})
}

func TestWithoutGoodCredentialsNothingIsAcknowledgedAndTheBridgeIsNotReady(t *testing.T) {
	t.Parallel()
	for _, code := range []client.Code{client.CodeUnauthenticated, client.CodeForbidden} {
		w := newWorld(t)
		w.cluster.breaks["p"] = &client.Error{Status: 401, Code: code}
		m := w.message("a")
		w.process(t.Context(), []Message{m})
		if m.answer != "retry" || len(w.outbox.letters) != 0 || len(w.state.Faults()) != 1 || !strings.Contains(w.state.Faults()[0], "role gateway") {
			t.Errorf("%q %q", w.broker.told, w.state.Faults())
		}
	}
}

// Answers to a whole upload that say nothing about its ballots must never make dead letters of them.
func TestARefusalOfTheWholeUploadBuriesNoBallot(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&client.Error{Status: 400, Code: client.CodeMalformedRequest},
		&client.Error{Status: 409, Code: client.CodePollClosed},
		&client.Error{Status: 404},
		&client.Error{Status: 421, Code: client.CodeMisdirected},
		&client.Error{Status: 418, Code: "novel"},
		&client.UnansweredError{Unknown: true, Cause: io.ErrUnexpectedEOF},
		io.ErrUnexpectedEOF,
	} {
		w := newWorld(t)
		w.cluster.breaks["p"] = err
		m := w.message("a")
		w.process(t.Context(), []Message{m})
		if m.answer != "retry" || len(w.outbox.letters) != 0 || len(w.state.Faults()) != 1 {
			t.Errorf("%v: %q %q", err, w.broker.told, w.state.Faults())
		}
	}
}

func TestABridgeThatCannotCastPausesAsAWholeLongerAndLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cluster.breaks["p"] = &client.Error{Status: 503, Code: client.CodeUnavailable}
		for i := range 2000 {
			w.source.batches = append(w.source.batches, []Message{w.message(fmt.Sprint(i))})
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { w.Run(ctx); close(ended) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		w.source.mu.Lock()
		tries := len(w.source.fetched)
		w.source.mu.Unlock()
		// 0.1 s doubling to 30 s takes nine tries and a minute; then one each 30 s. A few batches begin together.
		if tries < 20 || tries > 45 {
			t.Errorf("%d tries in ten minutes", tries)
		}
		w.cluster.mu.Lock()
		delete(w.cluster.breaks, "p")
		w.cluster.mu.Unlock()
		time.Sleep(longestPause + time.Second)
		synctest.Wait()
		if len(w.state.Faults()) != 0 || w.total("counted") < 1900 {
			t.Errorf("%v are counted after the cluster came back: %q", w.total("counted"), w.state.Faults())
		}
		if got := testutil.ToFloat64(w.Bridge.metrics.lag); got != 42 {
			t.Errorf("the lag is %v", got)
		}
		cancel()
		<-ended
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cluster.breaks["p"] = &client.UnansweredError{Cause: &client.Error{Status: 429, Code: client.CodeTooManyRequests, RetryAfter: 7 * time.Second}}
		m := w.message("a")
		w.process(t.Context(), []Message{m})
		if m.answer != "retry" || m.pause != 7*time.Second {
			t.Errorf("%s after %s", m.answer, m.pause)
		}
	})
}

func TestMessagesAreKeptWhileTheClusterElects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cluster.takes = 45 * time.Second
		m := w.message("a")
		w.process(t.Context(), []Message{m})
		want := []string{"extend B-a", "extend B-a", "extend B-a", "extend B-a", "ack B-a"}
		if !slices.Equal(w.broker.told, want) {
			t.Errorf("the broker was told %q", w.broker.told)
		}
	})
}

func TestABatchThatHangsIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cluster.takes = time.Hour
		began, m := time.Now(), w.message("a")
		w.process(t.Context(), []Message{m})
		if m.answer != "retry" || time.Since(began) != batchTimeout || len(w.state.Faults()) != 1 {
			t.Errorf("%s after %s", m.answer, time.Since(began))
		}
	})
}

func TestABridgeThatIsToldToEndWaitsForAnswersAndGivesTheRestBackAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		takes, ends time.Duration
		answer      string
	}{
		"answers that come": {4 * time.Second, 4 * time.Second, "ack"},
		"answers that do not": {
			time.Hour, drainTimeout + time.Second, "retry",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.cluster.takes = c.takes
				m, never := w.message("a"), w.message("never")
				w.source.batches = [][]Message{{m}}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { w.Run(ctx); close(ended) }()
				time.Sleep(time.Second)
				cancel()
				synctest.Wait()
				w.source.mu.Lock()
				w.source.batches = append(w.source.batches, []Message{never})
				w.source.mu.Unlock()
				began := time.Now()
				<-ended
				if m.answer != c.answer || m.pause != 0 || never.answer != "" || time.Since(began) > c.ends {
					t.Errorf("%s after %s; what came later: %q", m.answer, time.Since(began), never.answer)
				}
			})
		})
	}
}

func TestABrokerThatIsAwayIsToldOnceAndTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.source.err = errors.New("no responders")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { w.Run(ctx); close(ended) }()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(w.state.Faults()) != 1 || len(w.source.fetched) > 11 {
			t.Errorf("%d fetches; %q", len(w.source.fetched), w.state.Faults())
		}
		w.source.mu.Lock()
		w.source.err = nil
		w.source.mu.Unlock()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(w.state.Faults()) != 0 {
			t.Errorf("%q", w.state.Faults())
		}
		cancel()
		<-ended
	})
}

func TestNoMoreThanTheLimitIsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cluster.takes = 10 * time.Second
		for i := range 30 {
			var batch []Message
			for j := range batchMessages {
				batch = append(batch, w.message(fmt.Sprintf("%d-%d", i, j)))
			}
			w.source.batches = append(w.source.batches, batch)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { w.Run(ctx); close(ended) }()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := testutil.ToFloat64(w.Bridge.metrics.inFlight); got != MaxInFlight {
			t.Errorf("%v are in flight", got)
		}
		cancel()
		<-ended
	})
}
