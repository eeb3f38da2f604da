package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	listed   = regexp.MustCompile("(?m)^\\| `(voted_[a-z_]+)` \\| (\\w+) ")
	recorded = regexp.MustCompile(`(?m)^      - record: (\S+)$`)
	queried  = regexp.MustCompile(`\b(?:(?:voted|process|go)_[a-z_]+|slo:[a-z_:0-9]+)\b`)
	selector = regexp.MustCompile(`\{[^{}]*\}`)
)

// series are the names that Prometheus stores: those in docs/metrics.md, which another
// test compares with what a node exports, and those of the Prometheus client.
func series(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{"process_resident_memory_bytes": true, "process_cpu_seconds_total": true, "process_open_fds": true}
	for _, m := range listed.FindAllStringSubmatch(read(t, "../docs/metrics.md"), -1) {
		names[m[1]] = true
		if m[2] == "histogram" {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				names[m[1]+part] = true
			}
		}
	}
	return names
}

func TestEveryMetricOfTheRulesAndTheDashboardExists(t *testing.T) {
	t.Parallel()
	names := series(t)
	used := map[string]string{}
	for _, file := range []string{"prometheus/rules.yml", "prometheus/slo.yml"} {
		rules := read(t, file)
		for _, m := range recorded.FindAllStringSubmatch(rules, -1) {
			names[m[1]] = true
		}
		for line := range strings.Lines(rules) {
			if strings.Contains(line, "summary:") || strings.Contains(line, "description:") || strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, name := range queried.FindAllString(line, -1) {
				used[name] = file
			}
		}
	}
	for _, r := range dashboard {
		for _, p := range r.panels {
			for _, q := range p.queries {
				for _, name := range queried.FindAllString(selector.ReplaceAllString(q.expr, ""), -1) {
					used[name] = "the dashboard's panel " + p.title
				}
			}
		}
	}
	if len(used) < 15 {
		t.Errorf("only %d metrics are used; is the pattern right?", len(used))
	}
	for name, where := range used {
		if !names[name] {
			t.Errorf("%s uses %s, which docs/metrics.md does not have and no rule records", where, name)
		}
	}
}

// A bucket's bound is "1" or "1.0", by the format that Prometheus asked for; one that is written in one of them finds
// nothing in the other.
func TestBucketsAreFoundInBothFormatsOfMetrics(t *testing.T) {
	t.Parallel()
	bound := regexp.MustCompile(`\ble=~?\\?"(\d+(?:[.]0)?)\\?"`)
	for _, file := range []string{"prometheus/rules.yml", "prometheus/slo.yml", "grafana/voted.json"} {
		if m := bound.FindString(read(t, file)); m != "" {
			t.Errorf("%s has %s, which is right in one format alone", file, m)
		}
	}
	for text, want := range map[string]bool{`{le="1"}`: true, `{le=\"1.0\"}`: true, `{le=~"1([.]0)?"}`: false, `{le="0.25"}`: false} {
		if bound.MatchString(text) != want {
			t.Errorf("%s is taken for right: %v", text, want)
		}
	}
}

func TestTheRulesAlertWhenTheyShould(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool", "prometheus")
	if out, err := run(t, promtool, "check", "rules", "--lint=all", "--lint-fatal", "prometheus/rules.yml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := run(t, promtool, "test", "rules", "prometheus/rules_test.yml", "prometheus/days_test.yml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	everyAlertHasItsCases(t, read(t, "prometheus/rules.yml"), read(t, "prometheus/rules_test.yml")+read(t, "prometheus/days_test.yml"))
	// The cases must be able to fail.
	broken := t.TempDir()
	for name, text := range map[string]string{
		"rules.yml": strings.Replace(read(t, "prometheus/rules.yml"), "voted_has_leader) == 0", "voted_has_leader) == 2", 1), "rules_test.yml": read(t, "prometheus/rules_test.yml"),
	} {
		if err := os.WriteFile(broken+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := run(t, promtool, "test", "rules", broken+"/rules_test.yml"); err == nil {
		t.Error("a rule that never fires passes its cases")
	}
}
