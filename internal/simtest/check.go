package simtest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// record is one record of a box, read from its canonical bytes: so the checks do not
// depend on the code that they check.
type record struct {
	number, version, supersedes, selections uint32
	index                                   uint64
	castAt                                  int64
	key                                     poll.VoterKey
}

func decodeRecord(number uint32, b []byte) record {
	six := func(at int) uint64 {
		return uint64(binary.LittleEndian.Uint32(b[at:])) | uint64(binary.LittleEndian.Uint16(b[at+4:]))<<32
	}
	le := binary.LittleEndian
	return record{
		number: number, key: poll.VoterKey(b[:16]), selections: le.Uint32(b[16:]), version: le.Uint32(b[20:]),
		supersedes: le.Uint32(b[24:]), index: six(28), castAt: int64(six(34)),
	}
}

// box is one poll on one member.
type box struct {
	records []record
	choices map[uint32]byte // by number of the selections, of those that are current
	current map[poll.VoterKey]record
	info    poll.Info
	votes   []int64
	ballots uint64
}

// boxes reads every poll of one member.
func boxes(p *process, ids []string) map[string]*box {
	all := map[string]*box{}
	for _, id := range ids {
		var capture poll.Capture
		var count poll.Count
		var info poll.Info
		var missing *refusal.Error
		p.node.Read(func(s *poll.State) {
			if capture, info, missing = s.Capture(id); missing == nil {
				count, missing = s.Count(id)
			}
		})
		if missing != nil {
			continue
		}
		b := &box{info: info, votes: votesOf(&count), ballots: count.Ballots, choices: map[uint32]byte{}, current: map[poll.VoterKey]record{}}
		capture.Spans(func(raw []byte) {
			for ; len(raw) > 0; raw = raw[poll.RecordBytes:] {
				b.records = append(b.records, decodeRecord(uint32(len(b.records)+1), raw[:poll.RecordBytes]))
			}
		})
		for cast := range capture.Current() {
			r := b.records[cast.Ballot-1]
			b.choices[r.selections] = cast.Selections[0]
			b.current[cast.Key] = r
		}
		all[id] = b
	}
	return all
}

// sending is what clients know about one selection of one voter.
type sending struct {
	possible bool // some attempt may have counted
	ops      []*Op
}

type sendingKey struct {
	poll   string
	key    poll.VoterKey
	choice byte
}

// CheckExactlyOnce compares the ballot boxes of all members with the answers that
// clients got (oracles O1 to O3).
func (c *Cluster) CheckExactlyOnce() {
	ops := c.history.all()
	var ids []string
	sent := map[sendingKey]*sending{}
	voters := map[sendingKey]bool{}
	for _, o := range ops {
		if !slices.Contains(ids, o.Poll) {
			ids = append(ids, o.Poll)
		}
		if o.Kind != opCast {
			continue
		}
		k := sendingKey{o.Poll, key(o.Voter), o.Choice}
		if sent[k] == nil {
			sent[k] = &sending{}
		}
		sent[k].ops = append(sent[k].ops, o)
		switch o.Outcome {
		case counted, replaced, replayed, unknown, pending:
			sent[k].possible = true
		}
		k.choice = 0
		voters[k] = true
	}
	for _, p := range c.living() {
		all := boxes(p, ids)
		for _, o := range ops {
			if o.Kind == opCast {
				c.checkReceipt(p.member.id, all[o.Poll], o)
			}
		}
		for id, b := range all {
			c.checkBox(p.member.id, id, b)
			c.checkSenders(p.member.id, id, b, sent, voters)
		}
	}
	c.checkTallies(ops)
}

// checkReceipt checks that what was acknowledged is in the box, unchanged.
func (c *Cluster) checkReceipt(member string, b *box, o *Op) {
	switch o.Outcome {
	case counted, replaced, replayed:
	default:
		return
	}
	if c.settings.noReceipts && o.Ballot == 0 && b != nil {
		if _, there := b.current[key(o.Voter)]; there {
			return
		}
	}
	if b == nil || int(o.Ballot) > len(b.records) || o.Ballot == 0 {
		c.fail("O1 %s: the acknowledged ballot %d of %s in %s is not there (%s at tick %d)", member, o.Ballot, o.Voter, o.Poll, o.Outcome, o.Call)
		return
	}
	r := b.records[o.Ballot-1]
	if r.key != key(o.Voter) || r.version != o.Version || r.index != o.Index || r.castAt != o.CastAt {
		c.fail("O1 %s: ballot %d in %s was acknowledged to %s as %+v and is %+v", member, o.Ballot, o.Poll, o.Voter, *o, r)
		return
	}
	if choice, known := b.choices[r.selections]; known && choice != o.Choice {
		c.fail("O1 %s: ballot %d of %s in %s was cast for %d and is for %d", member, o.Ballot, o.Voter, o.Poll, o.Choice, choice)
	}
}

