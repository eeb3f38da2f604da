package voterid

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fault returns why a character is not allowed in an id, 0 if it is. first and last say
// that nothing, or only white space, is before or after it.
func fault(r rune, size int, first, last bool) Reason {
	space := unicode.IsSpace(r)
	switch {
	case r == utf8.RuneError && size == 1:
		return NotUTF8
	case space && first:
		return SpaceBefore
	case space && last:
		return SpaceAfter
	case unicode.IsControl(r):
		return Control
	case space && !slices.Contains(spaces, r):
		return OtherSpace
	case invisible(r):
		return Invisible
	case unicode.Is(unicode.Co, r):
		return Private
	case !unicode.IsGraphic(r) && !unicode.Is(unicode.Cf, r):
		return Unassigned
	}
	return 0
}

// spaces are allowed within an id: the space, and the one in Japanese names. The others
// look like one of these.
var spaces = []rune{' ', '\u3000'}

// invisible reports whether a character shows nothing of its own on a screen. The
// property Default_Ignorable_Code_Point covers nearly all of them; other format
// characters and a few that are blank by name are added. The number signs of Arabic and
// others are format characters, but visible.
func invisible(r rune) bool {
	if unicode.Is(unicode.Cf, r) {
		return !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
	}
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || slices.Contains(blank, r)
}

// blank are characters that show nothing, although no property of Unicode says so.
var blank = []rune{
	'\u2800',     // Braille pattern blank
	'\ufffc',     // object replacement character: its object is not in the text
	'\U00016fe4', // Khitan small script filler
	'\U0001d159', // musical symbol null notehead
}

// joins reports whether a character is drawn with the one before it.
func joins(r rune) bool {
	return unicode.IsMark(r) && !unicode.Is(unicode.Mc, r) && !invisible(r)
}

// trimmed returns the length of an id without the white space at its end.
func trimmed(id string) int {
	return len(strings.TrimRightFunc(id, unicode.IsSpace))
}

// names are those of characters that people often have in a text without knowing it.
var names = map[rune]string{
	'\t':     "tab",
	'\n':     "line feed",
	'\r':     "carriage return",
	' ':      "space",
	'\u00a0': "no-break space",
	'\u00ad': "soft hyphen",
	'\u034f': "combining grapheme joiner",
	'\u061c': "Arabic letter mark",
	'\u115f': "Hangul filler",
	'\u1160': "Hangul filler",
	'\u180e': "Mongolian vowel separator",
	'\u200b': "zero width space",
	'\u200c': "zero width non-joiner",
	'\u200d': "zero width joiner",
	'\u200e': "left-to-right mark",
	'\u200f': "right-to-left mark",
	'\u2028': "line separator",
	'\u2029': "paragraph separator",
	'\u202f': "narrow no-break space",
	'\u2060': "word joiner",
	'\u2800': "Braille pattern blank",
	'\u3000': "ideographic space",
	'\u3164': "Hangul filler",
	'\ufeff': "byte order mark",
	'\uffa0': "Hangul filler",
	'\ufffc': "object replacement character",
}

// kinds are names for many characters at once.
var kinds = []struct {
	from, to rune
	name     string
}{
	{'\u2000', '\u200a', "space of another width"},
	{'\u202a', '\u202e', "direction control"},
	{'\u2066', '\u2069', "direction control"},
	{'\ufe00', '\ufe0f', "variation selector"},
	{'\U000e0000', '\U000e007f', "tag"},
	{'\U000e0100', '\U000e01ef', "variation selector"},
}

// nameOf returns a name for a character, "" if none is listed here.
func nameOf(r rune) string {
	if name, ok := names[r]; ok {
		return name
	}
	for _, k := range kinds {
		if k.from <= r && r <= k.to {
			return k.name
		}
	}
	return ""
}
