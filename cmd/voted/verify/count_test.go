package verify

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"voted/internal/recount"
	"voted/proof"
)

func results(t *testing.T) []said {
	p := policy(t)
	check := func(how func(x *published, files fstest.MapFS)) *Verdict {
		x := publish(t)
		files := x.result(t)
		how(x, files)
		return Result(files, p, Told{}, utc)
	}
	plain := check(func(*published, fstest.MapFS) {})
	text := string(tellingOf(t, plain))
	told := func(from, to string) *Verdict {
		told := strings.Replace(text, from, to, 1)
		if told == text && from != to {
			t.Fatalf("%q is not in %s", from, text)
		}
		return Result(publish(t).result(t), p, Told{Result: []byte(told)}, utc)
	}
	again := func(how func(c *proof.ClosingProof)) *Verdict {
		return check(func(x *published, files fstest.MapFS) {
			c := x.closingProof(t, x.whole(t, 1, 2))
			how(c)
			files["closing"].Data = c.Append(nil)
		})
	}
	replaced := func(file, from, to string) *Verdict {
		return check(func(_ *published, files fstest.MapFS) {
			before := files[file].Data
			files[file].Data = bytes.Replace(before, []byte(from), []byte(to), 1)
			if bytes.Equal(before, files[file].Data) {
				t.Fatalf("%q is not in %s", from, before)
			}
		})
	}
	// A majority signs any profile, under the numbers that the log has.
	signed := func(how func(lines []proof.ProfileLine)) *Verdict {
		x := publish(t)
		how(x.profile)
		x.close(t)
		return Result(x.result(t), p, Told{}, utc)
	}
	return []said{
		{"a closed poll", Right, plain},
		{"a closed poll, with its result", Right, told("", "")},
		{"choices in another order", Right, check(func(_ *published, files fstest.MapFS) {
			lines := strings.SplitAfter(string(files["profile"].Data), "\n")
			files["profile"].Data = []byte(lines[2] + lines[0] + lines[1])
		})},
		{"one ballot moved between two choices", Wrong, check(func(x *published, files fstest.MapFS) {
			x.profile[0].Ballots++
			x.profile[1].Ballots--
			files["profile"].Data = x.profileFile()
		})},
		{"a choice left out", Wrong, check(func(x *published, files fstest.MapFS) {
			x.profile = x.profile[1:]
			files["profile"].Data = x.profileFile()
		})},
		{"a choice twice", Wrong, check(func(x *published, files fstest.MapFS) {
			x.profile[0].Ballots--
			x.profile[0].Weight--
			files["profile"].Data = append(x.profileFile(), `{"selections":["ann"],"count":1,"weight":1}`+"\n"...)
		})},
		{"another weight", Wrong, check(func(x *published, files fstest.MapFS) {
			x.profile[1].Weight++
			files["profile"].Data = x.profileFile()
		})},
		{"more ballots than voters, and a majority signed that", Wrong, signed(func(lines []proof.ProfileLine) {
			lines[0].Ballots += 500
			lines[0].Weight += 500
		})},
		{"fewer ballots than voters, and a majority signed that", Wrong, signed(func(lines []proof.ProfileLine) {
			lines[0].Ballots -= 50
			lines[0].Weight -= 50
		})},
		{"ballots that come to the number of voters only in 64 bits", Wrong, signed(func(lines []proof.ProfileLine) {
			lines[1].Ballots += lines[0].Ballots + 1
			lines[0].Ballots = math.MaxUint64
		})},
		{"a choice that has weight and no voters, and a majority signed that", Wrong, signed(func(lines []proof.ProfileLine) {
			lines[1].Ballots += lines[0].Ballots
			lines[0].Ballots = 0
		})},
		{"more weight than voters can have, and a majority signed that", Wrong, signed(func(lines []proof.ProfileLine) {
			lines[0].Weight = lines[0].Ballots*1_000_000 + 1
		})},
		{"a choice that is none", Wrong, replaced("profile", `"bo"`, `"dee"`)},
		{"a line without its weight", Wrong, replaced("profile", `,"weight":105`, "")},
		{"a result with another winner", Wrong, told(`"winners":["cy"]`, `"winners":["ann"]`)},
		{"a result with other votes", Wrong, told(`"votes":285`, `"votes":286`)},
		{"a result of another poll", Wrong, told(`"poll":"board-2026"`, `"poll":"lunch"`)},
		{"a result that lacks what was counted", Wrong, told(`"winners":["cy"],`, ``)},
		{"a result of the time before the close", Undecided, told(`"certified":true`, `"certified":false`)},
		{"a result that is no JSON", Wrong, Result(publish(t).result(t), p, Told{Result: []byte("hello")}, utc)},
		{"options that were swapped", Wrong, replaced("definition", "\x03ann\x03Ann\x02bo\x02Bo", "\x02bo\x02Bo\x03ann\x03Ann")},
		{"another title at the close", Wrong, again(func(c *proof.ClosingProof) { c.Title = "Board 2027" })},
		{"another time of the close", Wrong, again(func(c *proof.ClosingProof) { c.ClosesAt++ })},
		{"other numbers in the closing", Wrong, again(func(c *proof.ClosingProof) { c.Closing.Voters++ })},
		{"a closing of another size", Wrong, again(func(c *proof.ClosingProof) { c.Closing.Records++ })},
		{"a closing of another poll", Wrong, again(func(c *proof.ClosingProof) { c.Poll = "lunch" })},
		{"another beginning", Wrong, again(func(c *proof.ClosingProof) { c.First.Disclosure = 2 })},
		{"a closing that one member signed", Wrong, check(func(x *published, files fstest.MapFS) {
			files["closing"].Data = x.closingProof(t, x.whole(t, 1)).Append(nil)
		})},
		{"a receipt as the closing", Wrong, check(func(_ *published, files fstest.MapFS) { files["closing"].Data = golden(t, "counted.tlog-proof") })},
		{"no choices", Undecided, check(func(_ *published, files fstest.MapFS) { delete(files, "profile") })},
		{"no closing", Undecided, check(func(_ *published, files fstest.MapFS) { delete(files, "closing") })},
	}
}

