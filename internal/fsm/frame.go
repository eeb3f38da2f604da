package fsm

import (
	"encoding/binary"
	"fmt"

	"voted/internal/poll"
)

// A frame is a batch of ballots, grouped by poll. Per group:
//
//	string   poll id
//	byte     flags: 1 = the poll is open, voter ids follow
//	uvarint  number of distinct selections, then each as a uvarint length and bytes
//	uvarint  number of ballots, then each:
//	           16       voter key
//	           uvarint  2·(selections' number), plus 1 if it replaces a version
//	           uvarint  that version
//	           string   voter id (open polls)
//
// Distinct selections are few, so a ballot costs 17 bytes. The ballots of one poll
// keep their order; those of different polls do not depend on one another.
const flagVoters = 1

// minBallotBytes is the least that a ballot takes in a frame.
const minBallotBytes = len(poll.VoterKey{}) + 1

// Frame gathers ballots. The zero value is empty and ready.
type Frame struct {
	groups []group
	byPoll map[string]int
	last   int // group of the last ballot; the next one is mostly in the same
	n      int
	bytes  int
	// expected is how many bytes the next group will take.
	expected int
}

type group struct {
	poll    string
	voters  bool
	choices [][]byte
	numbers map[string]int // choices by content, if there are many
	body    []byte
	n       int
}

// Place is the place of a ballot in a frame.
type Place struct{ group, n int }

// Expect makes room for as many ballots of the same poll.
func (f *Frame) Expect(ballots int) { f.expected = ballots * (minBallotBytes + 1) }

// Len returns the number of ballots.
func (f *Frame) Len() int { return f.n }

// Bytes returns about how large the encoded frame will be.
func (f *Frame) Bytes() int { return f.bytes }

// Add adds a ballot and returns its place. It copies what it needs.
func (f *Frame) Add(b *poll.Ballot) Place {
	at := f.group(b)
	g := &f.groups[at]
	before := len(g.body)
	g.body = append(g.body, b.Key[:]...)
	choice := uint64(g.choice(f, b.Selections)) << 1
	if b.IfVersion != 0 {
		g.body = binary.AppendUvarint(g.body, choice|1)
		g.body = binary.AppendUvarint(g.body, uint64(b.IfVersion))
	} else {
		g.body = binary.AppendUvarint(g.body, choice)
	}
	if g.voters {
		g.body = appendString(g.body, b.Voter)
	}
	g.n++
	f.n++
	f.bytes += len(g.body) - before
	return Place{at, g.n - 1}
}

func (f *Frame) group(b *poll.Ballot) int {
	if f.last < len(f.groups) && f.groups[f.last].poll == b.Poll {
		return f.last
	}
	at, ok := f.byPoll[b.Poll]
	if !ok {
		at = len(f.groups)
		if f.byPoll == nil {
			f.byPoll = make(map[string]int)
		}
		f.byPoll[b.Poll] = at
		f.groups = append(f.groups, group{poll: b.Poll, voters: b.Voter != "", body: make([]byte, 0, f.expected)})
		f.bytes += len(b.Poll) + 8
	}
	f.last = at
	return at
}

// manyChoices is the number of distinct selections from which a map is faster than a
// scan.
const manyChoices = 8

func (g *group) choice(f *Frame, sel []byte) int {
	if g.numbers != nil {
		if n, ok := g.numbers[string(sel)]; ok {
			return n
		}
	} else {
		for n, c := range g.choices {
			if string(c) == string(sel) {
				return n
			}
		}
	}
	n := len(g.choices)
	g.choices = append(g.choices, append([]byte(nil), sel...))
	f.bytes += len(sel) + 1
	if g.numbers != nil {
		g.numbers[string(sel)] = n
	} else if n >= manyChoices {
		g.numbers = make(map[string]int)
		for i, c := range g.choices {
			g.numbers[string(c)] = i
		}
	}
	return n
}

// Seal returns the encoded frame and, for each group, the position of its first ballot:
// the ballot at Place p is at first[p.group] + p.n.
func (f *Frame) Seal() (encoded []byte, first []int) {
	b := make([]byte, 0, f.bytes+16*len(f.groups)+16)
	first = make([]int, len(f.groups))
	n := 0
	for i := range f.groups {
		g := &f.groups[i]
		first[i] = n
		n += g.n
		b = appendString(b, g.poll)
		flags := byte(0)
		if g.voters {
			flags = flagVoters
		}
		b = append(b, flags)
		b = binary.AppendUvarint(b, uint64(len(g.choices)))
		for _, c := range g.choices {
			b = binary.AppendUvarint(b, uint64(len(c)))
			b = append(b, c...)
		}
		b = binary.AppendUvarint(b, uint64(g.n))
		b = append(b, g.body...)
	}
	return b, first
}

// Position returns the index, in the frame's outcomes, of the ballot at p.
func (p Place) Position(first []int) int { return first[p.group] + p.n }

// readFrame calls begin for each group, and each for each of its ballots, whose memory
// is reused. A malformed frame is an error.
func readFrame(frame []byte, begin func(id []byte), each func(b *poll.Ballot)) error {
	c := poll.NewCursor(frame)
	var b poll.Ballot
	var choices [][]byte
	for c.Len() > 0 {
		id := c.Blob()
		flags := c.Byte()
		choices = choices[:0]
		for range c.Bounded(uint64(c.Len())) {
			choices = append(choices, c.Blob())
		}
		n := c.Bounded(uint64(c.Len() / len(b.Key)))
		if c.Err() != nil || flags > flagVoters || len(id) > poll.MaxIDBytes {
			return fmt.Errorf("frame: %w", poll.ErrTruncated)
		}
		begin(id)
		for range n {
			if !readBallot(c, &b, choices, flags == flagVoters) {
				return fmt.Errorf("frame: %w", poll.ErrTruncated)
			}
			each(&b)
		}
	}
	return nil
}

func readBallot(c *poll.Cursor, b *poll.Ballot, choices [][]byte, voters bool) bool {
	copy(b.Key[:], c.Bytes(len(b.Key)))
	choice := c.Uvarint()
	b.IfVersion, b.Voter = 0, ""
	if choice&1 == 1 {
		b.IfVersion = uint32(c.Bounded(1<<32 - 1))
	}
	if voters {
		b.Voter = string(c.Bytes(int(c.Bounded(poll.MaxVoterBytes))))
	}
	if c.Err() != nil || choice>>1 >= uint64(len(choices)) {
		return false
	}
	b.Selections = choices[choice>>1]
	return true
}

// CountFrame checks that a frame from another member can be read, and returns how many
// ballots it holds. A frame that fails here must never reach the log.
func CountFrame(frame []byte) (ballots int, err error) {
	err = readFrame(frame, func([]byte) {}, func(*poll.Ballot) { ballots++ })
	return ballots, err
}
