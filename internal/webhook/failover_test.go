package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/pause"
	"voted/internal/poll"
)

// lives is what became of the events of many endpoints whose leaders die.
type lives struct {
	lost, disordered int
	repeated         float64 // an endpoint and death
}

// liveAndDie makes an event each 50 ms for some endpoints while the leader dies every few
// seconds without a warning.
func liveAndDie(t *testing.T, seed uint64, alter func(g *group, p poll.Progress) poll.Progress) (came lives) {
	t.Helper()
	const endpoints, every, length = 3, 50 * time.Millisecond, 20 * time.Second
	inGroup(t, func(g *group, r *receivers) {
		draw := rand.New(rand.NewPCG(seed, 1))
		for n := range endpoints {
			g.hook(fmt.Sprint("e", n))
			r.on(fmt.Sprint("e", n), takes(30*time.Millisecond))
		}
		g.alter = alter
		g.lead("n0", r)
		deaths := 0
		for next := time.Duration(draw.Int64N(int64(5 * time.Second))); time.Since(r.began) < length; time.Sleep(every) {
			g.event(fmt.Sprint("p", g.newest()))
			if time.Since(r.began) >= next {
				g.die()
				deaths++
				g.lead(fmt.Sprint("n", deaths), r)
				next += time.Second + time.Duration(draw.Int64N(int64(5*time.Second)))
			}
		}
		time.Sleep(time.Minute)
		for n := range endpoints {
			seen := map[string]bool{}
			last := uint64(0)
			for _, x := range r.numbers(fmt.Sprint("e", n)) {
				var number uint64
				if _, err := fmt.Sscan(x, &number); err != nil {
					t.Fatal(err)
				}
				switch {
				case seen[x]:
					came.repeated++
				case number < last:
					came.disordered++
				}
				seen[x], last = true, max(last, number)
			}
			came.lost += int(g.newest()/2) - len(seen)
		}
		came.repeated /= float64(endpoints * deaths)
	})
	return came
}

// takes answers after a while.
func takes(d time.Duration) func(context.Context, int, Request) Answer {
	return func(ctx context.Context, _ int, _ Request) Answer {
		if pause.For(ctx, d) != nil {
			return Answer{Fault: poll.FaultConnect}
		}
		return Answer{Status: 200}
	}
}

// mostRepeated is what comes within commitLatest, and what is under way or being committed.
const mostRepeated = float64(commitLatest/(50*time.Millisecond)) + 1

func TestNoEventIsLostAndFewAreRepeatedWhenLeadersDie(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		if c := liveAndDie(t, seed, nil); c.lost != 0 || c.disordered != 0 || c.repeated > mostRepeated {
			t.Errorf("seed %d: %+v", seed, c)
		}
	}
}

func TestCursorsThatAreCommittedBeforeTheDeliveryAreSeenToLoseEvents(t *testing.T) {
	t.Parallel()
	c := liveAndDie(t, 1, func(g *group, p poll.Progress) poll.Progress {
		p.Moves = slices.Clone(p.Moves)
		for i := range p.Moves {
			p.Moves[i].Cursor = g.newest() // with events that it is about to deliver
		}
		return p
	})
	if c.lost == 0 {
		t.Errorf("%+v: the test sees nothing", c)
	}
}

func TestCursorsInMemoryAloneAreSeenToRepeatAll(t *testing.T) {
	t.Parallel()
	c := liveAndDie(t, 1, func(*group, poll.Progress) poll.Progress { return poll.Progress{} })
	if c.lost != 0 || c.repeated < 2*mostRepeated {
		t.Errorf("%+v: the test sees nothing", c)
	}
}