// tellingOf is a result as a node would tell it, for a count that was right.
func tellingOf(t *testing.T, v *Verdict) []byte {
	t.Helper()
	head := `{"poll":"board-2026","method":"plurality","state":"closed","index":2000,"ballots":290,"certified":true,`
	if len(v.Result) == 0 {
		t.Fatalf("nothing was counted: %q", v.Sentences)
	}
	return append([]byte(head), v.Result[1:]...)
}

func exports(t *testing.T) []said {
	p := policy(t)
	check := func(how func(x *published, held *Held)) *Verdict {
		x := publish(t)
		held := Held{Checkpoint: x.whole(t, 1, 2)}
		how(x, &held)
		return Export(bytes.NewReader(x.audit(t)), p, held, utc)
	}
	line := func(ballot int, how func(l *audited)) *Verdict {
		return check(func(x *published, _ *Held) { how(&x.lines[ballot]) })
	}
	withLog := func(ballot int, how func(l *audited)) *Verdict {
		return check(func(x *published, held *Held) {
			held.Log = open(t, x.publish(t, uint64(len(x.entries)), held.Checkpoint))
			how(&x.lines[ballot])
		})
	}
	const rollAt = countedBallots + 1 // the first line of the roll
	choice := func(l *audited) { l.Selections, l.Sealed = []string{"ann"}, "00" }
	own := func(how func(roll []recount.Own) []recount.Own) func(*published, *Held) {
		return func(_ *published, held *Held) {
			var roll []recount.Own
			for v := 1; v <= 300; v++ {
				roll = append(roll, recount.Own{Voter: fmt.Sprintf("v-%d", v), Weight: weightOf(v)})
			}
			held.Roll = how(roll)
		}
	}
	naming := func(how func(x *published)) *Verdict {
		x := publishOpen(t)
		how(x)
		held := Held{Checkpoint: x.whole(t, 1, 2)}
		own(func(roll []recount.Own) []recount.Own { return roll })(x, &held)
		return Export(bytes.NewReader(x.audit(t)), p, held, utc)
	}
	strange := [16]byte{1} // a salt that is not the poll's
	dropped := func(x *published) {
		x.lines = append(x.lines[:100:100], x.lines[101:]...)
		for i := 100; i < countedBallots; i++ {
			x.lines[i].Ballot--
		}
	}
	return []said{
		{"an audit file", Right, check(func(*published, *Held) {})},
		{"an audit file with its published log", Right, withLog(17, func(*audited) {})},
		{"an audit file with the roll and the result", Right, check(func(x *published, held *Held) {
			own(func(roll []recount.Own) []recount.Own { return roll })(x, held)
			held.Told.Result = tellingOf(t, Result(x.result(t), p, Told{}, utc))
		})},
		{"an open poll", Right, check(func(x *published, held *Held) {
			x.lines = append(x.lines[:201:201], x.lines[rollAt:rollAt+300]...)
			held.Checkpoint = x.head(t, 201, 1, 1, 2)
		})},
		{"an audit file with the names of an open poll, and the roll", Right, naming(func(*published) {})},
		{"an open poll without a name", Wrong, naming(func(x *published) { x.lines[17].Voter = "" })},
		{"an open poll without what opens a voter's key", Wrong, naming(func(x *published) { x.lines[17].KeyNonce = "" })},
		{"two ballots each under the other voter's name", Wrong, naming(func(x *published) {
			x.name(17, "v-20", salt)
			x.name(20, "v-17", salt)
		})},
		{"a name twice, under two keys of which both open to it", Wrong, naming(func(x *published) {
			x.rekey(t, 17, proof.VoterKey(proof.VoterNonce(strange, "v-20"), "v-20"))
			x.name(17, "v-20", strange)
		})},
		{"a name that is another way to write a name", Wrong, naming(func(x *published) {
			x.rekey(t, 17, proof.VoterKey(proof.VoterNonce(salt, "Zoe\u0308"), "Zoe\u0308"))
			x.name(17, "Zoe\u0308", salt)
		})},
		{"a secret poll with a name", Wrong, line(17, func(l *audited) { l.Voter = "v-17" })},
		{"another choice, sealed and shown", Wrong, line(16, choice)},
		{"another choice, sealed and shown, with the published log", Wrong, withLog(16, choice)},
		{"another choice, shown alone", Wrong, line(16, func(l *audited) { l.Selections = []string{"ann"} })},
		{"the nonce of another ballot", Wrong, withLog(17, func(l *audited) { n := openingOf(18).Nonce; l.Nonce = hex.EncodeToString(n[:]) })},
		{"another version", Wrong, line(17, func(l *audited) { l.Version = 3 })},
		{"a gap between versions", Wrong, line(295, func(l *audited) { l.Version = 3 })},
		{"another time", Wrong, withLog(17, func(l *audited) { l.CastAt = "2026-12-01T09:00:00.000Z" })},
		{"another log index", Wrong, withLog(17, func(l *audited) { l.Index-- })},
		{"a ballot of after the close", Wrong, line(300, func(l *audited) { l.Index = 2001 })},
		{"a voter twice", Wrong, line(100, func(l *audited) { l.VoterKey = publish(t).lines[99].VoterKey })},
		{"a pointer to another voter's ballot", Wrong, line(295, func(l *audited) { l.Supersedes = 284 })},
		{"a pointer that is taken away", Wrong, line(295, func(l *audited) { l.Supersedes, l.Version = 0, 1 })},
		{"a ballot that counts, and is not opened", Wrong, line(17, func(l *audited) {
			seal := openingOf(17).Seal()
			*l = audited{Ballot: l.Ballot, VoterKey: l.VoterKey, Seal: hex.EncodeToString(seal[:])}
		})},
		{"a replaced ballot that is opened", Wrong, line(285, func(l *audited) {
			o := openingOf(285)
			l.Seal, l.Selections, l.Version, l.Index, l.Sealed = "", []string{"ann"}, 1, o.Index, "00"
			l.CastAt, l.Nonce, l.Weight = "2026-12-01T08:00:00.285Z", hex.EncodeToString(o.Nonce[:]), 1
		})},
		{"another weight of a ballot", Wrong, line(17, func(l *audited) { l.Weight = 9 })},
		{"another weight of a ballot and on the roll", Wrong, check(func(x *published, _ *Held) {
			x.lines[17].Weight = 9
			for i := rollAt; i < rollAt+300; i++ {
				if x.lines[i].Eligible == x.lines[17].VoterKey {
					x.lines[i].Weight = 9
				}
			}
		})},
		{"a voter who is not on the roll", Wrong, check(func(x *published, _ *Held) {
			for i := rollAt; i < rollAt+300; i++ {
				if x.lines[i].Eligible == x.lines[17].VoterKey {
					x.lines = append(x.lines[:i:i], x.lines[i+1:]...)
					return
				}
			}
		})},
		{"somebody added to the roll", Wrong, check(func(x *published, _ *Held) {
			x.lines = append(x.lines[:rollAt+300:rollAt+300], audited{Eligible: strings.Repeat("f", 32), Weight: 1}, x.lines[rollAt+300])
		})},
		{"a roll out of order", Wrong, check(func(x *published, _ *Held) { x.lines[rollAt], x.lines[rollAt+1] = x.lines[rollAt+1], x.lines[rollAt] })},
		{"a ballot left out", Wrong, check(func(x *published, _ *Held) { x.lines = append(x.lines[:100:100], x.lines[101:]...) })},
		{"a ballot left out and the later ones moved up", Wrong, check(func(x *published, _ *Held) { dropped(x) })},
		{"two ballots swapped", Wrong, check(func(x *published, _ *Held) {
			a, b := &x.lines[100], &x.lines[101]
			*a, *b = *b, *a
			a.Ballot, b.Ballot, a.Index, b.Index = 100, 101, 1100, 1101
		})},
		{"the last ballots left out", Wrong, check(func(x *published, _ *Held) {
			x.lines = append(x.lines[:251:251], x.lines[rollAt:rollAt+300]...)
		})},
		{"a ballot after the closing", Wrong, check(func(x *published, _ *Held) {
			x.lines = append(x.lines, audited{Ballot: 301, VoterKey: strings.Repeat("a", 32), Seal: strings.Repeat("b", 64)})
		})},
		{"a head of before", Undecided, check(func(x *published, held *Held) { held.Checkpoint = x.head(t, 200, 1, 1, 2) })},
		{"a head that one member signed", Wrong, check(func(x *published, held *Held) { held.Checkpoint = x.whole(t, 1) })},
		{"another definition", Wrong, line(0, func(l *audited) { l.Definition = bytes.Replace(l.Definition, []byte("Ann"), []byte("Ana"), 1) })},
		{"no definition", Wrong, check(func(x *published, _ *Held) { x.lines = x.lines[1:] })},
		{"an empty file", Wrong, check(func(x *published, _ *Held) { x.lines = nil })},
		{"a roll with a voter less", Wrong, check(own(func(roll []recount.Own) []recount.Own { return roll[1:] }))},
		{"a result with another winner", Wrong, check(func(x *published, held *Held) {
			held.Told.Result = bytes.Replace(tellingOf(t, Result(x.result(t), p, Told{}, utc)), []byte(`"winners":["`), []byte(`"winners":["x`), 1)
		})},
	}
}

