package journal

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzSegment checks that no segment makes the reader panic, and that what it accepts can
// be read whole and written to. If sealed is true, each sector gets a right seal for its
// place, so that what is behind the seals is reached.
func FuzzSegment(f *testing.F) {
	in := newMemory()
	must(f, create(in, testID, sizes{8, 8}))
	j, err := open(in, testID, Options{}, sizes{8, 8}, true)
	must(f, err)
	must(f, j.StoreLogs(entries(3, 4, 1, 500)))
	must(f, j.DeleteRange(4, 4))
	must(f, j.DeleteRange(1, 2))
	whole := in.names[nameOf(1)].now
	f.Add(uint16(0), []byte{}, false)
	f.Add(uint16(sectorBytes+sealBytes), []byte{0xff, 0xff, 0xff, 0xff}, true)
	f.Add(uint16(sectorBytes+sealBytes+batchHead+30), []byte{0xff, 0xff, 0xff, 0xff}, true)
	f.Add(uint16(4*sectorBytes+sealBytes), []byte("more"), true)
	f.Add(uint16(3*sectorBytes), make([]byte, sectorBytes), false)
	f.Fuzz(func(t *testing.T, at uint16, over []byte, sealed bool) {
		b := bytes.Clone(whole)
		copy(b[int(at)%len(b):], over)
		if sealed {
			for i := 1; i < len(b)/sectorBytes; i++ {
				if sector := b[i*sectorBytes:][:sectorBytes]; !zeros(sector) {
					seal(seed(testID, 1), uint32(i), order.Uint32(sector[4:]), sector)
				}
			}
		}
		in := newMemory()
		in.names[nameOf(1)] = &memoryFile{in: in, now: b, unsafed: map[int]bool{}}
		j, err := open(in, testID, Options{}, small, true)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrLater) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		last, _ := j.LastIndex()
		if last+2 > last { // not at the end of all numbers
			must(t, j.StoreLogs(entries(last+1, last+2, 9, 700)))
		}
		want := shown(t, j)
		if got := shown(t, reopen(t, in, Options{})); got != want {
			t.Fatal("it did not come back")
		}
	})
}
