package poll

import (
	"encoding/binary"
	"testing"
)

// filled puts keys into a box and its index.
func filled(t testing.TB, keys []VoterKey) (*box, *index) {
	t.Helper()
	b, x := &box{}, &index{}
	for i := range keys {
		if got := x.find(&b.store, RecordBytes, &keys[i]); got != 0 {
			t.Fatalf("key %d is found as %d before it is there", i, got)
		}
		x.insert(&keys[i], b.append(Record{Key: keys[i]}))
	}
	return b, x
}

func checkIndex(t testing.TB, b *box, x *index, keys []VoterKey) {
	t.Helper()
	if int(x.n) != len(keys) {
		t.Fatalf("%d keys, the index has %d", len(keys), x.n)
	}
	for i := range keys {
		if got := x.find(&b.store, RecordBytes, &keys[i]); got != uint32(i+1) {
			t.Fatalf("key %d is found as %d", i, got)
		}
	}
	for i, s := range x.dir {
		if s.depth > x.depth || s != x.dir[i>>(x.depth-s.depth)<<(x.depth-s.depth)] {
			t.Fatalf("entry %d of the directory names a segment of depth %d", i, s.depth)
		}
	}
}

func TestTheIndexFindsEveryKeyAfterDoublingAndSplitting(t *testing.T) {
	t.Parallel()
	keys := make([]VoterKey, 60_000)
	for i := range keys {
		keys[i] = recordAt(uint32(i)).Key
	}
	for _, n := range []int{0, 1, 11, 12, 13, 3071, 3072, 3073, 12_288, len(keys)} {
		b, x := filled(t, keys[:n])
		checkIndex(t, b, x, keys[:n])
		missing := recordAt(1 << 30).Key
		if got := x.find(&b.store, RecordBytes, &missing); got != 0 {
			t.Fatalf("a key that is not there is found as %d", got)
		}
	}
}

// Voter keys are outputs of SHA-256 under a salt that is not published, so no one can
// choose them. If someone could, this is what would happen: the directory stops growing
// at its bound, the segment of those keys grows instead, and only look-ups of keys that
// share their first 64 bits become linear.
func TestKeysThatShareTheirFirstBitsNeitherLoopNorExplode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ shared, keys int }{
		"20 bits":         {20, 7000},
		"40 bits":         {40, 7000},
		"all of the hash": {64, 4000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := make([]VoterKey, c.keys)
			for i := range keys {
				keys[i] = recordAt(uint32(i)).Key
				mine := binary.BigEndian.Uint64(keys[i][:])
				ones := ^uint64(0) << (64 - c.shared)
				binary.BigEndian.PutUint64(keys[i][:], mine&^ones|0xabcdef0123456789&ones)
			}
			b, x := filled(t, keys)
			checkIndex(t, b, x, keys)
			slots := 0
			for i, s := range x.dir {
				if i == 0 || s != x.dir[i-1] {
					slots += len(s.slots)
				}
			}
			if len(x.dir) > 1<<maxDepth || slots > 40*segmentSlots {
				t.Fatalf("the directory has %d entries, the segments %d slots", len(x.dir), slots)
			}
		})
	}
}

func TestAnUpdatedKeyIsFoundAtItsNewRecordAlone(t *testing.T) {
	t.Parallel()
	keys := make([]VoterKey, 5000)
	for i := range keys {
		keys[i] = recordAt(uint32(i)).Key
	}
	b, x := filled(t, keys)
	for i := range keys {
		x.update(&keys[i], uint32(i+1), b.append(Record{Key: keys[i]}))
	}
	for i := range keys {
		if got := x.find(&b.store, RecordBytes, &keys[i]); got != uint32(len(keys)+i+1) {
			t.Fatalf("key %d is found as %d", i, got)
		}
	}
	if int(x.n) != len(keys) {
		t.Fatalf("updates changed the number of voters to %d", x.n)
	}
}
