package poll

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"voted/proof"
)

// Profile returns what the ballots that count choose, in the order of their canonical
// selections. It shows neither numbers nor keys. It takes what Current takes.
func (c *Capture) Profile() []proof.ProfileLine {
	lines := make([]proof.ProfileLine, len(c.entries))
	weightOf := c.weights()
	for n := range c.standing() {
		r := c.box.record(n)
		lines[r.Selections].Ballots++
		lines[r.Selections].Weight += uint64(weightOf(&r.Key))
	}
	for i := range lines {
		lines[i].Selections = []byte(c.entries[i])
	}
	lines = slices.DeleteFunc(lines, func(l proof.ProfileLine) bool { return l.Ballots == 0 })
	slices.SortFunc(lines, func(a, b proof.ProfileLine) int { return bytes.Compare(a.Selections, b.Selections) })
	return lines
}

// Superseded returns which records later ones replace, with the proofs of that. It takes a
// pass over all records.
func (c *Capture) Superseded() *proof.Superseded {
	bits := proof.NewSuperseded(c.box.n)
	c.replaced(bits.Set)
	return bits
}

// Closed reports whether the poll has closed.
func (c *Capture) Closed() bool { return c.closedIndex != 0 }

// Hidden reports whether the poll hides its results, and with them how many have voted, until it
// closes.
func (c *Capture) Hidden() bool { return c.rules.Results != ResultsLive && !c.Closed() }

// ClosedAt returns when the poll closed; zero while it has not.
func (c *Capture) ClosedAt() Stamp { return Stamp{c.closedIndex, c.closedAt} }

// Closing returns the last entry of a closed poll's log. It says what the certified result
// is made of: the profile and the rules. It takes a pass over all records, and over the
// roll.
func (c *Capture) Closing() proof.ClosingEntry {
	lines := c.Profile()
	profile, err := proof.HashProfile(slices.Values(lines))
	if err != nil {
		panic("poll " + c.rules.ID + ": " + err.Error()) // its lines are sorted, and differ
	}
	superseded, err := c.Superseded().Root()
	if err != nil {
		panic("poll " + c.rules.ID + ": " + err.Error()) // it has all that it asks for
	}
	e := proof.ClosingEntry{
		Records: c.box.n, ClosedIndex: c.closedIndex, ClosedAt: uint64(c.closedAt),
		Definition: sha256.Sum256(c.rules.AppendCanonical(nil)),
		Profile:    profile, Roll: c.rollHash(), Superseded: superseded,
	}
	for _, l := range lines {
		e.Voters += uint32(l.Ballots)
	}
	return e
}

// rollHash is SHA-256 over who may vote or has voted, in the order of their keys: the key
// and the u32 weight, big-endian. All zero if the poll has no roll.
func (c *Capture) rollHash() (sum [sha256.Size]byte) {
	if c.rules.Eligibility != OnRoll {
		return sum
	}
	h := sha256.New()
	for _, l := range c.Roll() {
		h.Write(binary.BigEndian.AppendUint32(l.Key[:], l.Weight))
	}
	h.Sum(sum[:0])
	return sum
}

// Roll returns who may vote or has voted, in the order of their keys; nil if the poll has
// no roll. A voter who was dropped after voting is among them, as in Turnout.
func (c *Capture) Roll() []RollLine {
	if c.rules.Eligibility != OnRoll {
		return nil
	}
	every := func(yield func(uint32) bool) {
		for n := uint32(1); n <= c.roll.n && yield(n); n++ {
		}
	}
	var lines []RollLine
	dropped := map[VoterKey]bool{}
	numbers := byKey(&c.roll, RollEntryBytes, every)
	for i, n := range numbers {
		raw := c.roll.raw(n, RollEntryBytes)
		key := VoterKey(raw[:16])
		if i+1 < len(numbers) && c.roll.hasKey(numbers[i+1], RollEntryBytes, &key) {
			continue // a later entry replaces it
		}
		e := decodeRollEntry(raw)
		if e.Dropped {
			dropped[key] = true
		}
		lines = append(lines, RollLine{Key: key, Weight: e.Weight})
	}
	if len(dropped) == 0 {
		return lines
	}
	c.box.spans(1, func(raw []byte) {
		for ; len(raw) > 0; raw = raw[RecordBytes:] {
			delete(dropped, VoterKey(raw[:16])) // has voted, and stays
		}
	})
	return slices.DeleteFunc(lines, func(l RollLine) bool { return dropped[l.Key] })
}
