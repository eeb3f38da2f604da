package client_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"voted/client"
	"voted/internal/poll"
	"voted/proof"
)

// shown is a poll whose receipts show the choice: a log of so many ballots, of which the last is the
// voter's, and what a node serves of it.
type shown struct {
	board
	definition []byte
	entries    [][]byte
	opening    proof.Opening
}

// newShown makes the poll p of ann and bo, in which the ballot of v has these selections.
func newShown(t *testing.T, ballots int, method string, selections ...byte) *shown {
	t.Helper()
	s := &shown{board: newBoard(t, "p", "v", 1), definition: definitionOf(method, "ann", "bo")}
	s.entries = append(s.entries, firstOf(s.definition))
	for n := 1; n < ballots; n++ {
		s.entries = append(s.entries, proof.BallotEntry{Key: [16]byte{byte(n), byte(n >> 8)}}.Append(nil))
	}
	s.opening = proof.Opening{Nonce: [16]byte{7}, Version: 1, Index: 12, CastAt: uint64(castAt.UnixMilli()), Selections: selections}
	key := proof.VoterKey(proof.VoterNonce([16]byte{1}, "v"), "v")
	s.entries = append(s.entries, proof.BallotEntry{Key: key, Seal: s.opening.Seal()}.Append(nil))
	return s
}

var castAt = time.Date(2026, 12, 1, 8, 0, 3, 125e6, time.UTC)

func definitionOf(method string, options ...string) []byte {
	d := poll.Definition{ID: "p", Method: method, Secrecy: poll.Open}
	for _, o := range options {
		d.Options = append(d.Options, poll.Option{ID: o, Title: strings.ToUpper(o)})
	}
	return d.WithDefaults().AppendLogged(nil)
}

func firstOf(definition []byte) []byte {
	return proof.DefinitionEntry{Derivation: proof.KeyThatOpens, Disclosure: 2, Rules: sha256.Sum256(definition)}.Append(nil)
}

func (s *shown) source(from, to uint64) iter.Seq[[]byte] { return slices.Values(s.entries[from:to]) }

// answer is the receipt of a cast, with its proof under a head of the whole log.
func (s *shown) answer(t *testing.T, opened bool) string {
	t.Helper()
	v := viewOf(t, s.source, uint64(len(s.entries)))
	number := v.Size() - 1
	ballot, err := proof.ParseBallotEntry(s.entries[number])
	must(t, err)
	r := proof.Receipt{Poll: "p", Voter: "v", Number: number, KeyNonce: proof.VoterNonce([16]byte{1}, "v"), Ballot: ballot}
	if opened {
		r.Opening = &s.opening
	}
	r.Path, err = v.Inclusion(number)
	must(t, err)
	root, err := v.Root()
	must(t, err)
	note := proof.Note{Text: proof.Checkpoint{Origin: s.policy.Logs[0].Key.Name(), Size: v.Size(), Root: root}.String()}
	for _, x := range s.signers[:3] {
		note.Signatures = append(note.Signatures, x.Sign(note.Text, 1))
	}
	r.Checkpoint = note.Append(nil)
	return fmt.Sprintf(`{"poll":"p","voter":"v","outcome":"counted","version":1,"ballot":%d,"index":12,"cast_at":"2026-12-01T08:00:03.125Z","proof":%s}`, number, quotedJSON(string(r.Append(nil))))
}

func viewOf(t *testing.T, source proof.Entries, size uint64) *proof.View {
	t.Helper()
	var tree proof.Tree
	must(t, tree.Grow(size, source))
	v, err := tree.At(size, source)
	must(t, err)
	return v
}

// serve answers a request for a part of the log.
func (s *shown) serve(t *testing.T, w http.ResponseWriter, name string) {
	if name == "definition" {
		answerBytes(w, s.definition)
		return
	}
	tile, err := proof.ParseTilePath(name)
	if err != nil {
		t.Errorf("%q is asked for: %v", name, err)
		answerProblem(w, 404, "not_found")
		return
	}
	var b []byte
	if tile.Level == proof.EntryBundle {
		for _, e := range s.entries[tile.Number*proof.TileWidth:][:tile.Width] {
			b, err = proof.AppendBundle(b, e)
			must(t, err)
		}
	} else {
		hashes, err := viewOf(t, s.source, uint64(len(s.entries))).Tile(tile)
		must(t, err)
		b = proof.AppendHashes(nil, hashes)
	}
	answerBytes(w, b)
}

func answerBytes(w http.ResponseWriter, b []byte) {
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(b)
}

// cast casts a ballot at a node that answers with this receipt and serves the log so.
func (s *shown) cast(t *testing.T, b client.Ballot, receipt string, log func(w http.ResponseWriter, name string)) (client.Receipt, error) {
	t.Helper()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if name, ok := strings.CutPrefix(r.URL.Path, "/v1/polls/p/log/"); ok {
			log(w, name)
			return
		}
		answerJSON(w, 201, receipt)
	})
	return newClient(t, []string{url}, unhedged(), client.WithProof(s.policy)).Cast(t.Context(), "p", "v", b)
}