func TestANewLeaderDoesNotCallAThousandReceiversAtOnce(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		for n := range 1000 {
			g.hook(fmt.Sprint("e", n))
		}
		g.event("p")
		g.lead("n1", r)
		time.Sleep(time.Minute)
		early, latest := 0, time.Duration(0)
		for n := range 1000 {
			at := r.times(fmt.Sprint("e", n))
			if len(at) != 1 {
				t.Fatalf("endpoint %d was called at %v", n, at)
			}
			if at[0] < time.Second {
				early++
			}
			latest = max(latest, at[0])
		}
		if early > 200 || latest > beginWithin+time.Second {
			t.Errorf("%d were called within a second, and the last one after %v", early, latest)
		}
	})
}

// Those that get nothing do not count, and all those that get something do.
func TestOnlyEndpointsThatAreCalledSpreadTheFirstCalls(t *testing.T) {
	t.Parallel()
	paused := true
	for name, c := range map[string]struct {
		rig    func(g *group, id string)
		spread bool
	}{
		"paused": {func(g *group, id string) {
			g.hook(id)
			g.must(poll.PatchEndpoint{ID: id, Paused: &paused})
		}, false},
		"to be verified": {func(g *group, id string) {
			g.must(poll.PutEndpoint{ID: id, Webhook: poll.Webhook{URL: urlOf(id), Kinds: poll.KindsOf(poll.PollCreated), Rate: 1}})
		}, true},
		"with redeliveries": {func(g *group, id string) {
			g.hook(id)
			g.must(poll.Redeliver{ID: id, Events: []uint64{1}})
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inGroup(t, func(g *group, r *receivers) {
				const many = 500
				g.event("p")
				for n := range many {
					c.rig(g, fmt.Sprint("e", n))
				}
				g.hook("called", func(p *poll.PutEndpoint) { p.From = poll.FromOldest })
				if !c.spread { // an event that waits for those, too
					g.event("q")
				}
				g.lead("n1", r)
				time.Sleep(time.Minute)
				late := 0
				for n := range many {
					if at := r.times(fmt.Sprint("e", n)); len(at) > 0 && at[0] > time.Second {
						late++
					}
				}
				if at := r.times("called"); !c.spread && at[0] > 5*beginEach || c.spread != (late > many/4) {
					g.t.Errorf("one was called after %v, and of %d others %d after a second", at, many, late)
				}
			})
		})
	}
}

func TestFewReceiversAreCalledSoon(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		for n := range 5 {
			g.hook(fmt.Sprint("e", n))
		}
		g.event("p")
		g.lead("n1", r)
		time.Sleep(5 * beginEach)
		for n := range 5 {
			if len(r.at(fmt.Sprint("e", n))) != 1 {
				t.Errorf("endpoint %d waits", n)
			}
		}
	})
}

func TestWhereNothingCanBeCommittedDeliveriesStopSoon(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		g.lead("n1", r)
		time.Sleep(time.Second)
		g.breaks(errors.New("no space"))
		for range 100 {
			g.event(fmt.Sprint("p", g.newest()))
			time.Sleep(time.Second)
		}
		stopped := len(r.at("a"))
		if most := int(commitOverdue/time.Second) + 2; stopped > most {
			t.Errorf("%d events were delivered, and none is committed", stopped)
		}
		g.breaks(nil)
		time.Sleep(10 * time.Second)
		if all := r.numbers("a"); len(all) != 100 || len(slices.Compact(slices.Clone(all))) != 100 {
			t.Errorf("in the end %d events came: %v", len(all), all)
		}
	})
}

func TestALeaderThatYieldsBeginsNothingAndHasCommittedAll(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		d := g.lead("n1", r)
		time.Sleep(time.Second)
		g.event("p")
		time.Sleep(lookPace + time.Millisecond) // it is delivered, and the commit is not due yet
		if e := g.endpoint("a"); len(r.at("a")) != 1 || e.Cursor != 0 {
			t.Fatalf("%d deliveries, cursor %d", len(r.at("a")), e.Cursor)
		}
		resume := d.Yield(g.t.Context())
		if e := g.endpoint("a"); e.Cursor != 1 {
			t.Errorf("the cursor is %d", e.Cursor)
		}
		g.event("q")
		time.Sleep(time.Second)
		if n := len(r.at("a")); n != 1 {
			t.Errorf("%d deliveries while it yields", n)
		}
		resume()
		time.Sleep(time.Second)
		if got := r.numbers("a"); !reflect.DeepEqual(got, []string{"1", "3"}) {
			t.Errorf("then it got %v", got)
		}
	})
}

