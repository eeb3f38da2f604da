package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is a line of `go test -json` (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// skip is a test that was skipped, and what it said.
type skip struct{ test, said string }

// show copies what go test would have shown: the closing line of each package, and all
// that failed tests said.
func show(events io.Reader, w io.Writer) (skipped []skip, err error) {
	said := map[string]*strings.Builder{} // by package and test
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 16<<20) // one line of output may be long
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Action == "" {
			fmt.Fprintln(w, lines.Text()) // go's own words
			continue
		}
		key := e.Package + "." + e.Test
		switch {
		case e.Action == "build-output", e.Action == "output" && e.Test == "" && e.Output != "PASS\n":
			fmt.Fprint(w, e.Output)
		case e.Action == "output":
			if said[key] == nil {
				said[key] = new(strings.Builder)
			}
			said[key].WriteString(e.Output)
		case e.Action == "fail" && e.Test != "":
			fmt.Fprint(w, text(said[key]))
		case e.Action == "fail": // what ran when the package's process died
			for _, other := range slices.Sorted(maps.Keys(said)) {
				if strings.HasPrefix(other, key) {
					fmt.Fprint(w, text(said[other]))
				}
			}
		case e.Action == "skip" && e.Test != "":
			skipped = append(skipped, skip{key, text(said[key])})
		}
		if e.Action == "pass" || e.Action == "fail" || e.Action == "skip" {
			delete(said, key)
		}
	}
	return skipped, lines.Err()
}

func text(b *strings.Builder) string {
	if b == nil {
		return ""
	}
	return b.String()
}

// judge returns the exit code for what was skipped, and says what was.
func judge(skipped []skip, w io.Writer) (code int) {
	for _, s := range skipped {
		if elsewhere[s.test] != "" {
			continue
		}
		if code == 0 {
			fmt.Fprintln(w, "testrun: these tests were skipped; install or allow what they need, or say in internal/testrun where they run instead:")
		}
		code = 1
		fmt.Fprintf(w, "%s\n%s", s.test, s.said)
	}
	return code
}
