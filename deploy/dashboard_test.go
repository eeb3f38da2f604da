package deploy

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write generated files again")

// panel is one picture of the dashboard: what it shows, in which unit, by which queries.
type panel struct {
	title, about string
	unit         string // of Grafana
	queries      []query
}

type query struct{ expr, legend string }

// row is a line of panels under one title.
type row struct {
	title  string
	panels []panel
}

// rate is the window of rates: four scrapes of the usual 15 s, whatever the zoom.
const rate = "[$__rate_interval]"

func quantile(q, metric, by string) string {
	return "histogram_quantile(" + q + ", sum by (" + by + "le) (rate(" + metric + `{job="$job"}` + rate + ")))"
}

// dashboard is the source of grafana/voted.json: go test ./deploy -run Dashboard -update
var dashboard = []row{
	{"Is all well?", []panel{
		{"Members up", "Nodes that Prometheus reaches, and voting members.", "none", []query{
			{`sum(up{job="$job"})`, "up"}, {`max(voted_members{job="$job",role="voter"})`, "voters"},
		}},
		{"Leader", "Who leads; a change is an election.", "none", []query{{`voted_leader{job="$job"} > 0`, "{{instance}}"}}},
		{"Ballots a second", "Answers to ballots by outcome.", "reqps", []query{
			{`sum by (outcome) (rate(voted_ballots_total{job="$job"}` + rate + `)) > 0`, "{{outcome}}"},
		}},
		{"Server errors", "Share of the requests answered with 5xx.", "percentunit", []query{
			{`sum(rate(voted_http_requests_total{job="$job",class="5xx"}` + rate + `)) / sum(rate(voted_http_requests_total{job="$job"}` + rate + `))`, "5xx"},
		}},
	}},
	{"Is what was promised kept?", []panel{
		{"Budget spent", "Share of what may go wrong in 30 days that did, by objective: over 100 %, upgrades stop (docs/slo.md).", "percentunit", []query{
			{`slo:period_burn_rate:ratio{job=~"$job(-probe)?"}`, "{{sloth_slo}}"},
		}},
		{"Burn", "How many times as fast as it may the budget goes now. 14.4 for an hour pages, and 6 for six hours.", "none", []query{
			{`slo:current_burn_rate:ratio{job=~"$job(-probe)?"}`, "{{sloth_slo}}"},
		}},
		{"Ballots without an answer", "Ballots a second that got no answer that tells whether they count, by node and reason.", "reqps", []query{
			{`sum by (instance, outcome) (rate(voted_ballots_total{job="$job",outcome=~"` + lost + `"}` + rate + `)) > 0`, "{{instance}} {{outcome}}"},
		}},
		{"Seen from outside", "Rounds of voted probe by result, a minute, and how long they take.", "none", []query{
			{`60 * sum by (result) (rate(voted_probe_total{job="$job-probe"}` + rate + `)) > 0`, "{{result}}"},
			{`histogram_quantile(0.99, sum by (le) (rate(voted_probe_seconds_bucket{job="$job-probe"}` + rate + `)))`, "p99, seconds"},
		}},
		{"Polls that closed", "In the last hour, as most nodes saw it: all, and those that closed more than a second late.", "none", []query{
			{`quantile(0.5, increase(voted_close_delay_seconds_count{job="$job"}[1h]))`, "all"},
			{`quantile(0.5, increase(voted_close_delay_seconds_count{job="$job"}[1h]) - ignoring (le) increase(voted_close_delay_seconds_bucket{job="$job",le=~"` + whole("1") + `"}[1h]))`, "late"},
		}},
	}},
	{"Are webhooks delivered?", []panel{
		{"Deliveries", "Attempts a second by result; dead are events that were given up.", "ops", []query{
			{`sum by (result) (rate(voted_webhook_deliveries_total{job="$job"}` + rate + `)) > 0`, "{{result}}"},
		}},
		{"From the event to its receiver", "Where the receiver does not fail.", "s", []query{
			{quantile("0.5", "voted_webhook_settled_seconds_bucket", ""), "median"}, {quantile("0.99", "voted_webhook_settled_seconds_bucket", ""), "p99"},
		}},
		{"Waiting", "Age of the oldest event that a webhook is still to get.", "s", []query{{`max(voted_webhook_oldest_seconds{job="$job"})`, "oldest"}}},
		{"Webhooks", "How many there are, by state, and events that were given up.", "none", []query{
			{`max by (state) (voted_webhook_endpoints{job="$job"})`, "{{state}}"}, {`max(voted_webhook_dead{job="$job"})`, "dead letters"},
		}},
	}},
	{"How fast is it?", []panel{
		{"Casting a ballot", "From the request's header to the end of its answer.", "s", []query{
			{`histogram_quantile(0.5, sum by (le) (rate(voted_http_request_duration_seconds_bucket{job="$job",route="/v1/polls/{poll}/ballots/{voter}",method="PUT"}` + rate + `)))`, "median"},
			{`histogram_quantile(0.99, sum by (le) (rate(voted_http_request_duration_seconds_bucket{job="$job",route="/v1/polls/{poll}/ballots/{voter}",method="PUT"}` + rate + `)))`, "p99"},
		}},
		{"Commit", "From proposing an entry until it is durable on a majority and applied.", "s", []query{
			{quantile("0.5", "voted_commit_seconds_bucket", ""), "median"}, {quantile("0.99", "voted_commit_seconds_bucket", ""), "p99"},
		}},
		{"Log writes (p99)", "Appending to the log, fsync included.", "s", []query{
			{`histogram_quantile(0.99, sum by (instance, le) (rate(voted_store_seconds_bucket{job="$job",op="append"}` + rate + `)))`, "{{instance}}"},
		}},
		{"Ballots in an entry", "How many ballots share a commit, on average.", "none", []query{
			{`sum(rate(voted_entry_ballots_sum{job="$job"}` + rate + `)) / sum(rate(voted_entry_ballots_count{job="$job"}` + rate + `))`, "ballots"},
		}},
	}},
	{"Is anything in the way?", []panel{
		{"Waiting ballots", "Single ballots that wait or are under way on a node.", "none", []query{{`voted_queued_ballots{job="$job"}`, "{{instance}}"}}},
		{"Further attempts", "Batches sent again after an attempt that failed or was not answered, and elections for which a node stood.", "ops", []query{
			{`sum by (instance) (rate(voted_resubmissions_total{job="$job"}` + rate + `))`, "{{instance}}"},
			{`sum by (instance) (rate(voted_elections_total{job="$job"}` + rate + `))`, "{{instance}} elections"},
		}},
		{"Behind the leader", "Log entries that a node has not applied yet.", "none", []query{
			{`max(voted_commit_index{job="$job"}) - on () group_right () voted_applied_index{job="$job"}`, "{{instance}}"},
		}},
		{"Clock", "Largest deviation of a member's clock from the median.", "s", []query{{`max(voted_clock_skew_seconds{job="$job"})`, "skew"}}},
	}},
	{"Is it proven?", []panel{
		{"Signed heads", "Heads of polls' logs that a majority signed, a second, by the node that collected the signatures.", "ops", []query{
			{`sum by (instance) (rate(voted_proof_heads_total{job="$job"}` + rate + `)) > 0`, "{{instance}}"},
		}},
		{"Who signs", "Share of the heads that each member signed. A member far below 1 is behind, away, or refuses.", "percentunit", []query{
			{`sum by (member) (rate(voted_proof_signatures_total{job="$job"}` + rate + `)) / on () group_left () (sum(rate(voted_proof_heads_total{job="$job"}` + rate + `)) > 0)`, "{{member}}"},
			{`sum by (reason) (rate(voted_proof_refusals_total{job="$job"}` + rate + `)) > 0`, "refused a second: {{reason}}"},
		}},
		{"Ballots without a signed head", "Records that no head covers yet, and logs that a member never signs again.", "none", []query{
			{`voted_proof_behind_leaves{job="$job"}`, "{{instance}}"}, {`voted_proof_forked_logs{job="$job"} > 0`, "{{instance}} forked logs"},
		}},
		{"Wait for a head", "For how long the oldest of these has waited.", "s", []query{{`max(voted_proof_waiting_seconds{job="$job"})`, "oldest"}}},
	}},
	{"How full is it?", []panel{
		{"Memory", "Resident memory of the process.", "bytes", []query{{`process_resident_memory_bytes{job="$job"}`, "{{instance}}"}}},
		{"Disk", "Size of the data directory.", "bytes", []query{{`voted_store_size_bytes{job="$job"}`, "{{instance}}"}}},
		{"Processor", "Cores in use.", "none", []query{{`rate(process_cpu_seconds_total{job="$job"}` + rate + `)`, "{{instance}}"}}},
		{"Connections", "Open file descriptors, live result streams and bulk uploads.", "none", []query{
			{`process_open_fds{job="$job"}`, "{{instance}} descriptors"}, {`sum(voted_stream_subscribers{job="$job"})`, "streams"}, {`sum(voted_bulk_uploads{job="$job"})`, "uploads"},
		}},
	}},
}

