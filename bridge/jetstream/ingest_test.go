package jetstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"voted/bridge/health"
	"voted/bridge/ingest"
	"voted/bridge/natstest"
	"voted/client"
)

// vote is what a box holds of a voter, the last one first.
type vote struct {
	option  string
	version uint64
	earlier []string
}

// box is a cluster with one rule for each answer, as docs/api.md has them. It is safe for concurrent use.
type box struct {
	mu     sync.Mutex
	polls  map[string]map[string]vote // by poll and voter; guarded by mu
	opens  time.Time                  // of all polls; guarded by mu
	away   bool                       // takes no ballots; guarded by mu
	tries  int                        // uploads while it was away; guarded by mu
	breaks func() bool                // whether an upload's answers get lost, though its ballots count
}

func newBox(polls ...string) *box {
	b := &box{polls: map[string]map[string]vote{}, breaks: func() bool { return false }}
	for _, p := range polls {
		b.create(p)
	}
	return b
}

func (b *box) create(poll string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.polls[poll] = map[string]vote{}
}

func (b *box) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// CastMany implements ingest.Cluster.
func (b *box) CastMany(_ context.Context, poll string, ballots iter.Seq[client.BulkBallot]) iter.Seq2[client.BulkAnswer, error] {
	return func(yield func(client.BulkAnswer, error) bool) {
		answers, err := b.cast(poll, slices.Collect(ballots))
		for _, a := range answers {
			if !yield(a, nil) {
				return
			}
		}
		if err != nil {
			yield(client.BulkAnswer{}, err)
		}
	}
}

func (b *box) cast(poll string, ballots []client.BulkBallot) (answers []client.BulkAnswer, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	box, there := b.polls[poll]
	switch {
	case b.away:
		b.tries++
		return nil, &client.UnansweredError{Unknown: true, Cause: &client.Error{Status: 503, Code: client.CodeUnavailable}}
	case !there:
		return nil, &client.Error{Status: 404, Code: client.CodePollNotFound}
	}
	for i, ballot := range ballots {
		a := client.BulkAnswer{Line: uint64(i + 1), Voter: ballot.Voter}
		if time.Now().Before(b.opens) {
			a.Code = client.CodePollNotOpen
		} else {
			a.Outcome, a.Code = b.count(box, ballot)
		}
		answers = append(answers, a)
	}
	if b.breaks() {
		return answers[:len(answers)/2], &client.UnansweredError{Unknown: true, Cause: io.ErrUnexpectedEOF}
	}
	return answers, nil
}

func (b *box) count(box map[string]vote, ballot client.BulkBallot) (client.Outcome, client.Code) {
	option, is := ballot.Ballot.Selections[0], box[ballot.Voter]
	switch {
	case option == "nobody":
		return "", client.CodeInvalidBallot
	case is.version == 0 && ballot.IfVersion == 0:
		box[ballot.Voter] = vote{option: option, version: 1}
		return client.Counted, ""
	case is.version == ballot.IfVersion+1 && is.option == option:
		return client.Replayed, ""
	case is.version > 0 && is.version == ballot.IfVersion:
		box[ballot.Voter] = vote{option: option, version: is.version + 1, earlier: append(is.earlier, is.option)}
		return client.Replaced, ""
	case int(ballot.IfVersion) < len(is.earlier) && is.earlier[ballot.IfVersion] == option:
		return "", client.CodeSuperseded
	case ballot.IfVersion == 0:
		return "", client.CodeAlreadyVoted
	}
	return "", client.CodeVersionMismatch
}

// Poll implements ingest.Cluster.
func (b *box) Poll(context.Context, string) (client.Poll, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return client.Poll{Definition: client.Definition{OpensAt: b.opens}}, nil
}

// counted returns what counts in a poll, by voter.
func (b *box) counted(poll string) map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]string{}
	for voter, v := range b.polls[poll] {
		all[voter] = fmt.Sprintf("%s %d", v.option, v.version)
	}
	return all
}

// lane is a broker with the streams and the consumer of docs/bridge.md.
type lane struct {
	t      *testing.T
	server *natstest.Server
	nc     *nats.Conn
	js     jetstream.JetStream
}

