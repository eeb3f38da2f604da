package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/poll"
)

// watcher is one stream in virtual time: what was written for it, and when.
type watcher struct {
	header http.Header
	held   chan struct{} // not nil: writes wait until it is closed
	leave  context.CancelFunc
	gone   chan struct{} // closed when its request has been answered

	mu     sync.Mutex
	blocks []string    // guarded by mu; without the empty line at their end
	at     []time.Time // guarded by mu
}

func (w *watcher) Header() http.Header { return w.header }
func (w *watcher) WriteHeader(int)     {}
func (w *watcher) FlushError() error   { return nil }

func (w *watcher) Write(b []byte) (int, error) {
	if w.held != nil {
		<-w.held
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blocks = append(w.blocks, strings.TrimSuffix(string(b), "\n\n"))
	w.at = append(w.at, time.Now())
	return len(b), nil
}

// events are the results that it got so far, and when.
func (w *watcher) events() (events []string, at []time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, b := range w.blocks {
		if strings.HasPrefix(b, "event: results") {
			events, at = append(events, b), append(at, w.at[i])
		}
	}
	return events, at
}

// newest is the last of its events, and how many there were.
func (w *watcher) newest() (event string, n int) {
	events, _ := w.events()
	if len(events) == 0 {
		return "", 0
	}
	return events[len(events)-1], len(events)
}

// liveRig is a rig in virtual time with the pace that nodes have. It must be made in a
// bubble.
func liveRig(t *testing.T) *rig {
	g := newRig(t)
	g.h.pace, g.h.heartbeat = streamPace, streamHeartbeat
	t.Cleanup(g.h.Close)
	return g
}

// watch begins a stream, and returns when all that can happen without time has happened.
func (g *rig) watch(id string, change ...func(w *watcher, r *http.Request) *http.Request) *watcher {
	w := g.begin(id, change...)
	synctest.Wait()
	return w
}

func (g *rig) begin(id string, change ...func(w *watcher, r *http.Request) *http.Request) *watcher {
	ctx, leave := context.WithCancel(context.Background())
	w := &watcher{header: http.Header{}, leave: leave, gone: make(chan struct{})}
	r := httptest.NewRequest(http.MethodGet, "/v1/polls/"+id+"/results/stream", nil).WithContext(ctx)
	for _, c := range change {
		r = c(w, r)
	}
	g.t.Cleanup(leave)
	go func() {
		defer close(w.gone)
		g.h.ServeHTTP(w, r)
	}()
	return w
}

// crowd begins many streams.
func (g *rig) crowd(id string, n int) []*watcher {
	all := make([]*watcher, n)
	for i := range all {
		all[i] = g.begin(id)
	}
	synctest.Wait()
	return all
}

// counted counts one ballot more.
func (g *rig) counted(id string, n int) {
	var rules *poll.Rules
	g.b.Read(func(s *poll.State) { rules = s.Rules(id) })
	b := poll.Ballot{Poll: id, Key: rules.Key(fmt.Sprint("v", n)), Selections: []byte{byte(n % 2)}}
	if o, err := g.b.CastMany(context.Background(), []poll.Ballot{b}); err != nil || o[0].Kind != poll.Counted {
		g.t.Fatalf("a ballot: %v %v", o, err)
	}
}

// encodings is how often anything was made for streams.
func (g *rig) encodings() (n int) {
	_, line, _ := strings.Cut(g.do("GET", "/metrics", "").body, "\nvoted_stream_encodings_total ")
	if _, err := fmt.Sscan(line, &n); err != nil {
		g.t.Fatalf("encodings are not shown: %v", err)
	}
	return n
}

func TestTheAudienceDecidesThePaceAndAnEventIsEncodedOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		audience int
		pace     time.Duration
	}{{1, 250 * time.Millisecond}, {100, 250 * time.Millisecond}, {101, time.Second}, {2000, time.Second}, {2001, 2 * time.Second}} {
		t.Run(strconv.Itoa(c.audience), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// Given a poll that many watch,
				g := liveRig(t)
				g.poll("p", twoOptions)
				crowd := g.crowd("p", c.audience)
				if n := g.encodings(); n != 1 {
					t.Errorf("%d streams began with %d encodings", c.audience, n)
				}
				// when it gets 50 ballots a second for eight seconds,
				const ballots = 400
				for n := range ballots {
					g.counted("p", n)
					time.Sleep(20 * time.Millisecond)
				}
				time.Sleep(c.pace + time.Second)
				// then it was encoded at that pace, and everyone has seen the last ballot.
				want := int(8*time.Second/c.pace) + 1
				if n := g.encodings(); n < want-1 || n > want+1 {
					t.Errorf("%d encodings, want about %d", n, want)
				}
				for _, w := range crowd {
					event, n := w.newest()
					if !strings.Contains(event, `"ballots":400`) || n < want-2 || n > want+1 {
						t.Fatalf("a stream got %d events, the last %s", n, event)
					}
				}
			})
		})
	}
}

