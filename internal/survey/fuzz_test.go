package survey

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"voted/internal/poll"
)

// FuzzReport checks that no report of one of three members makes another one panic, makes
// the two others doubt each other, or moves the clock or the disks' verdict that those
// two agree on.
func FuzzReport(f *testing.F) {
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
		now := time.Now()
		odd := Sighting{Peer: Peer{ID: "n2", Addr: "n2:1"}, Votes: true, At: now}
		if odd.Err = json.Unmarshal(answer, &odd.Report); odd.Err == nil && odd.Report.ID != "n2" {
			odd.Err = errors.New("another member answers")
		}
		right := func(id string) Sighting {
			return with(well(id), func(m *Sighting) {
				m.At, m.Report.Now = now, now.Round(0)
				m.Report.Checkpoints = []poll.Checkpoint{{Index: 256, Digest: "a"}}
			})
		}
		look := Look{right("n1"), odd, right("n3")}
		c := look.Digests()
		if slices.ContainsFunc(append(c.Differ, c.Dispute...), func(id string) bool { return id != "n2" }) {
			t.Errorf("%q turns the others against each other: %+v", answer, c)
		}
		if look.Space().Refuse {
			t.Errorf("%q has ballots refused while a majority has space", answer)
		}
		if clocks, ok := look.Clocks("n1", now, now); !ok || clocks.Median.Abs() > time.Minute {
			t.Errorf("%q moves the time by %v, %t", answer, clocks.Median, ok)
		}
		s := inspect(look...).Status()
		if _, err := json.Marshal(s); err != nil {
			t.Errorf("%q makes a status that cannot be written: %v", answer, err)
		}
	})
}
