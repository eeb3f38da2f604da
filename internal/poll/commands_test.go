package poll

import (
	"math"
	"math/rand/v2"
	"strconv"

	"pgregory.net/rapid"

	"voted/internal/tally"
)

// dice gives numbers from 0 up to, not including, n. The same commands are drawn
// with rapid, which makes a failing history small, and with a plain generator,
// which makes millions of them.
type dice func(n int) int

func rapidDice(t *rapid.T) dice {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "roll") }
}

func seededDice(seed uint64) dice {
	return rand.New(rand.NewPCG(seed, 0)).IntN
}

// step is one log entry: ballots, or one management command.
type step struct {
	at     int64
	casts  []Ballot
	manage Command
}

// history draws one log, looking at the model to hit the interesting cases.
type history struct {
	roll dice
	m    *model
	now  int64
	sent []Ballot // all ballots so far, to be sent again

	enrolled  []Enroll   // likewise
	scheduled []Schedule // likewise
	wired     []Command  // likewise, about webhooks and alarms
}

const (
	second int64 = 1000
	minute       = 60 * second
	hour         = 60 * minute
)

var pollIDs = []string{"a", "b", "c", "d"}

func newHistory(roll dice, m *model) *history {
	return &history{roll: roll, m: m, now: 1_000_000}
}

func (h *history) next() step {
	s := step{at: h.stamp()}
	switch {
	case h.m.level < PresentationLevel: // as in a cluster all of whose members are of today
		s.manage = Raise{PresentationLevel}
		return s
	case h.m.level < EventsLevel && h.roll(4) == 0: // while there may be polls already
		s.manage = Raise{[]uint32{EventsLevel, ScheduleLevel, WebhookLevel, WebhookLevel}[h.roll(4)]}
		return s
	case h.m.level == EventsLevel && h.roll(4) == 0:
		s.manage = Raise{ScheduleLevel}
		return s
	case h.m.level == ScheduleLevel && h.roll(4) == 0:
		s.manage = Raise{WebhookLevel}
		return s
	case len(h.m.polls) == 0:
		s.manage = h.create()
		return s
	}
	if h.m.level >= ScheduleLevel && h.roll(12) == 0 {
		s.manage = h.schedule()
		return s
	}
	if h.m.level >= WebhookLevel && h.roll(4) == 0 {
		s.manage = h.hook()
		return s
	}
	switch h.roll(42) {
	case 40, 41:
		s.manage = h.draw()
	case 0, 1:
		s.manage = h.create()
	case 2, 3:
		s.manage = h.patch()
	case 4:
		if h.roll(4) != 0 {
			id := h.pollID()
			s.manage = Close{Poll: id, IfRevision: h.revision(id)}
		} else {
			id := h.pollID()
			s.manage = Delete{Poll: id, IfRevision: h.revision(id)}
		}
	case 5:
		s.manage = Tick{}
	case 6, 7, 8, 9:
		s.manage = h.enroll()
	case 10:
		s.manage = h.drop()
	default:
		for range 1 + h.roll(4) {
			s.casts = append(s.casts, h.ballot())
		}
	}
	return s
}

// stamp is the leader's clock: mostly a little later, sometimes earlier.
func (h *history) stamp() int64 {
	switch h.roll(64) {
	case 0:
		h.now += hour * int64(1+h.roll(30))
	case 1, 2:
		h.now += minute * int64(1+h.roll(12))
	case 3, 4, 5:
		return h.now - int64(h.roll(int(2*hour)))
	case 6:
		return []int64{0, -1, math.MinInt64}[h.roll(3)]
	default:
		h.now += int64(h.roll(200))
	}
	return h.now
}

func (h *history) pollID() string {
	if h.roll(40) == 0 {
		return "none"
	}
	id := pollIDs[h.roll(len(pollIDs))]
	if p := h.m.polls[h.roll(len(h.m.polls))]; h.m.live(id) == nil && h.roll(8) != 0 {
		id = p.def.ID
	}
	return id
}

func (h *history) moment() int64 {
	switch h.roll(6) {
	case 0, 1, 2:
		return 0
	case 3:
		return h.now + int64(h.roll(int(minute)))
	case 4:
		return h.now + int64(h.roll(int(3*hour)))
	}
	return h.now - minute + int64(h.roll(int(2*minute)))
}

func (h *history) create() Create {
	c := Create{Definition: h.definition()}
	if len(h.m.polls) > 0 && h.roll(4) == 0 {
		p := h.m.polls[h.roll(len(h.m.polls))]
		c.Definition = []Definition{p.def, p.original}[h.roll(2)]
	}
	c.Salt[0] = byte(h.roll(3))
	if h.roll(3) == 0 {
		c.Key = "k" + strconv.Itoa(h.roll(5))
		c.Fingerprint[0] = byte(h.roll(2))
		c.Client = []string{"", "token:a"}[h.roll(2)]
	}
	c.IfRevision, c.IfAbsent = h.revision(c.Definition.ID), h.roll(8) == 0
	return c
}

