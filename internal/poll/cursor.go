package poll

import (
	"encoding/binary"
	"errors"
)

// ErrTruncated means that an encoding ends early or cannot be read.
var ErrTruncated = errors.New("encoding is truncated or malformed")

// Cursor reads the encodings of this package from front to back. After the first fault
// every read returns zero, so callers check Err once, at the end.
type Cursor struct {
	rest []byte
	err  error
}

// NewCursor starts reading at the beginning of b. What it returns shares b's memory.
func NewCursor(b []byte) *Cursor { return &Cursor{rest: b} }

// Err returns the first fault.
func (c *Cursor) Err() error { return c.err }

// Fail makes err the cursor's fault if it has none yet.
func (c *Cursor) Fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.rest = nil
}

// Len returns how many bytes have not been read.
func (c *Cursor) Len() int { return len(c.rest) }

// Uvarint reads an unsigned number.
func (c *Cursor) Uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		c.Fail(ErrTruncated)
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

// Bounded reads an unsigned number that must not exceed limit.
func (c *Cursor) Bounded(limit uint64) uint64 {
	v := c.Uvarint()
	if v > limit {
		c.Fail(ErrTruncated)
		return 0
	}
	return v
}

// Bytes reads n bytes.
func (c *Cursor) Bytes(n int) []byte {
	if n < 0 || n > len(c.rest) {
		c.Fail(ErrTruncated)
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

// Blob reads a length and as many bytes.
func (c *Cursor) Blob() []byte { return c.Bytes(int(c.Bounded(uint64(len(c.rest))))) }

// String reads a length and a string.
func (c *Cursor) String() string { return string(c.Blob()) }

// Byte reads one byte.
func (c *Cursor) Byte() byte {
	if b := c.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// fill reads exactly len(dst) bytes into dst.
func (c *Cursor) fill(dst []byte) { copy(dst, c.Bytes(len(dst))) }

// Definition reads what Definition.AppendCanonical wrote, even a definition that Validate
// refuses: a committed command must be readable by every member, or one bad request would
// stop them all.
func (c *Cursor) Definition() Definition {
	d := Definition{ID: c.String(), Title: c.String()}
	n := c.Bounded(uint64(c.Len())) // an option takes two bytes at least
	d.Options = make([]Option, 0, min(n, MaxOptions))
	for range n {
		if c.err != nil {
			break
		}
		d.Options = append(d.Options, Option{ID: c.String(), Title: c.String()})
	}
	d.Method = c.String()
	d.MinSelections, d.MaxSelections = int(c.Uvarint()), int(c.Uvarint())
	d.MaxScore = int(c.Uvarint())
	d.Revote, d.Results = Revote(c.Bounded(255)), Visibility(c.Bounded(255))
	d.Secrecy = Secrecy(c.Bounded(255))
	d.OpensAt, d.ClosesAt = int64(c.Uvarint()), int64(c.Uvarint())
	d.MaxBallots = c.Uvarint()
	eligibility := c.Bounded(counting | disclosing | presenting | 255)
	d.Eligibility, d.Quorum = Eligibility(eligibility&255), c.Uvarint()
	if eligibility&counting != 0 {
		c.counting(&d)
	}
	if eligibility&disclosing != 0 {
		c.disclosure(&d)
	}
	if eligibility&presenting != 0 {
		c.presentation(&d)
	}
	return d
}

// maxTime is the latest time a record can hold: the year 10889.
const maxTime = 1<<48 - 1