// The control of the encodings above: the count grows with what is made.
func TestEachRenderingIsMadeOnceForAllWhoAskForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := liveRig(t)
		g.poll("p", twoOptions)
		as := func(name string) func(*watcher, *http.Request) *http.Request {
			return func(_ *watcher, r *http.Request) *http.Request {
				return r.WithContext(WithRendering(r.Context(), Rendering{Name: name, Render: func(results []byte) ([]byte, error) {
					if !strings.Contains(string(results), `"ballots":0`) {
						return nil, errors.New("there are ballots")
					}
					return []byte(name + "\nof 0"), nil
				}}))
			}
		}
		var bars, pie []*watcher
		for range 50 {
			bars, pie = append(bars, g.watch("p", as("bars"))), append(pie, g.watch("p", as("pie")))
		}
		plain := g.watch("p")
		if n := g.encodings(); n != 3 {
			t.Errorf("two renderings of one event and the event itself took %d encodings", n)
		}
		for _, w := range append(bars, pie...) {
			if event, n := w.newest(); n != 1 || !strings.HasSuffix(event, "\ndata: bars\ndata: of 0") && !strings.HasSuffix(event, "\ndata: pie\ndata: of 0") {
				t.Fatalf("the event is %q", event)
			}
		}
		if event, _ := plain.newest(); !strings.Contains(event, `data: {"poll":"p"`) {
			t.Errorf("the API's own event is %q", event)
		}
		// A rendering that fails ends its streams, and no others.
		g.counted("p", 0)
		time.Sleep(10 * time.Second)
		for _, w := range append(bars, pie...) {
			<-w.gone
		}
		if event, _ := plain.newest(); !strings.Contains(event, `"ballots":1`) {
			t.Errorf("the API's own stream has stopped at %s", event)
		}
	})
}

func TestTheCertifiedResultComesAtOnceHoweverManyWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := liveRig(t)
		g.poll("p", twoOptions)
		crowd := g.crowd("p", 2500)
		g.counted("p", 0)
		time.Sleep(3 * time.Second)
		g.counted("p", 1) // told a moment ago: the next would have to wait
		time.Sleep(streamPace)
		closed := time.Now()
		g.close("p")
		for _, w := range crowd {
			<-w.gone
		}
		for _, w := range crowd {
			events, at := w.events()
			last := len(events) - 1
			if !strings.Contains(events[last], `"certified":true`) || !strings.Contains(events[last], `"ballots":2`) {
				t.Fatalf("a stream ends with %s", events[last])
			}
			if took := at[last].Sub(closed); took > streamPace+2500/ringGroup*ringPause {
				t.Fatalf("the certified result came after %v", took)
			}
		}
	})
}

func TestASlowStreamHoldsUpNoOtherAndGetsTheNewest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := liveRig(t)
		g.poll("p", twoOptions)
		held := make(chan struct{})
		slow := g.watch("p", func(w *watcher, r *http.Request) *http.Request {
			w.held = held
			return r
		})
		quick := g.watch("p")
		for n := range 20 {
			g.counted("p", n)
			time.Sleep(time.Second)
		}
		if event, n := quick.newest(); n != 21 || !strings.Contains(event, `"ballots":20`) {
			t.Fatalf("the one that reads got %d events, the last %s", n, event)
		}
		close(held)
		synctest.Wait()
		if event, n := slow.newest(); n != 1 || !strings.Contains(event, `"ballots":20`) {
			t.Fatalf("the one that did not read got %d events, the last %s", n, event)
		}
	})
}

func TestANewStreamBeginsWithWhatWasAcknowledgedBeforeItAndDisturbsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Given an audience that is told every two seconds, and was a moment ago,
		g := liveRig(t)
		g.poll("p", twoOptions)
		crowd := g.crowd("p", 2001)
		g.counted("p", 0)
		time.Sleep(2500 * time.Millisecond)
		g.counted("p", 1)
		time.Sleep(300 * time.Millisecond)
		g.counted("p", 2)
		time.Sleep(100 * time.Millisecond)
		_, before := crowd[0].newest()
		// when another stream begins, then it does not wait that long, and sees the ballot
		// that had been counted.
		began := time.Now()
		w := g.begin("p")
		time.Sleep(streamPace)
		events, at := w.events()
		if len(events) != 1 || !strings.Contains(events[0], `"ballots":3`) || at[0].Sub(began) > streamPace {
			t.Fatalf("the new stream got %q at %v", events, at)
		}
		if _, after := crowd[0].newest(); after != before {
			t.Errorf("the others got %d events more", after-before)
		}
		time.Sleep(3 * time.Second)
		if event, _ := crowd[0].newest(); !strings.Contains(event, `"ballots":3`) {
			t.Errorf("the others stay at %s", event)
		}
	})
}

