package trace

import (
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of fields are those of opentelemetry/proto/collector/trace/v1, trace/v1,
// resource/v1 and common/v1, which are stable. A test reads the output with the code
// that is generated from them.

// message appends a field that is a message of its own.
func message(b []byte, field protowire.Number, write func(b []byte) []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), write(nil))
}

func text(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	// One span with bytes that are not UTF-8 would cost all spans of its delivery.
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), strings.ToValidUTF8(s, "\uFFFD"))
}

func raw(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func number(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func instant(b []byte, field protowire.Number, at time.Time) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), uint64(at.UnixNano()))
}

// encode writes an ExportTraceServiceRequest.
func encode(o Options, spans []*Span) []byte {
	return message(nil, 1, func(b []byte) []byte { // resource_spans
		b = message(b, 1, func(b []byte) []byte { // resource
			for _, a := range []attribute{
				{key: "service.name", text: "voted"}, {key: "service.instance.id", text: o.Node}, {key: "service.version", text: o.Version},
			} {
				b = message(b, 1, a.encode)
			}
			return b
		})
		return message(b, 2, func(b []byte) []byte { // scope_spans
			b = message(b, 1, func(b []byte) []byte { return text(text(b, 1, "voted"), 2, o.Version) }) // scope
			for _, s := range spans {
				b = message(b, 2, s.encode)
			}
			return b
		})
	})
}

// encode writes a KeyValue.
func (a attribute) encode(b []byte) []byte {
	b = text(b, 1, a.key)
	return message(b, 2, func(b []byte) []byte { // AnyValue
		if a.text != "" {
			return text(b, 1, a.text)
		}
		return number(b, 3, uint64(a.number))
	})
}

// encode writes a Span. The span must have ended, so nothing changes it.
func (s *Span) encode(b []byte) []byte {
	const statusError = 2
	b = raw(b, 1, s.context.Trace[:])
	b = raw(b, 2, s.context.Span[:])
	b = text(b, 3, s.context.State)
	if s.parent != (SpanID{}) {
		b = raw(b, 4, s.parent[:])
	}
	b = text(b, 5, s.name)
	b = number(b, 6, uint64(s.kind))
	b = instant(b, 7, s.start)
	b = instant(b, 8, s.end)
	for _, a := range s.attributes {
		b = message(b, 9, a.encode)
	}
	for _, l := range s.links {
		b = message(b, 13, func(b []byte) []byte { return text(raw(raw(b, 1, l.Trace[:]), 2, l.Span[:]), 3, l.State) })
	}
	if s.failure != "" {
		b = message(b, 15, func(b []byte) []byte { return number(text(b, 2, s.failure), 3, statusError) })
	}
	return b
}

// rejectedSpans returns how many spans were rejected according to an
// ExportTraceServiceResponse, 0 if that cannot be read.
func rejectedSpans(answer []byte) int {
	partial := field(answer, 1, protowire.BytesType)
	if partial == nil {
		return 0
	}
	n, size := protowire.ConsumeBytes(partial)
	if size < 0 {
		return 0
	}
	count, size := protowire.ConsumeVarint(field(n, 1, protowire.VarintType))
	if size < 0 {
		return 0
	}
	return int(max(0, min(int64(count), math.MaxInt32)))
}

// field returns what follows the tag of a field, nil if the field is missing.
func field(b []byte, want protowire.Number, kind protowire.Type) []byte {
	for len(b) > 0 {
		got, t, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil
		}
		b = b[n:]
		if got == want && t == kind {
			return b
		}
		if n = protowire.ConsumeFieldValue(got, t, b); n < 0 {
			return nil
		}
		b = b[n:]
	}
	return nil
}
