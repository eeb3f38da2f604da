package voterid_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"voted/internal/voterid"
)

func TestAVoterIsOneHoweverTheNameIsWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ given, want string }{
		"an id of ASCII stays as it is":                          {"v-17", "v-17"},
		"a space within stays":                                   {"Ann Smith", "Ann Smith"},
		"dots that are no path stay":                             {".hidden..", ".hidden.."},
		"three dots are an id":                                   {"...", "..."},
		"the longest id of ASCII stays":                          {strings.Repeat("x", 256), strings.Repeat("x", 256)},
		"a composed letter stays":                                {"Zo\u00eb", "Zo\u00eb"},
		"a letter and its mark become the composed letter":       {"Zoe\u0308", "Zo\u00eb"},
		"two marks in either order are one name":                 {"q\u0307\u0323", "q\u0323\u0307"},
		"marks that do not interact keep their order":            {"a\u0308\u0301", "\u00e4\u0301"},
		"letters of Hangul become syllables":                     {"\u1112\u1161\u11ab", "\ud55c"},
		"the longest id may be written in three times the bytes": {strings.Repeat("\u1112\u1161\u11ab", 85), strings.Repeat("\ud55c", 85)},
		"the Angstrom sign is the letter":                        {"\u212b", "\u00c5"},
		"a compatibility ideograph is the unified one":           {"\ufa19", "\u795e"},
		"what Unicode never composes stays taken apart":          {"\u0958", "\u0915\u093c"},

		"case is kept":                                          {"ANN", "ANN"},
		"width is kept":                                         {"\uff11", "\uff11"},
		"ligatures are kept":                                    {"\ufb01n", "\ufb01n"},
		"Arabic names need no joiner":                           {"\u0639\u0644\u06cc", "\u0639\u0644\u06cc"},
		"Hindi names keep their virama":                         {"\u0915\u094d\u0937", "\u0915\u094d\u0937"},
		"Japanese names keep their space":                       {"\u5c71\u7530\u3000\u592a\u90ce", "\u5c71\u7530\u3000\u592a\u90ce"},
		"an emoji is an id":                                     {"\U0001f98a", "\U0001f98a"},
		"an Arabic number sign can be seen":                     {"\u0600\u0661", "\u0600\u0661"},
		"the replacement character that stands in a text stays": {"zo\ufffd", "zo\ufffd"},
		"twenty marks on a letter are taken":                    {"a" + strings.Repeat("\u0316", 20), "a" + strings.Repeat("\u0316", 20)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := voterid.Canonical(c.given)
			if err != nil || got != c.want {
				t.Fatalf("Canonical(%+q) = %+q, %v; want %+q", c.given, got, err, c.want)
			}
		})
	}
}