// revision is that of a poll or about it; mostly 0, which is any.
func (h *history) revision(id string) uint32 {
	p := h.m.any(id)
	switch {
	case h.roll(6) != 0:
		return 0
	case p == nil:
		return 1
	}
	return p.revision + uint32(h.roll(3)) - 1
}

func (h *history) definition() Definition {
	n := 2 + h.roll(3)
	if h.roll(30) == 0 {
		n = 1
	}
	methods := tally.Names()
	d := Definition{ID: pollIDs[h.roll(len(pollIDs))], Title: "t", Method: methods[h.roll(len(methods))]}
	for i := range n {
		d.Options = append(d.Options, Option{ID: "o" + strconv.Itoa(i)})
	}
	d.MaxSelections = 1 + h.roll(n)
	d.MinSelections = h.roll(d.MaxSelections + 1)
	method, _ := tally.ByName(d.Method)
	if method.Form == tally.Scores {
		d.MaxScore = 1 + h.roll(3)
	} else if h.roll(3) == 0 {
		d.Ballots = AsMarked
	}
	if h.roll(2) == 0 {
		d.Counting = h.counting(method, n)
	}
	d.Revote = Revote(min(1, h.roll(4)))
	d.Results, d.Secrecy = Visibility(h.roll(2)), Secrecy(h.roll(2))
	d.OpensAt, d.ClosesAt = h.moment(), h.moment()
	if h.roll(3) == 0 {
		d.MaxBallots = uint64(h.roll(6))
	}
	if h.roll(3) == 0 {
		d.Eligibility, d.Quorum = OnRoll, uint64(h.roll(4))
	}
	if d.Secrecy == Secret && h.roll(4) == 0 {
		d.Disclosure, d.Receipts = Disclosure(h.roll(3)), Receipts(h.roll(3))
	}
	if h.roll(4) == 0 {
		d.Audience, d.Order = Audience(h.roll(2)), OptionOrder(h.roll(2))
		d.Description, d.Options[0].Description = []string{"", "Two lines\nof text."}[h.roll(2)], []string{"", "Was here before."}[h.roll(2)]
	}
	return d
}

// counting asks something of a method: mostly what it knows.
func (h *history) counting(m tally.Method, options int) tally.Settings {
	s := tally.Settings{Ties: tally.TieBreak(h.roll(4))}
	if s.Ties == m.DefaultTies {
		s.Ties = tally.TiesDefault // as it is written if nothing is asked
	}
	if s.Ties == tally.TiesLot && h.roll(2) == 0 {
		s.Lot = h.order(options)
	}
	if !m.OneSeat && h.roll(2) == 0 {
		s.Seats = 2 + h.roll(options) // one more than there are options is too many
	}
	for _, r := range m.Rules {
		if h.roll(3) != 0 {
			continue
		}
		var v tally.Value
		switch r.Kind {
		case tally.Word:
			v.Word = r.Words[1+h.roll(len(r.Words)-1)]
		case tally.Count:
			v.Count = r.Least + h.roll(3)
		case tally.OneOption:
			v.Options = []int{h.roll(options)}
		case tally.SomeOptions:
			v.Options = h.order(options)[:h.roll(options)]
		}
		if s.Rules == nil {
			s.Rules = tally.Rules{}
		}
		s.Rules[r.Name] = v
	}
	if len(m.Check(s, options)) > 0 {
		s.Rules = nil // rules that do not go together
	}
	return s
}

// order is an order of options.
func (h *history) order(options int) []int {
	order := make([]int, options)
	for i := range order {
		j := h.roll(i + 1)
		order[i], order[j] = order[j], i
	}
	return order
}

// draw enters a lot, mostly for a poll that can use one.
func (h *history) draw() DrawLot {
	c := DrawLot{Poll: h.pollID()}
	for _, p := range h.m.polls {
		if !p.deleted && p.def.Counting.Ties == tally.TiesLot && p.closedIndex != 0 && h.roll(2) == 0 {
			c.Poll = p.def.ID
		}
	}
	options := 2 + h.roll(3)
	if p := h.m.live(c.Poll); p != nil && h.roll(8) != 0 {
		options = len(p.def.Options)
		if p.lot.Order != nil && h.roll(2) == 0 {
			c.Order = p.lot.Order
			return c
		}
	}
	c.Order = h.order(options)
	if h.roll(2) == 0 {
		c.Seed = "seed"
	}
	return c
}

func (h *history) patch() Patch {
	c := Patch{Poll: h.pollID()}
	c.Request[0], c.Fingerprint[0] = byte(h.roll(20)), byte(h.roll(4)/3)
	if p := h.m.live(c.Poll); p != nil && h.roll(3) == 0 {
		c.IfRevision = p.revision + uint32(h.roll(3)) - 1
	}
	if h.roll(2) == 0 {
		title := strconv.Itoa(h.roll(3))
		c.Title = &title
	}
	if h.roll(3) == 0 {
		at := h.moment()
		c.OpensAt = &at
	}
	if h.roll(3) == 0 {
		at := h.moment()
		c.ClosesAt = &at
	}
	return c
}

