package poll

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/refusal"
)

// merge makes an endpoint of one and a report.
type merge func(e *Endpoint, m *Move) *Endpoint

// listed is so small a limit that dead letters are dropped in these tests.
const listed = 4

func merged(e *Endpoint, m *Move) *Endpoint {
	next, _, _ := e.merged(m, listed)
	return next
}

// base is an endpoint at event 10, with a dead letter and redeliveries that were asked for.
func base() *Endpoint {
	return &Endpoint{
		ID: "w", Number: 1, Revision: 3, Cursor: 10, Last: 9, DeadEver: 2, Dead: []DeadLetter{{Number: 4, At: 50, Status: 400}, {Number: 9, At: 50, Status: 400}},
		Again: []Redelivery{{4, 70}, {7, 70}, {9, 71}},
	}
}

// report draws a report about that endpoint, as some leader may make it: what is dead lies
// beyond the endpoint's cursor, and what is redelivered before it.
func report(roll dice) Move {
	m := Move{Endpoint: 1, Revision: 3, Cursor: uint64(8 + roll(12)), DeadEver: uint64(roll(6)), Verified: roll(4) == 0}
	m.Last = m.Cursor - uint64(roll(3))
	if roll(4) == 0 {
		m.Revision = 2
	}
	if roll(3) == 0 {
		m.FailingSince = int64(100 + roll(5))
	}
	if roll(5) == 0 {
		m.Disable = []EndpointReason{ReasonGone, ReasonFailing}[roll(2)]
	}
	for n := uint64(11); n <= m.Cursor; n++ {
		if roll(3) == 0 {
			m.Dead = append(m.Dead, DeadLetter{Number: n, At: int64(90 + roll(3)), Status: uint16(400 + roll(2))})
		}
	}
	for _, again := range []Redelivery{{4, 70}, {7, 70}, {9, 71}, {9, 60}} {
		if roll(4) == 0 {
			m.Done = append(m.Done, Redone{again, roll(2) == 0})
		}
	}
	return m
}

// differs merges reports in one order, and again in another one with repetitions. It returns
// what is wrong.
func differs(roll dice, by merge) error {
	reports := make([]Move, 2+roll(5))
	order := make([]int, 0, 2*len(reports))
	for i := range reports {
		reports[i] = report(roll)
		order = append(order, i)
	}
	for range roll(len(reports)) {
		order = append(order, roll(len(reports)))
	}
	for i := range order {
		j := i + roll(len(order)-i)
		order[i], order[j] = order[j], order[i]
	}
	one, other := base(), base()
	for i := range reports {
		one = by(one, &reports[i])
	}
	for _, i := range order {
		before := other.Cursor
		if other = by(other, &reports[i]); other.Cursor < before {
			return fmt.Errorf("the cursor fell from %d to %d", before, other.Cursor)
		}
	}
	if !reflect.DeepEqual(one, other) {
		return fmt.Errorf("%+v\nmerged in order are\n%+v, in the order %v\n%+v", reports, *one, order, *other)
	}
	return nil
}

func TestReportsInAnyOrderAndAnyNumberMakeOneEndpoint(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if err := differs(rapidDice(t), merged); err != nil {
			t.Fatal(err)
		}
	})
}

