package demo

import (
	"strings"
	"testing"
	"time"
)

// exportOf is what two voters' ballots look like in an export.
const exportOf = `{"ballot":1,"voter_key":"aa","ranking":["peltola","begich","palin"],"version":1}
{"ballot":2,"voter_key":"bb","ranking":["peltola"],"version":1}
`

func TestAnExportThatIsNotWhatVotersWereToldIsNoticed(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 125e6, time.UTC)
	types := []ballotType{{Ranking: [][]string{{peltola}, {begich}, {palin}}}, {Ranking: [][]string{{peltola}}}}
	newAuditor := func() *auditor {
		l := newLedger(2)
		l.receipts[0] = receipt{Ballot: 1, Index: 7, Version: 1, CastAt: at}
		l.receipts[1] = receipt{Ballot: 2, Index: 8, Version: 1, CastAt: at.Add(875 * time.Millisecond)}
		return &auditor{schedule: &schedule{votes: []uint16{0, 1}}, ledger: l, types: types}
	}
	for name, c := range map[string]struct{ from, to, says string }{
		"as it should be":                   {"", "", ""},
		"a ballot is missing":               {exportOf[strings.Index(exportOf, "\n")+1:], "", "1 ballot acknowledged and not in the export"},
		"a ballot that no one sent":         {`{"ballot":2`, `{"ballot":3`, "no one sent it"},
		"a ballot that is there twice":      {`{"ballot":2`, `{"ballot":1`, "no one sent it"},
		"another version":                   {`"version":1`, `"version":2`, "not as in the receipt of v-000000"},
		"another ranking":                   {`["peltola"]`, `["palin"]`, "and v-000001 sent [[peltola]]"},
		"a ranking that goes on":            {`["peltola"]`, `["peltola","palin"]`, "and v-000001 sent [[peltola]]"},
		"an export that breaks off in line": {`"ranking":["peltola"],"version":1}`, "", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := exportOf
			if c.from != "" {
				text = strings.Replace(text, c.from, c.to, 1)
			}
			err := newAuditor().strike(strings.NewReader(text))
			switch {
			case c.says == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}
