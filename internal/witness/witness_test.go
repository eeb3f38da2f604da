package witness

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"voted/internal/rates"
	"voted/proof"
)

const board, lunch = "votes.example/acme/board-2026/1", "votes.example/acme/lunch/r7"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func seed(member int) (s [proof.SeedBytes]byte) {
	s[0] = byte(member)
	return s
}

// policy is of three members of which two must sign, and about the poll board-2026.
func policy(t testing.TB) *proof.Policy {
	t.Helper()
	p := &proof.Policy{Quorum: "members", Groups: []proof.PolicyGroup{{Name: "members", Need: 2, Members: []string{"n1", "n2", "n3"}}}}
	for m := 1; m <= 3; m++ {
		log, err := proof.NewLogSigner(seed(m), board)
		must(t, err)
		name := fmt.Sprintf("n%d", m)
		cosigner, err := proof.NewCosigner(seed(m), proof.CosignerName("votes.example/acme", name))
		must(t, err)
		p.Logs = append(p.Logs, proof.PolicyLog{Key: log.Verifier})
		p.Witnesses = append(p.Witnesses, proof.PolicyWitness{Name: name, Key: cosigner.Verifier})
	}
	return p
}

// fork is a log whose entry n is n, and from entry 4 on something else where it is not 0.
func fork(number uint64) proof.Entries {
	return func(from, to uint64) iter.Seq[[]byte] {
		return func(yield func([]byte) bool) {
			for n := from; n < to; n++ {
				b := binary.BigEndian.AppendUint64(nil, n)
				if n >= 4 {
					b = binary.BigEndian.AppendUint64(b, number)
				}
				if !yield(b) {
					return
				}
			}
		}
	}
}

func view(t testing.TB, entries proof.Entries, size uint64) *proof.View {
	t.Helper()
	v, err := proof.Tree{}.At(size, entries)
	must(t, err)
	return v
}

// head is a head of a log with the signatures of some members; the first signs as the log.
func head(t testing.TB, origin string, entries proof.Entries, size uint64, members ...int) []byte {
	t.Helper()
	return headAt(t, 7, origin, entries, size, members...)
}

// headAt is a head that its members signed at a time.
func headAt(t testing.TB, at uint64, origin string, entries proof.Entries, size uint64, members ...int) []byte {
	t.Helper()
	root, err := view(t, entries, size).Root()
	must(t, err)
	n := proof.Note{Text: proof.Checkpoint{Origin: origin, Size: size, Root: root}.String()}
	log, err := proof.NewLogSigner(seed(members[0]), origin)
	must(t, err)
	n.Signatures = append(n.Signatures, log.Sign(n.Text, 0))
	for _, m := range members {
		s, err := proof.NewCosigner(seed(m), fmt.Sprintf("votes.example/acme/n%d", m))
		must(t, err)
		n.Signatures = append(n.Signatures, s.Sign(n.Text, at))
	}
	return n.Append(nil)
}

// request is a body of add-checkpoint.
func body(t testing.TB, old uint64, entries proof.Entries, size uint64, note []byte) []byte {
	t.Helper()
	b := fmt.Appendf(nil, "old %d\n", old)
	if old <= size {
		path, err := view(t, entries, size).Consistency(old)
		must(t, err)
		for _, h := range path {
			b = fmt.Appendf(b, "%s\n", h)
		}
	}
	return append(append(b, '\n'), note...)
}

func signer(t testing.TB) proof.Signer {
	t.Helper()
	s, err := proof.NewCosigner(seed(99), "observer.example/w1")
	must(t, err)
	return s
}

func watch(t testing.TB, store Store) *Witness {
	t.Helper()
	w, err := New(policy(t), "votes.example/acme/", signer(t), store, func() uint64 { return 1796112000 })
	must(t, err)
	return w
}

