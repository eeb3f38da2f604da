package proof

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Each of these must fail, each in its own way: a checker that lets one pass checks nothing.

// verdict is what the check of a receipt file says under the golden policy.
func verdict(t *testing.T, file []byte) error {
	t.Helper()
	r, err := ParseReceipt(file)
	if err != nil {
		return err
	}
	_, err = r.Check(goldenPolicy(t))
	return err
}

func TestReceiptsThatMustBeRefused(t *testing.T) {
	t.Parallel()
	l := makeLog(t)
	root := ok(l.view(t, 200).Root())(t)
	change := func(r *Receipt, how func(r *Receipt)) []byte {
		how(r)
		return r.Append(nil)
	}
	under := func(checkpoint []byte) []byte {
		return change(l.receipt(t, 17, 200), func(r *Receipt) { r.Checkpoint = checkpoint })
	}
	// A fork: the same log with one ballot altered.
	fork := makeLog(t)
	fork.entries[17][40] ^= 1
	forged := fork.receipt(t, 17, 200)
	forged.Checkpoint = signed(t, Checkpoint{Origin: goldenOrigin, Size: 200, Root: ok(fork.view(t, 200).Root())(t)}, 1, 1)

	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"a bit of the seal":                     {change(l.receipt(t, 17, 200), func(r *Receipt) { r.Ballot.Seal[3] ^= 1 }), ErrNotInTree},
		"another ballot is said to be replaced": {change(l.receipt(t, 17, 200), func(r *Receipt) { r.Ballot.Supersedes = 3 }), ErrNotInTree},
		"another number":                        {change(l.receipt(t, 17, 200), func(r *Receipt) { r.Number = 18 }), ErrNotInTree},
		"the number of the definition":          {change(l.receipt(t, 17, 200), func(r *Receipt) { r.Number = 0 }), ErrNotInTree},
		"a number beyond the log":               {change(l.receipt(t, 17, 200), func(r *Receipt) { r.Number = 200 }), ErrNotInTree},
		"a number of 2^63":                      {change(l.receipt(t, 17, 200), func(r *Receipt) { r.Number = 1 << 63 }), ErrNotInTree},
		"a longer path":                         {change(l.receipt(t, 17, 200), func(r *Receipt) { r.Path = append(r.Path, Hash{}) }), ErrNotInTree},
		"a shorter path":                        {change(l.receipt(t, 17, 200), func(r *Receipt) { r.Path = r.Path[1:] }), ErrNotInTree},
		"a newer proof under a stale head":      {change(l.receipt(t, 17, 201), func(r *Receipt) { r.Checkpoint = l.checkpoint(t, 200) }), ErrNotInTree},
		"an older proof under a newer head":     {change(l.receipt(t, 17, 200), func(r *Receipt) { r.Checkpoint = l.checkpoint(t, 300) }), ErrNotInTree},
		"the receipt of one voter for another":  {change(l.receipt(t, 17, 200), func(r *Receipt) { r.Voter = "v-18" }), ErrVoter},
		"the receipt of one voter with the key of another": {change(l.receipt(t, 17, 200), func(r *Receipt) {
			r.Voter, r.KeyNonce = "v-18", VoterNonce(goldenSalt, "v-18")
		}), ErrVoter},
		"the receipt of one voter made over to another": {change(l.receipt(t, 17, 200), func(r *Receipt) {
			r.Voter = "v-18"
			r.Ballot.Key = VoterKey(r.KeyNonce, r.Voter)
		}), ErrNotInTree},
		"another choice":                {change(l.opened(t, 17, 200), func(r *Receipt) { r.Opening.Selections = []byte{1, 0} }), ErrSeal},
		"another version":               {change(l.opened(t, 17, 200), func(r *Receipt) { r.Opening.Version++ }), ErrSeal},
		"another time":                  {change(l.opened(t, 17, 200), func(r *Receipt) { r.Opening.CastAt++ }), ErrSeal},
		"another log index":             {change(l.opened(t, 17, 200), func(r *Receipt) { r.Opening.Index++ }), ErrSeal},
		"the nonce of another ballot":   {change(l.opened(t, 17, 200), func(r *Receipt) { r.Opening.Nonce = goldenOpening(18).Nonce }), ErrSeal},
		"the poll in it is another one": {change(l.receipt(t, 17, 200), func(r *Receipt) { r.Poll = "board-2027" }), ErrOrigin},

		"the head of another poll":                  {under(signed(t, Checkpoint{Origin: "votes.example/acme/board-2027/1", Size: 200, Root: root}, 1, 1, 2)), ErrOrigin},
		"the head of another cluster":               {under(signed(t, Checkpoint{Origin: "votes.example/other/board-2026/1", Size: 200, Root: root}, 1, 1, 2)), ErrOrigin},
		"the head of another lineage":               {under(signed(t, Checkpoint{Origin: "votes.example/acme/board-2026/r7", Size: 200, Root: root}, 1, 1, 2)), ErrOrigin},
		"only one cosigner":                         {under(signed(t, Checkpoint{Origin: goldenOrigin, Size: 200, Root: root}, 1, 1)), ErrQuorum},
		"the same cosigner twice":                   {under(signed(t, Checkpoint{Origin: goldenOrigin, Size: 200, Root: root}, 1, 1, 1)), ErrQuorum},
		"a cosigner that the policy does not know":  {under(signed(t, Checkpoint{Origin: goldenOrigin, Size: 200, Root: root}, 1, 1, 7)), ErrQuorum},
		"no signature of the log":                   {under(withoutSignature(t, l.checkpoint(t, 200), 0)), ErrUnsigned},
		"a log key that the policy does not know":   {under(signed(t, Checkpoint{Origin: goldenOrigin, Size: 200, Root: root}, 9, 1, 2)), ErrUnsigned},
		"a fork signed by one member":               {forged.Append(nil), ErrQuorum},
		"signatures of another head":                {under(moved(t, l.checkpoint(t, 199), l.checkpoint(t, 200))), ErrSignature},
		"the time of a cosignature":                 {under(retimed(t, l.checkpoint(t, 200))), ErrSignature},
		"the wrong key under the right name and id": {under(impersonated(t, l.checkpoint(t, 200))), ErrSignature},
		"the size in the head":                      {under(bytes.Replace(l.checkpoint(t, 200), []byte("\n200\n"), []byte("\n201\n"), 1)), ErrSignature},

		"a replaced ballot as final":                 {l.final(t, 285).Append(nil), ErrSuperseded},
		"a replaced ballot with its bit cleared":     {change(l.final(t, 285), func(r *Receipt) { r.Final.Chunk.Bits = [32]byte{} }), ErrNotInTree},
		"a replaced ballot with the chunk of others": {change(l.final(t, 285), func(r *Receipt) { r.Final.Chunk = ok(l.superseded.Prove(3))(t) }), ErrNotInTree},
		"a final receipt before the close": {change(l.final(t, 17), func(r *Receipt) {
			r.Path, r.Checkpoint = ok(l.view(t, 200).Inclusion(17))(t), l.checkpoint(t, 200)
		}), ErrEnded},
		"other numbers in the closing": {change(l.final(t, 17), func(r *Receipt) { r.Final.Closing.Voters++ }), ErrNotInTree},
		"other ballots as the last":    {change(l.final(t, 17), func(r *Receipt) { r.Final.Closing.Records++ }), ErrEnded},
	} {
		if err := verdict(t, c.file); !is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	// A clean one, so that the table proves something.
	must(t, verdict(t, l.final(t, 17).Append(nil)))
}

