package proof

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// ClosingProof shows that a log has ended, by which rules and with which numbers. As a file it
// is a Proof of the closing entry, whose extra data is JSON:
//
//	{"kind":"closing","poll":"board-2026","title":"Board 2026","opens_at":0,"closes_at":0,
//	 "first":"…68 bytes","first_path":["…32 bytes"],"closing":"…153 bytes"}
//
// Bytes are in base64, times in milliseconds since the Unix epoch, 0 for none. The definition
// of the poll is a file of its own: the first entry has its hash, without title and times, and
// the closing entry has its hash with these.
type ClosingProof struct {
	Poll       string
	Title      string
	OpensAt    int64
	ClosesAt   int64
	First      DefinitionEntry
	FirstPath  []Hash // from the first entry to the root
	Closing    ClosingEntry
	Path       []Hash // from the closing entry to the root
	Checkpoint []byte
}

const kindClosing = "closing"

// closingExtra is the extra data as it is written.
type closingExtra struct {
	Kind      string   `json:"kind"`
	Poll      string   `json:"poll"`
	Title     string   `json:"title"`
	OpensAt   int64    `json:"opens_at"`
	ClosesAt  int64    `json:"closes_at"`
	First     []byte   `json:"first"`
	FirstPath [][]byte `json:"first_path"`
	Closing   []byte   `json:"closing"`
}

// Append appends the proof as a file.
func (c *ClosingProof) Append(b []byte) []byte {
	text, err := json.Marshal(closingExtra{
		Kind: kindClosing, Poll: c.Poll, Title: c.Title, OpensAt: c.OpensAt, ClosesAt: c.ClosesAt,
		First: c.First.Append(nil), FirstPath: slicesOf(c.FirstPath), Closing: c.Closing.Append(nil),
	})
	if err != nil {
		panic("strings, numbers and bytes became no JSON: " + err.Error())
	}
	return Proof{Extra: text, Index: c.size() - 1, Path: c.Path, Checkpoint: c.Checkpoint}.Append(b)
}

// ParseClosingProof reads what Append wrote. Nothing is checked yet but the form.
func ParseClosingProof(b []byte) (*ClosingProof, error) {
	p, err := ParseProof(b)
	if err != nil {
		return nil, err
	}
	var x closingExtra
	d := json.NewDecoder(bytes.NewReader(p.Extra))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil || d.More() || x.Kind != kindClosing {
		return nil, fmt.Errorf("%w: the extra data is not the JSON of a proof of a closing: %v", ErrMalformed, err)
	}
	var f fields
	c := &ClosingProof{
		Poll: x.Poll, Title: x.Title, OpensAt: x.OpensAt, ClosesAt: x.ClosesAt,
		FirstPath: f.path("first_path", x.FirstPath), Path: p.Path, Checkpoint: p.Checkpoint,
	}
	if f.err != nil {
		return nil, f.err
	}
	if c.First, err = ParseDefinitionEntry(x.First); err != nil {
		return nil, err
	}
	if c.Closing, err = ParseClosingEntry(x.Closing); err != nil {
		return nil, err
	}
	if p.Index != c.size()-1 {
		return nil, fmt.Errorf("%w: it closed with %d ballots, so the closing is entry %d, and not %d", ErrMalformed, c.Closing.Records, c.size()-1, p.Index)
	}
	return c, nil
}

// size is how many entries the log ended with.
func (c *ClosingProof) size() uint64 { return uint64(c.Closing.Records) + 2 }

// Check checks what the proof says under a policy that its user has from elsewhere: that the
// head is signed as the policy asks, that the log ends with the closing, and that it begins with
// the definition. It returns the head, or what is wrong: the errors of Policy.Check, ErrOrigin,
// ErrEnded, ErrNotInTree. Which definition it is, and whether a profile is the one of the
// closing, is for the caller to compare.
func (c *ClosingProof) Check(p *Policy) (Head, error) {
	h, err := p.Check(c.Checkpoint)
	if err != nil {
		return Head{}, err
	}
	return h, c.CheckIn(h)
}

// CheckIn is Check under a head that was checked: the proof's own.
func (c *ClosingProof) CheckIn(h Head) error {
	o, err := ParseOrigin(h.Origin)
	if err != nil {
		return err
	}
	if o.Poll != c.Poll {
		return fmt.Errorf("%w: the closing says that it is of the poll %.80q, and the signed head in it is of %q", ErrOrigin, c.Poll, o.Poll)
	}
	if err := c.Closing.CheckIn(h, c.Path); err != nil {
		return err
	}
	if err := CheckInclusion(h.Root, h.Size, 0, LeafHash(c.First.Append(nil)), c.FirstPath); err != nil {
		return fmt.Errorf("the definition of the poll: %w", err)
	}
	return nil
}
