package proof

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Limits of a proof that is read.
const (
	MaxProofBytes = MaxNoteBytes + 64<<10
	maxPathHashes = 64
)

const proofHeader = "c2sp.org/tlog-proof@v1"

// Proof is a text file that shows that one entry is in a log (c2sp.org/tlog-proof).
type Proof struct {
	Extra      []byte // what the application needs to make the entry; not to be trusted; may be nil
	Index      uint64 // number of the entry
	Path       []Hash // as View.Inclusion returns it
	Checkpoint []byte // a signed note
}

// Append appends the proof as a file.
func (p Proof) Append(b []byte) []byte {
	b = append(b, proofHeader+"\n"...)
	if p.Extra != nil {
		b = append(b, "extra "+base64.StdEncoding.EncodeToString(p.Extra)+"\n"...)
	}
	b = append(b, "index "+strconv.FormatUint(p.Index, 10)+"\n"...)
	for _, h := range p.Path {
		b = append(b, h.String()+"\n"...)
	}
	return append(append(b, '\n'), p.Checkpoint...)
}

// ParseProof reads what Append wrote. The checkpoint in it is not read: Policy.Check does
// that. It fails with ErrMalformed.
func ParseProof(b []byte) (Proof, error) {
	if len(b) > MaxProofBytes {
		return Proof{}, fmt.Errorf("%w: a proof has at most %d bytes, and this file has %d", ErrMalformed, MaxProofBytes, len(b))
	}
	if err := checkNoteText(b); err != nil {
		return Proof{}, err
	}
	head, checkpoint, ok := strings.Cut(string(b), separator)
	if !ok {
		return Proof{}, fmt.Errorf("%w: there is no empty line between the proof and the checkpoint", ErrMalformed)
	}
	lines := strings.Split(head, "\n")
	if lines[0] != proofHeader {
		return Proof{}, fmt.Errorf("%w: the first line of a proof is %s, and here it is %.60q", ErrMalformed, proofHeader, lines[0])
	}
	p := Proof{Checkpoint: []byte(checkpoint)}
	lines = lines[1:]
	if len(lines) > 0 {
		if text, ok := strings.CutPrefix(lines[0], "extra "); ok {
			extra, err := base64.StdEncoding.Strict().DecodeString(text)
			if err != nil {
				return Proof{}, fmt.Errorf("%w: what follows extra is not base64", ErrMalformed)
			}
			p.Extra, lines = extra, lines[1:]
		}
	}
	if len(lines) == 0 {
		return Proof{}, fmt.Errorf("%w: a proof has a line that begins with index", ErrMalformed)
	}
	number, ok := strings.CutPrefix(lines[0], "index ")
	if !ok {
		return Proof{}, fmt.Errorf("%w: after the first lines of a proof comes index and a number, not %.60q", ErrMalformed, lines[0])
	}
	var err error
	if p.Index, err = parseNumber(number); err != nil {
		return Proof{}, fmt.Errorf("the index of a proof: %w", err)
	}
	p.Path, err = parsePath(lines[1:])
	return p, err
}

func parsePath(lines []string) ([]Hash, error) {
	if len(lines) > maxPathHashes {
		return nil, fmt.Errorf("%w: a proof has at most %d hashes, and this one has %d", ErrMalformed, maxPathHashes, len(lines))
	}
	path := make([]Hash, 0, len(lines))
	for _, line := range lines {
		h, err := ParseHash(line)
		if err != nil {
			return nil, err
		}
		path = append(path, h)
	}
	return path, nil
}
