package docs

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"voted/client"
	"voted/internal/api"
	"voted/internal/tally"
)

// enums returns the values that openapi.yaml gives for names that match.
func enums(t *testing.T, before string) (all [][]string) {
	t.Helper()
	pattern := regexp.MustCompile(`(?s)` + before + `"enum": (\[[^\]]*\])`)
	for _, m := range pattern.FindAllStringSubmatch(read(t, "internal/api/openapi.yaml"), -1) {
		var values []string
		if err := json.Unmarshal([]byte(m[1]), &values); err != nil {
			t.Fatal(err)
		}
		all = append(all, values)
	}
	return all
}

func TestHelpClientAndReferenceOfferWhatTheServerTakes(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		what      string
		takes     []string // the server
		client    []string
		reference [][]string
		command   []string
		flag      string
	}{
		{
			"methods", tally.Names(), words(client.Methods()), enums(t, `"method": \{\s*`),
			[]string{"poll", "create"},
			"--method=METHOD",
		},
		{
			"formats of exports", api.ExportFormats(), words(client.Formats()), enums(t, `"Format": \{\s*"name": "format",[^{}]*"schema": \{`),
			[]string{"export"},
			"--format=FORMAT",
		},
		{
			"formats of results", api.ResultFormats(), words(client.ResultsFormats()), enums(t, `"ResultFormat": \{\s*"name": "format",[^{}]*"schema": \{`),
			[]string{"results"},
			"--format=FORMAT",
		},
	} {
		if !slices.Equal(x.client, x.takes) {
			t.Errorf("%s: the client has %q, the server takes %q", x.what, x.client, x.takes)
		}
		if len(x.reference) == 0 {
			t.Errorf("%s: openapi.yaml names none; is the pattern right?", x.what)
		}
		for _, r := range x.reference {
			if !slices.Equal(r, x.takes) {
				t.Errorf("%s: openapi.yaml has %q, the server takes %q", x.what, r, x.takes)
			}
		}
		out, err := exec.Command(path, append(x.command, "--help")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		last := len(x.takes) - 1
		want := x.flag + " " + strings.Join(x.takes[:last], ", ") + " or " + x.takes[last]
		if !strings.Contains(strings.Join(strings.Fields(string(out)), " "), want) {
			t.Errorf("%s: the help of voted %s does not have %q:\n%s", x.what, strings.Join(x.command, " "), want, out)
		}
	}
}

func words[T ~string](names []T) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(n)
	}
	return all
}
