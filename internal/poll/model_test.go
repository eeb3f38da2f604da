package poll

import (
	"fmt"
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
	polls   []*modelPoll           // in the order of creation
	keys    map[[2]string]modelKey // by client and key
	changed bool                   // the last command changed something
}

type modelKey struct {
	fingerprint Digest
	poll        string
	expires     int64
}

type modelPoll struct {
	def                  Definition
	salt                 Salt
	valid                map[string]bool // every selections that the definition allows
	casts                []modelCast
	revision             uint32
	created, closedAt    int64
	closedIndex, changed uint64
	deleted              bool
	original             Definition // as it was created
	patches              []modelPatch
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

func newModel() *model { return &model{keys: map[[2]string]modelKey{}} }

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
	if at.At > m.clock {
		m.clock = at.At
	}
	for _, p := range m.polls {
		if at := p.def.ClosesAt; !p.deleted && p.closedIndex == 0 && at != 0 && at <= m.clock {
			m.close(p, at)
		}
	}
	for k, e := range m.keys {
		if e.expires <= m.clock {
			delete(m.keys, k)
		}
	}
}

func (m *model) close(p *modelPoll, at int64) {
	p.closedAt, p.closedIndex = at, m.index
	m.touch(p)
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
	case !p.valid[string(b.Selections)]:
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
	case Create:
		return m.create(c)
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
			p.deleted, p.casts, p.patches, p.roll = true, nil, nil, nil
			m.touch(p)
		}
		return v
	}
	return verdict{index: m.index}
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
	if !sameDefinition(p.def, d) {
		p.revision++
	}
	p.def, p.patches = d, fresh
	m.touch(p)
	return v
}

func sameDefinition(a, b Definition) bool {
	x, y := a, b
	x.Options, y.Options = nil, nil
	return slices.Equal(a.Options, b.Options) && x.ID == y.ID && x.Title == y.Title && x.Method == y.Method &&
		x.MinSelections == y.MinSelections && x.MaxSelections == y.MaxSelections && x.MaxScore == y.MaxScore && x.Revote == y.Revote &&
		x.Results == y.Results && x.Secrecy == y.Secrecy && x.OpensAt == y.OpensAt && x.ClosesAt == y.ClosesAt && x.MaxBallots == y.MaxBallots &&
		x.Eligibility == y.Eligibility && x.Quorum == y.Quorum && x.Disclosure == y.Disclosure && x.Receipts == y.Receipts
}

// plausible knows only the faults that the random commands can have.
func plausible(d Definition) bool {
	return len(d.Options) >= 2 && d.MinSelections <= d.MaxSelections && d.MaxSelections >= 1 && d.MaxSelections <= len(d.Options) &&
		len(d.Title) <= 1024 && d.OpensAt >= 0 && d.ClosesAt >= 0 && (d.OpensAt == 0 || d.ClosesAt == 0 || d.OpensAt < d.ClosesAt)
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
	switch d.Method {
	case "plurality", "approval":
		for set := range 1 << n {
			sel := ""
			for i := range n {
				if set>>i&1 == 1 {
					sel += string([]byte{byte(i)})
				}
			}
			keep(sel, len(sel))
		}
	case "irv":
		var extend func(sel string, used int)
		extend = func(sel string, used int) {
			keep(sel, len(sel))
			for i := range n {
				if used>>i&1 == 0 {
					extend(sel+string([]byte{byte(2 * i)}), used|1<<i)
				}
			}
		}
		extend("", 0)
	case "score":
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

// result counts the poll ballot by ballot.
func (p *modelPoll) result() tally.Result {
	profile := tally.Profile{Options: len(p.def.Options)}
	for _, c := range p.last() {
		g := tally.Group{Weight: c.weight}
		for i := 0; i < len(c.sel); i++ {
			switch n := int(c.sel[i]); p.def.Method {
			case "plurality", "approval":
				g.Choice = append(g.Choice, n)
			case "irv":
				g.Ranking = append(g.Ranking, []int{n / 2})
			case "score":
				g.Scores = append(g.Scores, tally.OptionScore{Option: n, Score: int(c.sel[i+1])})
				i++
			}
		}
		profile.Groups = append(profile.Groups, g)
	}
	m, _ := tally.ByName(p.def.Method)
	return m.FromProfile(profile, tally.Settings{MaxScore: p.def.MaxScore})
}
