package proof

import (
	"bytes"
	"strings"
	"testing"
)

func TestAReceiptIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	l := makeLog(t)
	both := l.final(t, 17)
	opening := goldenOpening(17)
	both.Opening = &opening
	for name, r := range map[string]*Receipt{
		"counted": l.receipt(t, 299, 300), "opened": l.opened(t, 1, 2), "final": l.final(t, 300), "final and opened": both,
	} {
		file := r.Append(nil)
		got := ok(ParseReceipt(file))(t)
		must(t, second(got.Check(goldenPolicy(t))))
		if !bytes.Equal(got.Append(nil), file) {
			t.Errorf("%s: written again it is\n%s\nand was\n%s", name, got.Append(nil), file)
		}
	}
}

func TestReceiptFilesThatMustBeRefused(t *testing.T) {
	t.Parallel()
	good := ok(ParseProof(golden(t, "opened.tlog-proof")))(t)
	text := string(golden(t, "opened.tlog-proof"))
	with := func(from, to string) string {
		p := good
		p.Extra = bytes.Replace(good.Extra, []byte(from), []byte(to), 1)
		if bytes.Equal(p.Extra, good.Extra) {
			t.Fatalf("%s is not in the receipt", from)
		}
		return string(p.Append(nil))
	}
	bare := good
	bare.Extra = nil
	long := good
	long.Path = make([]Hash, 65)
	for name, file := range map[string]string{
		"an empty one":                      "",
		"another first line":                strings.Replace(text, "@v1", "@v2", 1),
		"no extra data":                     string(bare.Append(nil)),
		"extra data that is not base64":     strings.Replace(text, "extra ey", "extra *y", 1),
		"no index":                          strings.Replace(text, "index 17\n", "", 1),
		"an index with leading zeroes":      strings.Replace(text, "index 17", "index 017", 1),
		"an index that is no number":        strings.Replace(text, "index 17", "index x", 1),
		"no empty line":                     strings.ReplaceAll(text, "\n\n", "\n"),
		"lines that end in CR LF":           strings.ReplaceAll(text, "\n", "\r\n"),
		"a hash that is cut":                strings.Replace(text, "=\n", "\n", 2),
		"65 hashes":                         string(long.Append(nil)),
		"a megabyte":                        text + strings.Repeat("x", 1<<20),
		"a member that receipts lack":       with(`"version"`, `"choice":"ann","version"`),
		"JSON that is cut":                  with(`"}`, `"`),
		"two values":                        with(`"}`, `"}{}`),
		"a short key":                       shortKey(good),
		"a kind that does not fit":          with(`"opened"`, `"counted"`),
		"a kind that says nothing replaced": with(`"opened"`, `"final"`),
		"an unknown kind":                   with(`"opened"`, `"promised"`),
		"a negative number":                 with(`"supersedes":0`, `"supersedes":-1`),
	} {
		if _, err := ParseReceipt([]byte(file)); !is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}

// shortKey is a receipt whose voter key has three bytes.
func shortKey(p Proof) string {
	at := bytes.Index(p.Extra, []byte(`"key":"`)) + len(`"key":"`)
	p.Extra = append(append(bytes.Clone(p.Extra[:at]), "AAAA"...), p.Extra[at+24:]...)
	return string(p.Append(nil))
}

func TestATrackerIsTheBeginningOfTheLeafHash(t *testing.T) {
	t.Parallel()
	r := ok(ParseReceipt(golden(t, "counted.tlog-proof")))(t)
	leaf := r.Ballot.Leaf()
	// The same, bit by bit.
	bits := ""
	for _, b := range leaf[:7] {
		for i := 7; i >= 0; i-- {
			bits += string('0' + b>>i&1)
		}
	}
	want := ""
	for i := range 10 {
		n := 0
		for _, c := range bits[5*i : 5*i+5] {
			n = 2*n + int(c-'0')
		}
		want += "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[n : n+1]
	}
	if got := r.Tracker(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAProfileIsHashedInOneOrderOnly(t *testing.T) {
	t.Parallel()
	hash := func(lines ...ProfileLine) (Hash, error) {
		return HashProfile(func(yield func(ProfileLine) bool) {
			for _, l := range lines {
				if !yield(l) {
					return
				}
			}
		})
	}
	ann, bo := ProfileLine{[]byte{1, 0}, 5, 5}, ProfileLine{[]byte{1, 1}, 7, 7}
	moved := ok(hash(ProfileLine{ann.Selections, 4, 4}, ProfileLine{bo.Selections, 8, 8}))(t)
	if moved == ok(hash(ann, bo))(t) {
		t.Error("a ballot moved from one choice to another leaves the hash as it was")
	}
	for name, err := range map[string]error{"out of order": second(hash(bo, ann)), "twice": second(hash(ann, ann))} {
		if !is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}

func TestAnOriginHasThreeParts(t *testing.T) {
	t.Parallel()
	want := Origin{goldenLog, goldenPoll, "r4711"}
	if got := ok(ParseOrigin(want.String()))(t); got != want {
		t.Errorf("got %+v", got)
	}
	for _, s := range []string{"", "a", "a/b", "/a/b", "a//b", "a/b/"} {
		if _, err := ParseOrigin(s); !is(err, ErrMalformed) {
			t.Errorf("%q is taken", s)
		}
	}
}
