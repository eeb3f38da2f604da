package poll

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"voted/internal/refusal"
	"voted/internal/tally"
)

// twin runs the state, a second one and the model side by side and compares all
// that can be seen of them after every entry.
type twin struct {
	state, second *State
	model         *model
	log           []step
	held          []heldView
	earlier       map[string]*Comparisons // of each poll, at the last check
	told          int                     // events of the model that were looked at
	commands      int                     // ballots and management commands so far
	seen          map[string]int          // how often each answer was given
}

// heldView is a view of the past, and what it showed when it was taken.
type heldView struct {
	view  *View
	saved saved
}

func newTwin() *twin {
	return &twin{state: NewState(), second: NewState(), model: newModel(), seen: map[string]int{}, earlier: map[string]*Comparisons{}}
}

// run applies one entry to all three. It returns what differs.
func (w *twin) run(s step) error {
	w.log = append(w.log, s)
	at := Stamp{Index: w.model.index + 1 + uint64(len(w.log)%3/2), At: s.at}
	before := w.state.Digest()
	w.state.Begin(at)
	w.second.Begin(at)
	w.model.begin(at)
	if s.manage != nil {
		w.commands++
		want := w.model.do(s.manage)
		w.seen[fmt.Sprintf("%T %s", s.manage, want.code)]++
		for _, got := range []Result{w.state.Do(s.manage), w.second.Do(s.manage)} {
			if got.Roll != nil {
				for _, l := range got.Roll.Refused {
					w.seen["line "+l.Code.String()]++
				}
			}
			if verdictOf(got) != want {
				return fmt.Errorf("%T: the state says %+v, the model %+v", s.manage, verdictOf(got), want)
			}
		}
	}
	for i := range s.casts {
		w.commands++
		if err := w.cast(s.casts[i]); err != nil {
			return err
		}
	}
	w.state.End()
	w.second.End()
	switch {
	case w.state.Digest() != w.second.Digest():
		return fmt.Errorf("two states that were told the same have the digests %x and %x", w.state.Digest(), w.second.Digest())
	case (w.state.Digest() != before) != w.model.changed:
		return fmt.Errorf("the digest changed: %t; something changed: %t", w.state.Digest() != before, w.model.changed)
	case w.state.Clock() != w.model.clock || w.state.Index() != w.model.index:
		return fmt.Errorf("clock %d and index %d, the model has %d and %d", w.state.Clock(), w.state.Index(), w.model.clock, w.model.index)
	}
	return nil
}

func (w *twin) cast(b Ballot) error {
	settled, final := w.state.Settled(&b)
	got, want := w.state.Cast(w.state.Find(b.Poll), &b), w.model.cast(b)
	if got != want {
		return fmt.Errorf("ballot %+v: the state says %+v, the model %+v", b, got, want)
	}
	w.seen[got.Kind.String()+" "+got.Code.String()]++
	if again := w.second.Cast(w.second.Find(b.Poll), &b); again != got {
		return fmt.Errorf("ballot %+v: the second state says %+v, the first %+v", b, again, got)
	}
	if final && settled != got {
		return fmt.Errorf("ballot %+v: settled as %+v, cast as %+v", b, settled, got)
	}
	if (got.Err() == nil) != (got.Kind != Refused) || got.Kind == Refused && (got.Err().Code != want.Code || got.Err().Version != got.Receipt.Version) {
		return fmt.Errorf("ballot %+v: outcome %+v has the error %v", b, got, got.Err())
	}
	p := w.model.live(b.Poll)
	if p == nil {
		return nil
	}
	receipt, err := w.state.Receipt(b.Poll, b.Key)
	if c, ok := p.last()[b.Key]; ok != (err == nil) || c.receipt != receipt {
		return fmt.Errorf("receipt %+v, the model has %+v", receipt, c.receipt)
	}
	return nil
}

// check compares one poll with the model and with itself.
func (w *twin) check(m *modelPoll) error {
	p := w.state.Find(m.def.ID)
	if !w.state.Known(m.def.ID) {
		return fmt.Errorf("poll %s is not known", m.def.ID)
	}
	if m.deleted {
		if _, err := w.state.Info(m.def.ID); p != nil || err == nil || w.state.Rules(m.def.ID) != nil {
			return fmt.Errorf("poll %s is deleted and can be found", m.def.ID)
		}
		return nil
	}
	if p == nil {
		return fmt.Errorf("poll %s cannot be found", m.def.ID)
	}
	last := m.last()
	phase := Opened
	if m.closedIndex != 0 {
		phase = Closed
	} else if m.def.OpensAt > w.model.clock {
		phase = Scheduled
	}
	i, _ := w.state.Info(m.def.ID)
	number := uint32(slices.Index(w.model.polls, m))
	want := Info{Rules: p.rules, Number: number, Phase: phase, Revision: m.revision, CreatedAt: m.created, ClosedAt: m.closedAt, ClosedIndex: m.closedIndex, Ballots: uint64(len(last)), Changed: m.changed, Digest: i.Digest, Turnout: m.turnout(), Lot: m.lot}
	if !reflect.DeepEqual(i, want) || !sameDefinition(i.Rules.Definition, m.def) || i.Rules.Salt != m.salt {
		return fmt.Errorf("poll %s shows %+v, the model has %+v", m.def.ID, i, want)
	}
	if other, _ := w.second.Info(m.def.ID); other.Digest != i.Digest {
		return fmt.Errorf("poll %s: two states have different digests", m.def.ID)
	}
	if i.Visible() != (m.def.Results == ResultsLive || phase == Closed) {
		return fmt.Errorf("poll %s: its results are visible: %t", m.def.ID, i.Visible())
	}
	count, _ := w.state.Count(m.def.ID)
	result := m.result()
	if got := count.Tabulate(); !reflect.DeepEqual(got, result) || count.Index != w.model.index {
		return fmt.Errorf("poll %s is tallied as %+v, the model has %+v", m.def.ID, got, result)
	}
	if err := w.checkAfter(&count, result); err != nil {
		return err
	}
	if err := p.consistent(); err != nil {
		return err
	}
	return w.checkCasts(m)
}

// checkAfter counts a poll with what was counted at the last check.
func (w *twin) checkAfter(count *Count, want tally.Result) error {
	id := count.Rules.ID
	if count.Rules.Form() != tally.Ranking {
		return nil // nothing is kept for it
	}
	if w.earlier[id] == nil {
		w.earlier[id] = new(Comparisons)
	}
	if w.earlier[id].pairs != nil && len(w.earlier[id].entries) > 0 {
		w.seen["counted further: "+count.Rules.Method]++
	}
	if got := count.TabulateAfter(w.earlier[id]); !reflect.DeepEqual(got, want) {
		return fmt.Errorf("poll %s, counted further, is tallied as %+v, the model has %+v", id, got, want)
	}
	return nil
}

func (w *twin) checkCasts(m *modelPoll) error {
	c, _, _ := w.state.Capture(m.def.ID)
	if int(c.Records()) != len(m.casts) {
		return fmt.Errorf("poll %s has %d records, the model %d", m.def.ID, c.Records(), len(m.casts))
	}
	last := m.last()
	n := 0
	for got := range c.Current() {
		n++
		want := m.casts[got.Ballot-1]
		weight := uint32(1)
		if m.def.Eligibility == OnRoll {
			weight = m.roll[got.Key].weight
		}
		if got.Weight != weight || got.Receipt != want.receipt || got.Key != want.key || string(got.Selections) != want.sel || got.Voter != want.voter || last[got.Key].receipt != got.Receipt {
			return fmt.Errorf("poll %s exports %+v, the model has %+v", m.def.ID, got, want)
		}
	}
	for key, v := range m.roll {
		got, err := w.state.Enrolled(m.def.ID, key)
		_, voted := last[key]
		want := Enrolled{Weight: v.weight, Dropped: !v.on, Voted: voted, Index: v.changed}
		if v.weight == 0 && (err == nil || err.Code != refusal.VoterNotFound) || v.weight != 0 && got != want {
			return fmt.Errorf("poll %s: its roll says %+v, %v, the model %+v", m.def.ID, got, err, want)
		}
		if weight, ok := w.state.Find(m.def.ID).weight(&key); ok != v.on || weight != int64(v.weight) {
			return fmt.Errorf("poll %s: eligible %t with %d, the model has %+v", m.def.ID, ok, weight, v)
		}
	}
	if n != len(last) {
		return fmt.Errorf("poll %s exports %d ballots, the model has %d voters", m.def.ID, n, len(last))
	}
	return nil
}