// patience bounds what a test waits for: it is events, on a machine that may be busy.
const patience = 2 * time.Minute

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func newLane(t *testing.T, change ...func(*jetstream.ConsumerConfig)) *lane {
	t.Helper()
	l := &lane{t: t, server: natstest.Start(t)}
	var err error
	if l.nc, err = nats.Connect(l.server.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.nc.Close)
	if l.js, err = jetstream.New(l.nc); err != nil {
		t.Fatal(err)
	}
	for name, subjects := range map[string][]string{"BALLOTS": {"ballots.>", "in"}, "DEAD": {"dead.>"}, "RECEIPTS": {"receipts.>"}} {
		// The window of the broker's own deduplication is next to nothing: nothing may rely on it.
		c := jetstream.StreamConfig{Name: name, Subjects: subjects, Duplicates: 100 * time.Millisecond}
		if _, err := l.js.CreateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	l.consumer(change...)
	return l
}

func (l *lane) consumer(change ...func(*jetstream.ConsumerConfig)) {
	l.t.Helper()
	c := jetstream.ConsumerConfig{Durable: "voted-bridge", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Second, MaxDeliver: -1, MaxAckPending: 100_000}
	for _, f := range change {
		f(&c)
	}
	if _, err := l.js.CreateOrUpdateConsumer(l.t.Context(), "BALLOTS", c); err != nil {
		l.t.Fatal(err)
	}
}

// publish stores messages, each a subject and a body.
func (l *lane) publish(messages ...[2]string) {
	l.t.Helper()
	for _, m := range messages {
		if _, err := l.js.PublishAsync(m[0], []byte(m[1])); err != nil {
			l.t.Fatal(err)
		}
	}
	select {
	case <-l.js.PublishAsyncComplete():
	case <-time.After(patience):
		l.t.Fatal("the broker does not store what is published")
	}
}

// running is a bridge that runs.
type running struct {
	state *health.State
	stop  func() // in order
	die   func() // without any answer to the broker, as a process that is killed
}

// bridge starts a bridge between the lane and a cluster.
func (l *lane) bridge(c ingest.Cluster, change ...func(*ingest.Options)) *running {
	l.t.Helper()
	r := &running{state: &health.State{}}
	conn, err := Dial(Access{URLs: []string{l.server.URL()}, Log: quiet(), Lost: func(err error) {
		if err == nil {
			r.state.Fault("broker", "")
		} else {
			r.state.Fault("broker", err.Error())
		}
	}})
	if err != nil {
		l.t.Fatal(err)
	}
	source, err := conn.Source(l.t.Context(), Consumer{Stream: "BALLOTS", Name: "voted-bridge", Subject: "ballots."})
	if err != nil {
		l.t.Fatal(err)
	}
	o := ingest.Options{Source: source, Outbox: conn.Outbox("receipts.", "dead."), Cluster: c, Log: quiet(), Metrics: prometheus.NewRegistry(), State: r.state}
	for _, f := range change {
		f(&o)
	}
	b, err := ingest.New(o)
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { b.Run(ctx); close(ended) }()
	once := sync.OnceFunc(func() { cancel(); <-ended; conn.Close() })
	r.stop = once
	r.die = func() { conn.nc.Close(); once() }
	l.t.Cleanup(once)
	return r
}

// settle waits until no message is left.
func (l *lane) settle() {
	l.t.Helper()
	l.until("every message is settled", func() bool {
		c, err := l.js.Consumer(l.t.Context(), "BALLOTS", "voted-bridge")
		return err == nil && c.CachedInfo().NumPending == 0 && c.CachedInfo().NumAckPending == 0
	})
}

// until waits for something that has no event of its own.
func (l *lane) until(what string, is func() bool) {
	l.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("in %s it was never true that %s", patience, what)
		}
	}
}

