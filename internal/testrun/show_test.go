package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What `go test -json` says, one event a line.
const (
	passes = `{"Action":"start","Package":"voted/a"}
{"Action":"run","Package":"voted/a","Test":"TestGood"}
{"Action":"output","Package":"voted/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"output","Package":"voted/a","Test":"TestGood","Output":"    a_test.go:1: chatter\n"}
{"Action":"pass","Package":"voted/a","Test":"TestGood","Elapsed":0}
{"Action":"output","Package":"voted/a","Output":"PASS\n"}
{"Action":"output","Package":"voted/a","Output":"ok  \tvoted/a\t0.01s\n"}
{"Action":"pass","Package":"voted/a","Elapsed":0.01}
{"Action":"output","Package":"voted/b","Output":"?   \tvoted/b\t[no test files]\n"}
{"Action":"skip","Package":"voted/b"}
`
	skips = `{"Action":"output","Package":"voted/c","Test":"TestTool/sub","Output":"    c_test.go:2: there is no promtool\n"}
{"Action":"skip","Package":"voted/c","Test":"TestTool/sub"}
{"Action":"pass","Package":"voted/c","Test":"TestTool"}
{"Action":"output","Package":"voted/c","Output":"ok  \tvoted/c\t0.01s\n"}
{"Action":"pass","Package":"voted/c"}
`
	known = `{"Action":"skip","Package":"voted/loadtest/netns","Test":"TestParentProcess"}
`
	fails = `{"Action":"output","Package":"voted/d","Test":"TestBad","Output":"    d_test.go:3: wrong\n"}
{"Action":"fail","Package":"voted/d","Test":"TestBad"}
{"Action":"output","Package":"voted/d","Test":"TestHung","Output":"panic: test timed out\n"}
{"Action":"output","Package":"voted/d","Output":"FAIL\tvoted/d\t0.01s\n"}
{"Action":"fail","Package":"voted/d"}
{"ImportPath":"voted/e","Action":"build-output","Output":"e.go:1: syntax error\n"}
not JSON at all
`
)

func TestASkippedTestFailsTheRunAndIsNamed(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		events string
		code   int
		shows  []string
		hides  []string
		names  string // what was skipped
	}{
		"all pass":                      {passes, 0, []string{"ok  \tvoted/a\t0.01s\n", "voted/b\t[no test files]"}, []string{"chatter", "PASS\n"}, ""},
		"one is skipped":                {passes + skips, 1, []string{"ok  \tvoted/c\t0.01s\n"}, nil, "voted/c.TestTool/sub\n    c_test.go:2: there is no promtool\n"},
		"one is skipped and runs later": {passes + known, 0, nil, nil, ""},
		"failures are shown whole":      {fails, 0, []string{"d_test.go:3: wrong\n", "panic: test timed out\n", "FAIL\tvoted/d", "e.go:1: syntax error", "not JSON at all\n"}, nil, ""},
	} {
		var out, errs strings.Builder
		skipped, err := show(strings.NewReader(x.events), &out)
		if err != nil {
			t.Fatal(err)
		}
		if code := judge(skipped, &errs); code != x.code || !strings.HasSuffix(errs.String(), x.names) || (x.names == "") != (errs.Len() == 0) {
			t.Errorf("%s: %d, %q", name, code, errs.String())
		}
		for _, s := range x.shows {
			if !strings.Contains(out.String(), s) {
				t.Errorf("%s: it does not show %q:\n%s", name, s, out.String())
			}
		}
		for _, s := range x.hides {
			if strings.Contains(out.String(), s) {
				t.Errorf("%s: it shows %q", name, s)
			}
		}
	}
}

func TestWhatRunsElsewhereIsThere(t *testing.T) {
	t.Parallel()
	for test := range elsewhere {
		at := strings.LastIndex(test, ".")
		dir, name := strings.TrimPrefix(test[:at], "voted/"), test[at+1:]
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(dir), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(b), "func "+name+"(")
		}
		if !found {
			t.Errorf("there is no test %s", test)
		}
	}
}
