package webhook

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/poll"
)

func TestAnEventReachesTheEndpointsThatAskForIt(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("all")
		g.hook("some", func(p *poll.PutEndpoint) { p.Webhook.Polls = []string{"b*"} })
		g.lead("n1", r)
		time.Sleep(time.Second)
		for _, id := range []string{"a", "b", "c", "bb"} {
			g.event(id)
		}
		time.Sleep(time.Second)
		if got := fmt.Sprint(r.numbers("all"), r.numbers("some")); got != "[1 3 5 7] [3 7]" {
			t.Fatalf("they got %s", got)
		}
		first := r.at("some")[0]
		if first.attempt != "1" || !strings.Contains(first.body, `"sequence":"3"`) || !strings.Contains(first.body, `"previous":"0"`) {
			t.Errorf("the first delivery: %+v", first)
		}
		if second := r.at("some")[1]; !strings.Contains(second.body, `"previous":"3"`) {
			t.Errorf("the second delivery: %+v", second)
		}
		if got := []uint64{g.endpoint("all").Cursor, g.endpoint("some").Cursor}; !reflect.DeepEqual(got, []uint64{7, 7}) {
			t.Errorf("committed are %d", got)
		}
	})
}

// What a lane passes itself, when a leader begins, is committed too: a cursor that stays behind
// forever is one day told that it missed events for which its endpoint never asked.
func TestACursorThatPassedEventsIsCommittedWhoeverPassedThem(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("some", func(p *poll.PutEndpoint) { p.Webhook.Polls = []string{"b*"} })
		g.event("a") // while nobody leads
		g.lead("n1", r)
		time.Sleep(3 * tellPassed)
		if e, newest := g.endpoint("some"), g.newest(); e.Cursor != newest || len(r.at("some")) != 0 {
			t.Errorf("committed is %d of %d, %d were delivered", e.Cursor, newest, len(r.at("some")))
		}
	})
}

func TestAFreshEventGoesOutAtOnce(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		g.lead("n1", r)
		time.Sleep(time.Second)
		g.event("p")
		time.Sleep(time.Second)
		if at := r.times("a"); len(at) != 1 || at[0] > time.Second+lookPace {
			t.Errorf("it came after %v", at)
		}
	})
}

func TestAReceiverThatFailsIsCalledLessAndLessOftenUntilTheEventIsADeadLetter(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		// Given an endpoint that is down when two events of one poll happen.
		g.hook("a")
		r.on("a", status(500))
		g.lead("n1", r)
		g.event("p")
		g.delete("p")
		began := time.Now()
		// When three days pass.
		time.Sleep(deadAge + 2*time.Hour)
		// Then it was called after a second, then after twice as long, each ±50 %, and by the
		// hour from the second day on.
		all := r.at("a")
		want := firstDelay
		for i := 1; i < 11; i++ {
			if gap := all[i].after - all[i-1].after; gap < want/2 || gap > want*3/2 {
				t.Errorf("attempt %d came after %v, not about %v", i+1, gap, want)
			}
			if all[i].attempt != fmt.Sprint(i+1) {
				t.Errorf("attempt %d says that it is number %s", i+1, all[i].attempt)
			}
			want = min(2*want, longestDelay)
		}
		first := slices.IndexFunc(all, func(x got) bool { return x.after > oldAge+time.Hour })
		if gap := all[first+1].after - all[first].after; gap != lateDelay {
			t.Errorf("on the second day it was called each %v", gap)
		}
		// And the first event is a dead letter after three days, and then the second one is tried.
		dead := g.endpoint("a").Dead
		if len(dead) == 0 || dead[0].Number != 1 || dead[0].Status != 500 {
			t.Fatalf("the dead letters are %+v", dead)
		}
		if age := time.UnixMilli(dead[0].At).Sub(began); age < deadAge || age > deadAge+lateDelay {
			t.Errorf("it was given up after %v", age)
		}
		if last := all[len(all)-1]; !strings.HasSuffix(last.id, "_4") || !strings.Contains(last.body, `"previous":"1"`) {
			t.Errorf("the last attempt was %+v", last)
		}
	})
}

