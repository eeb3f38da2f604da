package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/raft"
)

// model is a log that is kept in the plainest way.
type model struct{ entries []*raft.Log }

func (m *model) last() uint64 {
	if len(m.entries) == 0 {
		return 0
	}
	return m.entries[len(m.entries)-1].Index
}

func (m *model) remove(lo, hi uint64) {
	m.entries = slices.DeleteFunc(slices.Clone(m.entries), func(l *raft.Log) bool { return lo <= l.Index && l.Index <= hi })
}

// differs says how the journal differs from the model, "" if it does not.
func (m *model) differs(j *Journal) string {
	first, _ := j.FirstIndex()
	if last, _ := j.LastIndex(); last != m.last() || len(m.entries) > 0 && first != m.entries[0].Index {
		return fmt.Sprintf("it is %d to %d, not %d entries up to %d", first, last, len(m.entries), m.last())
	}
	for _, want := range m.entries {
		var l raft.Log
		if err := j.GetLog(want.Index, &l); err != nil || l.Term != want.Term || string(l.Data) != string(want.Data) {
			return fmt.Sprintf("entry %d is %v, %v", want.Index, l, err)
		}
	}
	return ""
}

// step draws one call. It returns what the log may be after it: if the power goes in the
// middle, an append may be there in part.
func step(j *Journal, m *model, dice *rand.Rand, term uint64) (call func() error, states []*model) {
	last := m.last()
	switch n := dice.IntN(20); {
	case n < 2 && last > 0: // the newest go
		from := last - min(uint64(dice.IntN(4)), uint64(len(m.entries))-1)
		after := &model{m.entries}
		after.remove(from, last)
		return func() error { return j.DeleteRange(from, last) }, []*model{after}
	case n < 4 && last > 0: // the oldest go
		to := m.entries[0].Index + uint64(dice.IntN(len(m.entries)+1))
		after := &model{m.entries}
		after.remove(0, to)
		return func() error { return j.DeleteRange(1, to) }, []*model{after}
	}
	next := last + 1
	if last == 0 {
		next = 1 + uint64(dice.IntN(1000))
	}
	size := []int{0, 20, 400, 1500, 9000}[dice.IntN(5)]
	logs := entries(next, next+uint64(dice.IntN(6)), term, size)
	for i := range logs {
		states = append(states, &model{append(slices.Clone(m.entries), logs[:i+1]...)})
	}
	return func() error { return j.StoreLogs(logs) }, states
}

// Whatever raft does and whenever the power goes, the log is as it was after the last
// call that returned, or that call and a part of the one under way.
func TestTheLogIsAlwaysThatOfAPlainOne(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		dice := rand.New(rand.NewPCG(seed, 1))
		in := newMemory()
		must(t, create(in, testID, small))
		must(t, in.sync())
		m := &model{}
		for life := range uint64(6) {
			j := reopen(t, in, Options{OnFault: func(error) {}})
			if d := m.differs(j); d != "" {
				t.Fatalf("seed %d, life %d: %s", seed, life, d)
			}
			must(t, j.Settle())
			left := 1 + dice.IntN(60) // changes until the power goes
			in.before = func(op, _ string) error {
				if op == "read" || op == "open" || op == "list" {
					return nil
				}
				if left--; left <= 0 {
					return errBroken
				}
				return nil
			}
			possible := []*model{m}
			for range 40 {
				call, states := step(j, m, dice, life+1)
				if err := call(); err != nil {
					if !errors.Is(err, errBroken) {
						t.Fatalf("seed %d, life %d: %v", seed, life, err)
					}
					possible = append(possible, states...)
					break
				}
				m = states[len(states)-1]
				possible = []*model{m}
				if d := m.differs(j); d != "" {
					t.Fatalf("seed %d, life %d: %s", seed, life, d)
				}
			}
			in.before = nil
			in = in.cut(func(n int) int { return dice.IntN(n + 1) }, func(int) bool { return dice.IntN(3) > 0 })
			// It is one of those, and stays that.
			j = reopen(t, in, Options{})
			at := slices.IndexFunc(possible, func(p *model) bool { return p.differs(j) == "" })
			if at < 0 {
				var says []string
				for _, p := range possible {
					says = append(says, p.differs(j))
				}
				t.Fatalf("seed %d, life %d: %s", seed, life, strings.Join(says, "; "))
			}
			m = possible[at]
			must(t, j.Settle())
			in = in.cut(func(n int) int { return dice.IntN(n + 1) }, func(int) bool { return dice.IntN(2) > 0 })
		}
	}
}

// The same with little space: an append fails or not, and what was acknowledged stays.
func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		dice := rand.New(rand.NewPCG(seed, 2))
		in := newMemory()
		must(t, create(in, testID, small))
		m := &model{}
		for life := range uint64(5) {
			in.space = int64(dice.IntN(60_000))
			j := reopen(t, in, Options{OnFault: func(err error) { t.Errorf("seed %d: %v", seed, err) }})
			possible := []*model{m}
			for range 60 {
				call, states := step(j, m, dice, life+1)
				if err := call(); err != nil {
					if !errors.Is(err, syscall.ENOSPC) {
						t.Fatalf("seed %d, life %d: %v", seed, life, err)
					}
					possible = append(possible, states...)
					break
				}
				m = states[len(states)-1]
				possible = []*model{m}
			}
			in = in.cut(func(n int) int { return n }, func(int) bool { return dice.IntN(2) > 0 })
			j = reopen(t, in, Options{})
			at := slices.IndexFunc(possible, func(p *model) bool { return p.differs(j) == "" })
			if at < 0 {
				t.Fatalf("seed %d, life %d: %s", seed, life, m.differs(j))
			}
			m = possible[at]
			must(t, j.Close())
		}
	}
}