func TestAWitnessCosignsWhatGrowsAndNothingElse(t *testing.T) {
	t.Parallel()
	dir, err := OpenDir(t.TempDir())
	must(t, err)
	honest, forged := fork(0), fork(1)
	step := func(origin string, old uint64, entries proof.Entries, size uint64, members ...int) error {
		// Each time a new process, so that all that counts is what was kept.
		_, err := watch(t, dir).AddCheckpoint(body(t, old, entries, size, head(t, origin, entries, size, members...)))
		return err
	}
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"the first head", step(board, 0, honest, 6, 1, 2), nil},
		{"the same head again", step(board, 6, honest, 6, 2, 3), nil},
		{"a head that one member signed", step(board, 6, honest, 9, 1), ErrNotQuorum},
		{"a head that starts elsewhere", step(board, 0, honest, 9, 1, 2), ErrOtherSize},
		{"a fork of the same size", step(board, 6, forged, 6, 1, 2), ErrFork},
		{"a fork that is larger", step(board, 6, forged, 9, 1, 2), ErrInconsistent},
		{"a head that has grown", step(board, 6, honest, 9, 1, 2), nil},
		{"an older head", step(board, 6, honest, 7, 1, 2), ErrOtherSize},
		{"an older head that begins at the last one", step(board, 9, honest, 7, 1, 2), ErrMalformed},
		{"another poll of the cluster", step(lunch, 0, forged, 9, 1, 3), nil},
		{"a log of another cluster", step("votes.example/acmes/lunch/1", 0, honest, 3, 1, 2), ErrUnknownLog},
		{"a log without a lineage", step("votes.example/acme/", 0, honest, 3, 1, 2), ErrUnknownLog},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, c.err, c.want)
		}
	}
}

func TestACosignatureIsGoodUnderAPolicyThatNamesTheWitness(t *testing.T) {
	t.Parallel()
	dir, err := OpenDir(t.TempDir())
	must(t, err)
	note := head(t, board, fork(0), 6, 1, 2)
	line, err := watch(t, dir).AddCheckpoint(body(t, 0, fork(0), 6, note))
	must(t, err)
	p := policy(t)
	p.Witnesses = append(p.Witnesses, proof.PolicyWitness{Name: "observer", Key: signer(t).Verifier})
	p.Groups = append(p.Groups, proof.PolicyGroup{Name: "both", Need: 2, Members: []string{"members", "observer"}})
	p.Quorum = "both"
	if _, err := p.Check(note); !errors.Is(err, proof.ErrQuorum) {
		t.Errorf("without the witness: got %v", err)
	}
	h, err := p.Check(append(note, line...))
	if err != nil || h.At() != 1796112000 {
		t.Errorf("with the witness: got %+v, %v", h, err)
	}
}

// memory is a store that fails when it is told to.
type memory struct {
	kept map[string][]byte
	err  error
}

func (m *memory) Last(origin string) ([]byte, error) { return m.kept[origin], nil }

func (m *memory) Keep(origin string, note []byte) error {
	if m.err != nil {
		return m.err
	}
	m.kept[origin] = note
	return nil
}