func TestAWatcherThatPanicsEndsItsLanesAtOnceAndLosesNothing(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		// Given a lane with much to deliver.
		g.hook("a", func(p *poll.PutEndpoint) { p.Webhook.Rate = 1 })
		g.lead("n1", r)
		time.Sleep(time.Second)
		for range 20 {
			g.event(fmt.Sprint("p", g.newest()))
		}
		time.Sleep(5*time.Second + 10*time.Millisecond)
		// When the watcher panics.
		g.mu.Lock()
		g.panics = true
		g.mu.Unlock()
		g.event("q") // has it look
		time.Sleep(time.Second)
		// Then nothing is delivered until it begins again, and what was is committed.
		delivered := r.numbers("a")
		time.Sleep(restAfterPanic - 2*time.Second)
		if got := r.numbers("a"); len(got) != len(delivered) || len(got) < 5 {
			t.Errorf("%d were delivered before, and %d since then", len(delivered), len(got)-len(delivered))
		}
		if e := g.endpoint("a"); fmt.Sprint(e.Cursor) != delivered[len(delivered)-1] {
			t.Errorf("delivered are %v, and the cursor is %d", delivered, e.Cursor)
		}
		time.Sleep(time.Minute)
		if got := r.numbers("a"); len(got) != 21 || len(slices.Compact(got)) != 21 {
			t.Errorf("in the end it got %v", got)
		}
	})
}

func TestALeaderWithAnotherKeyFileThanMostDeliversNothingAndSaysSo(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		other := KeyFile{Member: "n2", Fingerprint: "fedcba9876543210"}
		g.keys = []KeyFile{other}
		d := g.lead("n1", r)
		g.event("p")
		time.Sleep(time.Minute)
		if n := len(r.at("a")); n != 0 {
			t.Errorf("%d deliveries", n)
		}
		if says := d.Report().Withheld; !strings.Contains(says, "--webhook-key") {
			t.Errorf("it says %q", says)
		}
		g.mu.Lock()
		g.keys = []KeyFile{other, {Member: "n3", Fingerprint: signer{}.Fingerprint()}, {Member: "n4"}}
		g.mu.Unlock()
		time.Sleep(2 * withheldPause)
		if n := len(r.at("a")); n != 1 || d.Report().Withheld != "" {
			t.Errorf("%d deliveries once most have its file; it says %q", n, d.Report().Withheld)
		}
	})
}

func TestNothingRunsForAnEndpointThatIsToGetNothing(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		d := g.lead("n1", r)
		g.event("p")
		time.Sleep(time.Minute)
		synctest.Wait()
		tenure := d.now()
		tenure.mu.Lock()
		defer tenure.mu.Unlock()
		for _, l := range tenure.lanes {
			if l.running {
				t.Error("its goroutine runs")
			}
		}
	})
}

func TestCursorsThatOnlyPassedEventsAreCommittedSeldom(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a", func(p *poll.PutEndpoint) { p.Webhook.Polls = []string{"other"} })
		g.lead("n1", r)
		for range 100 {
			g.event(fmt.Sprint("p", g.newest()))
			time.Sleep(time.Second)
		}
		time.Sleep(2 * tellPassed)
		if e := g.endpoint("a"); e.Cursor != g.newest() {
			t.Errorf("the cursor is %d of %d", e.Cursor, g.newest())
		}
		g.mu.RLock()
		defer g.mu.RUnlock()
		if n := len(g.log); n > 12 {
			t.Errorf("%d entries in 100 seconds", n)
		}
	})
}
