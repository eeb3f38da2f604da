package poll

import (
	"fmt"
	"reflect"
	"slices"

	"voted/internal/refusal"
	"voted/internal/tally"
)

// model is the rules again, in their simplest form: a list of ballots per poll, searched
// from the beginning each time. It shares no code with the product except the types that
// carry commands and answers.
type model struct {
	index   uint64
	clock   int64
	until   int64                  // where the clock goes in this entry
	polls   []*modelPoll           // in the order of creation
	keys    map[[2]string]modelKey // by client and key
	level   uint32
	events  []Event
	news    []modelNews
	tasks   []*modelTask // in the order of scheduling
	asked   uint64       // how many were ever scheduled
	hooks   []*modelHook // in the order of creation
	drawn   uint32       // the last number of an endpoint, a revision or a key
	carried map[[16]byte]modelAsk
	alarms  []AlarmNote
	changed bool // the last command changed something
}

type modelKey struct {
	fingerprint Digest
	poll        string
	expires     int64
}

type modelPoll struct {
	def                  Definition
	salt                 Salt
	valid                map[string]bool // every selections that the definition allows, unless ballots are as marked
	casts                []modelCast
	revision             uint32
	created, closedAt    int64
	closedIndex, changed uint64
	deleted, opened      bool
	original             Definition // as it was created
	patches              []modelPatch
	lot                  Lot
	roll                 map[VoterKey]modelVoter
}

type modelPatch struct {
	request, fingerprint [16]byte
	at                   int64
}

type modelCast struct {
	key     VoterKey
	voter   string
	sel     string
	receipt Receipt
	weight  int64 // when it was cast
}

func newModel() *model {
	return &model{keys: map[[2]string]modelKey{}, carried: map[[16]byte]modelAsk{}, level: FirstLevel}
}

func (m *model) any(id string) *modelPoll {
	for _, p := range m.polls {
		if p.def.ID == id {
			return p
		}
	}
	return nil
}

func (m *model) live(id string) *modelPoll {
	if p := m.any(id); p != nil && !p.deleted {
		return p
	}
	return nil
}

func (m *model) begin(at Stamp) {
	m.index, m.changed = at.Index, false
	m.keepTimes(max(m.clock, at.At))
	m.forget()
	for k, e := range m.keys {
		if e.expires <= m.clock {
			delete(m.keys, k)
		}
	}
	for name, a := range m.carried {
		if a.at+24*hour <= m.clock {
			delete(m.carried, name)
		}
	}
}

func (m *model) close(p *modelPoll, at int64) {
	p.closedAt, p.closedIndex = at, m.index
	m.touch(p)
	m.tellClosed(p)
}

func (m *model) touch(p *modelPoll) {
	p.changed, m.changed = m.index, true
}

// last returns the voters' ballots in the box, each one's newest.
func (p *modelPoll) last() map[VoterKey]modelCast {
	all := map[VoterKey]modelCast{}
	for _, c := range p.casts {
		all[c.key] = c
	}
	return all
}

func (m *model) cast(b Ballot) Outcome {
	p := m.live(b.Poll)
	if p == nil {
		return Outcome{Code: refusal.PollNotFound}
	}
	var history []modelCast // the voter's, so that version n stands at n-1
	known := false          // some voter has held these selections
	for _, c := range p.casts {
		if c.key == b.Key {
			history = append(history, c)
		}
		known = known || c.sel == string(b.Selections)
	}
	var now Receipt
	if len(history) > 0 {
		now = history[len(history)-1].receipt
		if history[len(history)-1].sel == string(b.Selections) {
			return Outcome{Kind: Replayed, Receipt: now}
		}
		was := int64(b.IfVersion) + 1 // the version it became, if it is a late duplicate
		if back := int64(len(history)) - was; back > 64 && known {
			return Outcome{Code: refusal.Superseded, Receipt: now}
		} else if back > 0 && history[was-1].sel == string(b.Selections) {
			return Outcome{Code: refusal.Superseded, Receipt: now}
		}
	}
	switch {
	case p.closedIndex != 0:
		return Outcome{Code: refusal.PollClosed}
	case m.clock < p.def.OpensAt:
		return Outcome{Code: refusal.PollNotOpen}
	case !p.allows(string(b.Selections)):
		return Outcome{Code: refusal.InvalidBallot}
	case p.def.Eligibility == OnRoll && !p.roll[b.Key].on:
		return Outcome{Code: refusal.NotEligible}
	case len(history) == 0 && p.def.MaxBallots != 0 && uint64(len(p.last())) >= p.def.MaxBallots:
		return Outcome{Code: refusal.PollFull}
	case len(history) == 0 && b.IfVersion != 0:
		return Outcome{Code: refusal.VersionMismatch}
	case len(history) > 0 && (p.def.Revote == RevoteNever || b.IfVersion == 0):
		return Outcome{Code: refusal.AlreadyVoted, Receipt: now}
	case len(history) > 0 && int64(b.IfVersion) != int64(len(history)):
		return Outcome{Code: refusal.VersionMismatch, Receipt: now}
	}
	kind := Counted
	if len(history) > 0 {
		kind = Replaced
	}
	c := modelCast{b.Key, "", string(b.Selections), Receipt{uint32(len(p.casts) + 1), uint32(len(history) + 1), m.index, m.clock}, 1}
	if p.def.Eligibility == OnRoll {
		c.weight = int64(p.roll[b.Key].weight)
	}
	if p.def.Secrecy == Open {
		c.voter = b.Voter
	}
	p.casts = append(p.casts, c)
	m.touch(p)
	m.tellCast(p, len(history) == 0)
	return Outcome{Kind: kind, Receipt: c.receipt}
}

