package voterid

import (
	"fmt"
	"strings"
	"unicode"
)

// Reason names what is wrong with an id. The set is closed.
type Reason uint8

// The reasons.
const (
	Empty        Reason = iota + 1
	TooLong             // more than MaxBytes in NFC
	Reserved            // "." or ".."
	NotUTF8             // a byte that is part of no character
	Control             // a control character
	SpaceBefore         // white space at the beginning
	SpaceAfter          // white space at the end
	OtherSpace          // a space within that is not the usual one
	Invisible           // a character that cannot be seen
	Private             // a code point for private use
	Unassigned          // a code point without a meaning
	TooManyMarks        // on one letter
)

// Error says why a string is not a voter id. It does not repeat the string.
type Error struct {
	Reason Reason
	// Offset is where the faulty character begins in the given id, in bytes from 0. It
	// is 0 if the fault is of the whole id.
	Offset int
	// Character is the same place as a person counts, from 1: a letter and its marks
	// are one. It is 0 if the fault is of the whole id.
	Character int
	// Rune is the faulty character, and Byte its first byte. If the reason is NotUTF8,
	// there is only Byte.
	Rune rune
	Byte byte
	// Bytes is the length of an id that is too long, or is "." or "..".
	Bytes int
}

// Error implements error with one sentence that says where the fault is and what to do,
// without a capital and a full stop.
func (e *Error) Error() string {
	switch e.Reason {
	case Empty:
		return fmt.Sprintf("the voter id is empty: give 1 to %d bytes of UTF-8", MaxBytes)
	case TooLong:
		return fmt.Sprintf("the voter id has %d bytes, and the most is %d: shorten it", e.Bytes, MaxBytes)
	case Reserved:
		return fmt.Sprintf("no voter can be called %q, which a path cannot carry: choose another id", ".."[:e.Bytes])
	case NotUTF8:
		return fmt.Sprintf("character %d of the voter id is the byte 0x%02X, which is not UTF-8: write the id in UTF-8", e.Character, e.Byte)
	case TooManyMarks:
		return fmt.Sprintf("character %d of the voter id has more than %d marks: leave some out", e.Character, maxMarks)
	}
	character := fmt.Sprintf("character %d of the voter id is U+%04X", e.Character, e.Rune)
	if name := nameOf(e.Rune); name != "" {
		character += " (" + name + ")"
	}
	return character + remedies[e.Reason]
}

// remedies end the sentences about one character.
var remedies = map[Reason]string{
	Control:     ", a control character: leave it out",
	SpaceBefore: ", white space at its beginning: leave it out",
	SpaceAfter:  ", white space at its end: leave it out",
	OtherSpace:  ", which only looks like a space: write a plain space instead",
	Invisible:   ", which cannot be seen: leave it out",
	Private:     ", which means something else on each machine: write a character of Unicode instead",
	Unassigned:  ", which stands for nothing in Unicode " + unicode.Version + ": leave it out",
}

// Detail returns the same as a full sentence.
func (e *Error) Detail() string {
	text := e.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
