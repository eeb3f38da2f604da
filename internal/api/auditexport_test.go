package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
	"voted/internal/recount"
	"voted/proof"
)

// auditLine is a line of what auditors read, of any kind.
type auditLine struct {
	Entry      []byte    `json:"entry"`
	Definition []byte    `json:"definition"`
	Closing    []byte    `json:"closing"`
	Ballot     uint32    `json:"ballot"`
	Supersedes uint32    `json:"supersedes"`
	VoterKey   string    `json:"voter_key"`
	Version    uint32    `json:"version"`
	Index      uint64    `json:"index"`
	CastAt     time.Time `json:"cast_at"`
	Nonce      string    `json:"nonce"`
	Sealed     string    `json:"sealed"`
	Seal       string    `json:"seal"`
}

// entriesOf makes the log again from what an auditor reads.
func entriesOf(t *testing.T, text string) (entries [][]byte) {
	t.Helper()
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for line := range strings.Lines(text) {
		var l auditLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch {
		case l.Entry != nil:
			entries = append(entries, l.Entry)
		case l.Closing != nil:
			entries = append(entries, l.Closing)
		case l.Ballot > 0:
			e := proof.BallotEntry{Key: [16]byte(unhex(l.VoterKey)), Supersedes: l.Supersedes}
			if l.Version > 0 {
				e.Seal = proof.Opening{
					Nonce: [16]byte(unhex(l.Nonce)), Version: l.Version, Index: l.Index, CastAt: uint64(l.CastAt.UnixMilli()), Selections: unhex(l.Sealed),
				}.Seal()
			} else {
				e.Seal = proof.Hash(unhex(l.Seal))
			}
			entries = append(entries, e.Append(nil))
		}
	}
	return entries
}

// logOf returns the poll's log as the core makes it.
func (g *rig) logOf(id string) (entries [][]byte) {
	g.t.Helper()
	g.b.Read(func(s *poll.State) {
		c, _, err := s.Capture(id)
		if err != nil {
			g.t.Fatal(err)
		}
		for e := range c.Leaves(0, c.LogSize()) {
			entries = append(entries, bytes.Clone(e))
		}
	})
	return entries
}

func TestAnAuditorMakesTheWholeLogAgainAndOpensWhatCounts(t *testing.T) {
	t.Parallel()
	for name, definition := range map[string]string{
		"secret":   revotable,
		"open":     roll,
		"weighted": `{"options":["ann","bo"],"revote":"until_close","eligibility":"roll"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", definition)
			if name == "weighted" {
				g.upload("p", `{"voter":"v0","weight":3}`+"\n"+`{"voter":"v1"}`+"\n"+`{"voter":"v2"}`+"\n"+`{"voter":"v3","weight":9}`).want(200)
			}
			for i := range 3 {
				g.cast("p", fmt.Sprint("v", i), forAnn)
			}
			g.do("PUT", "/v1/polls/p/ballots/v1", forBo, "If-Match", `"1"`).want(200)
			for _, closed := range []bool{false, true} {
				if closed {
					g.close("p")
				}
				a := g.do("GET", "/v1/polls/p/audit", "").want(200).has("Content-Type", mediaNDJSON)
				if got, want := entriesOf(t, a.body), g.logOf("p"); !slices.EqualFunc(got, want, bytes.Equal) {
					t.Errorf("closed: %t: the log is\n%x\nwant\n%x\nof %s", closed, got, want, a.body)
				}
				audit, err := recount.ReadAudit(strings.NewReader(a.body), nil)
				if err != nil || int(audit.Voters) != 3 || (audit.Closing != nil) != closed || (audit.Roll != nil) != (name == "weighted") {
					t.Errorf("closed: %t: an auditor's program reads %+v, %v", closed, audit.Count, err)
				}
				// One choice of another is another log.
				if got := entriesOf(t, strings.Replace(a.body, `"sealed":"00"`, `"sealed":"01"`, 1)); slices.EqualFunc(got, g.logOf("p"), bytes.Equal) {
					t.Error("another choice is not seen")
				}
				// The ballot that was replaced stays sealed.
				if n := strings.Count(a.body, `"seal":`); n != 1 || strings.Count(a.body, `"nonce":`) != 3 {
					t.Errorf("%d ballots stay sealed: %s", n, a.body)
				}
				if name == "secret" {
					a.lacks(`"voter":`)
				}
				if name == "weighted" {
					a.holds(`,"weight":3}`).holds(`{"eligible":"`).holds(`,"weight":9}`)
				}
			}
		})
	}
}

func TestTheDefinitionThatAnAuditorReadsIsThatOfTheFirstLeaf(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", `{"options":["ann","bo"],"title":"A","closes_at":"2026-12-09T00:00:00Z"}`)
	var l auditLine
	if err := json.Unmarshal([]byte(g.do("GET", "/v1/polls/p/audit", "").want(200).body), &l); err != nil {
		t.Fatal(err)
	}
	d := poll.NewCursor(l.Definition).Definition()
	e, err := proof.ParseDefinitionEntry(l.Entry)
	if err != nil || d.ID != "p" || d.Title != "" || d.ClosesAt != 0 || len(d.Options) != 2 {
		t.Errorf("the definition is %+v, %v", d, err)
	}
	if e.Disclosure != 1 || e.Rules != sha256.Sum256(l.Definition) {
		t.Errorf("the entry is %+v", e)
	}
}
