package proof

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTilesHavePathsOfTheirOwn(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]Tile{
		"tile/0/000":                               {0, 0, 256},
		"tile/entries/000.p/17":                    {EntryBundle, 0, 17},
		"tile/entries/x001/x234/067":               {EntryBundle, 1234067, 256},
		"tile/1/x001/234.p/255":                    {1, 1234, 255},
		"tile/63/999":                              {63, 999, 256},
		"tile/0/x018/x446/x744/x073/x709/x551/615": {0, 18446744073709551615, 256},
	} {
		if got := ok(ParseTilePath(path))(t); got != want || want.Path() != path {
			t.Errorf("%s is read as %+v, and %+v is written as %s", path, got, want, want.Path())
		}
	}
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000", "tile/0/x000/000",
		"tile/0/001/234", "tile/0/x001/x234", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/000.p/0", "tile/0/000.p/256",
		"tile/0/000.p/017", "tile/0/000.p/", "tile/0/000/", "/tile/0/000", "tile/0/../000", "tile/entries/", "tile/Entries/000",
		"tile/0/x018/x446/x744/x073/x709/x551/616", "tile/0/+00", "tile/0/000.p/+1", "tile/0/000?x",
	} {
		if got, err := ParseTilePath(path); !is(err, ErrMalformed) {
			t.Errorf("%q is taken as %+v", path, got)
		}
	}
}

func TestTilesOfALogAreThoseOfTheSpecification(t *testing.T) {
	t.Parallel()
	count := func(from, size uint64) map[string]int {
		n := map[string]int{}
		for tile := range Tiles(from, size) {
			must(t, tile.check(size))
			kind := fmt.Sprintf("%d whole", tile.Level)
			if tile.Width < TileWidth {
				kind = fmt.Sprintf("%d of %d", tile.Level, tile.Width)
			}
			n[kind]++
		}
		return n
	}
	for name, c := range map[string]struct {
		from, size uint64
		want       string
	}{
		// The first two are the specification's own examples.
		"70,000 entries": {0, 70_000, "map[-1 of 112:1 -1 whole:273 0 of 112:1 0 whole:273 1 of 17:1 1 whole:1 2 of 1:1]"},
		"256 entries":    {0, 256, "map[-1 whole:1 0 whole:1 1 of 1:1]"},
		"none":           {0, 0, "map[]"},
		"one more":       {69_999, 70_000, "map[-1 of 112:1 0 of 112:1 1 of 17:1 2 of 1:1]"},
		"nothing more":   {256, 256, "map[1 of 1:1]"},
	} {
		if got := fmt.Sprint(count(c.from, c.size)); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestTheRootFollowsFromTheTiles(t *testing.T) {
	t.Parallel()
	const size = 70_001
	v := at(t, grown(t, size), size)
	// A tile of level 1 and above holds the roots of the whole tiles below.
	for tile := range Tiles(0, size) {
		if tile.Level < 1 {
			continue
		}
		hashes := ok(v.Tile(tile))(t)
		below := ok(v.Tile(Tile{tile.Level - 1, tile.Number * TileWidth, TileWidth}))(t)
		if hashes[0] != rfcRoot(below) {
			t.Errorf("%s does not begin with the root of the tile below", tile.Path())
		}
	}
	if b := AppendHashes(nil, ok(v.Tile(Tile{0, 0, 256}))(t)); len(b) != 8192 {
		t.Errorf("a whole tile has %d bytes", len(b))
	}
}

func TestABundleIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 200), 0, 256).Draw(t, "entries")
		var b []byte
		var err error
		for _, e := range entries {
			if b, err = AppendBundle(b, e); err != nil {
				t.Fatal(err)
			}
		}
		got, err := ParseBundle(b, len(entries))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(entries) {
			t.Fatalf("got %v, %v", got, err)
		}
		if _, err := ParseBundle(b, len(entries)+1); !is(err, ErrMalformed) {
			t.Fatalf("one entry too few is taken: %v", err)
		}
		if len(b) > 0 {
			if _, err := ParseBundle(b[:len(b)-1], len(entries)); !is(err, ErrMalformed) {
				t.Fatalf("a bundle that is cut is taken: %v", err)
			}
			if _, err := ParseBundle(b, len(entries)-1); !is(err, ErrMalformed) {
				t.Fatalf("one entry too many is taken: %v", err)
			}
		}
	})
	if _, err := AppendBundle(nil, make([]byte, MaxEntryBytes+1)); !is(err, ErrMalformed) {
		t.Errorf("an entry that is too long: got %v", err)
	}
}

func TestATreeThatIsReadFromItsTilesProvesTheSame(t *testing.T) {
	t.Parallel()
	for _, size := range []uint64{1, 2, 7, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 70_001} {
		v := at(t, grown(t, size), size)
		read := map[Tile]bool{}
		published := ok(Published(size, func(tile Tile) ([]Hash, error) {
			read[tile] = true
			hashes, err := v.Tile(tile)
			if err != nil {
				return nil, err
			}
			return ParseHashes(AppendHashes(nil, hashes))
		}))(t)
		if got, want := ok(published.Root())(t), ok(v.Root())(t); got != want {
			t.Errorf("of %d leaves the root is %s, want %s", size, got, want)
		}
		for _, index := range []uint64{0, size / 2, size - 1} {
			if got, want := ok(published.Inclusion(index))(t), ok(v.Inclusion(index))(t); !slices.Equal(got, want) {
				t.Errorf("leaf %d of %d has another path", index, size)
			}
		}
		if len(read) > 8 {
			t.Errorf("of %d leaves %d tiles are read", size, len(read))
		}
	}
	// What is cut, or is not there, proves nothing.
	if _, err := ParseHashes(make([]byte, 33)); !is(err, ErrMalformed) {
		t.Errorf("33 bytes are hashes: %v", err)
	}
	short := ok(Published(7, func(Tile) ([]Hash, error) { return make([]Hash, 6), nil }))(t)
	if _, err := short.Inclusion(0); !is(err, ErrMissing) {
		t.Errorf("a tile that is cut proves: %v", err)
	}
	if _, err := Published(MaxSize+1, nil); !is(err, ErrMalformed) {
		t.Errorf("a log of more than there can be: %v", err)
	}
}
