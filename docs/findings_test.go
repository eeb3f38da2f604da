package docs

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// findingRow is a row of the manual's table of findings.
var findingRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|")

// findingKinds returns the kinds that the API's document has, and those that the manual says what to do about.
func findingKinds(t *testing.T, manual string) (has, told []string) {
	t.Helper()
	all := enums(t, `"Finding": \{[^{]*\{\s*"kind": \{`)
	_, section, found := strings.Cut(manual, "\n### When the status says\n")
	if len(all) != 1 || !found {
		t.Fatalf("%d lists of kinds were found in openapi.yaml; docs/operations.md has the section: %v", len(all), found)
	}
	section, _, _ = strings.Cut(section, "\n### ")
	for _, m := range findingRow.FindAllStringSubmatch(section, -1) {
		told = append(told, m[1])
	}
	return all[0], told
}

func TestTheManualSaysWhatToDoAboutEachFinding(t *testing.T) {
	t.Parallel()
	manual := read(t, "docs/operations.md")
	has, told := findingKinds(t, manual)
	if !slices.Equal(has, told) {
		t.Errorf("docs/operations.md has rows for %q; openapi.yaml has %q", told, has)
	}
	// A row that is missing, and one of no finding, must be seen.
	for _, wrong := range []string{strings.Replace(manual, "| `moving` |", "| moving |", 1), strings.Replace(manual, "| `moving` |", "| `moved` |", 1)} {
		if _, told := findingKinds(t, wrong); wrong == manual || slices.Equal(has, told) {
			t.Errorf("a manual without `moving` is taken: %q", told)
		}
	}
}
