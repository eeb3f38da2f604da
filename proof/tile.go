package proof

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
)

// EntryBundle is the level of tiles that hold the entries themselves.
const EntryBundle = -1

// MaxTileLevel is the highest level that a path can have.
const MaxTileLevel = 63

// Tile names a part of a log as tlog-tiles serves it (c2sp.org/tlog-tiles).
type Tile struct {
	Level  int    // 0 up to MaxTileLevel, or EntryBundle
	Number uint64 // within the level
	Width  int    // hashes or entries: TileWidth, or less in a partial tile
}

// Path returns where the tile is, below the address of a log: "tile/0/x001/234.p/17",
// "tile/entries/000".
func (t Tile) Path() string {
	level := "entries"
	if t.Level != EntryBundle {
		level = strconv.Itoa(t.Level)
	}
	// The number in groups of three digits; all but the last begin with an x.
	digits := fmt.Sprintf("%03d", t.Number)
	for len(digits)%3 != 0 {
		digits = "0" + digits
	}
	path := "tile/" + level
	for ; len(digits) > 3; digits = digits[3:] {
		path += "/x" + digits[:3]
	}
	path += "/" + digits
	if t.Width != TileWidth {
		path += ".p/" + strconv.Itoa(t.Width)
	}
	return path
}

// ParseTilePath reads what Path wrote, and no other spelling of it.
func ParseTilePath(path string) (Tile, error) {
	bad := fmt.Errorf("%w: %.80q is not the path of a tile, such as tile/0/x001/234 or tile/entries/000.p/17", ErrMalformed, path)
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, found := strings.Cut(rest, "/")
	if !ok || !found {
		return Tile{}, bad
	}
	t := Tile{Level: EntryBundle, Width: TileWidth}
	if level != "entries" {
		n, err := parseNumber(level)
		if err != nil || n > MaxTileLevel {
			return Tile{}, bad
		}
		t.Level = int(n)
	}
	number, width, partial := strings.Cut(rest, ".p/")
	if partial {
		n, err := parseNumber(width)
		if err != nil || n == 0 || n >= TileWidth {
			return Tile{}, bad
		}
		t.Width = int(n)
	}
	digits := strings.ReplaceAll(strings.ReplaceAll(number, "x", ""), "/", "")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return Tile{}, bad
	}
	// What is spelled otherwise is not the path: too few digits, an x in the wrong place.
	if t.Number = n; t.Path() != path {
		return Tile{}, bad
	}
	return t, nil
}

// check says whether a tree of this size has the tile.
func (t Tile) check(size uint64) error {
	level := max(t.Level, 0)
	if t.Width < 1 || t.Width > TileWidth || level > MaxTileLevel ||
		t.Number > MaxSize/TileWidth || t.Number*TileWidth+uint64(t.Width) > size>>(TileHeight*level) {
		return fmt.Errorf("%w: a log of %d entries has no %s", ErrMissing, size, t.Path())
	}
	return nil
}

// Tiles gives the tiles of a log of one size, lowest level first: the entry bundles, then
// the tiles of hashes. From says how many entries the caller had before; tiles that were
// whole then are left out.
func Tiles(from, size uint64) iter.Seq[Tile] {
	return func(yield func(Tile) bool) {
		for level := EntryBundle; level <= MaxTileLevel; level++ {
			shift := TileHeight * max(level, 0)
			had, have := from>>shift, size>>shift
			if have == 0 {
				return
			}
			for n := had / TileWidth; n*TileWidth < have; n++ {
				if !yield(Tile{level, n, int(min(TileWidth, have-n*TileWidth))}) {
					return
				}
			}
		}
	}
}

// AppendHashes appends a tile of hashes as it is served: one after the other.
func AppendHashes(b []byte, hashes []Hash) []byte {
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

// ParseHashes reads what AppendHashes wrote. It fails with ErrMalformed.
func ParseHashes(b []byte) ([]Hash, error) {
	if len(b)%len(Hash{}) != 0 {
		return nil, fmt.Errorf("%w: a tile of hashes has %d bytes, which is no multiple of %d", ErrMalformed, len(b), len(Hash{}))
	}
	hashes := make([]Hash, len(b)/len(Hash{}))
	for i := range hashes {
		hashes[i] = Hash(b[i*len(Hash{}):])
	}
	return hashes, nil
}

// MaxEntryBytes is the longest entry of a bundle.
const MaxEntryBytes = math.MaxUint16

// AppendBundle appends an entry to a bundle: u16 length ‖ entry.
func AppendBundle(b, entry []byte) ([]byte, error) {
	if len(entry) > MaxEntryBytes {
		return b, fmt.Errorf("%w: an entry has %d bytes, and at most %d fit", ErrMalformed, len(entry), MaxEntryBytes)
	}
	return append(binary.BigEndian.AppendUint16(b, uint16(len(entry))), entry...), nil
}

// ParseBundle returns the entries of a bundle of this width. They share the memory of b.
func ParseBundle(b []byte, width int) ([][]byte, error) {
	entries := make([][]byte, 0, width)
	for len(b) > 0 {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return nil, fmt.Errorf("%w: entry %d of a bundle is cut off", ErrMalformed, len(entries))
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		entries, b = append(entries, b[2:n:n]), b[n:]
		if len(entries) > width {
			break
		}
	}
	if len(entries) != width {
		return nil, fmt.Errorf("%w: a bundle of %d entries has another number of them", ErrMalformed, width)
	}
	return entries, nil
}
