package members

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"voted/internal/cluster/lookout"
	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/survey"
)

// saying is a network whose every member gives the same answer.
type saying struct {
	Network
	answer []byte
}

func (s saying) Call(context.Context, string, string, []byte) ([]byte, error) { return s.answer, nil }

// FuzzRoster checks that only members that a better-informed member calls members are
// admitted.
func FuzzRoster(f *testing.F) {
	for _, seed := range []string{
		`{"index":9,"members":[{"id":"n1","peer":"h:1"},{"id":"n4","peer":"h:4"}]}`, `{"index":7,"members":[{"id":"n4"}]}`,
		`{"index":9,"members":[{"id":"n2"}]}`, `{"index":-1,"members":null}`, `{"index":9,"members":[{"id":"n4","id":"n5"}]}`, ``, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		others := saying{answer: answer}
		a := &admission{ms: &Members{opts: Options{ID: "n1", Network: others, Lookout: lookout.New("n1", others, nil)}}}
		known := roster{Index: 7, Members: []survey.Peer{{ID: "n1", Addr: "h:1"}, {ID: "n2", Addr: "h:2"}}}
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

// FuzzChange checks that a request to change the membership that can be read can also be
// passed on, that no hash of a join token is taken from a member that asks to join, and
// that the command that is made of one can be read in the log.
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
		if err != nil || again.Op != c.Op || again.ID != c.ID || again.Peer != c.Peer || again.From != c.From || again.FormatLevel != c.FormatLevel || again.Disk != c.Disk {
			t.Fatalf("%+v is passed on as %+v, %v", c, again, err)
		}
		wish := redemptionOf(c)
		if read, err := fsm.DecodeRequest(fsm.EncodeRequest(wish)); err != nil || read != poll.Command(wish) {
			t.Fatalf("%+v is read in the log as %+v, %v", wish, read, err)
		}
		token := c.Token
		c, err = new(Members).authenticated(context.Background(), c)
		if (err != nil) != (token != "") || c.Token != "" || c.TokenHash != nil {
			t.Fatalf("%q, asked for without a certificate: %+v, %v", body, c, err)
		}
	})
}
