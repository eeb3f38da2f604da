package prover

import (
	"bytes"
	"reflect"
	"testing"

	"voted/proof"
)

func sampleQuestion() question {
	o := proof.Origin{Log: "votes.example", Poll: "board", Lineage: "r77"}
	return question{
		asks:   []ask{{o, Point{1 << 40, proof.Hash{1}}}, {o, Point{1, proof.Hash{2}}}},
		heads:  [][]byte{[]byte("a note")},
		recall: "votes.example/n1", after: logKey{3},
	}
}

func sampleAnswer() answer {
	return answer{
		keys:     Keys{Log: bytes.Repeat([]byte{1}, 32), Cosigner: bytes.Repeat([]byte{2}, 32)},
		verdicts: []reply{{verdict: Signed, id: 7, sig: bytes.Repeat([]byte{9}, 72)}, {verdict: Forked}},
		heads:    [][]byte{[]byte("another note")}, more: true, last: logKey{4},
	}
}

func TestACallIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	q := sampleQuestion()
	b, err := q.encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeQuestion(b); err != nil || !reflect.DeepEqual(got, q) {
		t.Errorf("%+v, %v", got, err)
	}
	a := sampleAnswer()
	if got, err := decodeAnswer(a.encode()); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v, %v", got, err)
	}
	// What is cut off, or goes on, is refused.
	for n := range b {
		if _, err := decodeQuestion(b[:n]); err == nil {
			t.Errorf("the first %d bytes of a question are one", n)
		}
	}
	if _, err := decodeQuestion(append(b, 0)); err == nil {
		t.Error("a question with a byte after it is one")
	}
	many := question{asks: make([]ask, maxAsks+1)}
	if _, err := many.encode(); err == nil {
		t.Error("a call with too many heads is made")
	}
}

// FuzzCall checks that no call harms its reader, and that what is read is what was written.
func FuzzCall(f *testing.F) {
	q := sampleQuestion()
	b, _ := q.encode()
	a := sampleAnswer()
	empty, _ := (&question{}).encode()
	for _, seed := range [][]byte{b, a.encode(), empty, (&answer{keys: sampleAnswer().keys}).encode(), nil, {1}, {1, 0xff, 0xff}, {2, 0, 0, 0, 0, 0}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, err := decodeQuestion(b); err == nil {
			if again, err := q.encode(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("%x is read, and written as %x, %v", b, again, err)
			}
		}
		if a, err := decodeAnswer(b); err == nil {
			if again := a.encode(); !bytes.Equal(again, b) {
				t.Errorf("%x is read, and written as %x", b, again)
			}
		}
	})
}