func withoutSignature(t *testing.T, note []byte, i int) []byte {
	t.Helper()
	n := ok(ParseNote(note))(t)
	n.Signatures = slices.Delete(n.Signatures, i, i+1)
	return n.Append(nil)
}

// moved puts the signatures of one note under the text of another.
func moved(t *testing.T, from, to []byte) []byte {
	t.Helper()
	n := ok(ParseNote(to))(t)
	n.Signatures = ok(ParseNote(from))(t).Signatures
	return n.Append(nil)
}

func retimed(t *testing.T, note []byte) []byte {
	t.Helper()
	n := ok(ParseNote(note))(t)
	n.Signatures[1].Bytes[7]++
	return n.Append(nil)
}

// impersonated has a cosignature of a stranger who took over the name and id of n1.
func impersonated(t *testing.T, note []byte) []byte {
	t.Helper()
	n := ok(ParseNote(note))(t)
	forged := ok(NewCosigner(goldenSeed(66), "votes.example/acme/n1"))(t).Sign(n.Text, 1796112210)
	forged.ID = n.Signatures[1].ID
	n.Signatures[1] = forged
	return n.Append(nil)
}

func TestLogsThatMustBeRefused(t *testing.T) {
	t.Parallel()
	root := ok(makeLog(t).view(t, goldenSize).Root())(t)
	for name, c := range map[string]struct {
		how  func(l *madeLog)
		want error // of the count; nil if only the root shows it
	}{
		"a bit of an entry":                            {func(l *madeLog) { l.entries[100][30] ^= 4 }, nil},
		"two ballots swapped":                          {func(l *madeLog) { l.entries[100], l.entries[101] = l.entries[101], l.entries[100] }, nil},
		"a ballot dropped and the later ones moved up": {func(l *madeLog) { l.entries = slices.Delete(l.entries, 100, 101) }, ErrChain},
		"the last ballot dropped":                      {func(l *madeLog) { l.entries = slices.Delete(l.entries, 300, 301) }, ErrEnded},
		"a ballot after the closing":                   {func(l *madeLog) { l.entries = append(l.entries, l.entries[5]) }, ErrEnded},
		"a second closing":                             {func(l *madeLog) { l.entries = append(l.entries, l.entries[goldenSize-1]) }, ErrEnded},
		"a voter twice":                                {func(l *madeLog) { l.entries[100] = l.entries[99] }, ErrChain},
		"a pointer to another voter's ballot":          {func(l *madeLog) { l.entries[295][20] ^= 1 }, ErrChain},
		"a pointer from a first ballot":                {func(l *madeLog) { l.entries[100][20] = 7 }, ErrChain},
		"a pointer that is taken away":                 {func(l *madeLog) { copy(l.entries[295][17:21], []byte{0, 0, 0, 0}) }, ErrChain},
		"other numbers in the closing":                 {func(l *madeLog) { l.entries[goldenSize-1][8]++ }, ErrEnded},
		"other ballots as replaced":                    {func(l *madeLog) { l.entries[goldenSize-1][125]++ }, ErrEnded},
		"no definition":                                {func(l *madeLog) { l.entries = l.entries[1:] }, ErrMalformed},
		"a definition in the middle":                   {func(l *madeLog) { l.entries[9] = l.entries[0] }, ErrMalformed},
		"an entry of an unknown kind":                  {func(l *madeLog) { l.entries[9][0] = 'q' }, ErrMalformed},
		"an entry that is cut":                         {func(l *madeLog) { l.entries[9] = l.entries[9][:52] }, ErrMalformed},
		"an entry that is empty":                       {func(l *madeLog) { l.entries[9] = nil }, ErrMalformed},
		"a definition of another form":                 {func(l *madeLog) { l.entries[0][1] = 2 }, ErrMalformed},
		"keys of another derivation":                   {func(l *madeLog) { l.entries[0][2] = 1 }, ErrMalformed},
	} {
		l := makeLog(t)
		c.how(l)
		var count Count
		var err error
		for _, e := range l.entries {
			if err = count.Add(e); err != nil {
				break
			}
		}
		if !is(err, c.want) {
			t.Errorf("%s: the count says %v, want %v", name, err, c.want)
		}
		if size := uint64(len(l.entries)); ok(l.view(t, size).Root())(t) == root {
			t.Errorf("%s: the root is the same", name)
		}
	}
}