// The controls: merges that are wrong in one way each.
func TestMergesThatAreNoneAreFound(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]merge{
		"a report that overwrites the position": func(e *Endpoint, m *Move) *Endpoint {
			next := *merged(e, m)
			next.Cursor, next.Last, next.DeadEver, next.FailingSince = m.Cursor, m.Last, m.DeadEver, m.FailingSince
			return &next
		},
		"a failure that does not belong to its cursor": func(e *Endpoint, m *Move) *Endpoint {
			next := *merged(e, m)
			next.FailingSince = max(e.FailingSince, m.FailingSince)
			if m.Cursor > e.Cursor {
				next.FailingSince = m.FailingSince
			}
			return &next
		},
		"dead letters that are a list": func(e *Endpoint, m *Move) *Endpoint {
			next := *merged(e, m)
			next.Dead = append(slices.Clone(e.Dead), m.Dead...)
			return &next
		},
		"a redelivery of which the last word counts": func(e *Endpoint, m *Move) *Endpoint {
			next := *merged(e, m)
			next.Dead = slices.Clone(next.Dead)
			for _, d := range m.Done {
				if at, there := slices.BinarySearchFunc(next.Dead, d.Number, DeadLetter.compareNumber); there {
					next.Dead[at].Redelivered = d.Delivered
				}
			}
			return &next
		},
		"the last reason": func(e *Endpoint, m *Move) *Endpoint {
			next := *merged(e, m)
			if next.State == EndpointStopped && m.Disable != ReasonNone {
				next.Reason = m.Disable
			}
			return &next
		},
		"a ping that enables what was disabled": func(e *Endpoint, m *Move) *Endpoint {
			next := *merged(e, m)
			if m.Verified {
				next.State, next.Reason = EndpointEnabled, ReasonNone
			}
			return &next
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(5000) {
				if differs(seededDice(seed), wrong) != nil {
					return
				}
			}
			t.Error("it passes for a merge")
		})
	}
}

// wired is a state with a poll and one endpoint that wants all of its events, and answers.
func wired(t *testing.T) *State {
	t.Helper()
	s := NewState()
	doNow(t, s, Raise{WebhookLevel})
	doNow(t, s, Create{Definition: Definition{ID: "p", Options: []Option{{ID: "x"}, {ID: "y"}}}.WithDefaults()})
	doNow(t, s, PutEndpoint{ID: "w", Webhook: hookTo("https://a"), From: FromOldest})
	return s
}

func hookTo(url string) Webhook {
	return Webhook{URL: url, Kinds: webhookKinds, Rate: DefaultRate}
}

func doNow(t *testing.T, s *State, c Command) Result {
	t.Helper()
	r := doAt(s, s.Clock()+1, c)
	if r.Err != nil {
		t.Fatalf("%T: %v", c, r.Err)
	}
	return r
}

func doAt(s *State, at int64, c Command) Result {
	s.Begin(Stamp{Index: s.Index() + 1, At: at})
	defer s.End()
	return s.Do(c)
}

func endpointOf(t *testing.T, s *State, id string) *Endpoint {
	t.Helper()
	e, missing := s.Endpoint(id)
	if missing != nil {
		t.Fatal(missing)
	}
	return e
}

// A report about an endpoint that was deleted does not reach the one that was made in its
// place, and neither does a duplicate of what made the first.
func TestWhatIsLateDoesNotReachTheEndpointThatTookThePlace(t *testing.T) {
	t.Parallel()
	s := wired(t)
	first := endpointOf(t, s, "w")
	made := PutEndpoint{ID: "again", Ask: Ask{Request: [16]byte{1}}, Webhook: hookTo("https://a")}
	doNow(t, s, made)
	doNow(t, s, DropEndpoint{ID: "w", Ask: Ask{Request: [16]byte{2}}})
	doNow(t, s, DropEndpoint{ID: "again", Ask: Ask{Request: [16]byte{3}}})
	doNow(t, s, PutEndpoint{ID: "w", Webhook: hookTo("https://a"), From: FromOldest})
	doNow(t, s, Progress{[]Move{{Endpoint: first.Number, Revision: first.Revision, Cursor: 2, Disable: ReasonGone}}})
	doNow(t, s, DropEndpoint{ID: "w", Ask: Ask{Request: [16]byte{2}}})
	if e := endpointOf(t, s, "w"); e.Cursor != 0 || e.State != EndpointVerifying || e.Number <= first.Number || e.Key == first.Key {
		t.Errorf("what was meant for %+v reached %+v", first, e)
	}
	if r := doAt(s, s.Clock(), made); r.Err == nil || r.Err.Reason != refusal.WebhookDropped {
		t.Errorf("a duplicate of the request that made a webhook makes it again: %v", r)
	}
	// After a day the name is forgotten: a request that is so late is one of now.
	if r := doAt(s, s.Clock()+IdempotencyTTL, made); r.Err != nil || !r.Created {
		t.Errorf("a day later: %v", r)
	}
}

