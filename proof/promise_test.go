package proof

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// promised is the golden log's ballot, as a member promises it.
func (l *madeLog) promised(t testing.TB, ballot uint64, member int) []byte {
	t.Helper()
	key := ok(NewLogSigner(goldenSeed(member), goldenOrigin))(t)
	return Promise{goldenOrigin, ballot, LeafHash(l.entries[ballot])}.Sign(key)
}

func TestAPromiseIsReadAsItWasWrittenAndIsOfItsSigner(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		origin := Origin{Log: rapid.StringMatching(`[a-z.]{1,12}(/[a-z]{1,8})?`).Draw(t, "log"), Poll: rapid.StringMatching(`[a-z0-9-]{1,20}`).Draw(t, "poll"), Lineage: rapid.StringMatching(`1|r[1-9][0-9]{0,5}`).Draw(t, "lineage")}
		want := Promise{Origin: origin.String(), Number: rapid.Uint64Range(1, MaxSize-1).Draw(t, "number")}
		copy(want.Leaf[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "leaf"))
		var p Policy
		var keys []Signer
		for m := range 3 {
			key, err := NewLogSigner(goldenSeed(m), want.Origin)
			if err != nil {
				t.Fatal(err)
			}
			keys, p.Logs = append(keys, key), append(p.Logs, PolicyLog{Key: key.Verifier})
		}
		key := rapid.SampledFrom(keys).Draw(t, "key")
		file := want.Sign(key)
		got, err := p.Promised(file)
		if err != nil || got != (Promised{want, key.Verifier}) || !IsPromise(file) || string(got.Sign(key)) != string(file) {
			t.Fatalf("%q is read as %+v, %v", file, got, err)
		}
		// One byte changed, wherever it is, and nobody promised it.
		at := rapid.IntRange(0, len(file)-1).Draw(t, "at")
		file[at] ^= rapid.ByteRange(1, 255).Draw(t, "by")
		if got, err := p.Promised(file); err == nil {
			t.Fatalf("with byte %d changed it is good: %+v", at, got)
		}
	})
}

