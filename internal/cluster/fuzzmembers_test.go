package cluster

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	"voted/internal/fsm"
	"voted/internal/poll"
)

// FuzzStatus holds that nothing that one of three members says of itself makes another
// one panic, turns the two others against each other, or moves the clock or the disks'
// verdict that those two agree on.
func FuzzStatus(f *testing.F) {
	for _, seed := range []string{
		`{"id":"n2","peer":"n2:1","reads":2,"member":true,"term":3,"last_index":300,"applied":300,"digest":"aa","now":"2026-11-27T07:00:00Z"}`,
		`{"id":"n2","checkpoints":[{"index":256,"digest":"x"}],"disk_low":true,"free_bytes":1}`,
		`{"id":"n2","checkpoints":[{"index":256,"digest":"x"},{"index":256,"digest":"x"},{"index":256,"digest":"x"}]}`,
		`{"now":"9999-12-31T23:59:59Z","unheard":-1,"applied":18446744073709551615,"reads":4294967295}`,
		`{"cluster":[{"id":"n1"}],"founders":{"n1":""},"checkpoints":null}`, `[]`, `{"checkpoints":[{}]}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		n := &Node{opts: Options{Network: saying{answer: answer}}}
		odd := sighting{server: Server{ID: "n2", Peer: "n2:1"}, voter: true}
		odd.status, odd.at, odd.err = n.askStatus(t.Context(), "n2:1")
		right := func(id string) sighting {
			return with(well(id), func(m *sighting) {
				m.at = time.Now()
				m.status.Now = m.at.Round(0)
				m.status.Checkpoints = []fsm.Checkpoint{{Index: 256, Digest: "a"}}
			})
		}
		seen := []sighting{right("n1"), odd, right("n3")}
		c := compareDigests(seen)
		if slices.ContainsFunc(append(c.differ, c.dispute...), func(id string) bool { return id != "n2" }) {
			t.Errorf("%q turns the others against each other: %+v", answer, c)
		}
		if judgeSpace(seen).refuse {
			t.Errorf("%q has ballots refused while a majority has space", answer)
		}
		clock := newClock(time.Now)
		clock.heard("n1", seen, slog.New(slog.DiscardHandler))
		if now, ok := clock.read(); !ok || now.Sub(time.Now().Round(0)).Abs() > time.Minute {
			t.Errorf("%q moves the time to %v, %t", answer, now, ok)
		}
		x := inspect(seen...)
		x.findings()
		for _, m := range seen {
			x.restartRisks(m.server.ID)
		}
	})
}

// FuzzRoster holds that nobody is let in but whom a member that knows more calls a member.
func FuzzRoster(f *testing.F) {
	for _, seed := range []string{
		`{"index":9,"members":[{"id":"n1","peer":"h:1"},{"id":"n4","peer":"h:4"}]}`, `{"index":7,"members":[{"id":"n4"}]}`,
		`{"index":9,"members":[{"id":"n2"}]}`, `{"index":-1,"members":null}`, `{"index":9,"members":[{"id":"n4","id":"n5"}]}`, ``, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		a := &admission{node: &Node{opts: Options{ID: "n1", Network: saying{answer: answer}}}}
		known := roster{Index: 7, Members: []Server{{ID: "n1", Peer: "h:1"}, {ID: "n2", Peer: "h:2"}}}
		let := a.ask(context.Background(), "n4", known)
		var said struct {
			Index   uint64
			Members []struct{ ID string }
		}
		err := json.Unmarshal(answer, &said)
		if let && (err != nil || said.Index <= known.Index || !slices.Contains(said.Members, struct{ ID string }{"n4"})) {
			t.Errorf("%q lets n4 in", answer)
		}
	})
}

// FuzzChange holds that a wish to change the membership that can be read can also be
// passed on, that no hash of a join token is taken from who asks to join, and that what
// is made of one for the log can be read there.
func FuzzChange(f *testing.F) {
	for _, seed := range []string{
		`{"op":"add","id":"n4","peer":"h:4"}`, `{"op":"join","id":"n4","peer":"h:4","disk":"D","reads":3,"token":"voted_join_AAAA"}`,
		`{"op":"join","id":"n4","token_hash":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`, `{"op":"lead","from":"n1"}`, `{"op":"remove","id":"n2"}`,
		`{"op":"join","token_hash":"AA=="}`, `{"op":"\ud800","id":"\u0000"}`, `{"reads":4294967296}`, `{}`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := readChange(body)
		if err != nil {
			return
		}
		passed, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readChange(passed)
		if err != nil || again.Op != c.Op || again.ID != c.ID || again.Peer != c.Peer || again.From != c.From || again.Reads != c.Reads || again.Disk != c.Disk {
			t.Fatalf("%+v is passed on as %+v, %v", c, again, err)
		}
		wish := wishOf(c)
		if read, err := fsm.DecodeRequest(fsm.EncodeRequest(wish)); err != nil || read != poll.Command(wish) {
			t.Fatalf("%+v is read in the log as %+v, %v", wish, read, err)
		}
		token := c.Token
		n := &Node{}
		if err := n.mayJoin(context.Background(), &c); (err != nil) != (token != "") || c.Token != "" || c.TokenHash != nil {
			t.Fatalf("%q, asked for without a certificate: %+v, %v", body, c, err)
		}
	})
}