func TestWhatIsNoVoterIDIsRefusedWithItsPlaceAndWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ given, want string }{
		"nothing":             {"", "the voter id is empty: give 1 to 256 bytes of UTF-8"},
		"a dot":               {".", `no voter can be called ".", which a path cannot carry: choose another id`},
		"two dots":            {"..", `no voter can be called "..", which a path cannot carry: choose another id`},
		"a byte too many":     {strings.Repeat("x", 257), "the voter id has 257 bytes, and the most is 256: shorten it"},
		"too many in NFC":     {strings.Repeat("e\u0308", 129), "the voter id has 258 bytes, and the most is 256: shorten it"},
		"far too many":        {strings.Repeat("\u0308", 10_000), "the voter id has 20000 bytes, and the most is 256: shorten it"},
		"Latin-1":             {"zo\xeb", "character 3 of the voter id is the byte 0xEB, which is not UTF-8: write the id in UTF-8"},
		"a surrogate":         {"a\xed\xa0\x80", "character 2 of the voter id is the byte 0xED, which is not UTF-8: write the id in UTF-8"},
		"an overlong slash":   {"\xc0\xaf", "character 1 of the voter id is the byte 0xC0, which is not UTF-8: write the id in UTF-8"},
		"NUL":                 {"a\x00b", "character 2 of the voter id is U+0000, a control character: leave it out"},
		"a tab within":        {"a\tb", "character 2 of the voter id is U+0009 (tab), a control character: leave it out"},
		"DEL":                 {"\x7f", "character 1 of the voter id is U+007F, a control character: leave it out"},
		"a C1 control":        {"ann\u009b", "character 4 of the voter id is U+009B, a control character: leave it out"},
		"a blank before":      {" ann", "character 1 of the voter id is U+0020 (space), white space at its beginning: leave it out"},
		"a blank behind":      {"ann@example.org ", "character 16 of the voter id is U+0020 (space), white space at its end: leave it out"},
		"blanks alone":        {"   ", "character 1 of the voter id is U+0020 (space), white space at its beginning: leave it out"},
		"a newline behind":    {"ann\n", "character 4 of the voter id is U+000A (line feed), white space at its end: leave it out"},
		"NBSP before":         {"\u00a0cy", "character 1 of the voter id is U+00A0 (no-break space), white space at its beginning: leave it out"},
		"two NBSP behind":     {"cy\u00a0\u00a0", "character 3 of the voter id is U+00A0 (no-break space), white space at its end: leave it out"},
		"wide space behind":   {"\u5c71\u3000", "character 2 of the voter id is U+3000 (ideographic space), white space at its end: leave it out"},
		"NBSP within":         {"Ann\u00a0Smith", "character 4 of the voter id is U+00A0 (no-break space), which only looks like a space: write a plain space instead"},
		"a thin space within": {"a\u2009b", "character 2 of the voter id is U+2009 (space of another width), which only looks like a space: write a plain space instead"},
		"zero width space":    {"an\u200bn", "character 3 of the voter id is U+200B (zero width space), which cannot be seen: leave it out"},
		"Persian non-joiner":  {"\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "character 4 of the voter id is U+200C (zero width non-joiner), which cannot be seen: leave it out"},
		"Hindi joiner":        {"\u0915\u094d\u200d\u0937", "character 2 of the voter id is U+200D (zero width joiner), which cannot be seen: leave it out"},
		"right-to-left":       {"ann\u202e", "character 4 of the voter id is U+202E (direction control), which cannot be seen: leave it out"},
		"byte order mark":     {"\ufeffann", "character 1 of the voter id is U+FEFF (byte order mark), which cannot be seen: leave it out"},
		"soft hyphen":         {"an\u00adn", "character 3 of the voter id is U+00AD (soft hyphen), which cannot be seen: leave it out"},
		"Hangul filler":       {"\u3164", "character 1 of the voter id is U+3164 (Hangul filler), which cannot be seen: leave it out"},
		"a red heart":         {"\u2764\ufe0f", "character 2 of the voter id is U+FE0F (variation selector), which cannot be seen: leave it out"},
		"a kanji's variant":   {"\u845b\U000e0100", "character 2 of the voter id is U+E0100 (variation selector), which cannot be seen: leave it out"},
		"tags":                {"a\U000e0061", "character 2 of the voter id is U+E0061 (tag), which cannot be seen: leave it out"},
		"Braille blank":       {"a\u2800b", "character 2 of the voter id is U+2800 (Braille pattern blank), which cannot be seen: leave it out"},
		"an object":           {"a\ufffc", "character 2 of the voter id is U+FFFC (object replacement character), which cannot be seen: leave it out"},
		"private use":         {"a\ue000", "character 2 of the voter id is U+E000, which means something else on each machine: write a character of Unicode instead"},
		"a noncharacter":      {"a\ufdd0", "character 2 of the voter id is U+FDD0, which stands for nothing in Unicode " + unicode.Version + ": leave it out"},
		"an unassigned one":   {"a\u0378", "character 2 of the voter id is U+0378, which stands for nothing in Unicode " + unicode.Version + ": leave it out"},
		"21 marks":            {"ba" + strings.Repeat("\u0316", 21), "character 2 of the voter id has more than 20 marks: leave some out"},
		"letters with marks are counted as one character": {"e\u0308e\u0308\u200b", "character 3 of the voter id is U+200B (zero width space), which cannot be seen: leave it out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := voterid.Canonical(c.given)
			var why *voterid.Error
			if got != "" || !errors.As(err, &why) || err.Error() != c.want {
				t.Fatalf("Canonical(%+q) = %+q, %v\nwant %s", c.given, got, err, c.want)
			}
			if first := strings.ToUpper(c.want[:1]); why.Detail() != first+c.want[1:]+"." {
				t.Errorf("the sentence is %q", why.Detail())
			}
			if why.Character > 0 && !strings.HasPrefix(c.given[why.Offset:], string(why.Rune)) && c.given[why.Offset] != why.Byte {
				t.Errorf("%+q does not stand at byte %d", why.Rune, why.Offset)
			}
		})
	}
}

// Keys must not move when Go's tables are renewed, so both must be of one version: what
// one calls assigned the other must know how to normalise.
func TestTheTablesAreOfOneVersionOfUnicode(t *testing.T) {
	t.Parallel()
	if norm.Version != unicode.Version {
		t.Fatalf("norm has Unicode %s, unicode has %s", norm.Version, unicode.Version)
	}
}

