package voterid_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"voted/internal/voterid"
)

// apart takes a text apart by the definition alone (Unicode Standard, section 3.11, D68):
// each character into its parts, and marks sorted by their class. It is the second
// opinion on what package norm makes of whole texts.
func apart(s string) []rune {
	var out []rune
	for _, r := range s {
		out = append(out, parts(r)...)
	}
	for i := 0; i < len(out); {
		end := i
		for end < len(out) && class(out[end]) != 0 {
			end++
		}
		slices.SortStableFunc(out[i:end], func(a, b rune) int { return cmp.Compare(class(a), class(b)) })
		i = end + 1
	}
	return out
}

func class(r rune) uint8 { return norm.NFD.PropertiesString(string(r)).CCC() }

func parts(r rune) []rune {
	// Hangul by arithmetic (section 3.12).
	const syllables, vowels, trails = 11172, 21, 28
	if s := r - 0xac00; 0 <= s && s < syllables {
		out := []rune{0x1100 + s/(vowels*trails), 0x1161 + s%(vowels*trails)/trails}
		if t := s % trails; t != 0 {
			out = append(out, 0x11a7+t)
		}
		return out
	}
	if d := norm.NFD.PropertiesString(string(r)).Decomposition(); d != nil {
		return []rune(string(d))
	}
	return []rune{r}
}

// rewritten writes a text in another way that means the same: some characters taken
// apart, some neighbouring marks of different classes changed over.
func rewritten(s string, seed uint64) string {
	lots := rand.New(rand.NewPCG(seed, 0))
	var out []rune
	for _, r := range s {
		if lots.IntN(2) == 0 {
			out = append(out, parts(r)...)
		} else {
			out = append(out, r)
		}
	}
	for range min(2*len(out), 100) {
		i := lots.IntN(len(out))
		if i == 0 || len(parts(out[i])) > 1 || len(parts(out[i-1])) > 1 {
			continue
		}
		if a, b := class(out[i-1]), class(out[i]); a != 0 && b != 0 && a != b {
			out[i-1], out[i] = out[i], out[i-1]
		}
	}
	return string(out)
}

func seeds(add func(s string)) {
	for _, s := range []string{
		"ann", "Zo\u00eb", "Zoe\u0308", "zo\xeb", "q\u0307\u0323", "\ud55c\uae00", "\u1112\u1161\u11ab", "\u212b", "\u1f82", "\u0958", "\U0001d15e",
		" ann", "ann\u00a0", "a\u200bn", "\ufeff", ".", "..", "a\u0344\u0315", "\u0f73\u0f74", "\u0ddd", "\U0002f800", "e\u0308\u0323\u0327",
	} {
		add(s)
	}
}

// FuzzOneVoter checks that all writings of one text meet in one key, or are all refused.
func FuzzOneVoter(f *testing.F) {
	seeds(func(s string) { f.Add(s, uint64(len(s))) })
	f.Fuzz(func(t *testing.T, given string, seed uint64) {
		given = given[:min(len(given), 4*voterid.MaxBytes)] // what is longer is not looked at
		got, err := voterid.Canonical(given)
		if plain := voterid.Plain(given); plain && (err != nil || got != given) {
			t.Fatalf("%+q is plain, and becomes %+q, %v", given, got, err)
		}
		if !utf8.ValidString(given) {
			if err == nil {
				t.Fatalf("%+q is taken as %+q", given, got)
			}
			return
		}
		other := rewritten(given, seed)
		if again, againErr := voterid.Canonical(other); again != got || (err == nil) != (againErr == nil) {
			t.Fatalf("%+q becomes %+q, %v\n%+q becomes %+q, %v", given, got, err, other, again, againErr)
		}
		if err != nil {
			return
		}
		if !slices.Equal(apart(got), apart(given)) {
			t.Fatalf("%+q becomes %+q, which is another text", given, got)
		}
		if len(got) == 0 || len(got) > voterid.MaxBytes || !norm.NFC.IsNormalString(got) {
			t.Fatalf("%+q becomes %+q, which is no id", given, got)
		}
		if again, err := voterid.Canonical(got); err != nil || again != got {
			t.Fatalf("%+q becomes %+q, and that becomes %+q, %v", given, got, again, err)
		}
	})
}

// FuzzTwoVoters checks that two ids meet in one key if and only if they are one text.
func FuzzTwoVoters(f *testing.F) {
	seeds(func(a string) { seeds(func(b string) { f.Add(a, b) }) })
	f.Fuzz(func(t *testing.T, a, b string) {
		x, errX := voterid.Canonical(a)
		y, errY := voterid.Canonical(b)
		if errX == nil && errY == nil && (x == y) != slices.Equal(apart(a), apart(b)) {
			t.Fatalf("%+q and %+q become %+q and %+q", a, b, x, y)
		}
	})
}
