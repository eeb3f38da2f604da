package ledger

import (
	"fmt"
	"testing"

	"voted/harness/workload"
)

// world is a cluster of two nodes that does everything right, until a test spoils it.
type world struct {
	plan  *workload.Plan
	boxes [2][][]Record // by node and poll
	votes map[uint64]*Entry
	log   []Entry
}

const votesInWorld = 600

// newWorld makes a world in which votesInWorld voters cast their first ballot, and replace
// it if the plan says so.
func newWorld(t *testing.T) *world {
	t.Helper()
	plan, err := workload.New(workload.Options{Seed: 5, Polls: 6, Duplicates: 0.3, Prefix: "p"})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{plan: plan, votes: map[uint64]*Entry{}}
	boxes := make([][]Record, plan.Polls)
	numbers := make([]uint64, plan.Polls)
	for n := range uint64(votesInWorld) {
		v := plan.Vote(n)
		p := plan.Poll(v.Poll)
		put := func(kind workload.Kind, choice uint8, ifVersion uint64) {
			numbers[v.Poll]++
			outcome := "counted"
			if ifVersion > 0 {
				outcome = "replaced"
				boxes[v.Poll] = boxes[v.Poll][:len(boxes[v.Poll])-1]
			}
			r := Record{Number: numbers[v.Poll], Ballot: p.Ballot(choice), Version: ifVersion + 1, Index: n + 10}
			if p.Secret() {
				r.VoterKey = fmt.Sprintf("key-%d", n)
			} else {
				r.Voter = v.Voter
			}
			boxes[v.Poll] = append(boxes[v.Poll], r)
			w.log = append(w.log, Entry{
				Vote: n, Poll: p.Definition.ID, Voter: v.Voter, Kind: kind, Choice: choice, IfVersion: ifVersion,
				Outcome: outcome, Ballot: r.Number, Version: r.Version, Index: r.Index, Node: "n1",
			})
		}
		put(workload.First, v.First, 0)
		w.votes[n] = &w.log[len(w.log)-1]
		if v.Replaces {
			put(workload.Replacement, v.Replacement, 1)
		}
	}
	for i := range w.boxes {
		for _, b := range boxes {
			w.boxes[i] = append(w.boxes[i], append([]Record(nil), b...))
		}
	}
	return w
}

// holdings are what the nodes would report: tallies are the sum of the ballots.
func (w *world) holdings() []Holdings {
	var all []Holdings
	for i := range w.boxes {
		h := Holdings{Node: fmt.Sprintf("n%d", i+1), Index: 99, Digest: "d"}
		for p, box := range w.boxes[i] {
			weights := make([]uint64, w.plan.Poll(p).Choices())
			for _, r := range box {
				if c, ok := w.plan.Poll(p).ChoiceOf(r.Ballot); ok {
					weights[c]++
				}
			}
			h.Polls = append(h.Polls, PollState{
				Ballots: uint64(len(box)), Options: w.plan.Poll(p).Tally(weights),
				Each: func(f func(Record) error) error {
					for _, r := range box {
						if err := f(r); err != nil {
							return err
						}
					}
					return nil
				},
			})
		}
		all = append(all, h)
	}
	return all
}

