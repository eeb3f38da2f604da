package ingest

import (
	"os"
	"strings"
	"testing"
)

// missingCodes returns the codes whose fate is known here and not in the manual's table.
func missingCodes(t *testing.T, manual string) (missing []string) {
	t.Helper()
	_, table, found := strings.Cut(manual, "| the cluster's answer | the message |\n")
	if !found {
		t.Fatal("docs/bridge.md has no table of what becomes of a message")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for code := range fates {
		if code != "" && !strings.Contains(table, "`"+string(code)+"`") {
			missing = append(missing, string(code))
		}
	}
	return missing
}

func TestTheManualSaysWhatBecomesOfAMessageForEachCode(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/bridge.md")
	if err != nil {
		t.Fatal(err)
	}
	if missing := missingCodes(t, string(b)); missing != nil {
		t.Errorf("docs/bridge.md does not name %q", missing)
	}
	// A code that is left out must be seen.
	if missing := missingCodes(t, strings.ReplaceAll(string(b), "`upgrade_pending`", "")); len(missing) != 1 || missing[0] != "upgrade_pending" {
		t.Errorf("without upgrade_pending the manual lacks %q", missing)
	}
}
