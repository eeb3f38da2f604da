package fsm

import (
	"encoding/binary"
	"fmt"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// Outcomes are sent from the leader to the member that received the ballots: the log
// index and time of the entry, then per ballot a kind byte and
//
//	counted   record number
//	replaced  record number, version
//	replayed  record number, version, index, time
//	refused   code, the voter's current version or 0
//
// all uvarints. A counted ballot has the entry's own index and time.

// AppendOutcomes appends the outcomes of one frame.
func AppendOutcomes(b []byte, index uint64, clock int64, outcomes []poll.Outcome) []byte {
	b = binary.AppendUvarint(b, index)
	b = binary.AppendUvarint(b, uint64(clock))
	for i := range outcomes {
		o := &outcomes[i]
		r := &o.Receipt
		b = append(b, byte(o.Kind))
		switch o.Kind {
		case poll.Counted:
			b = binary.AppendUvarint(b, uint64(r.Ballot))
		case poll.Replaced:
			b = binary.AppendUvarint(b, uint64(r.Ballot))
			b = binary.AppendUvarint(b, uint64(r.Version))
		case poll.Replayed:
			b = binary.AppendUvarint(b, uint64(r.Ballot))
			b = binary.AppendUvarint(b, uint64(r.Version))
			b = binary.AppendUvarint(b, r.Index)
			b = binary.AppendUvarint(b, uint64(r.CastAt))
		case poll.Refused:
			b = append(b, byte(o.Code))
			b = binary.AppendUvarint(b, uint64(r.Version))
		}
	}
	return b
}

// DecodeOutcomes reads the outcomes of a frame of n ballots, and the log index of
// their entry.
func DecodeOutcomes(b []byte, n int) (index uint64, outcomes []poll.Outcome, err error) {
	c := poll.NewCursor(b)
	index = c.Uvarint()
	clock := int64(c.Uvarint())
	if n > c.Len()/2 {
		return 0, nil, fmt.Errorf("outcomes: %w", poll.ErrTruncated)
	}
	outcomes = make([]poll.Outcome, n)
	for i := range outcomes {
		o := &outcomes[i]
		o.Kind = poll.Kind(c.Byte())
		r := &o.Receipt
		switch o.Kind {
		case poll.Counted:
			*r = poll.Receipt{Ballot: uint32(c.Uvarint()), Version: 1, Index: index, CastAt: clock}
		case poll.Replaced:
			*r = poll.Receipt{Ballot: uint32(c.Uvarint()), Version: uint32(c.Uvarint()), Index: index, CastAt: clock}
		case poll.Replayed:
			*r = poll.Receipt{Ballot: uint32(c.Uvarint()), Version: uint32(c.Uvarint()), Index: c.Uvarint(), CastAt: int64(c.Uvarint())}
		case poll.Refused:
			o.Code = refusal.Code(c.Byte())
			r.Version = uint32(c.Uvarint())
		default:
			c.Fail(poll.ErrTruncated)
		}
	}
	if c.Err() != nil || c.Len() != 0 {
		return 0, nil, fmt.Errorf("outcomes: %w", poll.ErrTruncated)
	}
	return index, outcomes, nil
}

// EncodeResult encodes the answer to a management command. The reason and the subject
// of a refusal follow its fields, unless there is neither and nothing comes after them;
// the result of a roll's lines comes last. A sentence is encoded only if values cannot
// say it.
func EncodeResult(r poll.Result) []byte {
	b := binary.AppendUvarint(nil, r.Index)
	b = appendString(b, r.Poll)
	b = append(b, bit(r.Created), bit(r.Replayed), bit(r.Err != nil))
	if e := r.Err; e != nil {
		b = append(b, byte(e.Code))
		b = appendString(b, e.Detail)
		b = binary.AppendUvarint(b, uint64(e.Version))
		b = binary.AppendUvarint(b, uint64(e.RetryAfter))
		b = binary.AppendUvarint(b, uint64(len(e.Fields)))
		for _, f := range e.Fields {
			b = appendString(b, f.Field)
			b = appendString(b, f.Detail)
		}
		if e.Reason != refusal.Usual || e.Subject != "" || r.Roll != nil {
			b = appendString(append(b, byte(e.Reason)), e.Subject)
		}
	}
	if r.Roll != nil {
		b = appendRoll(b, r.Roll)
	}
	return b
}

// DecodeResult reads what EncodeResult wrote.
func DecodeResult(b []byte) (poll.Result, error) {
	c := poll.NewCursor(b)
	r := poll.Result{Index: c.Uvarint(), Poll: c.String(), Created: c.Byte() == 1, Replayed: c.Byte() == 1}
	if c.Byte() == 1 {
		r.Err = &refusal.Error{Code: refusal.Code(c.Byte()), Detail: c.String(), Version: uint32(c.Uvarint()), RetryAfter: int64(c.Uvarint())}
		for range c.Bounded(uint64(c.Len())) {
			r.Err.Fields = append(r.Err.Fields, refusal.FieldError{Field: c.String(), Detail: c.String()})
		}
	}
	if r.Err != nil && c.Len() > 0 {
		r.Err.Reason, r.Err.Subject = refusal.Reason(c.Byte()), c.String()
	}
	if c.Len() > 0 {
		r.Roll = readRoll(c)
	}
	if c.Err() != nil || c.Len() != 0 {
		return poll.Result{}, fmt.Errorf("result: %w", poll.ErrTruncated)
	}
	return r, nil
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