func (w *world) judge(t *testing.T, spoil func([]Holdings)) *Verdict {
	t.Helper()
	l := New(w.plan)
	for i := range w.log {
		if err := l.Add(&w.log[i]); err != nil {
			t.Fatal(err)
		}
	}
	held := w.holdings()
	if spoil != nil {
		spoil(held)
	}
	v, err := l.Judge(held)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheVerdictNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	const open, secret = 0, 2 // polls
	for name, c := range map[string]struct {
		spoil func(*world)
		held  func([]Holdings)
		want  Fault // empty: exact
	}{
		"a faithful cluster is exact": {},
		"a ballot missing on one node is lost": {
			spoil: func(w *world) { w.boxes[1][open] = w.boxes[1][open][1:] }, want: Lost,
		},
		"a ballot missing from a secret box is lost": {
			spoil: func(w *world) { w.boxes[0][secret] = w.boxes[0][secret][1:] }, want: Lost,
		},
		"a voter with two ballots counts twice": {
			spoil: func(w *world) {
				again := w.boxes[0][open][0]
				again.Number = 1000
				w.boxes[0][open] = append(w.boxes[0][open], again)
			}, want: Twice,
		},
		"a voter key with two ballots counts twice": {
			spoil: func(w *world) {
				again := w.boxes[0][secret][0]
				again.Number = 1000
				w.boxes[0][secret] = append(w.boxes[0][secret], again)
			}, want: Twice,
		},
		"a ballot that no voter cast is invented": {
			spoil: func(w *world) {
				w.boxes[0][open] = append(w.boxes[0][open], Record{Number: 1000, Voter: "v999999", Ballot: w.plan.Poll(open).Ballot(0), Version: 1})
			}, want: Invented,
		},
		"a ballot in a secret box that was acknowledged to no one is invented": {
			spoil: func(w *world) {
				w.boxes[0][secret] = append(w.boxes[0][secret], Record{Number: 1000, VoterKey: "x", Ballot: w.plan.Poll(secret).Ballot(0), Version: 1})
			}, want: Invented,
		},
		"a ballot with another choice was changed": {
			spoil: func(w *world) {
				r := &w.boxes[0][open][3]
				c, _ := w.plan.Poll(open).ChoiceOf(r.Ballot)
				r.Ballot = w.plan.Poll(open).Ballot((c + 1) % 4)
			}, want: Changed,
		},
		"a ballot under another number was changed": {
			spoil: func(w *world) { w.boxes[0][open][3].Number = 77 }, want: Changed,
		},
		"a tally that is not the sum of its ballots is wrong": {
			held: func(h []Holdings) { h[1].Polls[3].Options["ann"]++ }, want: WrongTally,
		},
		"a tally of too many ballots is wrong": {
			held: func(h []Holdings) { h[0].Polls[0].Ballots++; h[1].Polls[0].Ballots++ }, want: WrongTally,
		},
		"another digest at the same index has diverged": {
			held: func(h []Holdings) { h[1].Digest = "e" }, want: Diverged,
		},
		"a replay under another number was counted twice": {
			spoil: func(w *world) {
				again := *w.votes[0]
				again.Kind, again.Outcome, again.Ballot = workload.Immediate, "replayed", again.Ballot+1
				w.log = append(w.log, again)
			}, want: Twice,
		},
		"a first ballot refused without a reason is a wrong answer": {
			spoil: func(w *world) {
				for n := range uint64(votesInWorld) {
					if v := w.plan.Vote(n); !v.HasRival && !v.Replaces {
						again := *w.votes[n]
						again.Kind, again.Outcome, again.Code = workload.Immediate, "", "already_voted"
						w.log = append(w.log, again)
						return
					}
				}
			}, want: WrongAnswer,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.spoil != nil {
				c.spoil(w)
			}
			v := w.judge(t, c.held)
			if c.want == "" {
				if !v.Exact() || !v.Balanced || !v.TalliesEqual || !v.DigestsEqual || v.Counted != votesInWorld || v.Acknowledged != votesInWorld {
					t.Fatalf("the verdict is %+v, want an exact one", v)
				}
				return
			}
			if v.Counts[c.want] == 0 {
				t.Errorf("found %v, want %s among them: %v", v.Counts, c.want, v.Findings)
			}
		})
	}
}

func TestUnansweredBallotsMayOrMayNotCount(t *testing.T) {
	t.Parallel()
	for name, there := range map[string]bool{"counted without an answer": true, "never arrived": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			plan := w.plan
			n := uint64(votesInWorld)
			for ; plan.Vote(n).Poll != 0; n++ {
			}
			v := plan.Vote(n)
			w.log = append(w.log, Entry{Vote: n, Poll: "p-1", Voter: v.Voter, Kind: workload.First, Choice: v.First, Unknown: true, Error: "no answer"})
			if there {
				for i := range w.boxes {
					w.boxes[i][0] = append(w.boxes[i][0], Record{Number: uint64(len(w.boxes[i][0]) + 1), Voter: v.Voter, Ballot: plan.Poll(0).Ballot(v.First), Version: 1})
				}
			}
			got := w.judge(t, nil)
			if !got.Exact() || !got.Balanced || got.Unknown != 1 {
				t.Errorf("the verdict is %+v, want an exact one with 1 unknown ballot", got)
			}
		})
	}
}

func TestALogOfAnotherRunIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.log[0]
	e.Choice = (e.Choice + 1) % 4
	if err := New(w.plan).Add(&e); err == nil {
		t.Error("an entry with a choice that the seed does not make was taken")
	}
	e.Vote = 1 << 60
	if err := New(w.plan).Add(&e); err == nil {
		t.Error("an entry with a number beyond all bounds was taken")
	}
}
