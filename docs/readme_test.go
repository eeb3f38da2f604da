package docs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	speedBegins = "<!-- made of docs/performance.md by go test ./docs -run Speed -update -->\n"
	speedEnds   = "<!-- until here -->\n"
)

// inDepth are the columns of that table that the README leaves out.
var inDepth = []string{"p99 ms", "p50 ×", "p99 ×"}

// speedTable is the README's: the first table under "Beside others" in docs/performance.md, without some columns.
func speedTable(t *testing.T) string {
	t.Helper()
	_, after, found := strings.Cut(read(t, "docs/performance.md"), "\n## Beside others\n")
	if !found {
		t.Fatal("docs/performance.md compares with nothing")
	}
	var table strings.Builder
	var header []string
	rows := 0
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, "|") {
			if rows > 0 {
				break
			}
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if rows == 0 {
			header = cells
		}
		if len(cells) != len(header) {
			t.Fatalf("not as many cells as the header has, %d: %s", len(header), line)
		}
		table.WriteString("|")
		for i, cell := range cells {
			if !slices.Contains(inDepth, strings.TrimSpace(header[i])) {
				table.WriteString(cell + "|")
			}
		}
		table.WriteString("\n")
		rows++
	}
	if rows < 7 || !strings.Contains(table.String(), "PostgreSQL") {
		t.Fatalf("the comparison has only %d rows, or not all systems:\n%s", rows, table.String())
	}
	return table.String()
}

func TestTheReadmesSpeedIsThatOfThePageOnPerformance(t *testing.T) {
	t.Parallel()
	text := read(t, "README.md")
	before, rest, begins := strings.Cut(text, speedBegins)
	is, after, ends := strings.Cut(rest, speedEnds)
	if !begins || !ends {
		t.Fatal("the README has no place for the table of speed")
	}
	want := speedTable(t)
	if *update {
		if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(before+speedBegins+want+speedEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if is != want {
		t.Errorf("the README says\n%s\ndocs/performance.md says\n%s\ngo test ./docs -run Speed -update copies it", is, want)
	}
}

// A front door, not a manual.
const readmeLines = 200

func TestTheReadmeIsShort(t *testing.T) {
	t.Parallel()
	if n := strings.Count(read(t, "README.md"), "\n"); n >= readmeLines {
		t.Errorf("the README has %d lines; what goes into depth belongs into docs", n)
	}
}
