package survey

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"voted/internal/poll"
)

// alarmScene is a leader that looks, and the state that its proposals reach.
type alarmScene struct {
	state *poll.State
	watch *Watch
	clock int64
	index uint64
}

func newAlarmScene() *alarmScene {
	s := &alarmScene{state: poll.NewState(), watch: &Watch{}, clock: 1_000_000}
	s.do(poll.Raise{Level: poll.WebhookLevel})
	return s
}

func (s *alarmScene) do(c poll.Command) {
	s.index++
	s.state.Begin(poll.Stamp{Index: s.index, At: s.clock})
	s.state.Do(c)
	s.state.End()
}

// looks lets the leader look so many times, twice a second, and returns how many commands it proposed.
func (s *alarmScene) looks(times int, seen ...Sighting) (proposed int) {
	for range times {
		s.clock += 500
		for _, a := range s.watch.Due(inspect(seen...), s.state, s.clock) {
			proposed++
			s.do(a)
		}
	}
	return proposed
}

// journal is which alarms began and ended, in order.
func (s *alarmScene) journal() (all []string) {
	page, _, _ := s.state.Events(0, 1000, func(k poll.EventKind, _ string) bool { return k == poll.AlarmRaised || k == poll.AlarmOver })
	for _, e := range page {
		n, _ := s.state.AlarmNumber(e.A)
		all = append(all, fmt.Sprintf("%s %s %s", strings.TrimPrefix(e.Kind.String(), "cluster."), n.Kind, n.Member))
	}
	return all
}

func (s *alarmScene) want(t *testing.T, want ...string) {
	t.Helper()
	if got := s.journal(); !slices.Equal(got, want) {
		t.Errorf("told is %q, want %q", got, want)
	}
}

func TestAFindingThatStaysIsAnAlarmOnceAndSoIsItsEnd(t *testing.T) {
	t.Parallel()
	s := newAlarmScene()
	s.looks(alarmLooks-1, well("n1"), well("n2"), absent("n3"))
	s.want(t)
	if n := s.looks(200, well("n1"), well("n2"), absent("n3")); n != 1 {
		t.Errorf("%d commands were proposed", n)
	}
	s.want(t, "alarm away n3")
	s.looks(alarmLooks-1, well("n1"), well("n2"), well("n3"))
	s.want(t, "alarm away n3")
	if n := s.looks(200, well("n1"), well("n2"), well("n3")); n != 1 {
		t.Errorf("%d commands were proposed", n)
	}
	s.want(t, "alarm away n3", "recovered away n3")
}

func TestAMemberThatIsStartedAgainIsNoAlarm(t *testing.T) {
	t.Parallel()
	s := newAlarmScene()
	for range 50 {
		s.looks(alarmLooks-1, well("n1"), well("n2"), absent("n3"))
		s.looks(1, well("n1"), well("n2"), well("n3"))
	}
	s.want(t)
}

func TestAMemberThatComesAndGoesIsToldAtMostOnceAMinute(t *testing.T) {
	t.Parallel()
	s := newAlarmScene()
	proposed := 0
	const minutes = 10
	for range minutes * 120 / (2 * alarmLooks) {
		proposed += s.looks(alarmLooks, well("n1"), well("n2"), absent("n3"))
		proposed += s.looks(alarmLooks, well("n1"), well("n2"), well("n3"))
	}
	if n := len(s.journal()); n < 2 || n > minutes || proposed != n {
		t.Errorf("in %d minutes %d commands were proposed and %d events made", minutes, proposed, n)
	}
}