// consistent checks a poll against a recount from its own box.
func (p *Poll) consistent() error {
	current, newest := map[VoterKey]uint32{}, map[VoterKey]Record{}
	for n := uint32(1); n <= p.box.n; n++ {
		r := p.box.record(n)
		if r.Supersedes != current[r.Key] || r.Version != newest[r.Key].Version+1 {
			return fmt.Errorf("record %d: %+v does not follow %+v", n, r, newest[r.Key])
		}
		current[r.Key], newest[r.Key] = n, r
	}
	counts := make([]int64, len(p.profile.entries))
	voters, weight := int64(0), int64(0)
	for key, n := range current {
		if got := p.current(&key); got != n {
			return fmt.Errorf("the index finds record %d of %s, not %d", got, key, n)
		}
		w, _ := p.weight(&key)
		counts[newest[key].Selections] += w
		weight += w
		voters++
	}
	sum := int64(0)
	for _, n := range p.profile.counts {
		sum += n
	}
	switch {
	case !slices.Equal(counts, p.profile.counts) || sum != weight:
		return fmt.Errorf("the profile counts %v, a recount %v", p.profile.counts, counts)
	case int64(p.ballots()) != voters || p.rules.method.Additive() && p.profile.totals.Ballots != weight:
		return fmt.Errorf("%d voters, %d ballots, %d in the totals", voters, p.ballots(), p.profile.totals.Ballots)
	case p.hashed != p.box.n || p.listed != len(p.profile.entries) || p.dirty:
		return fmt.Errorf("the digest covers %d of %d records", p.hashed, p.box.n)
	case p.rules.Secrecy == Open && len(p.names.ends) != int(p.box.n) || p.rules.Secrecy == Secret && len(p.names.ends) != 0:
		return fmt.Errorf("%d voter ids for %d records", len(p.names.ends), p.box.n)
	}
	segments := p.index.dir
	if p.roll != nil {
		if p.roll.hashed != p.roll.entries.n {
			return fmt.Errorf("the digest covers %d of %d entries of the roll", p.roll.hashed, p.roll.entries.n)
		}
		segments = append(slices.Clone(segments), p.roll.index.dir...)
	}
	for _, s := range segments {
		used := uint32(0)
		for _, e := range s.slots {
			if e.number != 0 {
				used++
			}
		}
		if used != s.used || used == uint32(len(s.slots)) {
			return fmt.Errorf("a segment of the index says it uses %d slots, it uses %d of %d", s.used, used, len(s.slots))
		}
	}
	return nil
}

// list compares the listing, page by page.
func (w *twin) list(limit int, phase Phase) error {
	var want, got []string
	live := 0
	for _, m := range w.model.polls {
		if m.deleted {
			continue
		}
		live++
		if i, _ := w.state.Info(m.def.ID); i.Phase == phase {
			want = append(want, m.def.ID)
		}
	}
	for start := uint32(0); ; {
		page, next := w.state.List(start, limit, func(i Info) bool { return i.Phase == phase })
		if len(page) > limit {
			return fmt.Errorf("a page of %d holds %d", limit, len(page))
		}
		for _, i := range page {
			got = append(got, i.Rules.ID)
		}
		if start = next; next == 0 {
			break
		}
	}
	if !slices.Equal(got, want) || w.state.Polls() != live {
		return fmt.Errorf("%v are listed, the model has %v", got, want)
	}
	return nil
}

