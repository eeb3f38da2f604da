package simtest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/poll"
	"voted/internal/webhook"
)

const (
	// repeatsOfKill: progress is committed 200 ms after the first delivery that it tells of, or
	// earlier, and that takes a moment.
	repeatsOfKill = 450 * time.Millisecond
	// repeatsOfCut: whoever is cut off leads for a lease's time more, and commits nothing.
	repeatsOfCut = 2 * time.Second
)

// hooked is a scenario with receivers. Few ballots come in: events are what it is about.
func hooked(repeats time.Duration, faults []Fault, options ...Option) Scenario {
	return Scenario{
		Options:  append([]Option{Seed(1), Webhooks(repeats)}, options...),
		Workload: Workload{For: 9 * time.Second, Clients: 2, Think: 200 * time.Millisecond, Bulk: 4},
		Faults:   faults,
	}
}

// kills are a loss of the leader every two seconds.
func kills() (all []Fault) {
	for at := 2 * time.Second; at < 9*time.Second; at += 2 * time.Second {
		all = append(all, Fault{Kind: FaultCrash, At: at, For: 600 * time.Millisecond, Who: -1})
	}
	return all
}

func TestEveryEventReachesItsReceiversInOrderWhoeverLeads(t *testing.T) {
	for name, s := range map[string]Scenario{
		"leaders are killed":                    hooked(repeatsOfKill, kills()),
		"leaders are killed, cut off, replaced": hooked(repeatsOfCut, Failovers(1, 6*time.Second)),
	} {
		t.Run(name, func(t *testing.T) {
			o := Play(t, s)
			if len(o.Violations) > 0 {
				complain(t, s, 1, o)
			}
			for _, r := range o.Cluster.receivers {
				senders := map[*tenure]bool{}
				for _, d := range r.got {
					senders[d.by] = true
				}
				t.Logf("%s got %d requests from %d leaders", r.id, len(r.got), len(senders))
				if len(senders) < 3 {
					t.Errorf("%s was served by %d leaders: too few to show anything", r.id, len(senders))
				}
			}
		})
	}
}

// Members are started again with a build that knows webhooks, one after the other, and then leaders
// are killed: webhooks are there once all know them, and not before.
func TestWebhooksBeginOnceAllMembersKnowThemAndLoseNothing(t *testing.T) {
	const allKnowThem = 5*time.Second + 600*time.Millisecond
	var faults []Fault
	for who := range 3 { // n1, n2, n3
		faults = append(faults, Fault{Kind: FaultCrash, At: time.Duration(1+2*who) * time.Second, For: 600 * time.Millisecond, Who: who})
	}
	for at := 8 * time.Second; at < 15*time.Second; at += 2 * time.Second {
		faults = append(faults, Fault{Kind: FaultCrash, At: at, For: 600 * time.Millisecond, Who: -1})
	}
	s := hooked(repeatsOfKill, faults, TwoBuilds(poll.WebhookLevel-1, time.Second))
	s.Workload.For = 15 * time.Second
	o := Play(t, s)
	if len(o.Violations) > 0 {
		complain(t, s, 1, o)
	}
	for _, r := range o.Cluster.receivers {
		senders := map[*tenure]bool{}
		for _, d := range r.got {
			senders[d.by] = true
			if d.settled != 0 && d.settled < allKnowThem {
				t.Fatalf("%s got event %d at %v, and the last member of the older build ended at %v", r.id, d.number, d.settled, allKnowThem)
			}
		}
		if len(senders) < 3 {
			t.Errorf("%s was served by %d leaders: too few to show anything", r.id, len(senders))
		}
	}
}

// early is a sender that says of each event that it was taken, and delivers it a while later.
type early struct {
	webhook.Sender
	turn chan struct{} // of capacity 1: they are delivered one after the other
}

func (s early) Send(ctx context.Context, r webhook.Request) webhook.Answer {
	go func() {
		time.Sleep(400 * time.Millisecond)
		s.turn <- struct{}{}
		s.Sender.Send(ctx, r)
		<-s.turn
	}()
	return webhook.Answer{Status: 204}
}

// Each bug is planted in how a leader delivers, and must be found by who receives.
func TestBugsPlantedInDeliverersAreFound(t *testing.T) {
	for _, bug := range []struct {
		name, shows string
		plant       Option
	}{
		{"it commits before it delivers", "are missing", func(c *Cluster) {
			c.settings.senderBug = func(s webhook.Sender) webhook.Sender { return early{s, make(chan struct{}, 1)} }
		}},
		{"it keeps its cursors in memory", "came again", func(c *Cluster) {
			c.settings.progressBug = func(p poll.Progress) bool {
				return !slices.ContainsFunc(p.Moves, func(m poll.Move) bool { return m.Verified })
			}
		}},
	} {
		t.Run(bug.name, func(t *testing.T) {
			o := Play(t, hooked(repeatsOfKill, kills(), bug.plant))
			for _, v := range o.Violations {
				if strings.Contains(v, bug.shows) {
					t.Logf("found, %d violations: %.200s", len(o.Violations), v)
					return
				}
			}
			t.Errorf("it was not found: %q", o.Violations)
		})
	}
}

// The oracle itself: each thing that must not come to a receiver is found.
func TestDeliveriesWithAFaultAreFound(t *testing.T) {
	t.Parallel()
	first, second := &tenure{member: "n1"}, &tenure{member: "n2"}
	first.end(10 * time.Second)
	to := func(by *tenure, number, previous uint64, settled time.Duration) *delivery {
		return &delivery{number: number, previous: previous, id: "e", body: []byte{byte(number)}, by: by, settled: settled}
	}
	wanted := []uint64{2, 3, 5}
	sound := []*delivery{
		to(first, 2, 0, 9*time.Second), to(first, 3, 2, 0), to(first, 3, 2, 9900*time.Millisecond),
		to(second, 3, 2, 12*time.Second), to(second, 5, 3, 13*time.Second),
	}
	if faults := hookFaults(wanted, sound, time.Second/2); faults != nil {
		t.Fatalf("sound deliveries have %q", faults)
	}
	for name, change := range map[string]func(d []*delivery) []*delivery{
		"the last one is missing":         func(d []*delivery) []*delivery { return d[:4] },
		"one in between is missing":       func(d []*delivery) []*delivery { return append(d[:1:1], d[4]) },
		"one that was not asked for":      func(d []*delivery) []*delivery { return append(d, to(second, 6, 5, 0)) },
		"two that changed places":         func(d []*delivery) []*delivery { d[0], d[1] = d[1], d[0]; return d },
		"another one is said to be last":  func(d []*delivery) []*delivery { d[4] = to(second, 5, 2, 0); return d },
		"it is not the same again":        func(d []*delivery) []*delivery { d[3].body = nil; return d },
		"it has another id":               func(d []*delivery) []*delivery { d[3].id = "f"; return d },
		"it came long ago":                func(d []*delivery) []*delivery { d[2].settled = 9 * time.Second; return d },
		"whoever delivered it goes on":    func(d []*delivery) []*delivery { return append(d, to(second, 5, 3, 0)) },
		"it was settled and is not noted": func(d []*delivery) []*delivery { return append(d, to(second, 2, 0, 0)) },
	} {
		var copied []*delivery
		for _, d := range sound {
			each := *d
			copied = append(copied, &each)
		}
		if hookFaults(wanted, change(copied), time.Second/2) == nil {
			t.Errorf("%s, and that is not found", name)
		}
	}
}
