package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestBadInputGetsASentence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing to measure":              {nil, `expected one of "compare", "scale", "viewers"`},
		"a measurement that is none":      {[]string{"guess"}, "unexpected argument guess"},
		"a flag that does not exist":      {[]string{"compare", "--speed", "9"}, "unknown flag --speed"},
		"no rounds":                       {[]string{"compare", "--rounds", "0"}, "--rounds is 1 to"},
		"a comparison without voted":      {[]string{"compare", "--systems", "bare"}, "--systems needs voted"},
		"more voters than are counted":    {[]string{"scale", "--polls", "1000000", "--voters", "1000000"}, "--voters is at least 1"},
		"more viewers than a node serves": {[]string{"viewers", "--viewers", "10001"}, "--viewers is 1 to 10000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, bad bytes.Buffer
			if code := run(t.Context(), c.args, &out, &bad); code != exitTool {
				t.Errorf("exit code %d, want %d", code, exitTool)
			}
			if !strings.Contains(bad.String(), c.want) {
				t.Errorf("it said %q, want %q in it", &bad, c.want)
			}
		})
	}
}

func TestHelpShowsExamplesOfEachCommand(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"compare", "--help"}, {"scale", "--help"}, {"viewers", "--help"}} {
		var out, bad bytes.Buffer
		if code := run(t.Context(), args, &out, &bad); code != exitExact || bad.Len() > 0 {
			t.Errorf("%q: exit code %d, %q", args, code, &bad)
		}
		if !strings.Contains(out.String(), "go run ./bench "+strings.TrimSuffix(args[0], "--help")) {
			t.Errorf("%q shows no example:\n%s", args, &out)
		}
	}
}

func TestAnInterruptedMeasurementSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, command := range []string{"compare", "scale", "viewers"} {
		var out, bad bytes.Buffer
		if code := run(ctx, []string{command, "--dir", t.TempDir()}, &out, &bad); code != exitInterrupted || !strings.Contains(bad.String(), "interrupted") {
			t.Errorf("%s: exit code %d, %q", command, code, &bad)
		}
	}
}
