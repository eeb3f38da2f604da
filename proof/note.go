package proof

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a note that is read.
const (
	// MaxNoteBytes is the longest note: 16 signatures of the largest kind that
	// c2sp.org/signed-note knows, and room for the text.
	MaxNoteBytes = 128 << 10
	// MaxSignatures is as many as c2sp.org/signed-note asks a verifier to take.
	MaxSignatures = 16
)

// Note is a text with signatures (c2sp.org/signed-note). None of them was checked:
// Verify does that.
type Note struct {
	Text       string // ends in a newline
	Signatures []Signature
}

// Signature is one line under a note.
type Signature struct {
	Name  string // of the key
	ID    uint32 // of the key
	Bytes []byte // what the key's algorithm made
}

const (
	separator      = "\n\n"
	signaturePoint = "\u2014 "
	keyIDBytes     = 4
)

// ParseNote reads a signed note. It must have at least one signature line, and at most
// MaxSignatures; it fails with ErrMalformed.
func ParseNote(b []byte) (Note, error) {
	if len(b) > MaxNoteBytes {
		return Note{}, fmt.Errorf("%w: a signed note has at most %d bytes, and this one has %d", ErrMalformed, MaxNoteBytes, len(b))
	}
	if err := checkNoteText(b); err != nil {
		return Note{}, err
	}
	at := bytes.LastIndex(b, []byte(separator))
	if at < 0 {
		return Note{}, fmt.Errorf("%w: a signed note is a text, an empty line and signatures; there is no empty line", ErrMalformed)
	}
	n := Note{Text: string(b[:at+1])}
	lines, err := wholeLines(string(b[at+len(separator):]))
	if err != nil {
		return Note{}, err
	}
	if len(lines) > MaxSignatures {
		return Note{}, fmt.Errorf("%w: a signed note has at most %d signatures, and this one has %d", ErrMalformed, MaxSignatures, len(lines))
	}
	for _, line := range lines {
		s, err := parseSignature(line)
		if err != nil {
			return Note{}, err
		}
		n.Signatures = append(n.Signatures, s)
	}
	return n, nil
}

// checkNoteText checks what all of a note must be: UTF-8 without control characters.
func checkNoteText(b []byte) error {
	if !utf8.Valid(b) {
		return fmt.Errorf("%w: it is not text in UTF-8", ErrMalformed)
	}
	for i, c := range b {
		if c < 0x20 && c != '\n' {
			return fmt.Errorf("%w: byte %d is the control character 0x%02x; only newlines are allowed, and no line ends in CR LF", ErrMalformed, i, c)
		}
	}
	return nil
}

// wholeLines splits text that must be lines, each ended by a newline.
func wholeLines(s string) ([]string, error) {
	rest, whole := strings.CutSuffix(s, "\n")
	if !whole {
		return nil, fmt.Errorf("%w: the last line does not end in a newline", ErrMalformed)
	}
	return strings.Split(rest, "\n"), nil
}

func parseSignature(line string) (Signature, error) {
	rest, ok := strings.CutPrefix(line, signaturePoint)
	name, text, spaced := strings.Cut(rest, " ")
	if !ok || !spaced || !validKeyName(name) {
		return Signature{}, fmt.Errorf("%w: %.80q is not a signature line: it must be an em dash, the name of a key, and base64", ErrMalformed, line)
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) <= keyIDBytes {
		return Signature{}, fmt.Errorf("%w: the signature of %s is not base64 of a key id and a signature", ErrMalformed, name)
	}
	return Signature{name, binary.BigEndian.Uint32(b), b[keyIDBytes:]}, nil
}

// validKeyName reports whether a key may have this name: no spaces, no plus, not empty.
func validKeyName(name string) bool {
	return name != "" && utf8.ValidString(name) && strings.IndexFunc(name, unicode.IsSpace) < 0 && !strings.Contains(name, "+")
}

// String returns the line of the signature, with its newline.
func (s Signature) String() string {
	b := append(binary.BigEndian.AppendUint32(nil, s.ID), s.Bytes...)
	return signaturePoint + s.Name + " " + base64.StdEncoding.EncodeToString(b) + "\n"
}

// Append appends the note as it stands in a file. The text must end in a newline.
func (n Note) Append(b []byte) []byte {
	b = append(append(b, n.Text...), '\n')
	for _, s := range n.Signatures {
		b = append(b, s.String()...)
	}
	return b
}

// Signed is a signature that was checked.
type Signed struct {
	By Verifier
	At uint64 // seconds since the Unix epoch that a cosignature states; 0 for others
}

// Verify checks the signatures of the keys that are known, and returns them in the order
// of keys, each key once, however often it signed. Signatures of other keys are ignored.
// It fails with ErrSignature if one that bears the name and id of a known key is false: a
// note that somebody tampered with is not to be used at all.
func (n Note) Verify(keys ...Verifier) ([]Signed, error) {
	var good []Signed
	for _, key := range keys {
		found := false
		for _, s := range n.Signatures {
			if s.Name != key.name || s.ID != key.id {
				continue
			}
			at, ok := key.verify(n.Text, s.Bytes)
			if !ok {
				return nil, fmt.Errorf("%w: the one of %s was not made by the key of %s for this text", ErrSignature, key.name, key.name)
			}
			if !found {
				good = append(good, Signed{key, at})
			}
			found = true
		}
	}
	return good, nil
}