func (h *history) enroll() Enroll {
	if n := len(h.enrolled); n > 0 && h.roll(6) == 0 { // a late duplicate
		return h.enrolled[h.roll(n)]
	}
	c := Enroll{Poll: h.rolledID(), Since: h.since()}
	if p := h.m.live(c.Poll); p != nil {
		for range h.roll(12) {
			l := RollLine{keyIn(p, h.voter()), uint32(1 + h.roll(3))}
			if h.roll(40) == 0 {
				l.Weight = []uint32{0, 1_000_000, 1_000_001, math.MaxUint32}[h.roll(4)]
			}
			c.Lines = append(c.Lines, l)
		}
	}
	h.enrolled = append(h.enrolled, c)
	return c
}

func (h *history) drop() Drop {
	c := Drop{Poll: h.rolledID(), Since: h.since()}
	if p := h.m.live(c.Poll); p != nil {
		c.Key = keyIn(p, h.voter())
	}
	return c
}

// rolledID prefers a poll that has a roll.
func (h *history) rolledID() string {
	for range 4 {
		if p := h.m.live(h.pollID()); p != nil && p.def.Eligibility == OnRoll {
			return p.def.ID
		}
	}
	return h.pollID()
}

func (h *history) since() uint64 {
	switch h.roll(8) {
	case 0:
		return 0
	case 1:
		return uint64(h.roll(int(h.m.index) + 1))
	}
	return h.m.index
}

func (h *history) voter() string { return "v" + strconv.Itoa(h.roll(2+h.roll(20))) }

func keyIn(p *modelPoll, voter string) VoterKey { return plainKey(p.salt, voter) }

func (h *history) ballot() Ballot {
	if n := len(h.sent); n > 0 && h.roll(10) < 3 { // a duplicate, at once or very late
		if h.roll(2) == 0 {
			return h.sent[n-1-h.roll(min(n, 8))]
		}
		return h.sent[h.roll(n)]
	}
	b := Ballot{Poll: h.pollID()}
	voter := h.voter()
	p := h.m.live(b.Poll)
	if p == nil {
		b.Selections = []byte{byte(h.roll(3))}
		return b
	}
	b.Key = keyIn(p, voter)
	if p.def.Secrecy == Open {
		b.Voter = voter
	}
	b.Selections = h.selections(p)
	current := uint32(0)
	for _, c := range p.casts {
		if c.key == b.Key {
			current++
		}
	}
	switch h.roll(12) {
	case 0, 1, 2, 3:
		b.IfVersion = 0
	case 4:
		b.IfVersion = uint32(h.roll(int(current) + 1))
	case 5:
		b.IfVersion = current + 1
	case 6:
		b.IfVersion = math.MaxUint32
	default:
		b.IfVersion = current
	}
	h.sent = append(h.sent, b)
	return b
}

func (h *history) selections(p *modelPoll) []byte {
	options := len(p.def.Options)
	sel := make([]byte, 0, 8)
	if h.roll(12) == 0 { // mostly invalid
		for range h.roll(5) {
			sel = append(sel, byte(h.roll(2*options+2)))
		}
		return sel
	}
	method, _ := tally.ByName(p.def.Method)
	if p.def.Ballots == AsMarked && h.roll(2) == 0 {
		return h.marks(method.Form, options)
	}
	named := p.def.MinSelections + h.roll(p.def.MaxSelections-p.def.MinSelections+1)
	left := make([]byte, options)
	for i := range left {
		left[i] = byte(i)
	}
	for len(left) > named {
		i := h.roll(len(left))
		left = append(left[:i], left[i+1:]...)
	}
	for i, n := range left {
		switch method.Form {
		case tally.Ranking:
			j := h.roll(i + 1)
			sel = append(sel, 0)
			copy(sel[j+1:], sel[j:])
			sel[j] = 2 * n
		case tally.Scores:
			sel = append(sel, n, byte(h.roll(p.def.MaxScore+1)))
		default:
			sel = append(sel, n)
		}
	}
	if method.Ties {
		for i := 1; i < len(sel); i++ { // some ranks fall together
			if sel[i] > sel[i-1]|1 && h.roll(4) == 0 {
				sel[i] |= 1
			}
		}
	}
	return sel
}

// marks is a ballot as it can stand on paper.
func (h *history) marks(form tally.Form, options int) (sel []byte) {
	if form == tally.Choice {
		for n := range options {
			if h.roll(2) == 0 {
				sel = append(sel, byte(n))
			}
		}
		return sel
	}
	for range h.roll(5) {
		n := byte(2 * h.roll(options+1)) // the last one is a rank that is skipped
		if last := len(sel) - 1; last >= 0 && n > sel[last]|1 && int(n) < 2*options && h.roll(3) == 0 {
			n |= 1
		}
		sel = append(sel, n)
	}
	for len(sel) > 0 && int(sel[len(sel)-1]) == 2*options {
		sel = sel[:len(sel)-1]
	}
	return sel
}