func TestAReportOfAnotherURLNeitherDisablesNorGivesUp(t *testing.T) {
	t.Parallel()
	s := wired(t)
	old := endpointOf(t, s, "w")
	url := "https://b"
	doNow(t, s, PatchEndpoint{ID: "w", URL: &url})
	late := Move{
		Endpoint: old.Number, Revision: old.Revision, Cursor: 1, DeadEver: 1, Dead: []DeadLetter{{Number: 1, Status: 500}},
		FailingSince: 1, Verified: true, Disable: ReasonFailing,
	}
	doNow(t, s, Progress{[]Move{late}})
	if e := endpointOf(t, s, "w"); e.Cursor != 0 || len(e.Dead) != 0 || e.State != EndpointVerifying || e.FailingSince != 0 {
		t.Errorf("the new URL is blamed for the old one: %+v", e)
	}
	late.Dead, late.Cursor = nil, 2
	doNow(t, s, Progress{[]Move{late}})
	if e := endpointOf(t, s, "w"); e.Cursor != 2 || e.State != EndpointVerifying || e.FailingSince != 0 {
		t.Errorf("what was delivered to the old URL is not settled: %+v", e)
	}
	// Of the new revision it does all of that.
	late.Revision = endpointOf(t, s, "w").Revision
	doNow(t, s, Progress{[]Move{late}})
	if e := endpointOf(t, s, "w"); e.State != EndpointStopped || e.FailingSince != 1 {
		t.Errorf("nothing disables it: %+v", e)
	}
}

func TestDeadLettersAndRedeliveriesAreBounded(t *testing.T) {
	t.Parallel()
	s := wired(t)
	for range MaxDeadLetters + 50 { // an event each
		doNow(t, s, Patch{Poll: "p", Request: [16]byte{byte(s.index), byte(s.index >> 8)}, Title: new(fmt.Sprint(s.index))})
		s.polls["p"].patches = nil
	}
	e := endpointOf(t, s, "w")
	_, newest := s.EventSpan()
	all := Move{Endpoint: e.Number, Revision: e.Revision, Cursor: newest, Last: newest, DeadEver: newest}
	for n := uint64(1); n <= newest; n++ {
		all.Dead = append(all.Dead, DeadLetter{Number: n, Status: 500})
	}
	doNow(t, s, Progress{[]Move{all}})
	e = endpointOf(t, s, "w")
	if len(e.Dead) != MaxDeadLetters || e.Dead[0].Number != newest-MaxDeadLetters+1 || e.DeadDropped() != newest-MaxDeadLetters || e.DeadNow() != MaxDeadLetters {
		t.Errorf("%d dead letters from %d on, %d dropped of %d", len(e.Dead), e.Dead[0].Number, e.DeadDropped(), newest)
	}
	numbers := func(first, last uint64) (all []uint64) {
		for n := first; n <= last; n++ {
			all = append(all, n)
		}
		return all
	}
	// What is too much whatever waits is unfit: the same request is refused each time.
	for _, c := range []Redeliver{
		{ID: "w", All: true}, {ID: "w", All: true, After: newest - MaxRedeliveries - 1}, {ID: "w", Events: numbers(newest-MaxRedeliveries, newest)},
	} {
		if r := doAt(s, s.Clock(), c); r.Err == nil || r.Err.Code != refusal.InvalidWebhook || len(r.Err.Fields) != 1 || len(endpointOf(t, s, "w").Again) != 0 {
			t.Errorf("after %d, or %d events: %v, %d wait", c.After, len(c.Events), r, len(endpointOf(t, s, "w").Again))
		}
	}
	// After the newest event there is none, whatever the number.
	for _, after := range []uint64{newest, newest + 1, math.MaxUint64} {
		doNow(t, s, Redeliver{ID: "w", All: true, After: after})
	}
	if e := endpointOf(t, s, "w"); len(e.Again) != 0 {
		t.Errorf("after the newest event %d wait", len(e.Again))
	}
	doNow(t, s, Redeliver{ID: "w", All: true, After: newest - MaxRedeliveries})
	if e := endpointOf(t, s, "w"); len(e.Again) != MaxRedeliveries {
		t.Errorf("%d wait", len(e.Again))
	}
	// What there is no room for now is to be sent later.
	if r := doAt(s, s.Clock(), Redeliver{ID: "w", Events: numbers(1, 1)}); r.Err == nil || r.Err.Reason != refusal.RedeliveriesFull {
		t.Errorf("one more than may wait: %v", r)
	}
}

