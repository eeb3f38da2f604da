package poll

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// What follows makes a poll's log a second time, from the description of its bytes in
// docs/adr/0052-a-log-of-each-poll.md alone: slowly, from the model's lists.

// plainHash is SHA-256 over its arguments: strings, bytes, and big-endian numbers.
func plainHash(parts ...any) []byte {
	sum := sha256.Sum256(plainBytes(parts...))
	return sum[:]
}

func plainBytes(parts ...any) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b.WriteString(p)
		case []byte:
			b.Write(p)
		default:
			if err := binary.Write(&b, binary.BigEndian, p); err != nil {
				panic(err)
			}
		}
	}
	return b.Bytes()
}

func plainKey(salt Salt, voter string) VoterKey {
	nonce := plainHash("voted/voter/1", salt[:], voter)[:16]
	return VoterKey(plainHash("voted/key/1", nonce, voter)[:16])
}

// log returns the entries of the poll's log.
func (p *modelPoll) log() [][]byte {
	entries := [][]byte{p.logOfDefinition()}
	sealKey := plainHash("voted/sealkey/1", p.salt[:], p.def.ID)
	before := map[VoterKey]uint32{}
	for i, c := range p.casts {
		n := uint32(i + 1)
		nonce := plainHash("voted/nonce/1", sealKey, n)[:16]
		seal := plainHash("voted/seal/1", nonce, c.receipt.Version, c.receipt.Index, uint64(c.receipt.CastAt), c.sel)
		entries = append(entries, plainBytes("b", c.key[:], before[c.key], seal))
		before[c.key] = n
	}
	if p.closedIndex != 0 {
		entries = append(entries, p.logOfClosing())
	}
	return entries
}

func (p *modelPoll) logOfDefinition() []byte {
	d := p.def
	d.Title, d.OpensAt, d.ClosesAt = "", 0, 0
	disclosure := byte(1)
	if d.Secrecy == Open || d.Disclosure == DiscloseBallots {
		disclosure = 2
	}
	return plainBytes("d", byte(1), byte(2), disclosure, plainHash("voted/salt/1", p.salt[:]), plainHash(d.AppendCanonical(nil)))
}

func (p *modelPoll) logOfClosing() []byte {
	type line struct {
		sel             string
		ballots, weight uint64
	}
	var lines []line
	last := p.last()
	for _, c := range last {
		i := slices.IndexFunc(lines, func(l line) bool { return l.sel == c.sel })
		if i < 0 {
			i = len(lines)
			lines = append(lines, line{sel: c.sel})
		}
		lines[i].ballots++
		lines[i].weight += uint64(c.weight)
	}
	sort.Slice(lines, func(i, j int) bool { return lines[i].sel < lines[j].sel })
	var profile []byte
	for _, l := range lines {
		profile = append(profile, plainBytes(binary.AppendUvarint(nil, uint64(len(l.sel))), l.sel, l.ballots, l.weight)...)
	}
	roll := make([]byte, 32)
	if p.def.Eligibility == OnRoll {
		var voters []string
		for key, v := range p.roll {
			if _, voted := last[key]; v.on || voted {
				voters = append(voters, string(plainBytes(key[:], v.weight)))
			}
		}
		slices.Sort(voters)
		roll = plainHash(strings.Join(voters, ""))
	}
	return plainBytes("x", uint32(len(p.casts)), uint32(len(last)), p.closedIndex, uint64(p.closedAt),
		plainHash(p.def.AppendCanonical(nil)), plainHash(profile), roll, p.superseded())
}

// superseded is the root over the bits of what was replaced.
func (p *modelPoll) superseded() []byte {
	chunks := make([][]byte, len(p.casts)/256+1)
	for i := range chunks {
		chunks[i] = make([]byte, 32)
	}
	last := p.last()
	for i, c := range p.casts {
		if n := i + 1; last[c.key].receipt.Ballot != uint32(n) {
			chunks[n/256][n%256/8] |= 1 << (n % 8)
		}
	}
	return plainRoot(chunks)
}

// plainRoot is the root of RFC 6962, section 2.1, as its recursion says it.
func plainRoot(leaves [][]byte) []byte {
	switch n := len(leaves); n {
	case 0:
		return plainHash()
	case 1:
		return plainHash([]byte{0}, leaves[0])
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		return plainHash([]byte{1}, plainRoot(leaves[:k]), plainRoot(leaves[k:]))
	}
}

// checkLog compares a poll's log, of both states, with the model's.
func (w *twin) checkLog(m *modelPoll) error {
	if m.deleted {
		return nil
	}
	want := m.log()
	for _, s := range []*State{w.state, w.second} {
		c, _, refused := s.Capture(m.def.ID)
		if refused != nil {
			return refused
		}
		n := 0
		for entry := range c.Leaves(0, 1<<63) {
			if n == len(want) || !bytes.Equal(entry, want[n]) {
				return fmt.Errorf("poll %s: entry %d of its log is %x, the model has %x", m.def.ID, n, entry, want[min(n, len(want)-1)])
			}
			n++
		}
		if n != len(want) || c.LogSize() != uint64(n) {
			return fmt.Errorf("poll %s: its log has %d entries and says %d, the model %d", m.def.ID, n, c.LogSize(), len(want))
		}
	}
	w.seen["log"]++
	if m.closedIndex != 0 {
		w.seen["closed log"]++
	}
	return nil
}
