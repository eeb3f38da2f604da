package voterid

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// MaxBytes bounds an id in NFC. Ids are in paths, entries and credentials.
	MaxBytes = 256
	// maxRawBytes bounds an id as received, before any work is done for it: no encoding
	// of a text has more than three times the bytes of its NFC (three Hangul letters of
	// three bytes each are one syllable of three bytes).
	maxRawBytes = 3 * MaxBytes
	// maxMarks bounds the marks on one letter: no orthography needs half as many.
	// Package norm inserts a character of its own beyond 30 marks, of which it counts
	// up to three for the letter itself (the Stream-Safe Text Format, Unicode Standard
	// Annex #15); two encodings of one text could then differ.
	maxMarks = 20
)

// Canonical returns the one form of a voter id that keys, receipts and exports use. Its
// error is an *Error, which says where the id is wrong and what to do.
//
// ASCII ids are returned unchanged; they cost one look at each byte.
func Canonical(id string) (string, error) {
	if Plain(id) {
		return id, nil
	}
	if err := check(id); err != nil {
		return "", err
	}
	id = norm.NFC.String(id)
	if len(id) > MaxBytes {
		return "", &Error{Reason: TooLong, Bytes: len(id)}
	}
	return id, nil
}

// Fits reports whether an id is canonical as it is, as nearly all are. The id must be
// printable ASCII. Only its ends are checked.
func Fits[ID string | []byte](id ID) bool {
	n := len(id)
	if n == 0 || n > MaxBytes || id[0] == ' ' || id[n-1] == ' ' {
		return false
	}
	return id[0] != '.' || n > 2 || n == 2 && id[1] != '.'
}

// Plain reports whether an id is printable ASCII and canonical as it is. It does not
// allocate.
func Plain[ID string | []byte](id ID) bool {
	n := len(id)
	if !Fits(id) {
		return false
	}
	i := 0
	for ; n-i >= 8; i += 8 {
		word := uint64(id[i]) | uint64(id[i+1])<<8 | uint64(id[i+2])<<16 | uint64(id[i+3])<<24 |
			uint64(id[i+4])<<32 | uint64(id[i+5])<<40 | uint64(id[i+6])<<48 | uint64(id[i+7])<<56
		if !printable(word) {
			return false
		}
	}
	for ; i < n; i++ {
		if c := id[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// printable reports whether each of eight bytes is ASCII from ' ' to '~'. A byte that
// is not has its highest bit set, or gets it set when 1 is added or when ' ' is
// subtracted. What such a byte carries to its neighbours no longer matters.
func printable(word uint64) bool {
	const ones = 0x0101010101010101
	return (word|(word+ones)|(word-' '*ones))&(0x80*ones) == 0
}

// check returns the first fault of an id as received.
func check(id string) error {
	switch {
	case id == "":
		return &Error{Reason: Empty}
	case len(id) > maxRawBytes:
		return &Error{Reason: TooLong, Bytes: len(id)}
	case id == "." || id == "..":
		return &Error{Reason: Reserved, Bytes: len(id)}
	}
	end := trimmed(id)
	at := place{}
	for at.offset < len(id) {
		r, size := utf8.DecodeRuneInString(id[at.offset:])
		at.step(r)
		if ' ' < r && r <= '~' {
			at.offset++
			continue
		}
		if why := fault(r, size, at.offset == 0, at.offset >= end); why != 0 {
			return &Error{Reason: why, Offset: at.offset, Character: at.character, Rune: r, Byte: id[at.offset]}
		}
		if at.marks > maxMarks {
			return &Error{Reason: TooManyMarks, Offset: at.offset, Character: at.character, Rune: r}
		}
		at.offset += size
	}
	return nil
}

// place is a position in an id.
type place struct {
	offset    int // bytes
	character int // from 1, as a person counts: a letter and its marks are one
	marks     int // on the letter so far
}

// step moves past one character. Marks are counted as in decomposed text, and as
// package norm counts them: every character that may join the letter before is a mark.
func (p *place) step(r rune) {
	if r < utf8.RuneSelf {
		p.character++
		p.marks = 0
		return
	}
	if p.character == 0 || !joins(r) {
		p.character++
	}
	var one [utf8.UTFMax]byte
	raw := one[:utf8.EncodeRune(one[:], r)]
	parts := norm.NFD.Properties(raw).Decomposition()
	if parts == nil {
		parts = raw
	}
	for len(parts) > 0 {
		properties := norm.NFC.Properties(parts)
		if properties.BoundaryBefore() {
			p.marks = 0
		} else {
			p.marks++
		}
		parts = parts[properties.Size():]
	}
}