// verdict is a Result without its sentences.
type verdict struct {
	code              refusal.Code
	poll              string
	index             uint64
	created, replayed bool
	version           uint32
	roll              string // of an Enroll, line by line
}

func verdictOf(r Result) verdict {
	v := verdict{poll: r.Poll, index: r.Index, created: r.Created, replayed: r.Replayed}
	if r.Err != nil {
		v.code, v.version = r.Err.Code, r.Err.Version
	}
	if r.Roll != nil {
		v.roll = fmt.Sprint(*r.Roll)
	}
	return v
}

func (m *model) do(c Command) verdict {
	switch c := c.(type) {
	case Raise:
		m.changed = c.Level > m.level
		m.level = max(m.level, c.Level)
	case Create:
		return m.create(c)
	case DrawLot:
		return m.draw(c)
	case Schedule:
		return m.schedule(c)
	case Unschedule:
		return m.unschedule(c)
	case PutEndpoint, PatchEndpoint, DropEndpoint, RotateKey, Progress, Redeliver, Alarm:
		return m.doHook(c)
	case Patch:
		return m.patch(c)
	case Close:
		p := m.live(c.Poll)
		if p == nil {
			return verdict{code: refusal.PollNotFound, poll: c.Poll, index: m.index}
		}
		if c.IfRevision != 0 && c.IfRevision != p.revision {
			return verdict{code: refusal.VersionMismatch, version: p.revision, poll: c.Poll, index: m.index}
		}
		if p.closedIndex == 0 {
			m.close(p, m.clock)
		}
		return verdict{poll: c.Poll, index: m.index}
	case Enroll:
		return m.enroll(c)
	case Drop:
		return m.drop(c)
	case Delete:
		p := m.any(c.Poll)
		v := verdict{poll: c.Poll, index: m.index}
		switch {
		case p == nil:
			v.code = refusal.PollNotFound
		case c.IfRevision != 0 && c.IfRevision != p.revision:
			v.code, v.version = refusal.VersionMismatch, p.revision
		case p.deleted:
		case p.closedIndex == 0:
			v.code = refusal.PollNotClosed
		default:
			p.deleted, p.casts, p.patches, p.roll, p.lot = true, nil, nil, nil, Lot{}
			m.touch(p)
			m.tell(PollDeleted, p, uint64(p.revision), 0)
		}
		return v
	}
	return verdict{index: m.index}
}

// draw enters a lot, which names every option once.
func (m *model) draw(c DrawLot) verdict {
	v := verdict{poll: c.Poll, index: m.index}
	p := m.live(c.Poll)
	if p == nil {
		v.code = refusal.PollNotFound
		return v
	}
	named := map[int]bool{}
	for _, o := range c.Order {
		if o >= 0 && o < len(p.def.Options) {
			named[o] = true
		}
	}
	drawn := p.lot.Order
	if p.def.Counting.Lot != nil {
		drawn = p.def.Counting.Lot
	}
	switch {
	case p.def.Counting.Ties != tally.TiesLot:
		v.code = refusal.InvalidPoll
	case p.closedIndex == 0:
		v.code = refusal.PollNotClosed
	case len(named) != len(p.def.Options) || len(c.Order) != len(p.def.Options):
		v.code = refusal.InvalidPoll
	case drawn != nil && fmt.Sprint(drawn) != fmt.Sprint(c.Order):
		v.code = refusal.LotDrawn
	case drawn == nil:
		p.lot = Lot{Order: c.Order, Seed: c.Seed}
		m.touch(p)
		m.tell(LotDrawn, p, uint64(p.revision), 0)
	}
	return v
}

func (m *model) create(c Create) verdict {
	d := c.Definition
	if e, ok := m.keys[[2]string{c.Client, c.Key}]; ok && c.Key != "" {
		if e.fingerprint != c.Fingerprint {
			return verdict{code: refusal.IdempotencyKeyReused, index: m.index}
		}
		if m.live(e.poll) == nil {
			return verdict{code: refusal.PollNotFound, poll: e.poll, index: m.index}
		}
		return verdict{poll: e.poll, index: m.index, replayed: true}
	}
	switch p := m.live(d.ID); {
	case c.IfAbsent && p != nil && p.salt != c.Salt:
		return verdict{code: refusal.VersionMismatch, version: p.revision, poll: d.ID, index: m.index}
	case c.IfRevision != 0 && p == nil:
		return verdict{code: refusal.VersionMismatch, poll: d.ID, index: m.index}
	case c.IfRevision != 0 && c.IfRevision != p.revision:
		return verdict{code: refusal.VersionMismatch, version: p.revision, poll: d.ID, index: m.index}
	}
	if p := m.any(d.ID); p != nil {
		if p.deleted || !sameDefinition(p.def, d) && !sameDefinition(p.original, d) {
			return verdict{code: refusal.PollExists, poll: d.ID, index: m.index}
		}
		return verdict{poll: d.ID, index: m.index, created: c.IfAbsent}
	}
	if !plausible(d) || d.ClosesAt != 0 && d.ClosesAt <= m.clock {
		return verdict{code: refusal.InvalidPoll, poll: d.ID, index: m.index}
	}
	p := &modelPoll{def: d, original: d, salt: c.Salt, valid: validSelections(d), revision: 1, created: m.clock, roll: map[VoterKey]modelVoter{}}
	m.polls = append(m.polls, p)
	m.touch(p)
	m.tell(PollCreated, p, 1, 0)
	m.tellOpen(p)
	if c.Key != "" {
		m.keys[[2]string{c.Client, c.Key}] = modelKey{c.Fingerprint, d.ID, m.clock + 24*3600*1000}
	}
	return verdict{poll: d.ID, index: m.index, created: true}
}

func (m *model) patch(c Patch) verdict {
	v := verdict{poll: c.Poll, index: m.index}
	p := m.live(c.Poll)
	if p == nil {
		v.code = refusal.PollNotFound
		return v
	}
	for _, x := range p.patches {
		if x.request == c.Request && x.at > m.clock-24*3600*1000 {
			v.replayed = x.fingerprint == c.Fingerprint
			if !v.replayed {
				v.code = refusal.IdempotencyKeyReused
			}
			return v
		}
	}
	if p.closedIndex != 0 {
		v.code = refusal.PollClosed
		return v
	}
	if c.IfRevision != 0 && c.IfRevision != p.revision {
		v.code, v.version = refusal.VersionMismatch, p.revision
		return v
	}
	d := p.def
	if c.Title != nil {
		d.Title = *c.Title
	}
	if c.OpensAt != nil {
		if d.OpensAt <= m.clock && *c.OpensAt != d.OpensAt && len(p.casts) > 0 {
			v.code = refusal.InvalidPoll
			return v
		}
		d.OpensAt = *c.OpensAt
	}
	if c.ClosesAt != nil {
		if *c.ClosesAt != d.ClosesAt && *c.ClosesAt != 0 && *c.ClosesAt <= m.clock {
			v.code = refusal.InvalidPoll
			return v
		}
		d.ClosesAt = *c.ClosesAt
	}
	if !plausible(d) {
		v.code = refusal.InvalidPoll
		return v
	}
	var fresh []modelPatch
	for _, x := range p.patches {
		if x.at > m.clock-24*3600*1000 {
			fresh = append(fresh, x)
		}
	}
	if len(fresh) == 64 {
		if fresh[0].at > m.clock-10*60*1000 {
			v.code = refusal.TooManyRequests
			return v
		}
		fresh = fresh[1:]
	}
	fresh = append(fresh, modelPatch{c.Request, c.Fingerprint, m.clock})
	another := !sameDefinition(p.def, d)
	p.def, p.patches = d, fresh
	m.touch(p)
	if another {
		p.revision++
		m.tell(PollUpdated, p, uint64(p.revision), 0)
		m.tellOpen(p)
	}
	return v
}