func choices(t *testing.T) []said {
	x, p := publish(t), policy(t)
	log := func(how func(files fstest.MapFS)) *Log {
		files := x.publish(t, uint64(len(x.entries)), x.whole(t, 1, 2))
		files["definition"] = &fstest.MapFile{Data: unhex(t, definitionHex)}
		how(files)
		return open(t, files)
	}
	whole := func() *Log { return log(func(fstest.MapFS) {}) }
	receipt := func(opened bool) []byte {
		r := x.receipt(t, 17, x.whole(t, 1, 2))
		if o := openingOf(17); opened {
			r.Opening = &o
		}
		return r.Append(nil)
	}
	return []said{
		{"the choice that was made", Right, Choice(receipt(true), p, "v-17", "cy", whole(), utc)},
		{"another choice", Wrong, Choice(receipt(true), p, "v-17", "ann", whole(), utc)},
		{"a receipt that does not show the choice", Undecided, Choice(receipt(false), p, "", "cy", whole(), utc)},
		{"no log that says what numbers mean", Undecided, Choice(receipt(true), p, "", "cy", nil, utc)},
		{"a choice that nobody could make", Undecided, Choice(receipt(true), p, "", "dee", whole(), utc)},
		{"the receipt of somebody else", Wrong, Choice(receipt(true), p, "v-18", "cy", whole(), utc)},
		{"a definition with other options", Wrong, Choice(receipt(true), p, "", "cy", log(func(files fstest.MapFS) {
			files["definition"].Data = bytes.Replace(files["definition"].Data, []byte("Cy"), []byte("Di"), 1)
		}), utc)},
		{"a log that one member signed", Wrong, Choice(receipt(true), p, "", "cy", log(func(files fstest.MapFS) { files["checkpoint"].Data = x.whole(t, 1) }), utc)},
		{"no definition", Undecided, Choice(receipt(true), p, "", "cy", log(func(files fstest.MapFS) { delete(files, "definition") }), utc)},
	}
}