func TestTheChoiceThatWasRecordedIsTheOneThatWasCast(t *testing.T) {
	t.Parallel()
	const secondAlone = 1
	plurality := func(ballots int) *shown { return newShown(t, ballots, "plurality", secondAlone) }
	honest := func(*shown) {}
	for name, c := range map[string]struct {
		log  *shown
		cast client.Ballot
		lie  func(served *shown) // about the log, after the head was signed
		want error               // nil: it is as it was cast
	}{
		"the choice that was cast":                      {plurality(7), client.Choose("bo"), honest, nil},
		"in a log of several tiles":                     {plurality(700), client.Choose("bo"), honest, nil},
		"another choice":                                {plurality(7), client.Choose("ann"), honest, proof.ErrSeal},
		"another choice in a log of several tiles":      {plurality(700), client.Choose("ann"), honest, proof.ErrSeal},
		"a blank ballot in its place":                   {plurality(7), client.Choose(), honest, proof.ErrSeal},
		"a choice that the poll does not have":          {plurality(7), client.Choose("cy"), honest, proof.ErrSeal},
		"a ballot of another form":                      {newShown(t, 7, "plurality"), client.Rank("bo"), honest, proof.ErrSeal},
		"a ranking that was cast":                       {newShown(t, 7, "irv", 2, 0), client.Rank("bo", "ann"), honest, nil},
		"a ranking the other way round":                 {newShown(t, 7, "irv", 2, 0), client.Rank("ann", "bo"), honest, proof.ErrSeal},
		"points that were given":                        {newShown(t, 7, "score", 0, 2, 1, 5), client.Score(map[string]int{"bo": 5, "ann": 2}), honest, nil},
		"points that were swapped":                      {newShown(t, 7, "score", 0, 2, 1, 5), client.Score(map[string]int{"bo": 2, "ann": 5}), honest, proof.ErrSeal},
		"options that are swapped in the definition":    {plurality(7), client.Choose("ann"), func(s *shown) { s.definition = definitionOf("plurality", "bo", "ann") }, proof.ErrNotInTree},
		"a first entry that was not signed":             {plurality(7), client.Choose("ann"), swapped, proof.ErrNotInTree},
		"a first entry that was not signed, of 3 tiles": {plurality(700), client.Choose("ann"), swapped, proof.ErrNotInTree},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served := *c.log
			served.entries = slices.Clone(c.log.entries)
			c.lie(&served)
			r, err := c.log.cast(t, c.cast, c.log.answer(t, true), func(w http.ResponseWriter, name string) { served.serve(t, w, name) })
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || r.AsCast != (c.want == nil) {
				t.Fatalf("as cast: %t, %v; want %v", r.AsCast, err, c.want)
			}
			var unproven *client.ProofError
			if err != nil && (!errors.As(err, &unproven) || unproven.Receipt.Proof == "") {
				t.Errorf("the proof is not kept: %v", err)
			}
		})
	}
}

// swapped serves another definition, and the entry that fits it.
func swapped(s *shown) {
	s.definition = definitionOf("plurality", "bo", "ann")
	s.entries[0] = firstOf(s.definition)
}

func TestAChoiceThatCannotBeSeenIsNotSaidToBeAsCast(t *testing.T) {
	t.Parallel()
	s := newShown(t, 7, "plurality", 1)
	problem := func(status int, code string) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, _ string) { answerProblem(w, status, code) }
	}
	for name, c := range map[string]struct {
		opened bool
		log    func(http.ResponseWriter, string)
		fails  bool
	}{
		"a proof without the choice":            {false, problem(500, "internal"), false},
		"a log that is hidden until the close":  {true, problem(403, "results_hidden"), false},
		"a log that this caller may not read":   {true, problem(403, "forbidden"), false},
		"a log that cannot be read":             {true, problem(401, "unauthenticated"), true},
		"a log whose tiles are cut":             {true, func(w http.ResponseWriter, _ string) { answerBytes(w, []byte{0}) }, true},
		"a node that says it as if it had seen": {false, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := s.answer(t, c.opened)
			if c.log == nil {
				answer = strings.Replace(answer, "{", `{"as_cast":true,"AsCast":true,`, 1)
			}
			r, err := s.cast(t, client.Choose("bo"), answer, c.log)
			if r.AsCast || r.Proof == "" || (err != nil) != c.fails {
				t.Errorf("as cast: %t, %v", r.AsCast, err)
			}
		})
	}
}

func TestANodeThatHasAHeadLaterGetsAMomentAndTheRulesOfALogAreReadOnce(t *testing.T) {
	t.Parallel()
	// given a node that does not have the head at first
	s := newShown(t, 7, "plurality", 1)
	var asked atomic.Int32
	answer := s.answer(t, true)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch name, ok := strings.CutPrefix(r.URL.Path, "/v1/polls/p/log/"); {
		case !ok:
			answerJSON(w, 201, answer)
		case asked.Add(1) == 1:
			answerProblem(w, 404, "not_found")
		default:
			s.serve(t, w, name)
		}
	})
	cl := newClient(t, []string{url}, unhedged(), client.WithProof(s.policy))
	// when two ballots are cast
	for range 2 {
		r, err := cl.Cast(t.Context(), "p", "v", client.Choose("bo"))
		must(t, err)
		if !r.AsCast {
			t.Error("it was not looked at")
		}
	}
	// then the entries were asked for again, and nothing a second time
	if n := asked.Load(); n != 4 {
		t.Errorf("%d requests for the log", n)
	}
}
