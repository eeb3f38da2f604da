package backup

import (
	"bytes"
	"strings"
	"testing"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/proof"
)

// headOf makes the head of the log of a poll in a backup, of so many entries; 0: of all.
func headOf(t *testing.T, file []byte, origin string, size uint64) proof.Checkpoint {
	t.Helper()
	_, state, err := fsm.ReadBackup(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	o, err := proof.ParseOrigin(origin)
	if err != nil {
		t.Fatal(err)
	}
	c, _, refused := state.Capture(o.Poll)
	if refused != nil {
		t.Fatal(refused)
	}
	if size == 0 {
		size = c.LogSize()
	}
	root, err := rootOf(&c, size)
	if err != nil {
		t.Fatal(err)
	}
	return proof.Checkpoint{Origin: origin, Size: size, Root: root}
}

func TestABackupIsComparedWithWhatWasSigned(t *testing.T) {
	t.Parallel()
	const origin = "votes.example/board/1"
	made := create(poll.Definition{ID: "board", Revote: poll.RevoteUntilClose})
	ballots := []poll.Ballot{by("board", "a", 0, 0), by("board", "b", 0, 1), by("board", "c", 0, 1)}
	file := written(t, made, cast(ballots...))
	short := written(t, made, cast(ballots[:2]...))
	other := written(t, made, cast(ballots[0], by("board", "b", 0, 0), ballots[2]))
	closed := written(t, made, cast(ballots...), fsm.AppendCommand(nil, 3, poll.Close{Poll: "board"}))
	elsewhere := headOf(t, file, origin, 0)
	elsewhere.Origin = "votes.example/board/r7"
	unknown := headOf(t, file, origin, 0)
	unknown.Origin = "votes.example/lunch/1"
	for name, c := range map[string]struct {
		file []byte
		head proof.Checkpoint
		held uint64
		says string
	}{
		"a backup of the same moment":      {file, headOf(t, file, origin, 0), 4, ""},
		"a head of before":                 {file, headOf(t, file, origin, 2), 2, ""},
		"a head of the definition alone":   {short, headOf(t, file, origin, 1), 1, ""},
		"a closed poll":                    {closed, headOf(t, closed, origin, 0), 5, ""},
		"a closed poll, a head of before":  {closed, headOf(t, file, origin, 0), 4, ""},
		"one ballot short of the last":     {short, headOf(t, file, origin, 0), 3, "has 3 of the 4 entries that were signed: restoring it drops 1"},
		"before the close":                 {file, headOf(t, closed, origin, 0), 4, "has 4 of the 5 entries"},
		"a ballot with another choice":     {other, headOf(t, file, origin, 0), 4, "has other entries than the 4 that were signed"},
		"a head of another history":        {file, elsewhere, 0, "of the history 1, and the head is of the history r7"},
		"a poll that the backup lacks":     {file, unknown, 0, "does not have the poll lunch"},
		"a ballot that was another choice": {file, headOf(t, other, origin, 0), 4, "has other entries"},
	} {
		r, err := Verify(bytes.NewReader(c.file), &c.head)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		h := r.Against
		if h == nil || h.Held != c.held || h.Whole != (c.says == "") || !strings.Contains(h.Fault, c.says) || h.Whole != (h.Fault == "") {
			t.Errorf("%s: %+v, want %d held and %q", name, h, c.held, c.says)
		}
	}
	if r, err := Verify(bytes.NewReader(file), nil); err != nil || r.Against != nil {
		t.Errorf("without a head: %+v, %v", r, err)
	}
	if _, err := Verify(bytes.NewReader(file), &proof.Checkpoint{Origin: "nothing"}); err == nil {
		t.Error("an origin that is none is compared")
	}
}