func TestAReceiverThatComesBackGetsAllInOrder(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		var away atomic.Bool
		away.Store(true)
		r.on("a", func(context.Context, int, Request) Answer {
			if away.Load() {
				return Answer{Fault: poll.FaultConnect}
			}
			return Answer{Status: 200}
		})
		g.lead("n1", r)
		g.event("p")
		time.Sleep(time.Second)
		for range 4 {
			g.event(fmt.Sprint("q", g.newest()))
		}
		time.Sleep(60 * time.Hour)
		calls := len(r.at("a"))
		away.Store(false)
		time.Sleep(2 * time.Hour)
		if got := r.numbers("a")[calls:]; !reflect.DeepEqual(got, []string{"1", "3", "5", "7", "9"}) {
			t.Errorf("after it was back it got %v", got)
		}
		if e := g.endpoint("a"); e.FailingSince != 0 || len(e.Dead) != 0 || e.State != poll.EndpointEnabled {
			t.Errorf("the endpoint is %+v", e)
		}
	})
}

func TestNoReceiverWaitsForAnother(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		healthyWaits(t, g, r, r, lookPace+time.Millisecond)
	})
}

func TestAPoolIsSeenToLetSlowReceiversStarveTheOthers(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		if waited := healthyWaits(nil, g, r, &pool{r, make(chan struct{}, 64)}, 0); waited < DefaultTimeout {
			t.Errorf("with 64 workers they waited %v: the test sees nothing", waited)
		}
	})
}

// pool lets 64 requests be under way at a time.
type pool struct {
	Sender
	workers chan struct{}
}

func (p *pool) Send(ctx context.Context, q Request) Answer {
	select {
	case p.workers <- struct{}{}:
		defer func() { <-p.workers }()
	case <-ctx.Done():
		return Answer{}
	}
	return p.Sender.Send(ctx, q)
}

// healthyWaits has one event for many receivers that hang and some that do not, and returns
// how long the latter waited for it at most.
func healthyWaits(t *testing.T, g *group, r *receivers, s Sender, limit time.Duration) (most time.Duration) {
	for n := range 200 {
		id := fmt.Sprint("hangs", n)
		g.hook(id)
		r.on(id, hangs)
	}
	for n := range 5 {
		g.hook(fmt.Sprint("well", n))
	}
	g.lead("n1", s)
	time.Sleep(time.Second)
	began := time.Since(r.began)
	for range 3 {
		g.event(fmt.Sprint("p", g.newest()))
		time.Sleep(time.Minute)
	}
	for n := range 5 {
		for i, at := range r.times(fmt.Sprint("well", n)) {
			most = max(most, at-began-time.Duration(i)*time.Minute)
		}
	}
	if t != nil && most > limit {
		t.Errorf("a receiver that is well waited %v", most)
	}
	return most
}

func TestAnEndpointGetsNoMoreThanItsRate(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a", func(p *poll.PutEndpoint) { p.Webhook.Rate = 10 })
		g.lead("n1", r)
		time.Sleep(time.Second)
		began := time.Since(r.began)
		for range 100 {
			g.event(fmt.Sprint("p", g.newest()))
		}
		time.Sleep(time.Minute)
		at := r.times("a")
		if len(at) != 100 {
			t.Fatalf("it got %d events", len(at))
		}
		for i := range at[10:] {
			if at[i+10]-at[i] < time.Second {
				t.Fatalf("it got 11 events within %v", at[i+10]-at[i])
			}
		}
		if took := at[99] - began; took > 10*time.Second {
			t.Errorf("100 events took %v", took)
		}
	})
}