// Whether an id is taken must not depend on how it is written, for any character there is.
func TestEveryCharacterIsTakenOrRefusedInAllItsWritings(t *testing.T) {
	t.Parallel()
	taken := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsGraphic(r) && r%16 != 0 {
			continue // most code points stand for nothing: a sample of them will do
		}
		if !utf8.ValidRune(r) {
			continue
		}
		given := "a" + string(r) + "b"
		got, err := voterid.Canonical(given)
		apart, errApart := voterid.Canonical(norm.NFD.String(given))
		if got != apart || (err == nil) != (errApart == nil) {
			t.Errorf("%U is %+q, %v; taken apart it is %+q, %v", r, got, err, apart, errApart)
		}
		if err != nil {
			continue
		}
		taken++
		if again, err := voterid.Canonical(got); err != nil || again != got {
			t.Errorf("%U becomes %+q, and that becomes %+q, %v", r, got, again, err)
		}
		if have := len(given); have > 3*len(got) {
			t.Errorf("%U has %d bytes where its NFC has %d: a long id would be refused unread", r, have, len(got))
		}
	}
	if taken < 140_000 {
		t.Errorf("only %d characters can stand in an id", taken)
	}
}

func TestNothingThatIgnoresItselfIsTaken(t *testing.T) {
	t.Parallel()
	// From DerivedCoreProperties.txt of Unicode: Default_Ignorable_Code_Point.
	for _, span := range [][2]rune{
		{0xad, 0xad},
		{0x34f, 0x34f},
		{0x61c, 0x61c},
		{0x115f, 0x1160},
		{0x17b4, 0x17b5},
		{0x180b, 0x180f},
		{0x200b, 0x200f},
		{0x202a, 0x202e},
		{0x2060, 0x206f},
		{0x3164, 0x3164},
		{0xfe00, 0xfe0f},
		{0xfeff, 0xfeff},
		{0xffa0, 0xffa0},
		{0xfff0, 0xfff8},
		{0x1bca0, 0x1bca3},
		{0x1d173, 0x1d17a},
		{0xe0000, 0xe0fff},
	} {
		for r := span[0]; r <= span[1]; r++ {
			var why *voterid.Error
			if _, err := voterid.Canonical("a" + string(r) + "b"); !errors.As(err, &why) || why.Rune != r || why.Offset != 1 || why.Character != 2 {
				t.Errorf("%U: %v", r, err)
			}
		}
	}
}

// Beyond about 30 marks package norm puts in a character of its own; how many exactly
// depends on the letter that carries them.
func TestTooManyMarksAreRefusedBeforeTheyAreNormalised(t *testing.T) {
	t.Parallel()
	most := strings.Repeat("\u0316", 20)
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !unicode.In(r, unicode.L, unicode.M) || unicode.In(r, unicode.Han, unicode.Hangul) {
			continue
		}
		if got, err := voterid.Canonical(string(r) + most); err == nil && strings.Contains(got, norm.GraphemeJoiner) {
			t.Fatalf("%U with as many marks as are taken becomes %+q", r, got)
		}
	}
	for _, letter := range []string{"\u1100", "\uac00", "\uac01", "\u09c7"} {
		for _, mark := range []string{"\u0316", "\u1161", "\u11a8", "\u09be"} { // most are no marks, and join the letter before
			for n := 18; n <= 40; n++ {
				if got, err := voterid.Canonical(letter + strings.Repeat(mark, n)); err == nil && strings.Contains(got, norm.GraphemeJoiner) {
					t.Errorf("%+q with %d times %+q becomes %+q", letter, n, mark, got)
				}
			}
		}
	}
}

func TestAPlainIDIsOneWhoseEveryByteIsPlain(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 20; n++ {
		for at := range n {
			for c := range 256 {
				id := []byte(strings.Repeat("x", n))
				id[at] = byte(c)
				want := ' ' < c && c <= '~' || c == ' ' && 0 < at && at < n-1
				if n == 1 && c == '.' {
					want = false
				}
				if voterid.Plain(id) != want || voterid.Plain(string(id)) != want {
					t.Errorf("%q is plain: %v", id, !want)
				}
			}
		}
	}
}

func TestAnIDOfASCIICostsNoMemory(t *testing.T) {
	id, line := "voter-000017", []byte("voter-000017")
	// Not parallel: what is counted are the allocations of the whole process.
	if n := testing.AllocsPerRun(100, func() {
		if _, err := voterid.Canonical(id); err != nil || !voterid.Plain(line) {
			t.Error("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCanonical(b *testing.B) {
	for name, id := range map[string]string{
		"ascii":      "voter-000017",
		"ascii256":   strings.Repeat("x", 256),
		"composed":   "Zo\u00eb-000017",
		"decomposed": "Zoe\u0308-000017",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := voterid.Canonical(id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPlain(b *testing.B) {
	id := []byte("voter-000017")
	b.ReportAllocs()
	for b.Loop() {
		if !voterid.Plain(id) {
			b.Fatal("refused")
		}
	}
}
