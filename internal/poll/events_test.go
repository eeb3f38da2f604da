package poll

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"
)

// told returns a state's events as "kind poll a b".
func told(t *testing.T, s *State) (all []string) {
	t.Helper()
	oldest, newest := s.EventSpan()
	page, seen, ok := s.Events(oldest-1, 1<<20, func(EventKind, string) bool { return true })
	if !ok || seen != min(newest, oldest-1+maxScan) {
		t.Fatalf("events %d to %d are read up to %d, %t", oldest, newest, seen, ok)
	}
	for i, e := range page {
		if e.Number != oldest+uint64(i) {
			t.Fatalf("event %d comes after %d others", e.Number, i)
		}
		all = append(all, fmt.Sprint(e.Kind, " ", e.Poll, " ", e.A, " ", e.B))
	}
	return all
}

// eventScene is an empty state that keeps a journal.
func eventScene(t *testing.T) *scene {
	c := &scene{t, NewState()}
	c.do(1, Raise{EventsLevel})
	return c
}

func twoOptions(id string) Definition {
	return Definition{ID: id, Options: []Option{{ID: "a"}, {ID: "b"}}}.WithDefaults()
}

func TestWhatHappensIsToldOnceAndInOrder(t *testing.T) {
	t.Parallel()
	c := eventScene(t)
	d := twoOptions("p")
	d.OpensAt, d.ClosesAt, d.Quorum = 100, 1000, 3
	for range 2 { // each command comes twice
		c.do(10, Create{Definition: d})
	}
	c.do(50, Tick{})
	for range 2 {
		c.do(60, Patch{Poll: "p", Request: request(1), Title: ptr("new")})
	}
	c.do(200, Tick{})
	for n := range 4 {
		for range 2 {
			c.cast(300, fmt.Sprint("v", n), "a", 0)
		}
	}
	c.do(2000, Tick{})
	for range 2 {
		c.do(3000, Delete{Poll: "p"})
	}
	want := []string{
		"poll.created p 1 0", "poll.updated p 2 0", "poll.opened p 2 0",
		"poll.milestone p 1 0", "poll.milestone p 2 0", "poll.quorum_met p 3 0",
		"ballots.counted p 4294967300 4", "poll.closed p 4 4", "poll.deleted p 2 0",
	}
	if got := told(t, c.s); !slices.Equal(got, want) {
		t.Errorf("told is %q", got)
	}
}

func TestBelowItsLevelAStateTellsNothing(t *testing.T) {
	t.Parallel()
	c := &scene{t, NewState()}
	c.do(1, Create{Definition: twoOptions("p")})
	c.cast(2, "v", "a", 0)
	v := c.s.View()
	defer v.Close()
	if len(told(t, c.s)) != 0 || v.HasJournal() {
		t.Error("it does")
	}
}

func TestAPollThatIsScheduledAgainOpensAgain(t *testing.T) {
	t.Parallel()
	c := eventScene(t)
	c.do(10, Create{Definition: twoOptions("p")})
	c.do(20, Patch{Poll: "p", Request: request(1), OpensAt: ptr(int64(100))})
	c.do(30, Patch{Poll: "p", Request: request(2), Title: ptr("new")}) // its times stand in the heap twice now
	c.do(150, Tick{})
	c.do(160, Tick{})
	want := []string{"poll.created p 1 0", "poll.opened p 1 0", "poll.updated p 2 0", "poll.updated p 3 0", "poll.opened p 3 0"}
	if got := told(t, c.s); !slices.Equal(got, want) {
		t.Errorf("told is %q", got)
	}
}

// The blocks of a box are the same in whatever entries its records came.
func TestABlockOfABoxEndsAtAMultipleWhateverTheEntries(t *testing.T) {
	t.Parallel()
	blocks := func(each int) (all []string) {
		c := eventScene(t)
		d := twoOptions("p")
		c.do(10, Create{Definition: d})
		p := c.s.Find("p")
		for n := 0; n < 3000; n += each {
			c.s.Begin(Stamp{Index: c.s.Index() + 1, At: 20})
			for i := n; i < min(3000, n+each); i++ {
				c.s.Cast(p, &Ballot{Poll: "p", Key: keyNumber(uint64(i)), Selections: []byte{byte(i % 2)}})
			}
			c.s.End()
		}
		c.do(30, Close{Poll: "p"})
		for _, e := range told(t, c.s) {
			if e[:7] == "ballots" {
				all = append(all, e)
			}
		}
		return all
	}
	want := []string{
		fmt.Sprint("ballots.counted p ", 1<<32+1024, " 1024"), fmt.Sprint("ballots.counted p ", 1025<<32+2048, " 2048"),
		fmt.Sprint("ballots.counted p ", 2049<<32+3000, " 3000"),
	}
	for _, each := range []int{1, 7, 1000, 3000} {
		if got := blocks(each); !slices.Equal(got, want) {
			t.Errorf("in entries of %d: %q", each, got)
		}
	}
}