func TestNotesThatMustBeRefused(t *testing.T) {
	t.Parallel()
	good := string(golden(t, "checkpoint-200"))
	n := ok(ParseNote([]byte(good)))(t)
	many := func(count int) string {
		m := Note{Text: n.Text}
		for range count {
			m.Signatures = append(m.Signatures, n.Signatures[0])
		}
		return string(m.Append(nil))
	}
	for name, text := range map[string]string{
		"an empty one":                      "",
		"no signatures":                     n.Text + "\n",
		"no empty line":                     strings.Replace(good, "\n\n", "\n", 1),
		"lines that end in CR LF":           strings.ReplaceAll(good, "\n", "\r\n"),
		"no newline at the end":             strings.TrimSuffix(good, "\n"),
		"a tab":                             strings.Replace(good, "200", "200\t", 1),
		"what is not UTF-8":                 strings.Replace(good, "acme", "acm\xff", 1),
		"17 signatures":                     many(17),
		"a megabyte":                        strings.Repeat("x", 1<<20) + "\n" + good,
		"a hyphen where the dash should be": strings.Replace(good, "\u2014", "-", 1),
		"a signature without a name":        strings.Replace(good, "\u2014 votes.example/acme/n1 ", "\u2014 ", 1),
		"a name with a plus":                strings.Replace(good, "\u2014 votes.example/acme/n1", "\u2014 votes.example/acme/n+1", 1),
		"a signature that is not base64":    strings.Replace(good, "\u2014 votes.example/acme/n1 k", "\u2014 votes.example/acme/n1 *", 1),
		"a signature of only an id":         n.Text + "\n\u2014 n1 AAAAAA==\n",
	} {
		if _, err := ParseNote([]byte(text)); !is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
	for name, text := range map[string]string{
		"a size with leading zeroes":  strings.Replace(good, "\n200\n", "\n0200\n", 1),
		"a size with a sign":          strings.Replace(good, "\n200\n", "\n+200\n", 1),
		"a size of 2^63":              strings.Replace(good, "\n200\n", "\n9223372036854775808\n", 1),
		"a size beyond 64 bits":       strings.Replace(good, "\n200\n", "\n18446744073709551616\n", 1),
		"a hash that is cut":          strings.Replace(good, "K/E=\n", "\n", 1),
		"a hash with loose last bits": strings.Replace(good, "K/E=\n", "K/F=\n", 1),
		"an empty line in the middle": strings.Replace(good, "\n200\n", "\n\n200\n", 1),
		"two lines":                   strings.Replace(good, "200\n", "", 1),
	} {
		if _, err := goldenPolicy(t).Check([]byte(text)); !is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
	if n := ok(ParseNote([]byte(many(16))))(t); len(n.Signatures) != 16 {
		t.Errorf("of 16 signatures %d were read", len(n.Signatures))
	}
}

func TestPoliciesThatMustBeRefused(t *testing.T) {
	t.Parallel()
	good := string(golden(t, "board-2026.policy"))
	lines := strings.Split(good, "\n")
	key := strings.Fields(lines[3])[2]
	replaced := func(from, to string) string {
		text := strings.Replace(good, from, to, 1)
		if text == good {
			t.Fatalf("%q is not in the policy", from)
		}
		return text
	}
	for name, text := range map[string]string{
		"an empty one":                 "",
		"no quorum":                    replaced("quorum members\n", ""),
		"two quorums":                  good + "quorum n1\n",
		"a quorum that nobody defined": replaced("quorum members", "quorum guests"),
		"a quorum before its group":    "quorum members\n" + replaced("quorum members\n", ""),

		"a group with a member that nobody defined": replaced("n1 n2 n3", "n1 n2 n4"),
		"a group with a member twice":               replaced("n1 n2 n3", "n1 n2 n2"),
		"a witness in two groups":                   replaced("quorum members", "group more any n1\nquorum members"),
		"a group that is its own member":            replaced("n1 n2 n3", "n1 n2 members"),
		"a group that needs more than it has":       replaced("members 2", "members 4"),
		"a group that needs none":                   replaced("members 2", "members 0"),
		"a group with a signed number":              replaced("members 2", "members +2"),
		"a group without members":                   replaced("members 2 n1 n2 n3", "members 2"),
		"a key twice under two names":               replaced("group", "witness n4 "+key+"\ngroup"),
		"a log key twice":                           lines[0] + "\n" + good,
		"a name twice":                              replaced("witness n2", "witness n1"),
		"a witness called none":                     replaced("witness n1", "witness none"),
		"a key with another id":                     replaced("n1+9033594a", "n1+9033594b"),
		"a key with an id in capitals":              replaced("n1+9033594a", "n1+9033594A"),
		"a key of a log for a witness":              replaced(key, strings.Fields(lines[0])[1]),
		"a key of a witness for a log":              replaced("log votes.example/acme/board-2026/1+ba19418d+AXQwAqZomd/xYl9dPscmJ2bH5RdaOM3Q2O4kpdYb//JY", "log "+key),
		"a key that is cut":                         replaced("+BCTSjPN0", "+BCTS"),
		"an unknown word":                           good + "wittness n9\n",
		"lines that end in CR LF":                   strings.ReplaceAll(good, "\n", "\r\n"),
		"a delete character":                        good + "# \x7f\n",
		"too many names":                            strings.Repeat("group g any n1\n", 300) + good,
		"a megabyte":                                good + strings.Repeat("#", 1<<20),
	} {
		if _, err := ParsePolicy([]byte(text)); !is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}

func TestAPolicyThatAsksNobodyProvesNothing(t *testing.T) {
	t.Parallel()
	p := ok(ParsePolicy([]byte(strings.Replace(string(golden(t, "board-2026.policy")), "quorum members", "quorum none", 1))))(t)
	if _, err := p.Check(golden(t, "checkpoint-200")); !is(err, ErrNoQuorum) {
		t.Errorf("got %v, want ErrNoQuorum", err)
	}
	p.AllowNoQuorum = true
	h := ok(p.Check(golden(t, "checkpoint-200")))(t)
	if h.Size != 200 {
		t.Errorf("got a head of %d entries", h.Size)
	}
}

func TestAForkSignedByAMajorityIsProofAgainstIt(t *testing.T) {
	t.Parallel()
	l, fork, p := makeLog(t), makeLog(t), goldenPolicy(t)
	fork.entries[17][40] ^= 1
	head := func(l *madeLog, size uint64, log int, cosigners ...int) Statement {
		c := Checkpoint{Origin: goldenOrigin, Size: size, Root: ok(l.view(t, size).Root())(t)}
		return Statement{Head: ok(p.Signers(signed(t, c, log, cosigners...)))(t)}
	}
	stated := func(r *Receipt) Statement { return ok(p.State(r))(t) }
	replaced := func(r *Receipt) *Receipt {
		r.Number, r.Voter = 17, goldenVoter(17)
		r.KeyNonce = VoterNonce(goldenSalt, r.Voter)
		return r
	}
	for name, c := range map[string]struct {
		a, b     Statement
		why      string
		cosigned []string
	}{
		"two heads of one size":                            {head(l, 200, 1, 1, 2), head(fork, 200, 1, 2, 3), "both have 200 entries", []string{"n2"}},
		"two heads of one size that nobody signed twice":   {head(l, 200, 1, 1), head(fork, 200, 2, 2, 3), "both have 200 entries", nil},
		"two receipts with one number, of different sizes": {stated(l.receipt(t, 17, 200)), stated(replaced(fork.receipt(t, 17, 250))), "entry 17", []string{"n1", "n2"}},
		"a closing, and a log that goes on":                {stated(l.final(t, 17)), head(l, goldenSize, 1, 1), "", nil},
		"one log that grows":                               {head(l, 200, 1, 1, 2), head(l, 201, 1, 1, 2), "", nil},
		"the same twice":                                   {stated(l.receipt(t, 17, 200)), stated(l.receipt(t, 18, 200)), "", nil},
	} {
		for _, order := range [][2]Statement{{c.a, c.b}, {c.b, c.a}} {
			got := ok(Contradict(order[0], order[1]))(t)
			switch {
			case got == nil && c.why != "", got != nil && (c.why == "" || !strings.Contains(got.Why, c.why) || fmt.Sprint(got.Cosigned) != fmt.Sprint(c.cosigned)):
				t.Errorf("%s: got %+v, want %q by %v", name, got, c.why, c.cosigned)
			}
		}
	}
	longer := makeLog(t)
	longer.entries = append(longer.entries, longer.entries[4])
	got := ok(Contradict(stated(l.final(t, 17)), head(longer, goldenSize+1, 1, 1, 3)))(t)
	if got == nil || !strings.Contains(got.Why, "ends with entry 301") || fmt.Sprint(got.Cosigned) != "[n1]" {
		t.Errorf("a log that goes on after its closing: got %+v", got)
	}
	other := Statement{Head: Head{Checkpoint: Checkpoint{Origin: "other/poll/1"}}}
	if _, err := Contradict(other, head(l, 200, 1)); !is(err, ErrOrigin) {
		t.Errorf("two logs: got %v, want ErrOrigin", err)
	}
	if _, err := p.State(&Receipt{Checkpoint: golden(t, "checkpoint-200"), Poll: goldenPoll, Number: 3}); !is(err, ErrVoter) {
		t.Errorf("a receipt that is not good states nothing: got %v", err)
	}
}
