package poll

import (
	"fmt"
	"strings"
	"testing"
)

// A file that somebody else made may hold what no state could have come to hold. It is refused
// when it is loaded: a ballot that met it later would end every member, at each start again.
func TestAFileWithWhatNoStateCanHoldIsRefused(t *testing.T) {
	t.Parallel()
	made := func(change func(p *Poll)) saved {
		s := NewState()
		s.Begin(Stamp{Index: 1, At: 1000})
		d := Definition{ID: "p", Options: []Option{{ID: "a"}, {ID: "b"}}, Revote: RevoteUntilClose, Method: "irv"}
		s.Do(Create{Definition: d.WithDefaults()})
		p := s.Find("p")
		for version := range uint32(2) {
			s.Cast(p, &Ballot{Poll: "p", Key: p.rules.Key("ann"), Selections: []byte{byte(2 * version)}, IfVersion: version})
		}
		s.End()
		change(p)
		v := s.View()
		defer v.Close()
		return save(v)
	}
	version := func(to byte) func(*Poll) {
		return func(p *Poll) { p.box.raw(p.box.n, RecordBytes)[20] = to }
	}
	for name, x := range map[string]struct {
		change func(p *Poll)
		says   string // "": it is loaded
	}{
		"nothing was changed":    {func(*Poll) {}, ""},
		"a version is too high":  {version(5), "record 2 is version 5 of its voter's ballot, not 2"},
		"a version is too low":   {version(1), "record 2 is version 1 of its voter's ballot, not 2"},
		"there are many options": {func(p *Poll) { p.rules = withOptions(p.rules, MaxOptions+1) }, "its definition is not valid: options"},
		"it closed later":        {func(p *Poll) { p.closedIndex, p.closedAt = 9, 1000 }, "changed at log index 9, after the end of the state at 1"},
		"a ballot came later":    {func(p *Poll) { p.box.raw(p.box.n, RecordBytes)[28] = 9 }, "record 2 names what does not exist"},
		"the lot is of others":   {func(p *Poll) { p.lot.Order = []int{0, 7} }, "its lot does not order its options"},
		"a lot that is right":    {func(p *Poll) { p.lot.Order = []int{1, 0} }, ""},
	} {
		_, err := made(x.change).load()
		if x.says == "" && err != nil || x.says != "" && (err == nil || !strings.Contains(err.Error(), x.says)) {
			t.Errorf("%s: %v, and it must say %q", name, err, x.says)
		}
	}
}

func withOptions(r *Rules, n int) *Rules {
	d := r.Definition
	d.Options = nil
	for i := range n {
		d.Options = append(d.Options, Option{ID: fmt.Sprint("o", i)})
	}
	return newRules(d, r.Salt)
}

// Numbers are drawn for endpoints one after the other; after the last one there is none.
func TestAFileWhoseNumbersOfEndpointsAreNearlyUsedUpIsRefused(t *testing.T) {
	t.Parallel()
	for last, fits := range map[uint32]bool{maxDrawn: true, maxDrawn + 1: false} {
		s := NewState()
		s.endpoints.last = last
		v := s.View()
		raw := v.AppendEndpoints(nil)
		v.Close()
		l, err := NewLoader(save(NewState().View()).header)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Endpoints(raw); (err == nil) != fits {
			t.Errorf("%d: %v", last, err)
		}
	}
}