func TestAHeadThatCannotBeKeptIsNotCosigned(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left")
	line, err := watch(t, &memory{err: full}).AddCheckpoint(body(t, 0, fork(0), 6, head(t, board, fork(0), 6, 1, 2)))
	if line != "" || !errors.Is(err, full) {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestWhatWasKeptAndCannotBeReadIsNotForgotten(t *testing.T) {
	t.Parallel()
	for name, note := range map[string][]byte{"empty": {}, "cut": head(t, board, fork(0), 6, 1, 2)[:20], "of another log": head(t, lunch, fork(0), 6, 1, 2)} {
		w := watch(t, &memory{kept: map[string][]byte{board: note}})
		if line, err := w.AddCheckpoint(body(t, 0, fork(0), 6, head(t, board, fork(0), 6, 1, 2))); err == nil {
			t.Errorf("%s: signed %q", name, line)
		}
	}
}

func TestOfTwoForksAtTheSameTimeOneIsCosigned(t *testing.T) {
	t.Parallel()
	w := watch(t, &memory{kept: map[string][]byte{}})
	var signed [8]error
	var all sync.WaitGroup
	for i := range signed {
		b := body(t, 0, fork(uint64(i)), 6, head(t, board, fork(uint64(i)), 6, 1, 2))
		all.Go(func() { _, signed[i] = w.AddCheckpoint(b) })
	}
	all.Wait()
	n := 0
	for _, err := range signed {
		if err == nil {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d forks were cosigned", n)
	}
}

func TestTheProtocolAnswersAsItsSpecificationSays(t *testing.T) {
	t.Parallel()
	dir, err := OpenDir(t.TempDir())
	must(t, err)
	var logged strings.Builder
	s := httptest.NewServer(watch(t, dir).Handler(slog.New(slog.NewTextHandler(&logged, nil)), nil))
	defer s.Close()
	good, forged := fork(0), fork(1)
	first := body(t, 0, good, 6, head(t, board, good, 6, 1, 2))
	for _, c := range []struct {
		name   string
		body   string
		status int
		says   string
	}{
		{"a first head", string(first), 200, "\u2014 observer.example/w1 "},
		{"nothing", "", 400, "no empty line"},
		{"no older size", "\n\n" + string(head(t, board, good, 6, 1, 2)), 400, "old and a size"},
		{"an older size with a zero before", "old 06\n\n" + string(head(t, board, good, 6, 1, 2)), 400, "old and a size"},
		{"a hash that is none", "old 6\nAAAA\n\n" + string(head(t, board, good, 9, 1, 2)), 400, "32 bytes"},
		{"64 hashes", "old 6\n" + strings.Repeat(proof.Hash{}.String()+"\n", 64) + "\n" + string(head(t, board, good, 9, 1, 2)), 400, "at most 63"},
		{"a megabyte", string(first) + strings.Repeat("x", 1<<20), 400, "too long"},
		{"a note that is none", "old 6\n\nhello\n", 400, "empty line"},
		{"an unknown log", string(body(t, 0, good, 3, head(t, "other.example/a/1", good, 3, 1, 2))), 404, "does not watch"},
		{"too few signatures", string(body(t, 6, good, 9, head(t, board, good, 9, 3))), 403, "2 of (n1, n2, n3)"},
		{"another older size", string(body(t, 3, good, 9, head(t, board, good, 9, 1, 2))), 409, "6\n"},
		{"a fork of the same size", string(body(t, 6, forged, 6, head(t, board, forged, 6, 1, 2))), 409, "another head of this size"},
		{"a fork", string(body(t, 6, forged, 9, head(t, board, forged, 9, 1, 2))), 422, "only grew"},
	} {
		answer, err := http.Post(s.URL+"/add-checkpoint", "text/plain", strings.NewReader(c.body))
		must(t, err)
		b, err := io.ReadAll(answer.Body)
		must(t, err)
		_ = answer.Body.Close()
		if answer.StatusCode != c.status || !strings.Contains(string(b), c.says) {
			t.Errorf("%s: got %d %q, want %d %q", c.name, answer.StatusCode, b, c.status, c.says)
		}
		if isSize := answer.Header.Get("Content-Type") == "text/x.tlog.size"; isSize != (c.says == "6\n") {
			t.Errorf("%s: the type is %s", c.name, answer.Header.Get("Content-Type"))
		}
	}
	if n := strings.Count(logged.String(), "level=WARN"); n != 2 {
		t.Errorf("%d forks were logged: %s", n, logged.String())
	}
	if answer, err := http.Get(s.URL + "/add-checkpoint"); err != nil || answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %v, %v", answer, err)
	}
}

func TestTheWitnessWarnsOfALogThatWasSetBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at      uint64
		members []int
		size    uint64
		warns   bool
	}{
		"a member signed the smaller head later":                 {9, []int{2, 3}, 8, true},
		"the smaller head is late, as after a failover":          {6, []int{2, 3}, 8, false},
		"both were signed within a second":                       {7, []int{2, 3}, 8, false},
		"the last head comes again, signed once more":            {9, []int{2, 3}, 12, false},
		"a later head is larger":                                 {9, []int{2, 3}, 13, false},
		"fewer than the policy asks for signed the smaller head": {9, []int{2}, 8, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Given a witness that cosigned a head of 12, signed at 7,
			w := watch(t, &memory{kept: map[string][]byte{}})
			var said strings.Builder
			h := w.Handler(slog.New(slog.NewTextHandler(&said, nil)), nil)
			post := func(b []byte) int {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/add-checkpoint", strings.NewReader(string(b))))
				return rec.Code
			}
			if status := post(body(t, 0, fork(0), 12, head(t, board, fork(0), 12, 1, 2))); status != 200 {
				t.Fatalf("the first head is answered %d", status)
			}
			// when another head comes from somebody who does not know that one, as a new leader,
			note := headAt(t, c.at, board, fork(0), c.size, c.members...)
			if status := post(body(t, 0, fork(0), c.size, note)); status != 409 && len(c.members) > 1 {
				t.Errorf("it is answered %d", status)
			}
			// then its log has the whole head only where a member signed back.
			if warned := strings.Contains(said.String(), "smaller"); warned != c.warns {
				t.Errorf("it says %q", said.String())
			}
		})
	}
}