// letters returns what a stream holds, by the message it is about.
func (l *lane) letters(stream string) map[string]*jetstream.RawStreamMsg {
	l.t.Helper()
	s, err := l.js.Stream(l.t.Context(), stream)
	if err != nil {
		l.t.Fatal(err)
	}
	all := map[string]*jetstream.RawStreamMsg{}
	for n := uint64(1); n <= s.CachedInfo().State.LastSeq; n++ {
		m, err := s.GetMsg(l.t.Context(), n)
		if err != nil {
			l.t.Fatal(err)
		}
		all[m.Header.Get("Voted-Message")] = m
	}
	return all
}

func ballot(voter, option string, version int) [2]string {
	if version > 0 {
		return [2]string{"ballots.board", fmt.Sprintf(`{"voter":%q,"selections":[%q],"if_version":%d}`, voter, option, version)}
	}
	return [2]string{"ballots.board", fmt.Sprintf(`{"voter":%q,"selections":[%q]}`, voter, option)}
}

// crowd is a shuffled stream of voters: a third of the messages twice, a tenth revoting, and poison; with what must count.
func crowd(voters int) (stream [][2]string, want map[string]string, poison int) {
	r := rand.New(rand.NewPCG(1, 2))
	want = map[string]string{}
	for i := range voters {
		voter := fmt.Sprintf("v-%d", i)
		stream, want[voter] = append(stream, ballot(voter, "ann", 0)), "ann 1"
		if i%10 == 0 {
			stream, want[voter] = append(stream, ballot(voter, "bo", 1)), "bo 2"
		}
	}
	for i := range len(stream) / 3 {
		stream = append(stream, stream[3*i])
	}
	for i := range 20 {
		stream = append(stream, [2]string{"ballots.board", fmt.Sprintf("poison %d", i)}, ballot(fmt.Sprintf("p-%d", i), "nobody", 0))
		poison += 2
	}
	r.Shuffle(len(stream), func(i, j int) { stream[i], stream[j] = stream[j], stream[i] })
	return stream, want, poison
}

func (l *lane) exact(b *box, want map[string]string, poison int) {
	l.t.Helper()
	if got := b.counted("board"); !maps.Equal(got, want) {
		wrong := 0
		for voter := range want {
			if got[voter] != want[voter] {
				wrong++
			}
		}
		l.t.Errorf("%d voters count, and must be %d; %d are wrong", len(got), len(want), wrong)
	}
	if got := l.letters("DEAD"); len(got) != poison {
		l.t.Errorf("%d dead letters, and must be %d", len(got), poison)
	}
}

func TestDuplicatesRevotesThatOvertakeAndPoisonCountExactly(t *testing.T) {
	t.Parallel()
	l, b := newLane(t), newBox("board")
	stream, want, poison := crowd(3000)
	l.publish(stream...)
	l.bridge(b)
	l.settle()
	l.exact(b, want, poison)
}

func TestTwoBridgesWhoseAnswersGetLostAndThatDieCountExactly(t *testing.T) {
	t.Parallel()
	l, b := newLane(t), newBox("board")
	stream, want, poison := crowd(3000)
	r := rand.New(rand.NewPCG(3, 4))
	b.breaks = func() bool { return r.IntN(6) == 0 } // under the box's lock
	l.publish(stream...)
	for range 3 {
		one, other := l.bridge(b, small), l.bridge(b, small)
		before := len(b.counted("board"))
		l.until("the box grows", func() bool { n := len(b.counted("board")); return n > before+100 || n == len(want) })
		one.die()
		other.die()
	}
	l.bridge(b)
	l.settle()
	l.exact(b, want, poison)
}

// small makes many batches of few messages.
func small(o *ingest.Options) { o.MaxInFlight = 50 }