func TestATellerBeginsWithTheFirstStreamAndEndsWithTheLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := liveRig(t)
		g.poll("p", twoOptions)
		for range 3 {
			a, b := g.watch("p"), g.watch("p")
			if n := len(g.h.tellers.polls); n != 1 {
				t.Fatalf("two streams of a poll have %d tellers", n)
			}
			over := g.h.tellers.polls["p"].over
			a.leave()
			<-a.gone
			synctest.Wait()
			select {
			case <-over:
				t.Fatal("the teller ended while one watches")
			default:
			}
			b.leave()
			<-b.gone
			<-over // or the bubble is stuck
			if n := len(g.h.tellers.polls); n != 0 {
				t.Fatalf("%d tellers are left", n)
			}
		}
	})
}

func TestOtherPollsMakeNoEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := liveRig(t)
		g.poll("p", twoOptions)
		g.poll("q", twoOptions)
		w := g.watch("p")
		for n := range 100 {
			g.counted("q", n)
			time.Sleep(100 * time.Millisecond)
		}
		if _, n := w.newest(); n != 1 || g.encodings() != 1 {
			t.Errorf("%d events, %d encodings", n, g.encodings())
		}
		g.counted("p", 0)
		time.Sleep(time.Second)
		if _, n := w.newest(); n != 2 {
			t.Errorf("after a ballot of its own poll it has %d events", n)
		}
	})
}

func TestAQuietStreamSaysThatItIsAliveByAnEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := liveRig(t)
		g.poll("p", twoOptions)
		w := g.watch("p")
		time.Sleep(3*streamHeartbeat + time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		if n := len(w.blocks); n != 5 || w.blocks[4] != "event: alive\ndata: {}" || w.at[4].Sub(w.at[3]) != streamHeartbeat {
			t.Errorf("a quiet stream says %q", w.blocks)
		}
	})
}

func TestEachStreamIsToldAnotherTimeToComeBackAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := liveRig(t)
		g.poll("p", twoOptions)
		times := map[string]bool{}
		for _, w := range g.crowd("p", 50) {
			ms, ok := strings.CutPrefix(w.blocks[0], "retry: ")
			if n, err := strconv.Atoi(ms); !ok || err != nil || n < 1000 || n >= 5000 {
				t.Fatalf("a stream begins with %q", w.blocks[0])
			}
			times[ms] = true
		}
		if len(times) < 25 { // 50 of 4,000: fewer than 25 different ones never happens
			t.Errorf("50 streams come back at %d different times", len(times))
		}
	})
}

func TestStreamsOfAHiddenPollTellNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := liveRig(t)
		g.poll("p", secretTill)
		w := g.watch("p")
		<-w.gone
		g.counted("p", 0)
		time.Sleep(time.Minute)
		if events, _ := w.events(); len(events) != 0 || g.encodings() != 0 || len(g.h.tellers.polls) != 0 {
			t.Errorf("a hidden poll tells %q", events)
		}
		g.close("p")
		if event, _ := g.watch("p").newest(); !strings.Contains(event, `"certified":true`) {
			t.Errorf("once it is closed a stream says %q", event)
		}
	})
}

func TestStreamsEndWhenTheStateCannotBeReliedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := liveRig(t)
		g.poll("p", twoOptions)
		w := g.watch("p")
		g.b.set(func(b *backend) { b.doubt = errors.New("the members differ") })
		g.counted("p", 0)
		<-w.gone
		if _, n := w.newest(); n != 1 {
			t.Errorf("after the doubt it got %d events more", n-1)
		}
	})
}

func TestAPanicInATellerEndsItsStreamsAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := liveRig(t)
		g.poll("p", twoOptions)
		w := g.watch("p")
		g.h.metrics.encodings = nil // the next telling trips over it
		g.counted("p", 0)
		<-w.gone
		if !strings.Contains(g.log.String(), "telling results panicked") {
			t.Errorf("the log says %s", g.log)
		}
	})
}