func TestAWitnessThatWouldSignEverythingIsNotMade(t *testing.T) {
	t.Parallel()
	nobody, empty := policy(t), policy(t)
	nobody.Quorum = "none"
	empty.Logs = nil
	// Of policies that name the witness it would wait for its own signature.
	named, renamed, rekeyed := policy(t), policy(t), policy(t)
	named.Witnesses = append(named.Witnesses, proof.PolicyWitness{Name: "observer", Key: signer(t).Verifier})
	named.Groups = append(named.Groups, proof.PolicyGroup{Name: "both", Need: 2, Members: []string{named.Quorum, "observer"}})
	named.Quorum = "both"
	same, err := proof.NewCosigner(seed(99), "observer.example/other")
	must(t, err)
	renamed.Witnesses[0].Key = same.Verifier
	other, err := proof.NewCosigner(seed(98), "observer.example/w1")
	must(t, err)
	rekeyed.Witnesses[0].Key = other.Verifier
	for name, c := range map[string]struct {
		policy *proof.Policy
		prefix string
	}{
		"no prefix": {policy(t), ""}, "a prefix that ends in a name": {policy(t), "votes.example/ac"}, "a policy that asks nobody": {nobody, "votes.example/"}, "a policy without keys of a log": {empty, "votes.example/"},
		"a policy that asks for the witness": {named, "votes.example/"}, "its key under another name": {renamed, "votes.example/"}, "its name with another key": {rekeyed, "votes.example/"},
	} {
		if _, err := New(c.policy, c.prefix, signer(t), &memory{}, nil); err == nil {
			t.Errorf("%s: made", name)
		}
	}
}

func TestADirectoryKeepsALogAFile(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/heads"
	dir, err := OpenDir(path)
	must(t, err)
	for _, origin := range []string{board, lunch, "../../etc/passwd/1"} {
		must(t, dir.Keep(origin, []byte(origin)))
		must(t, dir.Keep(origin, []byte(origin+" again")))
	}
	for _, origin := range []string{board, lunch, "../../etc/passwd/1"} {
		if b, err := dir.Last(origin); err != nil || string(b) != origin+" again" {
			t.Errorf("%s: got %q, %v", origin, b, err)
		}
	}
	files, err := os.ReadDir(path)
	if err != nil || len(files) != 3 {
		t.Errorf("there are %d files: %v", len(files), err)
	}
}

func TestAnAddressMaySendOnlySoManyHeads(t *testing.T) {
	t.Parallel()
	h := watch(t, Dir(t.TempDir())).Handler(slog.New(slog.DiscardHandler), rates.New(rates.Rate{PerSecond: 0.01, Burst: 2}))
	send := func(from string) *http.Response {
		r := httptest.NewRequest(http.MethodPost, "/add-checkpoint", strings.NewReader("old 0\n\n"))
		r.RemoteAddr = from
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec.Result()
	}
	for i, want := range []int{400, 400, 429} {
		if got := send("192.0.2.1:1000"); got.StatusCode != want || (got.Header.Get("Retry-After") != "") != (want == 429) {
			t.Errorf("request %d: %d, Retry-After %q", i, got.StatusCode, got.Header.Get("Retry-After"))
		}
	}
	if got := send("192.0.2.2:1000"); got.StatusCode != 400 {
		t.Errorf("another address: %d", got.StatusCode)
	}
}
