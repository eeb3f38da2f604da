package poll

import "encoding/binary"

// Capture is a poll as it was at one log index. It is immutable and costs a few
// slice headers, whatever the size of the poll; it may be read without any lock.
type Capture struct {
	header
	box     box
	entries []string
	names   names
	roll    store
}

func (p *Poll) capture() Capture {
	c := Capture{header: p.header, box: p.box, entries: p.profile.entries, names: p.names}
	if p.roll != nil {
		c.roll = p.roll.entries
	}
	return c
}

// Rules returns the poll's definition.
func (c *Capture) Rules() *Rules { return c.rules }

// Deleted reports whether only the poll's id is left.
func (c *Capture) Deleted() bool { return c.deleted }

// Records returns how many records the box holds, superseded ones included.
func (c *Capture) Records() uint32 { return c.box.n }

// Digest returns the poll's own running digest.
func (c *Capture) Digest() Digest { return c.digest }

// Cast is one ballot in the box, as exports show it.
type Cast struct {
	Receipt
	Key        VoterKey
	Voter      string // open polls only
	Selections []byte // canonical
	Weight     uint32 // that it counts with; 1 if the poll has no roll
	Supersedes uint32 // number of the record that it replaces, 0 for a first ballot
}

// From yields the records from number first on, in the order of the box, those too that
// later ones replace. It needs an index of the roll if there is one.
func (c *Capture) From(first uint32) func(yield func(Cast) bool) {
	return func(yield func(Cast) bool) {
		weightOf := c.weights()
		for n := max(first, 1); n <= c.box.n; n++ {
			b := c.cast(n)
			if b.Weight = weightOf(&b.Key); !yield(b) {
				return
			}
		}
	}
}

// Replaced returns a function that reports whether a later record replaces one of those
// from number first on. It takes a pass over these, and one bit of memory per record.
func (c *Capture) Replaced(first uint32) func(number uint32) bool {
	s := make(numbers, c.box.n/64+1)
	c.replacedFrom(max(first, 1), func(n uint32) { s[n/64] |= 1 << (n % 64) })
	return s.has
}

// Current yields the ballots that count, each voter's last one, in the order of the box.
// It needs one bit of memory per record, and an index of the roll if there is one.
func (c *Capture) Current() func(yield func(Cast) bool) {
	return func(yield func(Cast) bool) {
		weightOf := c.weights()
		for n := range c.standing() {
			b := c.cast(n)
			if b.Weight = weightOf(&b.Key); !yield(b) {
				return
			}
		}
	}
}

// standing yields the numbers of the records that no later one supersedes.
func (c *Capture) standing() func(yield func(uint32) bool) {
	return func(yield func(uint32) bool) {
		superseded := c.superseded()
		for n := uint32(1); n <= c.box.n; n++ {
			if !superseded.has(n) && !yield(n) {
				return
			}
		}
	}
}

// numbers is a set of records, a bit for each.
type numbers []uint64

func (s numbers) has(n uint32) bool { return s[n/64]&(1<<(n%64)) != 0 }

// superseded returns the records that a later one supersedes.
func (c *Capture) superseded() numbers {
	s := make(numbers, c.box.n/64+1)
	c.replaced(func(n uint32) { s[n/64] |= 1 << (n % 64) })
	return s
}

// replaced calls f with the number of each record that a later one supersedes.
func (c *Capture) replaced(f func(number uint32)) { c.replacedFrom(1, f) }

// replacedFrom is replaced for what the records from number first on replace.
func (c *Capture) replacedFrom(first uint32, f func(number uint32)) {
	c.box.spans(first, func(raw []byte) {
		for ; len(raw) > 0; raw = raw[RecordBytes:] {
			if old := binary.LittleEndian.Uint32(raw[24:]); old != 0 {
				f(old)
			}
		}
	})
}

// weights returns a function from a voter who has a ballot to their weight. The index of
// the roll goes on changing, so the captured entries get one of their own.
func (c *Capture) weights() func(key *VoterKey) uint32 {
	if c.rules.Eligibility != OnRoll {
		return func(*VoterKey) uint32 { return 1 }
	}
	r := roll{entries: c.roll}
	for n := uint32(1); n <= c.roll.n; n++ {
		r.note((*VoterKey)(c.roll.raw(n, RollEntryBytes)), n)
	}
	return func(key *VoterKey) uint32 {
		e, _ := r.find(key)
		return e.Weight
	}
}

func (c *Capture) cast(n uint32) Cast {
	r := c.box.record(n)
	b := Cast{
		Receipt:    Receipt{n, r.Version, r.Index, r.CastAt},
		Key:        r.Key,
		Selections: []byte(c.entries[r.Selections]),
		Supersedes: r.Supersedes,
	}
	if c.rules.Secrecy == Open {
		b.Voter = c.names.of(n)
	}
	return b
}

// View is the whole State as it was at one log index. Taking one costs the same
// however many polls there are: a poll is captured only when it is about to change
// for the first time afterwards, or when the reader comes to it.
//
// A View is used under the State's lock: Poll under a read lock, Close under the
// write lock. What Poll returns needs no lock.
type View struct {
	state   *State
	index   uint64
	clock   int64
	digest  Digest
	level   uint32
	shift   uint64
	origin  Origin
	keys    []keyEntry
	tokens  []joinToken
	tasks   schedule
	journal journal

	endpoints endpointTable
	alarms    alarmTable

	rolls []rollNews
	polls []*Poll
	kept  map[*Poll]Capture
}

// View captures the state. The caller must close it.
func (s *State) View() *View {
	v := &View{
		state: s, index: s.index, clock: s.clock, digest: s.digest, level: s.level,
		shift: s.shift, origin: s.origin,
		keys: s.keys.queue, tokens: s.tokens.all, tasks: s.tasks, journal: s.journal, polls: s.order, kept: map[*Poll]Capture{},
		endpoints: s.endpoints, alarms: s.alarms,
	}
	for _, r := range s.rolls {
		v.rolls = append(v.rolls, *r)
	}
	s.views = append(s.views, v)
	return v
}

// keep captures a poll that is about to change.
func (v *View) keep(p *Poll) {
	if int(p.number) >= len(v.polls) || p.changed > v.index {
		return // made, or captured, after the view was taken
	}
	v.kept[p] = p.capture()
}

// Index returns the log index that the view shows.
func (v *View) Index() uint64 { return v.index }

// Digest returns the state's digest at that index.
func (v *View) Digest() Digest { return v.digest }

// Len returns the number of polls, deleted ones included.
func (v *View) Len() int { return len(v.polls) }

// Poll returns the poll with a number.
func (v *View) Poll(number int) Capture {
	p := v.polls[number]
	if p.changed > v.index {
		return v.kept[p]
	}
	return p.capture()
}

// Close releases the view.
func (v *View) Close() {
	for i, w := range v.state.views {
		if w == v {
			v.state.views = append(v.state.views[:i:i], v.state.views[i+1:]...)
			return
		}
	}
}

// Selections returns the canonical selections with a number in the poll's profile, nil if
// there is no such number.
func (c *Capture) Selections(number uint32) []byte {
	if uint64(number) >= uint64(len(c.entries)) {
		return nil
	}
	return []byte(c.entries[number])
}
