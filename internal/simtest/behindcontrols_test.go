package simtest

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"voted/harness/overlay"
)

// These bugs are in the product's own write-behind, in tests that are built for them. The
// product would stop by itself at the first of them that shows (NoAssurance), and only in
// the first run it may: the simulation must notice without that.
func TestBugsPlantedInTheWriteBehindAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds six programs; the long tests run it")
	}
	unassured := func(edits ...overlay.Edit) []overlay.Edit { return append(slices.Clip(edits), overlay.NoAssurance) }
	for _, bug := range []struct {
		name  string
		edits []overlay.Edit
		run   string // the test that must fail
		shows string // a part of its complaint
	}{
		{
			"the leader applies what its own disk has not, and stops by itself",
			[]overlay.Edit{overlay.NoHold},
			"TestLeadershipIsHandedOverWhileEntriesWait", "is committed, and this member's disk has the log up to",
		},
		{
			"the followers' answers are not held back",
			unassured(overlay.NoHold), "TestLeadershipIsHandedOverWhileEntriesWait", "was applied and is not on its disk",
		},
		{
			"nothing waits until older entries are written",
			unassured(overlay.NoFlush...), "TestWhatADeposedLeaderStillWritesIsOverwritten", "the log was written in a wrong order",
		},
		{
			"what another leader has replaced is written later",
			unassured(overlay.ResurrectedTail...), "TestWhatADeposedLeaderStillWritesIsOverwritten", "the log was written in a wrong order",
		},
		{
			"a configuration counts before it is on disk",
			unassured(overlay.EarlyMatch), "TestMembersAreRemovedDownToOneWhileEntriesWait", "was applied and is not on its disk",
		},
		{
			"the only voting member does not wait for its disk",
			unassured(overlay.AloneBehind), "TestMembersAreRemovedDownToOneWhileEntriesWait", "was applied and is not on its disk",
		},
	} {
		t.Run(bug.name, func(t *testing.T) {
			program, err := overlay.Tests(t.Context(), t.TempDir(), "internal/simtest", bug.edits...)
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), program, "-test.run", "^"+bug.run+"$", "-test.count", "5", "-test.failfast", "-test.timeout", "1m").CombinedOutput()
			if err == nil {
				t.Fatalf("%s passes:\n%s", bug.run, out)
			}
			at := strings.Index(string(out), bug.shows)
			if at < 0 {
				t.Fatalf("%s fails without %q:\n%.4000s", bug.run, bug.shows, out)
			}
			t.Logf("found: %.200s", out[at:])
		})
	}
}