func TestPromisesThatMustBeRefused(t *testing.T) {
	t.Parallel()
	good, p := string(golden(t, "17.promise")), goldenPolicy(t)
	text, signature, _ := strings.Cut(good, "\n\n")
	replace := func(old, with string) string {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("the golden promise has no %q", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	sign := func(promise Promise, seed int, name string) string {
		return string(promise.Sign(ok(NewLogSigner(goldenSeed(seed), name))(t)))
	}
	honest := ok(ParsePromise([]byte(good)))(t)
	elsewhere := honest
	elsewhere.Origin = "votes.example/acme/lunch/1"
	head := ok(ParseNote(golden(t, "checkpoint-200")))(t)
	cosigner := ok(NewCosigner(goldenSeed(2), CosignerName(goldenLog, "n2")))(t)
	for name, c := range map[string]struct {
		file string
		want error
	}{
		"an empty one":                           {"", ErrMalformed},
		"a head":                                 {string(golden(t, "checkpoint-200")), ErrMalformed},
		"another version":                        {replace("promise v1", "promise v2"), ErrMalformed},
		"number 0":                               {replace("\n17\n", "\n0\n"), ErrMalformed},
		"a number with a leading zero":           {replace("\n17\n", "\n017\n"), ErrMalformed},
		"a number that no log reaches":           {replace("\n17\n", "\n18446744073709551615\n"), ErrMalformed},
		"a hash that is cut":                     {replace("4+s=\n", "\n"), ErrMalformed},
		"a hash with loose last bits":            {replace("4+s=\n", "4+t=\n"), ErrMalformed},
		"an origin without parts":                {replace("votes.example/acme/board-2026/1\n", "board\n"), ErrMalformed},
		"a line more":                            {replace("\n\n", "\nmore\n\n"), ErrMalformed},
		"an empty line more":                     {replace("\n\n", "\n\n\n"), ErrMalformed},
		"lines that end in CR LF":                {strings.ReplaceAll(good, "\n", "\r\n"), ErrMalformed},
		"no newline at the end":                  {strings.TrimSuffix(good, "\n"), ErrMalformed},
		"no signature":                           {text + "\n\n", ErrMalformed},
		"two signatures":                         {good + signature, ErrMalformed},
		"another number under the signature":     {replace("\n17\n", "\n18\n"), ErrSignature},
		"another hash under the signature":       {replace("z2Ugs3", "y2Ugs3"), ErrSignature},
		"the signature of a head":                {text + "\n\n" + head.Signatures[0].String(), ErrSignature},
		"a member's own key, not that of a log":  {text + "\n\n" + cosigner.Sign(text+"\n", 5).String(), ErrUnsigned},
		"a key that the policy does not know":    {sign(honest, 9, goldenOrigin), ErrUnsigned},
		"a member's key of another log":          {sign(honest, 2, elsewhere.Origin), ErrUnsigned},
		"another log that the same member signs": {sign(elsewhere, 2, elsewhere.Origin), ErrOrigin},
	} {
		if got, err := p.Promised([]byte(c.file)); !is(err, c.want) {
			t.Errorf("%s: got %+v, %v; want %v", name, got, err, c.want)
		}
	}
	if _, err := p.Promised([]byte(good)); err != nil {
		t.Errorf("the promise that was changed is not good itself: %v", err)
	}
}

func TestAPromiseIsGoodUnderAPolicyThatSaysWhatItFollows(t *testing.T) {
	t.Parallel()
	old, next := goldenPolicy(t), goldenPolicy(t)
	next.Logs = next.Logs[:1] // n2's key is gone
	file := golden(t, "17.promise")
	if _, err := next.Promised(file); !is(err, ErrUnsigned) {
		t.Errorf("under the next policy alone: %v", err)
	}
	next.Before = old
	if got := ok(next.Promised(file))(t); got.Number != 17 || got.By != old.Logs[1].Key {
		t.Errorf("got %+v", got)
	}
}

func TestAPromiseIsAboutOneVotersBallot(t *testing.T) {
	t.Parallel()
	l := makeLog(t)
	p := ok(ParsePromise(golden(t, "17.promise")))(t)
	e := ok(ParseBallotEntry(l.entries[17]))(t)
	must(t, p.CheckBallot("v-17", VoterNonce(goldenSalt, "v-17"), e.Supersedes, e.Seal))
	for name, err := range map[string]error{
		"another voter":                p.CheckBallot("v-18", VoterNonce(goldenSalt, "v-18"), e.Supersedes, e.Seal),
		"another voter under this key": p.CheckBallot("v-18", VoterNonce(goldenSalt, "v-17"), e.Supersedes, e.Seal),
		"another seal":                 p.CheckBallot("v-17", VoterNonce(goldenSalt, "v-17"), e.Supersedes, Hash{1}),
		"another ballot replaced":      p.CheckBallot("v-17", VoterNonce(goldenSalt, "v-17"), 3, e.Seal),
	} {
		if !is(err, ErrVoter) {
			t.Errorf("%s: got %v, want ErrVoter", name, err)
		}
	}
}

func TestAPromiseThatTheLogDoesNotKeepContradictsIt(t *testing.T) {
	t.Parallel()
	l, lie, p := makeLog(t), makeLog(t), goldenPolicy(t)
	lie.entries[17][40] ^= 1
	beyond := l.promised(t, 17, 2)
	beyond = Promise{goldenOrigin, 400, ok(ParsePromise(beyond))(t).Leaf}.Sign(ok(NewLogSigner(goldenSeed(2), goldenOrigin))(t))
	stated := func(file []byte) Statement {
		t.Helper()
		if IsPromise(file) {
			return ok(p.Promised(file))(t).Statement()
		}
		return ok(p.State(ok(ParseReceipt(file))(t)))(t)
	}
	counted, final := l.receipt(t, 17, 200).Append(nil), l.final(t, 17).Append(nil)
	for name, c := range map[string]struct {
		promise, other []byte
		why            string // empty: both can be true
		logs           int    // keys under both
	}{
		"a promise that is kept":                        {l.promised(t, 17, 2), counted, "", 0},
		"one that is kept to the end":                   {l.promised(t, 17, 1), final, "", 0},
		"a receipt of another ballot":                   {l.promised(t, 18, 2), counted, "", 0},
		"another entry":                                 {lie.promised(t, 17, 2), counted, "entry 17 is another one", 0},
		"another entry, by who signed the head":         {lie.promised(t, 17, 1), counted, "entry 17 is another one", 1},
		"a ballot beyond the end":                       {beyond, final, "ends with entry 301, and the other goes on to entry 400", 0},
		"a ballot that is not covered yet":              {beyond, counted, "", 0},
		"two promises of one number by one member":      {lie.promised(t, 17, 2), l.promised(t, 17, 2), "entry 17 is another one", 1},
		"two promises of one number by two members":     {lie.promised(t, 17, 2), l.promised(t, 17, 3), "entry 17 is another one", 0},
		"the same promise by two members":               {l.promised(t, 17, 2), l.promised(t, 17, 3), "", 0},
		"promises of two numbers":                       {l.promised(t, 17, 2), l.promised(t, 18, 2), "", 0},
		"the closing where a ballot was promised to be": {Promise{goldenOrigin, goldenSize - 1, Hash{1}}.Sign(ok(NewLogSigner(goldenSeed(3), goldenOrigin))(t)), final, "entry 301 is another one", 0},
	} {
		for _, order := range [][2]Statement{{stated(c.promise), stated(c.other)}, {stated(c.other), stated(c.promise)}} {
			got := ok(Contradict(order[0], order[1]))(t)
			if (got != nil) != (c.why != "") || got != nil && (!strings.Contains(got.Why, c.why) || len(got.Logs) != c.logs || len(got.Cosigned) != 0) {
				t.Errorf("%s: got %+v, want %q by %d keys", name, got, c.why, c.logs)
			}
		}
	}
	other := Promise{"votes.example/acme/lunch/1", 17, Hash{}}
	if _, err := Contradict(Promised{Promise: other}.Statement(), stated(counted)); !is(err, ErrOrigin) {
		t.Errorf("a promise of another log: got %v, want ErrOrigin", err)
	}
	if got := fmt.Sprint(stated(beyond).last(), stated(final).last()); got != "400 301" {
		t.Errorf("the last entries are %s", got)
	}
}
