package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"voted/loadtest/report"
)

func TestACommandLineThatMakesNoSenseGetsASentence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a fault that does not exist":             {[]string{"--faults", "meteor"}, `no fault "meteor"`},
		"a rate of 0":                             {[]string{"--rate", "0", "--binary", "/bin/true"}, "--rate must be more than 0"},
		"a share above one":                       {[]string{"--duplicates", "2", "--binary", "/bin/true"}, "--duplicates is a share"},
		"a threshold on an unknown metric":        {[]string{"--threshold", "p42<1s"}, `no metric "p42"`},
		"kills of processes of others":            {[]string{"--targets", "http://127.0.0.1:1", "--faults", "kill"}, "with --targets only cut-answer"},
		"secrets without targets":                 {[]string{"--token-file", "x"}, "an own cluster is put under TLS with --tls"},
		"TLS for targets":                         {[]string{"--targets", "https://127.0.0.1:1", "--tls"}, "is said with --ca and --token-file"},
		"a CA that is missing":                    {[]string{"--targets", "127.0.0.1:1", "--ca", "/no/such/file"}, "the CA cannot be read"},
		"a file that is no CA":                    {[]string{"--targets", "127.0.0.1:1", "--ca", "main_test.go"}, "holds no certificate in PEM"},
		"a token that is missing":                 {[]string{"--targets", "127.0.0.1:1", "--token-file", "/no/such/file"}, "the token cannot be read"},
		"a file that is no token":                 {[]string{"--targets", "127.0.0.1:1", "--token-file", "main_test.go"}, "must hold a token and nothing else"},
		"a target where no node serves":           {[]string{"--targets", "http://127.0.0.1:1"}, "target http://127.0.0.1:1 cannot be used"},
		"more ballots than a ledger holds":        {[]string{"--rate", "2000000", "--duration", "1h", "--binary", "/bin/true"}, "more than the"},
		"an output directory that cannot be made": {[]string{"--binary", "/bin/true", "--out", "/proc/loadtest"}, "choose another --out"},
		"a binary that is no node":                {[]string{"--binary", "/bin/true"}, "the cluster did not start"},
		"a check of a folder that holds no run":   {[]string{"check", "/"}, "is not the output of a load test"},
		"the comparison, by its old name":         {[]string{"compare", "--rounds", "2"}, "go run ./bench compare --rounds 2"},
		"the sizes, by their old name":            {[]string{"scale"}, "go run ./bench scale"},
		"a flag that does not exist":              {[]string{"--speed", "9"}, "unknown flag --speed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := c.args
			if args[0][0] == '-' && !strings.Contains(strings.Join(args, " "), "--out") {
				args = append(args, "--out", filepath.Join(t.TempDir(), "out"))
			}
			var out, stderr bytes.Buffer
			if code := run(t.Context(), args, &out, &stderr); code != exitTool {
				t.Errorf("exit code %d, want %d", code, exitTool)
			}
			if !strings.Contains(stderr.String(), c.want) {
				t.Errorf("it said %q, want %q in it", &stderr, c.want)
			}
		})
	}
}

func TestAFullDiskIsNamed(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	r := &report.Report{Verdict: report.Exact}
	if err := r.WriteJSON("/dev/full"); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("a report on a full disk gives the error %v, want one that names the full disk", err)
	}
}

func TestEachVerdictHasItsExitCode(t *testing.T) {
	t.Parallel()
	broken := []report.Threshold{{Threshold: "p99<1ms"}}
	for name, c := range map[string]struct {
		report report.Report
		want   int
	}{
		"exact":                                {report.Report{Verdict: report.Exact}, 0},
		"not exact":                            {report.Report{Verdict: report.NotExact}, 3},
		"exact with a broken threshold":        {report.Report{Verdict: report.Exact, Thresholds: broken}, 4},
		"not exact, and a broken threshold":    {report.Report{Verdict: report.NotExact, Thresholds: broken}, 3},
		"inconclusive, and a broken threshold": {report.Report{Verdict: report.Inconclusive, Thresholds: broken}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := codeOf(&c.report); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
}

// spoil takes the last line out of an export that a run has kept.
func spoil(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(bytes.Join(lines[:len(lines)-1], nil))
	w.Close()
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