func TestAReceiverThatAsksForTimeGetsIt(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		r.on("a", func(_ context.Context, n int, _ Request) Answer {
			if n < 4 {
				return Answer{Status: 429, Wait: 40 * time.Second}
			}
			return Answer{Status: 200}
		})
		g.lead("n1", r)
		g.event("p")
		time.Sleep(time.Hour)
		at := r.times("a")
		if len(at) != 4 {
			t.Fatalf("it was called at %v", at)
		}
		for i := 1; i < 4; i++ {
			if at[i]-at[i-1] != 40*time.Second {
				t.Errorf("it was called at %v", at)
			}
		}
	})
}

func TestAnEventThatIsRefusedIsADeadLetterAfterAWhileAndTheNextOneComes(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		r.on("a", func(_ context.Context, _ int, q Request) Answer {
			if strings.HasSuffix(q.Header.Get("Webhook-Id"), "_3") {
				return Answer{Status: 422}
			}
			return Answer{Status: 200}
		})
		g.lead("n1", r)
		for _, id := range []string{"p", "q", "r"} {
			g.event(id)
		}
		time.Sleep(time.Hour)
		all := r.at("a")
		refused := all[1 : len(all)-1]
		if held := refused[len(refused)-1].after - refused[0].after; len(refused) < refusedTimes || held < refusedFor || held > 20*time.Minute {
			t.Errorf("it was refused %d times in %v", len(refused), held)
		}
		if last := all[len(all)-1]; !strings.HasSuffix(last.id, "_5") || !strings.Contains(last.body, `"previous":"3"`) {
			t.Errorf("then came %+v", last)
		}
		if e := g.endpoint("a"); len(e.Dead) != 1 || e.Dead[0].Number != 3 || e.Dead[0].Status != 422 || e.DeadEver != 1 || e.Cursor != 6 && e.Cursor != 5 {
			t.Errorf("the endpoint is %+v", e)
		}
	})
}

func TestAnEventThatFailsAloneDoesNotHoldUpOtherPolls(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		// Given a receiver that cannot process one event.
		g.hook("a")
		r.on("a", func(_ context.Context, _ int, q Request) Answer {
			if strings.HasSuffix(q.Header.Get("Webhook-Id"), "_1") {
				return Answer{Status: 500}
			}
			return Answer{Status: 200}
		})
		g.lead("n1", r)
		g.event("p")
		g.event("q")
		// When it has failed eight times, Then the next event is tried, and the first one given up.
		time.Sleep(time.Hour)
		if got := r.numbers("a"); !reflect.DeepEqual(got, []string{"1", "1", "1", "1", "1", "1", "1", "1", "3"}) {
			t.Errorf("it got %v", got)
		}
		if last := r.at("a")[8]; last.attempt != "1" || !strings.Contains(last.body, `"previous":"1"`) {
			t.Errorf("the next event came as %+v", last)
		}
		if e := g.endpoint("a"); len(e.Dead) != 1 || e.Dead[0].Number != 1 || e.Dead[0].Status != 500 || e.FailingSince != 0 {
			t.Errorf("the endpoint is %+v", e)
		}
	})
}

func TestEventsOfOnePollComeInOrderHoweverOftenOneFails(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		r.on("a", func(_ context.Context, _ int, q Request) Answer {
			if strings.HasSuffix(q.Header.Get("Webhook-Id"), "_1") {
				return Answer{Status: 500}
			}
			return Answer{Status: 200}
		})
		g.lead("n1", r)
		g.event("p")
		g.delete("p")
		time.Sleep(oldAge)
		for _, n := range r.numbers("a") {
			if n != "1" {
				t.Fatalf("event %s of the poll came before its first one", n)
			}
		}
	})
}

