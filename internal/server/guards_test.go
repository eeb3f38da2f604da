package server

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"voted/internal/audit"
)

// What reads audit logs goes by these names, and by their order where it is simple.
func TestWhatAMemberDoesByItselfIsRecordedInTheSameLineAsEver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit")
	log, err := audit.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	g := guards{audit: log}
	t.Cleanup(func() { _ = g.close() })
	if err := g.recorder("n1")("remove_dead", "n3", "it was away for 2h0m0s"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`)
	const want = `{AT,"event":"by_itself","action":"remove_dead","node":"n1","client":"","address":"","request_id":"","method":"","route":"","member":"n3","request":"it was away for 2h0m0s"}` + "\n"
	if got := at.ReplaceAllString(string(b), "AT"); got != want {
		t.Errorf("the line is\n%s, want\n%s", got, want)
	}
}
