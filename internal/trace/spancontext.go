package trace

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// TraceID and SpanID are those of W3C Trace Context; all zeros is none.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

// String returns the id as 32 hexadecimal digits.
func (t TraceID) String() string { return hex.EncodeToString(t[:]) }

// SpanContext identifies a span across processes.
type SpanContext struct {
	Trace   TraceID
	Span    SpanID
	Sampled bool
	State   string // tracestate as received: passed on and exported, never read
}

// The form of a traceparent, W3C Trace Context §3.2:
// version "-" trace-id "-" parent-id "-" trace-flags.
const (
	traceparentLen = 2 + 1 + 32 + 1 + 16 + 1 + 2
	flagSampled    = 1
	// maxStateBytes: §3.3.1.5 requires passing on at least 512.
	maxStateBytes = 512
)

// ParseTraceparent reads a traceparent. What a later version appends is ignored.
func ParseTraceparent(s string) (c SpanContext, ok bool) {
	var version, flags [1]byte
	switch {
	case len(s) < traceparentLen, s[2] != '-', s[35] != '-', s[52] != '-',
		!unhex(version[:], s[:2]), !unhex(c.Trace[:], s[3:35]), !unhex(c.Span[:], s[36:52]), !unhex(flags[:], s[53:55]):
		return SpanContext{}, false
	case version[0] == 0xff, version[0] == 0 && len(s) > traceparentLen, len(s) > traceparentLen && s[traceparentLen] != '-',
		c.Trace == TraceID{}, c.Span == SpanID{}:
		return SpanContext{}, false
	}
	c.Sampled = flags[0]&flagSampled != 0
	return c, true
}

// unhex decodes lowercase digits only; uppercase ones are not allowed.
func unhex(into []byte, s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	_, err := hex.Decode(into, []byte(s))
	return err == nil
}

// Traceparent returns the header that makes c the parent of work done elsewhere.
func (c SpanContext) Traceparent() string {
	b := make([]byte, 0, traceparentLen)
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, c.Trace[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, c.Span[:])
	if c.Sampled {
		return string(append(b, "-01"...))
	}
	return string(append(b, "-00"...))
}

// newRoot makes the random ids of a sampled trace's first span.
func newRoot() SpanContext {
	c := SpanContext{Sampled: true, Span: newSpanID()}
	for c.Trace == (TraceID{}) {
		binary.BigEndian.PutUint64(c.Trace[:8], rand.Uint64())
		binary.BigEndian.PutUint64(c.Trace[8:], rand.Uint64())
	}
	return c
}

func newSpanID() (id SpanID) {
	for id == (SpanID{}) {
		binary.BigEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}