func TestADeadLetterHasTheMessageAndTheReason(t *testing.T) {
	t.Parallel()
	l, b := newLane(t), newBox("board")
	other := ballot("v-1", "bo", 0)
	name := fmt.Sprintf(`{"voter":"v-2","%s":1}`, strings.Repeat("\u00e9", 35_000)) // a header has 64 KiB at most
	full := strings.Repeat("x", 1<<20)                                              // a broker takes no more, headers included
	l.publish(ballot("v-1", "ann", 0), other, [2]string{"ballots.board", "hello"}, [2]string{"ballots.board", name}, [2]string{"ballots.board", full})
	l.bridge(b, small)
	l.settle()
	letters := l.letters("DEAD")
	for id, want := range map[string][3]string{
		"BALLOTS-2": {"dead.board", "already_voted", other[1]},
		"BALLOTS-3": {"dead.board", "malformed_request", "hello"},
		"BALLOTS-4": {"dead.board", "malformed_request", name},
		"BALLOTS-5": {"dead.board", "payload_too_large", ""},
	} {
		m := letters[id]
		if m == nil || m.Subject != want[0] || m.Header.Get("Voted-Code") != want[1] || string(m.Data) != want[2] || m.Header.Get("Nats-Msg-Id") != "dead-"+id ||
			!strings.Contains(m.Header.Get("Voted-Problem"), `"code":"`+want[1]+`"`) {
			t.Errorf("%s: %+v", id, m)
		}
	}
}

func TestAReceiptComesWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	l, b := newLane(t), newBox("board")
	m := nats.NewMsg("ballots.board")
	m.Header.Set("Voted-Receipt", "1")
	m.Data = []byte(ballot("v-1", "ann", 0)[1])
	if _, err := l.js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	l.publish(ballot("v-2", "ann", 0))
	l.bridge(b)
	l.settle()
	letters := l.letters("RECEIPTS")
	if r := letters["BALLOTS-1"]; len(letters) != 1 || r == nil || r.Subject != "receipts.board" || !strings.Contains(string(r.Data), `"voter":"v-1","outcome":"counted"`) {
		t.Errorf("%v", letters)
	}
}

func TestThePollCanBeNamedByAHeader(t *testing.T) {
	t.Parallel()
	l, b := newLane(t), newBox("board")
	long := strings.Repeat("a", 5000) // a subject of that length ends the connection for good
	for poll, voter := range map[string]string{"board": "v-1", "no poll > at * all": "v-2", "a..b": "v-3", long: "v-4"} {
		l.named("in", poll, voter)
	}
	l.bridge(b, func(o *ingest.Options) { o.ReorderWindow = time.Millisecond })
	l.settle()
	if got := b.counted("board"); !maps.Equal(got, map[string]string{"v-1": "ann 1"}) {
		t.Errorf("%v", got)
	}
	subjects := map[string]string{}
	for _, m := range l.letters("DEAD") {
		subjects[m.Header.Get("Voted-Poll")] = m.Subject
	}
	if !maps.Equal(subjects, map[string]string{"no poll > at * all": "dead._", "a..b": "dead._", long[:64]: "dead._"}) {
		t.Errorf("%q", subjects)
	}
}

// named publishes a ballot with the header that names a poll.
func (l *lane) named(subject, poll, voter string) {
	l.t.Helper()
	m := nats.NewMsg(subject)
	m.Header.Set("Voted-Poll", poll)
	m.Data = []byte(ballot(voter, "ann", 0)[1])
	if _, err := l.js.PublishMsg(l.t.Context(), m); err != nil {
		l.t.Fatal(err)
	}
}

// Who may publish to the subject of one poll only must not reach another one.
func TestAHeaderNamesNoOtherPollThanTheSubject(t *testing.T) {
	t.Parallel()
	l, b := newLane(t), newBox("board", "other")
	l.named("ballots.board", "other", "v-1")
	l.named("ballots.board", "board", "v-2")
	l.bridge(b)
	l.settle()
	if board, other := b.counted("board"), b.counted("other"); len(board) != 2 || len(other) != 0 {
		t.Errorf("%v are in the subject's poll, and %v in the header's", board, other)
	}
}

func TestAPollThatIsCreatedLaterGetsItsBallots(t *testing.T) {
	t.Parallel()
	l, b := newLane(t), newBox("other")
	l.publish(ballot("v-1", "ann", 0), [2]string{"ballots.other", ballot("v-2", "ann", 0)[1]})
	l.bridge(b)
	l.until("the other poll goes on", func() bool { return len(b.counted("other")) == 1 })
	b.create("board")
	l.settle()
	if len(b.counted("board")) != 1 || len(l.letters("DEAD")) != 0 {
		t.Errorf("%v", b.counted("board"))
	}
}