func TestANewLeaderGoesOnWithWhatIsTold(t *testing.T) {
	t.Parallel()
	// Given an alarm that the leader before began,
	s := newAlarmScene()
	s.looks(alarmLooks, well("n1"), well("n2"), absent("n3"))
	s.clock += poll.AlarmPause
	// when the next one finds the same, nothing is told;
	s.watch = &Watch{}
	if n := s.looks(100, well("n1"), well("n2"), absent("n3")); n != 0 {
		t.Errorf("%d commands were proposed", n)
	}
	// when the one after it finds it no longer, its end is.
	s.watch = &Watch{}
	s.looks(100, well("n1"), well("n2"), well("n3"))
	s.want(t, "alarm away n3", "recovered away n3")
}

func TestTheAlarmOfAMemberThatWasRemovedEndsAndSaysSo(t *testing.T) {
	t.Parallel()
	s := newAlarmScene()
	s.looks(alarmLooks, well("n1"), well("n2"), well("n3"), absent("n4"))
	s.clock += poll.AlarmPause
	s.looks(alarmLooks, well("n1"), well("n2"), well("n3"))
	s.want(t, "alarm away n4", "recovered away n4")
	if n, _ := s.state.AlarmNumber(2); n.Says != "n4 is no longer a member." {
		t.Errorf("it says %q", n.Says)
	}
}

func TestACommandThatDoesNotArriveIsProposedAgainNotAtOnce(t *testing.T) {
	t.Parallel()
	s := newAlarmScene()
	lost := 0
	for range 5 * alarmLooks {
		lost += len(s.watch.Due(inspect(well("n1"), well("n2"), absent("n3")), s.state, s.clock))
	}
	if lost != 5 {
		t.Errorf("%d commands were proposed", lost)
	}
	s.looks(alarmLooks, well("n1"), well("n2"), absent("n3"))
	s.want(t, "alarm away n3")
}

func TestWhatHappensToAllMembersAtOnceIsToldInPieces(t *testing.T) {
	t.Parallel()
	s := newAlarmScene()
	seen := []Sighting{well("n1")}
	for n := range 2*alarmsPerLook + 1 {
		seen = append(seen, with(well(fmt.Sprintf("m%02d", n)), func(m *Sighting) { m.Report.Low = true; m.Votes = false }))
	}
	s.looks(alarmLooks-1, seen...)
	for _, want := range []int{alarmsPerLook, alarmsPerLook, 1, 0} {
		if n := s.looks(1, seen...); n != want {
			t.Errorf("%d commands were proposed, want %d", n, want)
		}
	}
}

func TestAnAlarmSaysNoMoreThanTheStateTakes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "short", strings.Repeat("word ", 100), strings.Repeat("ü", 300), strings.Repeat("x", 257), "a\xffb"} {
		got := shortened(text)
		if len(got) > poll.MaxAlarmSays || !utf8.ValidString(got) || len(text) <= poll.MaxAlarmSays && utf8.ValidString(text) && got != text {
			t.Errorf("%q of %q", got, text)
		}
		if len(text) > poll.MaxAlarmSays && (len(got) < poll.MaxAlarmSays/2 || !strings.HasSuffix(got, " …")) {
			t.Errorf("%q is cut to %q", text, got)
		}
	}
}

// The sentences of findings are longer than those of alarms; the beginning says what is wrong.
func TestEveryFindingCanBeAnAlarm(t *testing.T) {
	t.Parallel()
	for kind := range ended {
		s := newAlarmScene()
		s.do(poll.Alarm{Kind: kind, Member: "n2", On: true, Says: shortened(strings.Repeat("It is so. ", 50))})
		s.want(t, "alarm "+kind+" n2")
	}
}

func TestAnEndedFindingIsToldInWords(t *testing.T) {
	t.Parallel()
	x := inspect(well("n1"), well("n3"))
	for of, want := range map[Subject]string{
		{"away", "n3"}:       "n3 answers again.",
		{"away", "n2"}:       "n2 is no longer a member.",
		{"storage_full", ""}: "Enough members have space on their disks again.",
		{"newer", "n3"}:      "It is over: newer n3.",
		{"newer", ""}:        "It is over: newer.",
	} {
		if got := x.Over(of); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
