// Package optionid makes ids for options that a definition names only by their titles:
// "Thai food" becomes thai-food, "Zoë" zoe.
//
// An id is made by the node that receives the request, before anything is proposed, so
// the other members receive it and need not make it in the same way. Still, Make must
// return the same forever and at every node: the same definition, sent again later, is
// then still the same poll. So nothing here may change, except for characters that
// Unicode had not assigned before.
package optionid

import (
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"voted/internal/poll"
)

// Set holds the ids of a definition so far. Add the ids that the definition itself
// names first, so that no made id equals one of them.
type Set map[string]bool

// Make returns an id for a title and adds it to the set. number is the option's place
// in the definition, from 1; it is used if no letter or digit of the title is left.
//
// The title is decomposed (Unicode's NFKD) and loses its marks. Letters A to Z become
// lowercase and are kept, as are digits; a run of anything else becomes one '-'. A long
// id is cut. An id that is taken gets the first free suffix of -2, -3, ….
func (s Set) Make(title string, number int) string {
	base := cut(plain(title), poll.MaxIDBytes)
	if base == "" {
		base = "option-" + strconv.Itoa(number)
	}
	id := base
	for n := 2; s[id]; n++ {
		suffix := "-" + strconv.Itoa(n)
		id = cut(base, poll.MaxIDBytes-len(suffix)) + suffix
	}
	s[id] = true
	return id
}

// cut shortens an id so that it does not end with '-'.
func cut(id string, limit int) string {
	return strings.TrimRight(id[:min(len(id), limit)], "-")
}

// plain returns the letters and digits of a title in ASCII, with one '-' between words.
func plain(title string) string {
	var b strings.Builder
	apart := false
	for _, r := range norm.NFKD.String(title) {
		letters, kept := latin[r]
		switch {
		case kept:
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			letters = string(r)
		case 'A' <= r && r <= 'Z':
			letters = string(r - 'A' + 'a')
		case joins(r):
			continue
		default:
			apart = true
			continue
		}
		if apart && b.Len() > 0 {
			b.WriteByte('-')
		}
		apart = false
		b.WriteString(letters)
	}
	return b.String()
}

// latin are letters that Unicode does not decompose, in the usual ASCII spelling of
// their languages.
var latin = map[rune]string{
	'ß': "ss", 'ẞ': "ss", 'æ': "ae", 'Æ': "ae", 'œ': "oe", 'Œ': "oe", 'ø': "o", 'Ø': "o", 'ł': "l", 'Ł': "l",
	'đ': "d", 'Đ': "d", 'ð': "d", 'Ð': "d", 'þ': "th", 'Þ': "th", 'ı': "i", 'ħ': "h", 'Ħ': "h", 'ŧ': "t", 'Ŧ': "t",
}

// joins reports whether a character that is dropped does not split its word: an
// apostrophe, and anything outside ASCII and the blocks of punctuation, such as marks
// and letters of other scripts. It uses fixed blocks, not tables that grow.
func joins(r rune) bool {
	switch {
	case r == '\'', r == '\u2018', r == '\u2019':
		return true
	case r < 0xC0, 0x2000 <= r && r <= 0x206F, 0x3000 <= r && r <= 0x303F:
		return false
	}
	return true
}
