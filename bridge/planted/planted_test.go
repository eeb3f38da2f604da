package planted

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"voted/harness/overlay"
)

// Each bug must fail the test that is there for it.
func TestThePlantedBugsAreFound(t *testing.T) {
	t.Parallel()
	root, err := overlay.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, folder, test string
		edits              []overlay.Edit
	}{
		{"acknowledges before the commit", "bridge/ingest", "TestARefusalOfTheWholeUploadBuriesNoBallot", []overlay.Edit{EarlyAck}},
		{"terminates before the dead letter is stored", "bridge/ingest", "TestPoisonIsStoredBeforeItIsTerminatedAndTheRestGoesOn", []overlay.Edit{EarlyTerm}},
		{"loses poison whose letter is not stored", "bridge/ingest", "TestAMessageWhoseLetterIsNotStoredComesAgain", []overlay.Edit{EarlyTerm}},
		{"drops messages after five deliveries", "bridge/jetstream", "TestAMessageOutlivesAnyNumberOfDeliveries", BareNak},
		{"publishes wherever the stream ends", "bridge/jetstream", "TestTwoFeedsThatAreKilledAgainAndAgainStoreEachEventOnce", []overlay.Edit{Blind}},
		{"does not wait for what does not follow", "bridge/feed", "TestWhatDoesNotFollowIsPublishedAlone", []overlay.Edit{Hasty}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			program, err := overlay.Tests(t.Context(), t.TempDir(), c.folder, c.edits...)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), program, "-test.run", "^"+c.test+"$")
			cmd.Dir = filepath.Join(root, c.folder)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: "+c.test) {
				t.Errorf("the bug is not found (%v):\n%s", err, out)
			}
		})
	}
}
