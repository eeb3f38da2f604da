package docs

import (
	"regexp"
	"strings"
	"testing"
)

// carriedOut is how the manual names what carries out the commands above it.
var carriedOut = regexp.MustCompile("Carried out by (?:the same test|`Test\\w+`|`make deploy-test`)|Not carried out: ")

// Every block of commands in the manual for operators is followed by the name of what
// carries it out, which reads it from there, or by why nothing can.
func TestEveryProcedureIsCarriedOut(t *testing.T) {
	t.Parallel()
	section := ""
	parts := strings.Split(read(t, "docs/operations.md"), "```sh\n")
	for i, part := range parts {
		if i > 0 {
			block, after, closed := strings.Cut(part, "```")
			if !closed {
				t.Fatalf("a block of %q is not closed", section)
			}
			here, _, _ := strings.Cut(after, "\n## ")
			if !carriedOut.MatchString(here) {
				t.Errorf("under %q nothing is named that carries out\n%s", section, block)
			}
		}
		if at := strings.LastIndex(part, "\n## "); at >= 0 {
			section, _, _ = strings.Cut(part[at+4:], "\n")
		}
	}
	if len(parts) < 10 {
		t.Errorf("only %d blocks were found", len(parts)-1)
	}
}