func TestAReceiverThatIsGoneGetsNothingMoreAndTheOthersAreTold(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		gone := g.hook("a")
		g.hook("b", func(p *poll.PutEndpoint) { p.Webhook.Kinds = poll.KindsOf(poll.EndpointDisabled) })
		r.on("a", status(410))
		g.lead("n1", r)
		g.event("p")
		time.Sleep(time.Second)
		g.event("q")
		time.Sleep(time.Hour)
		e := g.endpoint("a")
		if len(r.at("a")) != 1 || e.State != poll.EndpointStopped || e.Reason != poll.ReasonGone {
			t.Fatalf("it was called %d times and is %v, %v", len(r.at("a")), e.State, e.Reason)
		}
		if got := r.numbers("b"); !reflect.DeepEqual(got, []string{"3"}) {
			t.Errorf("the other one got %v", got)
		}
		// And once it is back, it goes on where it stopped.
		r.on("a", status(204))
		paused := false
		g.must(poll.PatchEndpoint{ID: "a", Paused: &paused})
		time.Sleep(time.Second)
		if e := g.endpoint("a"); e.State != poll.EndpointEnabled {
			t.Fatalf("it is %v; was %v", e, gone)
		}
		got := r.at("a")[1:]
		if len(got) != 3 || !strings.HasPrefix(got[0].id, "ping_") || !strings.HasSuffix(got[1].id, "_1") || !strings.HasSuffix(got[2].id, "_4") {
			t.Errorf("then it got %+v", got)
		}
	})
}

func TestPingsThatFailedDoNotCountAgainstAnEndpointThatIsVerifiedLater(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		// Given an endpoint that took no ping for days, answers one, and gets nothing for days,
		code := atomic.Int64{}
		code.Store(503)
		r.on("a", func(context.Context, int, Request) Answer { return Answer{Status: int(code.Load())} })
		g.must(poll.PutEndpoint{ID: "a", Webhook: poll.Webhook{URL: urlOf("a"), Kinds: poll.KindsOf(poll.PollCreated), Rate: poll.MaxRate}})
		g.lead("n1", r)
		time.Sleep(4 * 24 * time.Hour)
		code.Store(200)
		time.Sleep(5 * 24 * time.Hour)
		if e := g.endpoint("a"); e.State != poll.EndpointEnabled || e.FailingSince != 0 {
			t.Fatalf("it is %v, failing since %d", e.State, e.FailingSince)
		}
		// when its first event fails,
		code.Store(503)
		g.event("p")
		time.Sleep(time.Minute)
		// then it is tried again, and nothing is disabled.
		if e := g.endpoint("a"); e.State != poll.EndpointEnabled || e.FailingSince == 0 {
			t.Errorf("it is %v, %v, failing since %d", e.State, e.Reason, e.FailingSince)
		}
	})
}

func TestAReceiverThatTakesNothingForFiveDaysIsDisabled(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		r.on("a", status(503))
		g.lead("n1", r)
		began := time.Now()
		for range 6 {
			g.event(fmt.Sprint("p", g.newest()))
			time.Sleep(12 * time.Hour)
		}
		time.Sleep(4 * 24 * time.Hour)
		e := g.endpoint("a")
		if e.State != poll.EndpointStopped || e.Reason != poll.ReasonFailing {
			t.Fatalf("it is %v, %v", e.State, e.Reason)
		}
		all := r.at("a")
		if last := r.began.Add(all[len(all)-1].after).Sub(began); last < disableAfter || last > disableAfter+2*lateDelay {
			t.Errorf("it was called until %v after the first time", last)
		}
	})
}

func TestNothingIsSentToAnEndpointThatIsPausedAndAllOfItAfterwards(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		g.lead("n1", r)
		yes, no := true, false
		g.must(poll.PatchEndpoint{ID: "a", Paused: &yes})
		g.event("p")
		g.event("q")
		time.Sleep(time.Hour)
		if got := r.numbers("a"); got != nil {
			t.Fatalf("while it was paused it got %v", got)
		}
		g.must(poll.PatchEndpoint{ID: "a", Paused: &no})
		time.Sleep(time.Second)
		if got := r.numbers("a"); !reflect.DeepEqual(got, []string{"1", "3"}) {
			t.Errorf("then it got %v", got)
		}
	})
}

