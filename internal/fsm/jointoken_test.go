package fsm

import (
	"bytes"
	"testing"

	"voted/internal/poll"
)

// tokenLog is like smallLog, for join tokens, with every state of one. It must not
// change either.
func tokenLog() [][]byte {
	hash := func(n byte) poll.TokenHash { return poll.TokenHash{0: n, 31: 255} }
	const hour = 3600 * 1000
	var log [][]byte
	for _, c := range []poll.Command{
		poll.IssueToken{Hash: hash(1), Member: "n4", TTL: hour},
		poll.IssueToken{Hash: hash(2), Member: "n4", TTL: hour},
		poll.RedeemToken{Hash: hash(2), Member: "n4", Disk: "DISK4"},
		poll.IssueToken{Hash: hash(3), Member: "n5", TTL: hour},
		poll.RedeemToken{Hash: hash(3), Member: "n5", Disk: "DISK5"},
		poll.RevokeTokens{Member: "n5"},
		poll.IssueToken{Hash: hash(4), Member: "n6", TTL: 1},
		poll.IssueToken{Hash: hash(5), Member: "n7", TTL: hour},
		poll.RedeemToken{Hash: hash(9), Member: "n4", Disk: "DISK4"},
	} {
		log = append(log, AppendCommand(nil, 1000, c))
	}
	return log
}

func TestGoldenTokens(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, tokenLog())
	digest := digestOf(f)
	golden(t, "digest-tokens", digest[:])
	back := restored(t, golden(t, "snapshot-tokens", persist(t, f)))
	if err := sameState(t, f, back); err != nil {
		t.Error(err)
	}
}

func TestASnapshotBeingWrittenShowsTheTokensOfItsMoment(t *testing.T) {
	t.Parallel()
	f := New(nil)
	log := tokenLog()
	applyFrom(f, 1, log[:3])
	want := persist(t, f)
	snap, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	applyFrom(f, 4, append(log[3:], AppendCommand(nil, 1000, poll.RevokeTokens{Member: "n4"})))
	if !bytes.Equal(persisted(t, snap), want) {
		t.Error("it shows later ones")
	}
}
