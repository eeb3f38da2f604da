package prover

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"

	"voted/proof"
)

// Method is the call by which members ask one another to sign heads.
const Method = "cosign"

// The limits of a call.
const (
	// maxAsks bounds the heads of one call, whether to be signed or signed: all of them in
	// one sync of the signer's disk.
	maxAsks = 256
	// maxNoteBytes is above a note with 16 signatures.
	maxNoteBytes = 8 << 10
	// maxOriginBytes is above what a log's name and a poll's id may have together.
	maxOriginBytes = 512
)

// callFormat is the first byte of a question and of an answer.
const callFormat = 1

// question is what one member asks another. It may have any of its three parts.
//
//	1 ‖ u16 n ‖ n × (origin ‖ u64 size ‖ root 32)       heads to sign
//	  ‖ u16 n ‖ n × (u16 length ‖ note)                 heads that a majority has signed
//	  ‖ u8 recall ‖ member ‖ after 16                   recall 1: heads that this member signed
//
// An origin and a member are u16 length ‖ text.
type question struct {
	asks  []ask
	heads [][]byte
	// recall asks for heads that bear the signature of this member, "": for none. They come
	// in the order of their keys, after the last one that was looked at before.
	recall string
	after  logKey
}

// ask is one head to sign.
type ask struct {
	origin proof.Origin
	Point
}

// answer is what comes back.
//
//	1 ‖ log key 32 ‖ cosigner key 32
//	  ‖ u16 n ‖ n × (u8 verdict ‖ if signed: u32 key id ‖ u8 length ‖ signature)
//	  ‖ u8 more ‖ if more: last 16 ‖ u16 n ‖ n × (u16 length ‖ note)
type answer struct {
	keys     Keys // of the member that answers
	verdicts []reply
	heads    [][]byte // that were asked for with recall
	more     bool     // there may be more of them, though none came,
	last     logKey   // after this one
}

// reply is the answer to one ask.
type reply struct {
	verdict Verdict
	id      uint32 // of the key that signed
	sig     []byte // as in proof.Signature, with Signed alone
}

func (q *question) encode() ([]byte, error) {
	if len(q.asks) > maxAsks || len(q.heads) > maxAsks {
		return nil, fmt.Errorf("a call has at most %d heads", maxAsks)
	}
	b := []byte{callFormat}
	b = binary.BigEndian.AppendUint16(b, uint16(len(q.asks)))
	for i := range q.asks {
		a := &q.asks[i]
		b = appendText(b, a.origin.String())
		b = binary.BigEndian.AppendUint64(b, a.Size)
		b = append(b, a.Root[:]...)
	}
	b = appendNotes(b, q.heads)
	if q.recall == "" {
		return append(b, 0), nil
	}
	return append(appendText(append(b, 1), q.recall), q.after[:]...), nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendNotes(b []byte, notes [][]byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(notes)))
	for _, n := range notes {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(n))), n...)
	}
	return b
}

// errForm: the other end is of another version, or something else speaks.
var errForm = errors.New("the call does not have the form that this build knows; start all members with one version")

// reader reads a call. Its methods return zero after the first fault.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	part := r.b[:n:n]
	r.b = r.b[n:]
	return part
}

func (r *reader) u8() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() int {
	if b := r.take(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// count reads how many there are of something.
func (r *reader) count() int {
	n := r.u16()
	r.bad = r.bad || n > maxAsks
	if r.bad {
		return 0
	}
	return n
}

// text reads a text of a byte at least.
func (r *reader) text(most int) string {
	n := r.u16()
	r.bad = r.bad || n == 0 || n > most
	return string(r.take(n))
}

func (r *reader) notes() (notes [][]byte) {
	for range r.count() {
		n := r.u16()
		r.bad = r.bad || n == 0 || n > maxNoteBytes
		notes = append(notes, r.take(n))
	}
	return notes
}

// end reports whether all was read, and nothing was wrong.
func (r *reader) end() bool { return !r.bad && len(r.b) == 0 }

func decodeQuestion(b []byte) (q question, err error) {
	r := &reader{b: b}
	r.bad = r.u8() != callFormat
	for range r.count() {
		var a ask
		if a.origin, err = proof.ParseOrigin(r.text(maxOriginBytes)); err != nil {
			return question{}, errForm
		}
		a.Size = r.u64()
		copy(a.Root[:], r.take(len(a.Root)))
		q.asks = append(q.asks, a)
	}
	q.heads = r.notes()
	switch r.u8() {
	case 0:
	case 1:
		q.recall = r.text(maxOriginBytes)
		copy(q.after[:], r.take(len(q.after)))
	default:
		r.bad = true
	}
	if !r.end() {
		return question{}, errForm
	}
	return q, nil
}

func (a *answer) encode() []byte {
	b := append(append([]byte{callFormat}, a.keys.Log...), a.keys.Cosigner...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(a.verdicts)))
	for _, v := range a.verdicts {
		b = append(b, byte(v.verdict))
		if v.verdict == Signed {
			b = binary.BigEndian.AppendUint32(b, v.id)
			b = append(append(b, byte(len(v.sig))), v.sig...)
		}
	}
	if a.more {
		b = append(append(b, 1), a.last[:]...)
	} else {
		b = append(b, 0)
	}
	return appendNotes(b, a.heads)
}

func decodeAnswer(b []byte) (a answer, err error) {
	r := &reader{b: b}
	r.bad = r.u8() != callFormat
	a.keys.Log, a.keys.Cosigner = r.take(ed25519.PublicKeySize), r.take(ed25519.PublicKeySize)
	for range r.count() {
		v := reply{verdict: Verdict(r.u8())}
		if v.verdict == Signed {
			if id := r.take(4); id != nil {
				v.id = binary.BigEndian.Uint32(id)
			}
			v.sig = r.take(int(r.u8()))
		}
		r.bad = r.bad || v.verdict < Unknown || v.verdict > Signed
		a.verdicts = append(a.verdicts, v)
	}
	more := r.u8()
	if a.more, r.bad = more == 1, r.bad || more > 1; a.more {
		copy(a.last[:], r.take(len(a.last)))
	}
	if a.heads = r.notes(); !r.end() {
		return answer{}, errForm
	}
	return a, nil
}
