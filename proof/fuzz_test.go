package proof

import (
	"bytes"
	"testing"
)

// What is read is written again in the same way, and nothing panics or takes long.

func FuzzNote(f *testing.F) {
	f.Add(golden(f, "checkpoint-200"))
	f.Add([]byte("text\n\n\u2014 name AAAAAAE=\n"))
	f.Add(golden(f, "17.promise"))
	p := goldenPolicy(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := ParseNote(b)
		if err != nil {
			return
		}
		if again := ok(ParseNote(n.Append(nil)))(t); again.Text != n.Text || len(again.Signatures) != len(n.Signatures) {
			t.Fatalf("%q is read as %+v and as %+v", b, n, again)
		}
		if c, err := ParseCheckpoint(n.Text); err == nil && c.String() != n.Text {
			t.Fatalf("the checkpoint %q is written as %q", n.Text, c)
		}
		if q, err := ParsePromise(b); err == nil && q.String() != n.Text {
			t.Fatalf("the promise %q is written as %q", n.Text, q)
		}
		if q, err := p.Promised(b); err == nil && q.Number != 17 {
			t.Fatalf("a promise that nobody signed is good: %+v", q)
		}
		if h, err := p.Check(b); err == nil && h.Size != 200 && h.Size != goldenSize {
			t.Fatalf("a head that nobody signed is good: %+v", h)
		}
	})
}

func FuzzReceipt(f *testing.F) {
	for _, name := range []string{"counted", "opened", "final", "replaced"} {
		f.Add(golden(f, name+".tlog-proof"))
	}
	p := goldenPolicy(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := ParseProof(b)
		if err == nil && !bytes.Equal(file.Append(nil), b) {
			t.Fatalf("the proof %q is written as %q", b, file.Append(nil))
		}
		r, err := ParseReceipt(b)
		if err != nil {
			return
		}
		if _, err := ParseReceipt(r.Append(nil)); err != nil {
			t.Fatalf("%q is read, but not as it is written again: %v", b, err)
		}
		if _, err := r.Check(p); err == nil && (r.Number != 17 || r.Voter != "v-17") {
			t.Fatalf("a receipt that nobody made is good: %+v", r)
		}
	})
}

func FuzzPolicyAndTilePath(f *testing.F) {
	f.Add(golden(f, "board-2026.policy"))
	f.Add([]byte("tile/0/x001/234.p/17"))
	f.Add([]byte("tile/entries/000"))
	note := golden(f, "checkpoint-200")
	f.Fuzz(func(t *testing.T, b []byte) {
		if tile, err := ParseTilePath(string(b)); err == nil && tile.Path() != string(b) {
			t.Fatalf("%q is the path of %+v, which is %q", b, tile, tile.Path())
		}
		p, err := ParsePolicy(b)
		if err != nil {
			return
		}
		again, err := ParsePolicy([]byte(p.String()))
		if err != nil || again.String() != p.String() {
			t.Fatalf("%q is written as %q: %v", b, p, err)
		}
		if h, err := p.Check(note); err == nil && len(h.Cosigned) == 0 {
			t.Fatalf("a head that nobody cosigned is good under %q", b)
		}
	})
}