// saved is a state as a snapshot holds it.
type saved struct {
	header  []byte
	polls   []savedPoll
	journal []byte // nil: there is none
	tasks   []byte // likewise
	hooks   []byte // likewise
	alarms  []byte // likewise
}

type savedPoll struct {
	header, roll, records []byte
	names                 []string
}

func save(v *View) saved {
	s := saved{header: v.AppendHeader(nil)}
	for n := range v.Len() {
		c := v.Poll(n)
		p := savedPoll{header: c.AppendHeader(nil)}
		c.RollSpans(func(raw []byte) { p.roll = append(p.roll, raw...) })
		c.Spans(func(raw []byte) { p.records = append(p.records, raw...) })
		p.names = slices.Collect(c.Names())
		s.polls = append(s.polls, p)
	}
	if v.HasJournal() {
		s.journal = v.AppendJournal(nil)
	}
	if v.HasTasks() {
		s.tasks = v.AppendTasks(nil, inMemory)
	}
	if v.HasEndpoints() {
		s.hooks = v.AppendEndpoints(nil)
	}
	if v.HasAlarms() {
		s.alarms = v.AppendAlarms(nil)
	}
	return s
}

func (s saved) equal(o saved) bool {
	return bytes.Equal(s.header, o.header) && bytes.Equal(s.journal, o.journal) && bytes.Equal(s.tasks, o.tasks) &&
		bytes.Equal(s.hooks, o.hooks) && bytes.Equal(s.alarms, o.alarms) && slices.EqualFunc(s.polls, o.polls, func(a, b savedPoll) bool {
		return bytes.Equal(a.header, b.header) && bytes.Equal(a.roll, b.roll) && bytes.Equal(a.records, b.records) && slices.Equal(a.names, b.names)
	})
}

func (s saved) load() (*State, error) {
	l, err := NewLoader(s.header)
	if err != nil {
		return nil, err
	}
	for _, p := range s.polls {
		pl, err := l.Poll(p.header)
		if err != nil {
			return nil, err
		}
		if err := pl.AddRoll(p.roll); err != nil {
			return nil, err
		}
		if err := pl.Add(p.records); err != nil {
			return nil, err
		}
		for _, name := range p.names {
			pl.AddName(name)
		}
		if err := pl.Done(); err != nil {
			return nil, err
		}
	}
	if s.journal != nil {
		if err := l.Journal(s.journal); err != nil {
			return nil, err
		}
	}
	if s.tasks != nil {
		if err := l.Tasks(s.tasks, inMemory); err != nil {
			return nil, err
		}
	}
	if s.hooks != nil {
		if err := l.Endpoints(s.hooks); err != nil {
			return nil, err
		}
	}
	if s.alarms != nil {
		if err := l.Alarms(s.alarms); err != nil {
			return nil, err
		}
	}
	return l.State()
}

// hold takes a view to be looked at again later.
func (w *twin) hold() {
	v, now := w.state.View(), w.state.View()
	w.held = append(w.held, heldView{v, save(now)})
	now.Close()
}

// release looks at the oldest view that is held: it must show what it showed.
func (w *twin) release() error {
	if len(w.held) == 0 {
		return nil
	}
	h := w.held[0]
	w.held = w.held[1:]
	defer h.view.Close()
	if !save(h.view).equal(h.saved) {
		return fmt.Errorf("the view of index %d changed under later entries", h.view.Index())
	}
	return nil
}

// reload replaces the second state by one that was saved and loaded.
func (w *twin) reload() error {
	v := w.second.View()
	defer v.Close()
	before := save(v)
	s, err := before.load()
	if err != nil {
		return err
	}
	w.second = s
	if after := s.View(); !save(after).equal(before) || s.Digest() != v.Digest() {
		return fmt.Errorf("what was loaded differs from what was saved")
	} else {
		after.Close()
	}
	return nil
}