func TestAnotherURLIsTriedAtOnce(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		r.on("a", status(500))
		g.lead("n1", r)
		g.event("p")
		time.Sleep(20 * time.Hour)
		other := urlOf("b")
		g.must(poll.PatchEndpoint{ID: "a", URL: &other})
		time.Sleep(time.Second)
		got := r.at("b")
		if len(got) != 2 || !strings.HasPrefix(got[0].id, "ping_") || !strings.HasSuffix(got[1].id, "_1") || got[1].attempt != "1" {
			t.Errorf("it got %+v", got)
		}
	})
}

func TestDeletingAnEndpointEndsItsDeliveries(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		r.on("a", status(500))
		g.lead("n1", r)
		g.event("p")
		time.Sleep(time.Minute)
		g.must(poll.DropEndpoint{ID: "a"})
		calls := len(r.at("a"))
		time.Sleep(24 * time.Hour)
		if more := len(r.at("a")) - calls; more != 0 {
			t.Errorf("it was called %d times more", more)
		}
	})
}

func TestANewEndpointGetsNothingUntilItHasAnsweredAPing(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		r.on("a", func(_ context.Context, n int, q Request) Answer {
			if n < 3 {
				return Answer{Status: 404}
			}
			return Answer{Status: 200}
		})
		g.lead("n1", r)
		g.must(poll.PutEndpoint{ID: "a", Webhook: poll.Webhook{URL: urlOf("a"), Kinds: poll.KindsOf(poll.PollCreated), Rate: 20}})
		g.event("p")
		time.Sleep(time.Minute)
		var kinds []string
		for _, x := range r.at("a") {
			kind, _, _ := strings.Cut(x.id, "_")
			kinds = append(kinds, kind)
		}
		if !reflect.DeepEqual(kinds, []string{"ping", "ping", "ping", "evt"}) {
			t.Errorf("it got %v", kinds)
		}
		if e := g.endpoint("a"); e.State != poll.EndpointEnabled || !e.Verified {
			t.Errorf("it is %v", e.State)
		}
	})
}

func TestARateThatTheReceiverNamesIsKept(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		g.lead("n1", &slow{r})
		time.Sleep(time.Second)
		for range 10 {
			g.event(fmt.Sprint("p", g.newest()))
		}
		time.Sleep(time.Minute)
		at := r.times("a")
		for i := 2; i < len(at); i++ {
			if gap := at[i] - at[i-1]; gap < 2*time.Second {
				t.Errorf("it allows 30 a minute, and %v were between two", gap)
			}
		}
		if len(at) != 10 || r.asked[urlOf("a")] != 1 {
			t.Errorf("it got %d events and was asked %d times", len(at), r.asked[urlOf("a")])
		}
	})
}

// slow answers OPTIONS with a rate.
type slow struct{ *receivers }

func (s *slow) Send(ctx context.Context, q Request) Answer {
	a := s.receivers.Send(ctx, q)
	if q.Method == "OPTIONS" {
		a.Allowed = 30
	}
	return a
}

func TestOneHostGetsSixteenRequestsAtATimeAndOthersDoNotWaitForIt(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		for n := range 40 {
			url := fmt.Sprint("https://one.example/", n)
			g.hook(fmt.Sprint("a", n), func(p *poll.PutEndpoint) { p.Webhook.URL = url })
			r.answer[url] = hangs
		}
		g.hook("other")
		g.lead("n1", r)
		time.Sleep(time.Second)
		g.event("p")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		calls := 0
		for n := range 40 {
			calls += len(r.all[fmt.Sprint("https://one.example/", n)])
		}
		if calls != maxAtHost || len(r.at("other")) != 1 {
			t.Errorf("%d requests are under way to one host; the other one got %d", calls, len(r.at("other")))
		}
	})
}