func TestAPollThatIsNeverCreatedBecomesDeadLetters(t *testing.T) {
	t.Parallel()
	l := newLane(t)
	l.publish(ballot("v-1", "ann", 0))
	l.bridge(newBox(), func(o *ingest.Options) { o.ReorderWindow = 300 * time.Millisecond })
	l.settle()
	if m := l.letters("DEAD")["BALLOTS-1"]; m == nil || m.Header.Get("Voted-Code") != "poll_not_found" {
		t.Errorf("%v", m)
	}
}

func TestAPollThatOpensLaterGetsItsBallotsThen(t *testing.T) {
	t.Parallel()
	l, b := newLane(t), newBox("board")
	opens := time.Now().Add(time.Second)
	b.set(func() { b.opens = opens })
	l.publish(ballot("v-1", "ann", 0))
	l.bridge(b, func(o *ingest.Options) { o.ReorderWindow = time.Minute })
	l.settle()
	if len(b.counted("board")) != 1 || time.Now().Before(opens) {
		t.Errorf("%v", b.counted("board"))
	}
}

// A cluster without a quorum costs deliveries, and no message: the control of this test drops one after five.
func TestAMessageOutlivesAnyNumberOfDeliveries(t *testing.T) {
	t.Parallel()
	l, b := newLane(t, func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 5 }), newBox("board")
	if conn := l.dial(); conn != nil {
		if _, err := conn.Source(t.Context(), l.from()); err != nil { // as it must be
			l.consumer()
		}
	}
	b.set(func() { b.away = true })
	l.publish(ballot("v-1", "ann", 0))
	l.bridge(b)
	l.until("it was tried seven times", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.tries >= 7 || l.pending() == 0
	})
	b.set(func() { b.away = false })
	l.settle()
	if len(b.counted("board")) != 1 {
		t.Error("the message is dropped")
	}
}

func (l *lane) pending() int {
	c, err := l.js.Consumer(l.t.Context(), "BALLOTS", "voted-bridge")
	if err != nil {
		return -1
	}
	return int(c.CachedInfo().NumPending) + c.CachedInfo().NumAckPending
}

func (l *lane) from() Consumer {
	return Consumer{Stream: "BALLOTS", Name: "voted-bridge", Subject: "ballots."}
}

func (l *lane) dial() *Conn {
	l.t.Helper()
	conn, err := Dial(Access{URLs: []string{l.server.URL()}, Log: quiet(), Lost: func(error) {}})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(conn.Close)
	return conn
}

func TestABrokerThatStopsAndComesBackLosesNothing(t *testing.T) {
	t.Parallel()
	l, b := newLane(t), newBox("board")
	stream, want, poison := crowd(2000)
	l.publish(stream...)
	r := l.bridge(b, small)
	l.until("it began", func() bool { return len(b.counted("board")) > 200 })
	l.server.Stop()
	l.until("the bridge is not ready", func() bool { return len(r.state.Faults()) > 0 })
	if err := l.server.Restart(); err != nil {
		t.Fatal(err)
	}
	l.settle()
	l.exact(b, want, poison)
	l.until("the bridge is ready", func() bool { return len(r.state.Faults()) == 0 })
}

func TestAConsumerThatWouldLoseMessagesIsRefusedWithTheCommandThatHelps(t *testing.T) {
	t.Parallel()
	l := newLane(t)
	conn := l.dial()
	make := func(name string, c jetstream.ConsumerConfig) Consumer {
		c.Durable = name
		if _, err := l.js.CreateConsumer(t.Context(), "BALLOTS", c); err != nil {
			t.Fatal(err)
		}
		return Consumer{Stream: "BALLOTS", Name: name, Subject: "ballots."}
	}
	for says, from := range map[string]Consumer{
		"nats stream add":     {Stream: "NONE", Name: "voted-bridge"},
		"nats consumer add":   {Stream: "BALLOTS", Name: "none"},
		"--max-deliver=-1":    make("drops", jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: 5}),
		"--ack=explicit":      make("none-acked", jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy}),
		"make one without it": make("backs-off", jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, BackOff: []time.Duration{time.Second}}),
	} {
		if _, err := conn.Source(t.Context(), from); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not said: %v", says, err)
		}
	}
}