// Two polls that hide their results and differ in their ballots alone tell the same, until
// they close.
func TestAPollThatHidesItsResultsTellsNothingOfItsBallots(t *testing.T) {
	t.Parallel()
	tale := func(results Visibility, ballots int) []string {
		c := eventScene(t)
		d := twoOptions("p")
		d.Results, d.Quorum = results, 2
		c.do(10, Create{Definition: d})
		for n := range ballots {
			c.cast(20, fmt.Sprint("v", n), "a", 0)
		}
		c.do(30, Patch{Poll: "p", Request: request(1), Title: ptr("new")})
		return told(t, c.s)
	}
	if few, many := tale(ResultsAfterClose, 0), tale(ResultsAfterClose, 2500); !slices.Equal(few, many) {
		t.Errorf("without ballots %q\nwith ballots %q", few, many)
	}
	if few, many := tale(ResultsLive, 0), tale(ResultsLive, 2500); slices.Equal(few, many) {
		t.Error("one that shows them does not tell either: this test cannot fail")
	}
}

func TestTheJournalKeepsTheLastEventsAndThoseOfAWeekWithinItsBound(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(event{}); size*maxEvents > 12<<20 || size > 40 {
		t.Fatalf("an event has %d bytes", size)
	}
	var j journal
	check := func(when string, kept uint64) {
		t.Helper()
		if j.kept != kept || len(j.chunks) > 256 {
			t.Fatalf("%s %d of %d events are kept in %d chunks, not %d", when, j.kept, j.newest, len(j.chunks), kept)
		}
		for _, n := range []uint64{j.oldest(), j.oldest() + j.kept/2, j.newest} {
			if e := j.slot(n); e.index != n {
				t.Fatalf("%s event %d is %+v", when, n, *e)
			}
		}
	}
	add := func(n int, at int64) {
		for range n {
			j.add(event{index: j.newest + 1, at: at, kind: PollCreated})
		}
	}
	add(keptEvents, 0)
	check("while there are few, however old,", keptEvents)
	add(10, eventMemory-1)
	check("within the week", keptEvents+10)
	add(1, eventMemory)
	check("after the week", keptEvents)
	add(maxEvents, eventMemory)
	check("where too many come in a week", maxEvents)
	add(300_000, eventMemory+1)
	check("long after", maxEvents)
}

func TestWhatIsNoLongerKeptOrNotYetThereIsSaid(t *testing.T) {
	t.Parallel()
	s := NewState()
	s.level = EventsLevel
	for range keptEvents + 5 {
		s.until += eventMemory
		s.happened(StateRestored, nil, 0, 0)
	}
	oldest, newest := s.EventSpan()
	if oldest != 6 || newest != keptEvents+5 {
		t.Fatalf("%d to %d", oldest, newest)
	}
	all := func(EventKind, string) bool { return true }
	for after, want := range map[uint64]bool{0: false, 4: false, 5: true, newest: true, newest + 1: false, 1<<63 - 1: false} {
		if _, _, ok := s.Events(after, 1, all); ok != want {
			t.Errorf("after %d: %t", after, ok)
		}
	}
	none := func(EventKind, string) bool { return false }
	if page, seen, ok := s.Events(5, 1, none); len(page) != 0 || seen != 5+maxScan || !ok {
		t.Errorf("one look reaches %d", seen)
	}
}

func TestAViewKeepsItsEventsWhileOlderOnesAreDropped(t *testing.T) {
	t.Parallel()
	s := NewState()
	s.level = EventsLevel
	for range keptEvents {
		s.happened(StateRestored, nil, 0, 0)
	}
	v := s.View()
	defer v.Close()
	before := v.AppendJournal(nil)
	s.until = eventMemory
	done := make(chan []byte)
	go func() { done <- v.AppendJournal(nil) }() // under the race detector: no lock is needed
	for range 3 * eventsPerChunk {
		s.happened(StateRestored, nil, 0, 0)
	}
	if during, after := <-done, v.AppendJournal(nil); !slices.Equal(before, during) || !slices.Equal(before, after) {
		t.Error("it shows others")
	}
	if oldest, _ := s.EventSpan(); oldest != 3*eventsPerChunk+1 {
		t.Errorf("nothing was dropped: %d", oldest)
	}
}