// Grafana's grid is 24 columns wide.
const gridWidth, panelHeight = 24, 7

type object = map[string]any

// render makes the dashboard in Grafana's own form.
func render(rows []row) ([]byte, error) {
	var panels []object
	y, id := 0, 1
	for _, r := range rows {
		panels = append(panels, object{"type": "row", "title": r.title, "id": id, "collapsed": false, "gridPos": object{"h": 1, "w": gridWidth, "x": 0, "y": y}, "panels": []object{}})
		y, id = y+1, id+1
		width := gridWidth / len(r.panels)
		for i, p := range r.panels {
			var targets []object
			for n, q := range p.queries {
				targets = append(targets, object{"refId": string(rune('A' + n)), "expr": q.expr, "legendFormat": q.legend, "datasource": source, "exemplar": strings.Contains(q.expr, "_bucket")})
			}
			panels = append(panels, object{
				"type": "timeseries", "title": p.title, "description": p.about, "id": id, "datasource": source, "targets": targets,
				"gridPos":     object{"h": panelHeight, "w": width, "x": i * width, "y": y},
				"fieldConfig": object{"defaults": object{"unit": p.unit, "min": 0}, "overrides": []object{}},
			})
			id++
		}
		y += panelHeight
	}
	return json.MarshalIndent(object{
		"title": "voted", "uid": "voted", "schemaVersion": 39, "editable": true, "refresh": "15s", "timezone": "browser",
		"tags": []string{"voted"}, "time": object{"from": "now-1h", "to": "now"}, "panels": panels,
		"templating": object{"list": []object{
			{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
			{"name": "job", "type": "query", "label": "Cluster", "query": "label_values(voted_has_leader, job)", "refresh": 2, "datasource": source},
		}},
	}, "", " ")
}

var source = object{"type": "prometheus", "uid": "${datasource}"}

// What a query means is looked at with a real run; that Prometheus takes it is checked here.
func TestEveryQueryOfTheDashboardIsOne(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool", "prometheus")
	rules := func(queries []query) string {
		var b strings.Builder
		b.WriteString("groups:\n  - name: dashboard\n    rules:\n")
		for i, q := range queries {
			expr := strings.NewReplacer("$__rate_interval", "1m", "$job", "voted").Replace(q.expr)
			fmt.Fprintf(&b, "      - record: query:%d\n        expr: %q\n", i, expr)
		}
		return b.String()
	}
	check := func(queries []query) (string, error) {
		file := filepath.Join(t.TempDir(), "queries.yml")
		if err := os.WriteFile(file, []byte(rules(queries)), 0o600); err != nil {
			t.Fatal(err)
		}
		return run(t, promtool, "check", "rules", file)
	}
	var all []query
	for _, r := range dashboard {
		for _, p := range r.panels {
			all = append(all, p.queries...)
		}
	}
	if out, err := check(all); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := check([]query{{expr: `sum by (voted_leader{job="$job"})`}}); err == nil {
		t.Error("a query that is none passes")
	}
}

func TestTheDashboardIsMadeOfItsSource(t *testing.T) {
	t.Parallel()
	want, err := render(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("grafana/voted.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, "grafana/voted.json") != string(want) {
		t.Error("grafana/voted.json is not what dashboard_test.go says: go test ./deploy -run Dashboard -update")
	}
}