// checkBox checks that each voter has one chain of versions, and that the tally counts
// the last one.
func (c *Cluster) checkBox(member, id string, b *box) {
	last := map[poll.VoterKey]record{}
	var index uint64
	for _, r := range b.records {
		before, again := last[r.key]
		if !again && (r.version != 1 || r.supersedes != 0) || again && (r.version != before.version+1 || r.supersedes != before.number) {
			c.fail("O2 %s: in %s record %+v follows %+v", member, id, r, before)
		}
		if r.index < index {
			c.fail("O2 %s: in %s record %+v stands before index %d", member, id, r, index)
		}
		if closed := b.info.ClosedIndex; closed != 0 && r.index >= closed {
			c.fail("O2 %s: record %+v was counted in %s, which closed at %d", member, r, id, closed)
		}
		index = r.index
		last[r.key] = r
	}
	votes := make([]int64, len(b.votes))
	for k, r := range last {
		if b.current[k] != r {
			c.fail("O2 %s: in %s the current ballot of %s is %+v, not %+v", member, id, k, b.current[k], r)
		}
		votes[b.choices[r.selections]]++
	}
	if b.ballots != uint64(len(last)) || b.info.Ballots != uint64(len(last)) || len(b.current) != len(last) || !slices.Equal(votes, b.votes) {
		c.fail("O2 %s: %s has %d voters and counts %d ballots, as %v instead of %v", member, id, len(last), b.ballots, b.votes, votes)
	}
}

// checkSenders checks that every counted ballot was sent, and that not all its answers
// denied it.
func (c *Cluster) checkSenders(member, id string, b *box, sent map[sendingKey]*sending, voters map[sendingKey]bool) {
	for _, r := range b.records {
		if !voters[sendingKey{id, r.key, 0}] {
			c.fail("O3 %s: no one sent the ballot %+v in %s", member, r, id)
			continue
		}
		choice, known := b.choices[r.selections]
		if !known {
			continue
		}
		switch s := sent[sendingKey{id, r.key, choice}]; {
		case s == nil:
			c.fail("O3 %s: no one sent %d as in %+v in %s", member, choice, r, id)
		case !s.possible:
			c.fail("O3 %s: %+v is counted in %s; all who sent it were told that it is not: %+v", member, r, id, *s.ops[0])
		}
	}
}

// sampleEvery is how often members are compared while a run lasts.
const sampleEvery = 100 * time.Millisecond

// sampleDigests compares the members' states at equal indexes until stop, so that it
// also finds a difference that a later snapshot would hide (oracle O4).
func (c *Cluster) sampleDigests(stop <-chan struct{}) {
	type sample struct {
		digest poll.Digest
		member string
	}
	samples := map[uint64]sample{}
	every := time.NewTicker(sampleEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-stop:
			return
		}
		for _, p := range c.living() {
			var index uint64
			now := sample{member: p.member.id}
			p.node.Read(func(s *poll.State) { index, now.digest = s.Index(), s.Digest() })
			if was, known := samples[index]; known && was.digest != now.digest {
				c.fail("O4: at index %d %s has digest %x and %s has %x", index, was.member, was.digest, now.member, now.digest)
			}
			samples[index] = now
		}
	}
}

// CheckDigestsEqual compares the digests of all members, which have converged
// (oracle O4). The leader appends its clock about once a second, so a member may be seen
// one entry behind: they are looked at again until all are at one index.
func (c *Cluster) CheckDigestsEqual() {
	for deadline := c.now() + convergeBound; ; time.Sleep(10 * time.Millisecond) {
		digests := map[uint64]map[string]string{}
		for _, p := range c.living() {
			p.node.Read(func(s *poll.State) {
				if digests[s.Index()] == nil {
					digests[s.Index()] = map[string]string{}
				}
				digests[s.Index()][fmt.Sprintf("%x", s.Digest())] = p.member.id
			})
		}
		for index, d := range digests {
			if len(d) > 1 {
				c.fail("O4: at index %d the members have different digests: %v", index, d)
				return
			}
		}
		switch {
		case len(digests) <= 1:
			return
		case c.now() > deadline:
			c.fail("O4: the members are at different indexes: %v", digests)
			return
		}
	}
}