// Whatever there is of everything, it takes less than 4 MiB.
func TestEndpointsAreBounded(t *testing.T) {
	t.Parallel()
	s := wired(t)
	made := 1
	for n := range MaxEndpoints {
		r := doAt(s, s.Clock(), PutEndpoint{ID: fmt.Sprint("w", n), Webhook: hookTo("https://a")})
		if r.Err != nil {
			if r.Err.Reason != refusal.WebhooksFull {
				t.Fatal(r)
			}
			break
		}
		made++
	}
	if made != MaxEndpoints {
		t.Errorf("there are %d", made)
	}
	long := hookTo("https://" + strings.Repeat("a", 2000))
	s = wired(t)
	for n := range MaxEndpoints {
		r := doAt(s, s.Clock(), PutEndpoint{ID: fmt.Sprint("w", n), Webhook: long})
		if r.Err != nil {
			if r.Err.Reason != refusal.WebhooksFull || s.endpoints.bytes(-1) > MaxEndpointBytes || n < 800 {
				t.Fatalf("after %d with long URLs: %v", n, r)
			}
			break
		}
	}
	if letters := s.endpoints.deadLimit() * len(s.endpoints.all) * int(reflect.TypeFor[DeadLetter]().Size()); letters > 3<<19 {
		t.Errorf("dead letters may take %d bytes", letters)
	}
}

// Where there are many endpoints, each lists fewer dead letters; those that are there already
// list fewer then, too.
func TestMoreEndpointsLeaveLessRoomForDeadLetters(t *testing.T) {
	t.Parallel()
	s := wired(t)
	e := *s.endpoints.all[0]
	for n := uint64(1); n <= MaxDeadLetters; n++ {
		e.Dead = append(e.Dead, DeadLetter{Number: n})
	}
	s.endpoints.all[0] = &e
	for n := range maxAllDeadLetters / MaxDeadLetters {
		doNow(t, s, PutEndpoint{ID: fmt.Sprint("w", n), Webhook: hookTo("https://a")})
	}
	if dead := s.endpoints.all[0].Dead; len(dead) != 255 || dead[0].Number != 2 {
		t.Errorf("%d dead letters from %d on", len(dead), dead[0].Number)
	}
}

func TestAKeyIsRotatedOnceAndNeverComesBack(t *testing.T) {
	t.Parallel()
	s := wired(t)
	first := endpointOf(t, s, "w").Key
	c := RotateKey{ID: "w", Ask: Ask{Request: [16]byte{1}}, Overlap: hour}
	doNow(t, s, c)
	if r := doNow(t, s, c); !r.Replayed {
		t.Errorf("a duplicate: %v", r)
	}
	e := endpointOf(t, s, "w")
	if e.Key == first || e.PreviousKey != first || e.PreviousUntil != s.Clock()-1+hour {
		t.Errorf("after key %d it is %+v at %d", first, e, s.Clock())
	}
	if r := doAt(s, s.Clock(), RotateKey{ID: "w", Overlap: MaxOverlap + 1}); r.Err == nil || r.Err.Code != refusal.InvalidWebhook {
		t.Errorf("for longer than may be: %v", r)
	}
	doNow(t, s, DropEndpoint{ID: "w"})
	doNow(t, s, PutEndpoint{ID: "w", Webhook: hookTo("https://a")})
	if again := endpointOf(t, s, "w"); again.Key <= e.Key {
		t.Errorf("made again it signs with key %d after %d", again.Key, e.Key)
	}
}

func TestWhatCannotBeAWebhookIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	s := wired(t)
	for field, change := range map[string]func(c *PutEndpoint){
		"id":       func(c *PutEndpoint) { c.ID = "a b" },
		"url":      func(c *PutEndpoint) { c.Webhook.URL = "ftp://a" },
		"types":    func(c *PutEndpoint) { c.Webhook.Kinds = 1 },
		"rate":     func(c *PutEndpoint) { c.Webhook.Rate = MaxRate + 1 },
		"polls":    func(c *PutEndpoint) { c.Webhook.Polls = manyPolls() },
		"polls[0]": func(c *PutEndpoint) { c.Webhook.Polls = []string{"a b"} },
		"from":     func(c *PutEndpoint) { c.From = 99 },
	} {
		c := PutEndpoint{ID: "x", Webhook: hookTo("https://x")}
		change(&c)
		r := doAt(s, s.Clock(), c)
		if r.Err == nil || r.Err.Code != refusal.InvalidWebhook || len(r.Err.Fields) != 1 || r.Err.Fields[0].Field != field {
			t.Errorf("%s: %v", field, r)
		}
	}
}

func manyPolls() (all []string) {
	for n := range MaxEndpointPolls + 1 {
		all = append(all, fmt.Sprint("p", 10+n))
	}
	return all
}

func TestAnAlarmCountsOnceAMinute(t *testing.T) {
	t.Parallel()
	s := wired(t)
	on, off := Alarm{Kind: "disk_low", Member: "n2", On: true, Says: "Low."}, Alarm{Kind: "disk_low", Member: "n2", Says: "Over."}
	began := s.Clock()
	for _, step := range []struct {
		after int64
		c     Alarm
		notes int
	}{
		{0, off, 0}, {0, on, 1}, {1, on, 1}, {1, off, 1}, {minute - 1, off, 1}, {minute, off, 2}, {minute + 1, on, 2}, {2 * minute, on, 3},
	} {
		if r := doAt(s, began+step.after, step.c); r.Err != nil || len(s.alarms.all) != step.notes {
			t.Errorf("%d ms later %+v: %v, and %d notes", step.after, step.c, r, len(s.alarms.all))
		}
	}
	if on := s.Alarms(); len(on) != 1 || on[0].Number != 3 {
		t.Errorf("%+v are on", on)
	}
}

func TestOldAlarmsGoButNotThoseThatAreOn(t *testing.T) {
	t.Parallel()
	s := wired(t)
	doNow(t, s, Alarm{Kind: "no_quorum", On: true})
	for n := range MaxAlarms {
		if r := doAt(s, s.Clock()+AlarmPause, Alarm{Kind: "disk_low", Member: "n1", On: n%2 == 0}); r.Err != nil {
			t.Fatal(r)
		}
	}
	if on, _ := s.AlarmOn("no_quorum", ""); !on || len(s.alarms.all) != MaxAlarms || s.alarms.all[1].Number != 3 {
		t.Errorf("the first one is on: %t; there are %d notes, after the first %d", on, len(s.alarms.all), s.alarms.all[1].Number)
	}
	full := wired(t)
	for n := range MaxAlarms {
		doNow(t, full, Alarm{Kind: "away", Member: fmt.Sprint("n", n), On: true})
	}
	if r := doAt(full, full.Clock(), Alarm{Kind: "away", Member: "one-more", On: true}); r.Err == nil {
		t.Error("one more is taken where all are on")
	}
	if r := doAt(full, full.Clock()+AlarmPause, Alarm{Kind: "away", Member: "n5"}); r.Err != nil || len(full.Alarms()) != MaxAlarms-1 {
		t.Errorf("the end of one is not noted: %v; %d are on", r, len(full.Alarms()))
	}
}
