package corruption

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
)

// The kinds of damage.
const (
	kindFlip  = "bit flips"
	kindZero  = "zeroed sectors"
	kindCut   = "truncations"
	kindStale = "stale files"
	kindNode  = "damaged members"
)

const sector = 512

// harm is a directory that was damaged.
type harm struct {
	files files
	what  string
	// logOnly: an older snapshot may take the newest one's place, as long as the log
	// begins where it ends.
	logOnly bool
}

// damage damages the sample's present.
func damage(kind string, s *sample, dice *rand.Rand) harm {
	now := s.now()
	name := logName
	switch n := dice.IntN(16); {
	case n < 3:
		all := now.snapshots()
		name = all[dice.IntN(len(all))]
	case n == 3:
		name = markName
	}
	b := append([]byte(nil), now[name]...)
	switch kind {
	case kindFlip:
		at := aim(name, b, dice)
		bit := dice.IntN(8)
		b[at] ^= 1 << bit
		return harm{now.with(name, b), fmt.Sprintf("bit %d of byte %d (page %d) of %s", bit, at, at/pageSize, name), false}
	case kindZero:
		at := dice.IntN(len(b)) / sector * sector
		clear(b[at:min(len(b), at+sector)])
		return harm{now.with(name, b), fmt.Sprintf("the sector at byte %d of %s zeroed", at, name), false}
	case kindCut:
		at := dice.IntN(len(b))
		return harm{now.with(name, b[:at]), fmt.Sprintf("%s cut to %d of %d bytes", name, at, len(b)), false}
	}
	return stale(s, dice)
}

// aim picks a byte: anywhere, in the head of a page, or in a pointer to another page.
func aim(name string, b []byte, dice *rand.Rand) int {
	at := dice.IntN(len(b))
	if name != logName {
		return at
	}
	switch dice.IntN(3) {
	case 0:
		return min(at/pageSize*pageSize+dice.IntN(120), len(b)-1)
	case 1:
		if all := pointers(b); len(all) > 0 {
			return all[dice.IntN(len(all))] + dice.IntN(2)
		}
	}
	return at
}

// pointers returns where a bbolt file keeps the numbers of other pages: in the
// elements of its branch pages (16 bytes each behind a head of 16; the last 8 are the
// page's number).
func pointers(b []byte) (at []int) {
	const branch = 1
	for page := 2 * pageSize; page+pageSize <= len(b); page += pageSize {
		if binary.NativeEndian.Uint16(b[page+8:]) != branch {
			continue
		}
		count := int(binary.NativeEndian.Uint16(b[page+10:]))
		for i := 0; i < count && 16+16*(i+1) <= pageSize; i++ {
			at = append(at, page+16+16*i+8)
		}
	}
	return at
}

// stale puts back an older copy of the log file, or of the snapshots.
func stale(s *sample, dice *rand.Rand) harm {
	step := dice.IntN(len(s.history) - 1)
	old := s.history[step]
	if dice.IntN(3) > 0 || len(old.snapshots()) == 0 {
		return harm{s.now().with(logName, old[logName]), fmt.Sprintf("%s as it was after step %d", logName, step), false}
	}
	changed := maps.Clone(s.now())
	maps.DeleteFunc(changed, func(name string, _ []byte) bool { return strings.HasPrefix(name, "snapshots/") })
	for _, name := range old.snapshots() {
		changed[name] = old[name]
	}
	return harm{changed, fmt.Sprintf("snapshots as they were after step %d", step), true}
}