func TestARollsEventComesOnceItHasBeenQuiet(t *testing.T) {
	t.Parallel()
	c := eventScene(t)
	d := twoOptions("p")
	d.Eligibility = OnRoll
	c.do(1000, Create{Definition: d})
	before := len(told(t, c.s))
	c.do(2000, Enroll{Poll: "p", Lines: []RollLine{{Key: keyNumber(1), Weight: 1}, {Key: keyNumber(2), Weight: 1}}})
	c.do(3000, Enroll{Poll: "p", Since: 1 << 40, Lines: []RollLine{{Key: keyNumber(2), Weight: 2}, {Key: keyNumber(3), Weight: 1}}})
	c.do(4000, Drop{Poll: "p", Since: 1 << 40, Key: keyNumber(1)})
	if due := c.s.NextDeadline(); due != 12_000 {
		t.Fatalf("it is due at %d", due)
	}
	c.do(11_999, Tick{})
	if len(told(t, c.s)) != before {
		t.Fatal("it came early")
	}
	c.do(12_000, Tick{})
	c.do(30_000, Tick{})
	if got := told(t, c.s)[before:]; !slices.Equal(got, []string{fmt.Sprint("roll.changed p 3 ", 1<<32+1)}) || c.s.NextDeadline() != 0 {
		t.Errorf("told is %q", got)
	}
}

// A backup is of an older state: the numbers of this cluster go on, and its events are of
// the polls that they were of.
func TestARestoreGoesOnWithTheClustersOwnNumbers(t *testing.T) {
	t.Parallel()
	backup := eventScene(t)
	for _, id := range []string{"x", "kept"} {
		backup.do(10, Create{Definition: twoOptions(id)})
	}
	c := eventScene(t)
	for _, id := range []string{"gone", "kept"} {
		c.do(10, Create{Definition: twoOptions(id)})
	}
	before := told(t, c.s)
	c.s.Begin(Stamp{Index: c.s.Index() + 1, At: 100})
	if err := backup.s.Succeed(c.s, Succession{Position: c.s.Index(), Confirm: "2 polls and 0 ballots"}); err != nil {
		t.Fatal(err)
	}
	backup.s.End()
	backup.do(200, Close{Poll: "kept"})
	want := append(before, "cluster.restored  0 0", "poll.closed kept 0 0")
	if got := told(t, backup.s); !slices.Equal(got, want) {
		t.Errorf("told is %q, not %q", got, want)
	}
	if got := told(t, c.s); !slices.Equal(got, before) {
		t.Errorf("the state before tells %q", got)
	}
}

func TestAJournalThatIsCutOffOrDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	c := eventScene(t)
	d := twoOptions("p")
	d.Eligibility = OnRoll
	c.do(10, Create{Definition: d})
	c.do(20, Enroll{Poll: "p", Lines: []RollLine{{Key: keyNumber(1), Weight: 1}}})
	v := c.s.View()
	defer v.Close()
	whole := save(v)
	if _, err := whole.load(); err != nil {
		t.Fatal(err)
	}
	for n := range len(whole.journal) {
		cut := whole
		cut.journal = whole.journal[:n]
		if cut.journal == nil {
			continue
		}
		if _, err := cut.load(); err == nil {
			t.Errorf("cut after %d of %d bytes it is read", n, len(whole.journal))
		}
	}
	for name, at := range map[string]int{"an event of a kind that is not known": 2, "an event of a poll that is not there": 5} {
		other := whole
		other.journal = slices.Clone(whole.journal)
		other.journal[at] = 99
		if _, err := other.load(); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func BenchmarkCastWithEvents(b *testing.B) {
	for _, level := range []uint32{FirstLevel, EventsLevel} {
		b.Run(fmt.Sprint("level ", level), func(b *testing.B) {
			b.ReportAllocs()
			s, p := benchState(b, "plurality")
			s.level = level
			castRange(s, p, 0, uint64(b.N))
		})
	}
}
