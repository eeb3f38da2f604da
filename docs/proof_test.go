package docs

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const proofPage = "docs/proof.md"

// proofExample is a command of the page with what it prints.
var proofExample = regexp.MustCompile("(?s)```\n\\$ voted (.*?)\n(.*?)```")

// What the page shows is what the commands print of the golden files.
func TestThePageOnProofsShowsWhatIsPrinted(t *testing.T) {
	t.Parallel()
	voted, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	examples := proofExample.FindAllStringSubmatch(read(t, proofPage), -1)
	if len(examples) < 3 {
		t.Errorf("%s has %d examples", proofPage, len(examples))
	}
	for _, x := range examples {
		cmd := exec.CommandContext(t.Context(), voted, strings.Fields(x[1])...)
		cmd.Dir = filepath.Join(root, "proof", "testdata", "golden")
		out, err := cmd.Output() // some of them are refused, with exit code 1
		if string(out) != x[2] {
			t.Errorf("voted %s prints\n%s\nand the page has\n%s\n(%v)", x[1], out, x[2], err)
		}
	}
}