func TestARewindGoesBackToATimeOnce(t *testing.T) {
	t.Parallel()
	l := newLane(t)
	l.publish(ballot("v-1", "ann", 0), ballot("v-2", "ann", 0))
	s, err := l.js.Stream(t.Context(), "BALLOTS")
	if err != nil {
		t.Fatal(err)
	}
	// Between two messages, by the broker's own clock.
	last, err := s.GetMsg(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	cut := last.Time.Add(time.Nanosecond)
	l.publish(ballot("v-3", "ann", 0), ballot("v-4", "ann", 0))
	lost := newBox("board") // before its disk was set back
	first := l.bridge(lost)
	l.settle()
	first.stop()
	restored, conn := newBox("board"), l.dial()
	for n, want := range []bool{true, false} {
		if done, err := conn.Rewind(t.Context(), l.from(), cut); done != want || err != nil {
			t.Fatalf("call %d: %v %v", n+1, done, err)
		}
	}
	l.bridge(restored)
	l.settle()
	if got := slices.Sorted(maps.Keys(restored.counted("board"))); !slices.Equal(got, []string{"v-3", "v-4"}) {
		t.Errorf("%q come again", got)
	}
	if done, err := conn.Rewind(t.Context(), l.from(), time.Now().Add(time.Hour)); !done || err != nil {
		t.Errorf("a time to come: %v %v", done, err)
	}
}

func TestLettersWithoutAStreamAreErrorsThatSayWhatToDo(t *testing.T) {
	t.Parallel()
	l := newLane(t)
	if err := l.js.DeleteStream(t.Context(), "DEAD"); err != nil {
		t.Fatal(err)
	}
	o := l.dial().Outbox("receipts.", "dead.")
	errs := o.Store(t.Context(), []ingest.Letter{{Dead: true, ID: "B-1", Poll: "board"}, {ID: "B-2", Poll: "board"}})
	if errs[0] == nil || !strings.Contains(errs[0].Error(), "no stream stores dead.board") || errs[1] != nil {
		t.Errorf("%v", errs)
	}
	l.server.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if errs := o.Store(ctx, []ingest.Letter{{ID: "B-3", Poll: "board"}}); !errors.Is(errs[0], context.DeadlineExceeded) && !errors.Is(errs[0], nats.ErrDisconnected) {
		t.Errorf("%v", errs)
	}
}

func TestLettersWithoutAnAnswerAreErrorsInTime(t *testing.T) {
	t.Parallel()
	l := newLane(t)
	if err := l.js.DeleteStream(t.Context(), "DEAD"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.nc.SubscribeSync("dead.>"); err != nil { // hears letters, and answers none
		t.Fatal(err)
	}
	if err := l.nc.FlushWithContext(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	conn := l.dial()
	o := conn.Outbox("receipts.", "dead.")
	errs := o.Store(t.Context(), []ingest.Letter{{Dead: true, ID: "B-1", Poll: "board"}, {ID: "B-2", Poll: "board"}})
	if !errors.Is(errs[0], jetstream.ErrAsyncPublishTimeout) || errs[1] != nil || conn.js.PublishAsyncPending() != 0 {
		t.Errorf("%v, and %d are awaited", errs, conn.js.PublishAsyncPending())
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if errs := o.Store(ended, []ingest.Letter{{ID: "B-3", Poll: "board"}}); !errors.Is(errs[0], context.Canceled) || len(l.letters("RECEIPTS")) != 1 {
		t.Errorf("without time %v, and %d receipts are stored", errs, len(l.letters("RECEIPTS")))
	}
}

func TestSecretsAreNotTakenFromTheCommandLine(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"nats://user:secret@host:4222", "user:secret@host:4222", "nats://user:secret%ss@host", "nats://secret@host", "host:4222", "nats:///x"} {
		if _, err := Dial(Access{URLs: []string{url}, Log: quiet()}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
