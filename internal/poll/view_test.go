package poll

import (
	"strings"
	"testing"
)

// Two views of different moments, polls changing in between in every way: each
// shows its own moment, in whatever order they are read and closed.
func TestTwoOverlappingViewsEachShowTheirMoment(t *testing.T) {
	t.Parallel()
	c := newScene(t, revotes)
	d := c.s.Rules("p").Definition
	d.ID = "q"
	c.do(1000, Create{Definition: d})
	c.cast(1000, "v", "a", 0)

	first := c.s.View()
	wantFirst := save(first) // q stays untouched until later
	c.cast(2000, "v", "b", 1)
	c.do(2000, Patch{Poll: "p", Request: request(1), Title: ptr("new")})

	second := c.s.View()
	wantSecond := save(second)
	d.ID = "r"
	c.do(3000, Create{Definition: d, Key: "k"})
	c.cast(3000, "w", "a", 0)
	for _, id := range []string{"p", "q"} {
		c.do(3000, Close{Poll: id})
		c.do(3000, Delete{Poll: id})
	}
	if first.Len() != 2 || second.Len() != 2 || first.Digest() == second.Digest() || first.Index() >= second.Index() {
		t.Fatalf("the views have %d and %d polls", first.Len(), second.Len())
	}
	if !save(second).equal(wantSecond) {
		t.Fatal("the second view changed")
	}
	second.Close()
	second.Close() // again: nothing
	if !save(first).equal(wantFirst) {
		t.Fatal("the first view changed")
	}
	first.Close()
	if len(c.s.views) != 0 {
		t.Fatalf("%d views are kept", len(c.s.views))
	}
	if got := first.Poll(0); got.Records() != 1 || got.Deleted() || got.Rules().Title != "" {
		t.Fatalf("the first view shows %d records, title %q", got.Records(), got.Rules().Title)
	}
}

func TestAViewCapturesOnlyPollsThatChange(t *testing.T) {
	t.Parallel()
	c := newScene(t, nil)
	d := c.s.Rules("p").Definition
	d.ID = "q"
	c.do(1000, Create{Definition: d})
	v := c.s.View()
	defer v.Close()
	c.cast(2000, "v", "a", 0)
	c.cast(2000, "w", "a", 0)
	c.cast(2000, "v", "a", 0)
	if len(v.kept) != 1 {
		t.Fatalf("%d polls were captured", len(v.kept))
	}
}

func TestALoaderRefusesPartsThatDoNotFit(t *testing.T) {
	t.Parallel()
	c := newScene(t, revotes)
	c.cast(1000, "v", "a", 0)
	c.cast(1000, "v", "b", 1)
	v := c.s.View()
	defer v.Close()
	good := save(v)
	unknown := v.Poll(0)
	strange := unknown.rules.Definition
	strange.Method = "star-trek"
	unknown.rules = newRules(strange, Salt{})
	loose := v.Poll(0)
	loose.entries = []string{"\x00", "\x09"}
	for name, change := range map[string]func(s *saved){
		"a state cut short":         func(s *saved) { s.header = s.header[:len(s.header)-1] },
		"a state with more behind":  func(s *saved) { s.header = append(s.header, 0) },
		"a poll too few":            func(s *saved) { s.polls = nil },
		"a poll twice":              func(s *saved) { s.polls = append(s.polls, s.polls[0]) },
		"a poll's header cut short": func(s *saved) { s.polls[0].header = s.polls[0].header[:20] },
		"a record too few":          func(s *saved) { s.polls[0].records = s.polls[0].records[:RecordBytes] },
		"a record too many":         func(s *saved) { s.polls[0].records = append(s.polls[0].records, make([]byte, RecordBytes)...) },
		"half a record":             func(s *saved) { s.polls[0].records = s.polls[0].records[:RecordBytes+7] },
		"records in another order": func(s *saved) {
			r := s.polls[0].records
			s.polls[0].records = append(r[RecordBytes:], r[:RecordBytes]...)
		},
		"a voter twice":                 func(s *saved) { r := s.polls[0].records; copy(r[RecordBytes:], r[:RecordBytes]) },
		"a method of another build":     func(s *saved) { s.polls[0].header = unknown.AppendHeader(nil) },
		"selections against the rules":  func(s *saved) { s.polls[0].header = loose.AppendHeader(nil) },
		"a record of unknown selection": func(s *saved) { s.polls[0].records[16] = 9 },
	} {
		t.Run(name, func(t *testing.T) {
			s := saved{header: append([]byte(nil), good.header...)}
			for _, p := range good.polls {
				s.polls = append(s.polls, savedPoll{header: append([]byte(nil), p.header...), records: append([]byte(nil), p.records...)})
			}
			change(&s)
			if got, err := s.load(); err == nil || strings.Contains(err.Error(), "%!") {
				t.Fatalf("it was loaded at index %d: %v", got.Index(), err)
			}
		})
	}
	if _, err := good.load(); err != nil {
		t.Fatal(err)
	}
}
