package textfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Encoding maps bytes to characters. The zero Encoding is UTF-8.
type Encoding struct {
	name  string
	table *charmap.Charmap // of an encoding of one byte a character
	wide  bool             // UTF-16
	big   bool             // UTF-16 with the high byte first
}

// The encodings that are detected.
var (
	UTF8    = Encoding{}
	UTF16LE = Encoding{name: "utf-16le", wide: true}
	UTF16BE = Encoding{name: "utf-16be", wide: true, big: true}
)

// String returns the name, such as windows-1252.
func (e Encoding) String() string {
	if e.name == "" {
		return "utf-8"
	}
	return e.name
}

// Wide reports whether a character has two bytes or more, so that the text must be
// decoded before it is split into lines.
func (e Encoding) Wide() bool { return e.wide }

// Named returns the encoding with a name; case, blanks, hyphens and underscores in it
// do not matter.
func Named(name string) (Encoding, error) {
	if e, ok := encodings[squeeze(name)]; ok {
		return e, nil
	}
	return Encoding{}, fmt.Errorf("the encoding %q is not known here; give one of %s", name, strings.Join(Names(), ", "))
}

// Names lists the names of all encodings, sorted.
func Names() []string {
	var all []string
	for _, e := range encodings {
		if !slices.Contains(all, e.String()) {
			all = append(all, e.String())
		}
	}
	slices.Sort(all)
	return all
}

// encodings are indexed by their squeezed names.
var encodings = byName()

func byName() map[string]Encoding {
	all := map[string]Encoding{"utf8": UTF8, "utf16": UTF16LE, "utf16le": UTF16LE, "utf16be": UTF16BE}
	for _, known := range charmap.All {
		table, ok := known.(*charmap.Charmap)
		if !ok { // some of its characters have two bytes or more
			continue
		}
		name := strings.ToLower(table.String())
		if strings.Contains(name, "ebcdic") || strings.Contains(name, "code page 037") || strings.Contains(name, "code page 104") ||
			strings.Contains(name, "code page 114") || strings.Contains(name, "user") {
			continue // not a superset of ASCII: nothing that people's programs write
		}
		name = strings.ReplaceAll(strings.NewReplacer("ibm code page ", "ibm", "windows code page ", "ibm").Replace(name), " ", "-")
		all[squeeze(name)] = Encoding{name: name, table: table}
	}
	for alias, name := range map[string]string{"latin1": "iso88591", "ansi": "windows1252", "cp1252": "windows1252", "cp850": "ibm850", "macroman": "macintosh"} {
		all[alias] = all[name]
	}
	return all
}

// squeeze removes what people write differently in the same name.
func squeeze(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-_.", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// Decode returns a line in UTF-8, which may share memory with the line. It must not be
// used for wide encodings.
func (e Encoding) Decode(line []byte) ([]byte, *Fault) {
	if e.table == nil {
		return line, e.check(line)
	}
	if ascii(line) {
		return line, nil
	}
	text := make([]byte, 0, len(line)+len(line)/2)
	for i, b := range line {
		r := e.table.DecodeByte(b)
		if r == utf8.RuneError {
			return nil, &Fault{Column: i + 1, Detail: fmt.Sprintf("the byte %02X stands for no character in %s; give the file's own --encoding", b, e)}
		}
		text = utf8.AppendRune(text, r)
	}
	return text, nil
}

// check returns where a line is not UTF-8, and which encoding it looks like.
func (e Encoding) check(line []byte) *Fault {
	if utf8.Valid(line) {
		return nil
	}
	at := 0
	for at < len(line) {
		r, size := utf8.DecodeRune(line[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	if e.wide {
		return &Fault{Column: Column(line, at), Detail: "here is half a character of UTF-16; take another copy of the file"}
	}
	return &Fault{Column: Column(line, at), Foreign: true, Guess: guess(line), Detail: "this is not UTF-8"}
}

// guess returns the encoding in which the bytes of a line that is not UTF-8 are letters
// and signs between ASCII letters. It is empty if most letters are not ASCII, since
// then it could be any alphabet.
func guess(line []byte) string {
	plain, high := 0, 0
	for _, b := range line {
		switch {
		case b >= utf8.RuneSelf:
			high++
		case letter(b):
			plain++
		}
	}
	if high > plain {
		return ""
	}
	for _, c := range []struct {
		name  string
		table *charmap.Charmap
	}{{"windows-1252", charmap.Windows1252}, {"macintosh", charmap.Macintosh}, {"ibm850", charmap.CodePage850}} {
		fits := true
		for i, b := range line {
			afterLetter := i > 0 && letter(line[i-1])
			fits = fits && (b < utf8.RuneSelf || usual(c.table.DecodeByte(b), afterLetter))
		}
		if fits {
			return c.name
		}
	}
	return ""
}

// usual reports whether a character is usual in texts with Latin letters at such a
// place: a letter or a sign, but not an opening sign directly after a letter.
func usual(r rune, afterLetter bool) bool {
	return unicode.In(r, unicode.Latin) || strings.ContainsRune("’”–—…»\u00a0", r) || !afterLetter && strings.ContainsRune("‘“„«€", r)
}

func letter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

func ascii(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c >= utf8.RuneSelf })
}

// mark is the byte order mark in UTF-8.
var mark = []byte("\uFEFF")

// TrimMark removes a byte order mark in UTF-8 from the beginning of a text.
func TrimMark(text []byte) []byte { return bytes.TrimPrefix(text, mark) }

// Blank reports whether a line holds nothing. All readers skip such lines.
func Blank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }
