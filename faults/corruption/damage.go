package corruption

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
)

// The kinds of damage.
const (
	kindFlip  = "bit flips"
	kindZero  = "zeroed sectors"
	kindCut   = "truncations"
	kindStale = "stale files"
	kindTorn  = "torn appends"
	kindNode  = "damaged members"
)

// sector is the size of a disk's sector in bytes.
const sector = 512

// damaged is a directory that was damaged.
type damaged struct {
	files files
	what  string // what was done to it
	// logOnly: only the log and the values must be as they were. An older snapshot may
	// take the newest one's place, if the log begins where it ends.
	logOnly bool
}

// damage returns the sample's newest copy with damage of one kind.
func damage(kind string, s *sample, dice *rand.Rand) damaged {
	now, torn := s.now(), ""
	if kind == kindTorn || kind == kindFlip && dice.IntN(3) == 0 {
		now, torn = tear(s, dice)
	}
	if kind == kindTorn {
		return damaged{now, torn, false}
	}
	segments := now.below(logDir)
	name := segments[dice.IntN(len(segments))]
	switch n := dice.IntN(16); {
	case torn != "":
	case n < 3:
		all := now.below(snapshotDir)
		name = all[dice.IntN(len(all))]
	case n < 5:
		name = valuesName
	case n == 5:
		name = markName
	}
	b := append([]byte(nil), now[name]...)
	switch kind {
	case kindFlip:
		at := aim(name, b, dice)
		bit := dice.IntN(8)
		b[at] ^= 1 << bit
		return damaged{now.with(name, b), fmt.Sprintf("bit %d of byte %d of %s%s", bit, at, name, torn), false}
	case kindZero:
		at := aim(name, b, dice) / sector * sector
		clear(b[at:min(len(b), at+sector)])
		return damaged{now.with(name, b), fmt.Sprintf("the sector at byte %d of %s zeroed", at, name), false}
	case kindCut:
		at := dice.IntN(len(b))
		return damaged{now.with(name, b[:at]), fmt.Sprintf("%s cut to %d of %d bytes", name, at, len(b)), false}
	}
	return stale(s, dice)
}

// aim picks the byte of a file that is damaged: in a segment mostly where batches are, in
// raft.db near the head of a page or anywhere.
func aim(name string, b []byte, dice *rand.Rand) int {
	at := dice.IntN(len(b))
	switch {
	case name == valuesName && dice.IntN(2) == 0:
		return min(at/pageSize*pageSize+dice.IntN(120), len(b)-1)
	case filepath.Dir(name) == logDir && dice.IntN(4) > 0:
		return dice.IntN(len(bytes.TrimRight(b, "\x00")))
	}
	return at
}

// tear returns the sample as a power cut during its next append leaves it: at least one of
// the sectors of that append is missing. what says how many, and continues a sentence.
func tear(s *sample, dice *rand.Rand) (torn files, what string) {
	torn = s.now()
	type place struct {
		name string
		at   int
	}
	var places []place
	for _, name := range s.next.below(logDir) {
		before, after := s.now()[name], s.next[name]
		if before == nil { // the segment was made ahead during that append
			continue
		}
		torn = torn.with(name, append([]byte(nil), after...))
		for at := 0; at < len(after); at += sector {
			if !bytes.Equal(before[at:at+sector], after[at:at+sector]) {
				places = append(places, place{name, at})
			}
		}
	}
	missing := 0
	always := dice.IntN(len(places))
	for i, p := range places {
		if i == always || dice.IntN(2) == 0 {
			clear(torn[p.name][p.at : p.at+sector])
			missing++
		}
	}
	return torn, fmt.Sprintf(", whose last append lacks %d of %d sectors", missing, len(places))
}

// stale returns the sample's newest copy with an older raft.db, segment, log or set of
// snapshots.
func stale(s *sample, dice *rand.Rand) damaged {
	step := dice.IntN(len(s.history) - 1)
	old := s.history[step]
	as := fmt.Sprintf("as it was after step %d", step)
	switch n := dice.IntN(4); {
	case n == 0:
		return damaged{s.now().with(valuesName, old[valuesName]), valuesName + " " + as, false}
	case n == 1:
		segments := old.below(logDir)
		name := segments[dice.IntN(len(segments))]
		return damaged{s.now().with(name, old[name]), name + " " + as, false}
	case n == 2 || len(old.below(snapshotDir)) == 0:
		return damaged{s.now().replaced(logDir, old), logDir + " " + as, false}
	}
	return damaged{s.now().replaced(snapshotDir, old), snapshotDir + " " + as, true}
}