func sameDefinition(a, b Definition) bool {
	x, y := a, b
	x.Options, y.Options = nil, nil
	return slices.Equal(a.Options, b.Options) && x.ID == y.ID && x.Title == y.Title && x.Method == y.Method &&
		x.MinSelections == y.MinSelections && x.MaxSelections == y.MaxSelections && x.MaxScore == y.MaxScore && x.Revote == y.Revote &&
		x.Results == y.Results && x.Secrecy == y.Secrecy && x.OpensAt == y.OpensAt && x.ClosesAt == y.ClosesAt && x.MaxBallots == y.MaxBallots &&
		x.Eligibility == y.Eligibility && x.Quorum == y.Quorum && x.Disclosure == y.Disclosure && x.Receipts == y.Receipts &&
		x.Audience == y.Audience && x.Order == y.Order && x.Description == y.Description && x.Contact == y.Contact &&
		x.Ballots == y.Ballots && reflect.DeepEqual(x.Counting, y.Counting)
}

// plausible knows only the faults that the random commands can have.
func plausible(d Definition) bool {
	return len(d.Options) >= 2 && d.MinSelections <= d.MaxSelections && d.MaxSelections >= 1 && d.MaxSelections <= len(d.Options) &&
		len(d.Title) <= 1024 && d.Counting.Seats <= len(d.Options) && d.OpensAt >= 0 && d.ClosesAt >= 0 && (d.OpensAt == 0 || d.ClosesAt == 0 || d.OpensAt < d.ClosesAt)
}

// validSelections lists every canonical encoding that a small poll allows, by
// making all there are. Numbers below 128 are one byte each.
func validSelections(d Definition) map[string]bool {
	all := map[string]bool{}
	n := len(d.Options)
	keep := func(sel string, named int) {
		if named >= d.MinSelections && named <= d.MaxSelections {
			all[sel] = true
		}
	}
	method, _ := tally.ByName(d.Method)
	switch method.Form {
	case tally.Choice:
		for set := range 1 << n {
			sel := ""
			for i := range n {
				if set>>i&1 == 1 {
					sel += string([]byte{byte(i)})
				}
			}
			keep(sel, len(sel))
		}
	case tally.Ranking:
		var extend func(sel string, used, last int)
		extend = func(sel string, used, last int) {
			keep(sel, len(sel))
			for i := range n {
				if used>>i&1 == 1 {
					continue
				}
				extend(sel+string([]byte{byte(2 * i)}), used|1<<i, i)
				if method.Ties && sel != "" && i > last {
					extend(sel+string([]byte{byte(2*i + 1)}), used|1<<i, i)
				}
			}
		}
		extend("", 0, -1)
	case tally.Scores:
		var extend func(sel string, i int)
		extend = func(sel string, i int) {
			if i == n {
				keep(sel, len(sel)/2)
				return
			}
			extend(sel, i+1)
			for points := range d.MaxScore + 1 {
				extend(sel+string([]byte{byte(i), byte(points)}), i+1)
			}
		}
		extend("", 0)
	}
	return all
}

// allows reports whether selections follow the poll's rules.
func (p *modelPoll) allows(sel string) bool {
	if p.def.Ballots == Strict {
		return p.valid[sel]
	}
	options := len(p.def.Options)
	method, _ := tally.ByName(p.def.Method)
	skipped := byte(2 * options)
	for i := range len(sel) {
		now, before := sel[i], byte(0)
		if i > 0 {
			before = sel[i-1]
		}
		switch {
		case method.Form == tally.Choice:
			if int(now) >= options || i > 0 && now <= before {
				return false
			}
		case now == skipped:
			if i == len(sel)-1 {
				return false
			}
		case now > skipped:
			return false
		case now%2 == 1 && (i == 0 || before == skipped || now/2 <= before/2):
			return false
		}
	}
	return true
}

// result counts the poll ballot by ballot.
func (p *modelPoll) result() tally.Result {
	options := len(p.def.Options)
	profile := tally.Profile{Options: options}
	m, _ := tally.ByName(p.def.Method)
	for _, c := range p.last() {
		g := tally.Group{Weight: c.weight}
		for i := 0; i < len(c.sel); i++ {
			switch n := int(c.sel[i]); {
			case m.Form == tally.Choice:
				g.Choice = append(g.Choice, n)
			case m.Form == tally.Scores:
				g.Scores = append(g.Scores, tally.OptionScore{Option: n, Score: int(c.sel[i+1])})
				i++
			case n == 2*options:
				g.Ranking = append(g.Ranking, nil)
			case n%2 == 0:
				g.Ranking = append(g.Ranking, []int{n / 2})
			default:
				g.Ranking[len(g.Ranking)-1] = append(g.Ranking[len(g.Ranking)-1], n/2)
			}
		}
		profile.Groups = append(profile.Groups, g)
	}
	s := p.def.Counting
	s.MaxScore = p.def.MaxScore
	if p.lot.Order != nil {
		s.Lot = p.lot.Order
	}
	if p.def.Ballots == AsMarked {
		s.MaxChoices = p.def.MaxSelections
	}
	return m.FromProfile(profile, s)
}
