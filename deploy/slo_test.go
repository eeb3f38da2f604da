package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/template"
)

// objective is one promise to users, as a share of good events among all.
type objective struct {
	Name, Alert string
	Budget      string // the share that may be bad
	Burns       string // what users see while the budget goes
	Bad, All    string // rates of events over a window, which is written [W]
	Least       int    // events in a long window below which a share means nothing
	Alerts      []told
	Recorded    string // a series that the rates are made of, as NAME = EXPRESSION; empty: metrics are enough
}

const (
	// lost are the outcomes of ballots that leave a voter without an answer that tells whether the ballot counts.
	lost   = `unavailable|outcome_unknown|too_many_requests|storage_full|internal`
	casts  = `route="/v1/polls/{poll}/ballots/{voter}",method="PUT"`
	counts = `route=~"/v1/polls/[{]poll[}]/results.*"`
)

// whole is how the bound of a bucket is written that is a whole number: 1 in Prometheus' text format, 1.0 in OpenMetrics,
// which Prometheus asks for.
func whole(n string) string { return n + "([.]0)?" }

// objectives is the one table that prometheus/slo.yml is made of; docs/slo.md says why.
var objectives = []objective{
	{
		"ballots-answered", "BallotsAnswered", "0.001", "Ballots get no answer that tells whether they count",
		`sum by (job) (rate(voted_ballots_total{outcome=~"` + lost + `"}[W]))`,
		`sum by (job) (rate(voted_ballots_total[W]))`,
		100,
		[]told{page, ticket},
		"",
	},
	{
		"ballots-quick", "BallotsQuick", "0.01", "Ballots take longer than 250 ms",
		`sum by (job) (rate(voted_http_request_duration_seconds_count{` + casts + `}[W])) - sum by (job) (rate(voted_http_request_duration_seconds_bucket{` + casts + `,le="0.25"}[W]))`,
		`sum by (job) (rate(voted_http_request_duration_seconds_count{` + casts + `}[W]))`,
		100,
		[]told{page, ticket},
		"",
	},
	{
		"results-served", "ResultsServed", "0.001", "Requests for results fail",
		`sum by (job) (rate(voted_http_requests_total{` + counts + `,class="5xx"}[W]))`,
		`sum by (job) (rate(voted_http_requests_total{` + counts + `}[W]))`,
		100,
		[]told{page, ticket},
		"",
	},
	{
		"probe", "Probe", "0.001", "Rounds of voted probe are not answered, or not in time",
		`sum by (job) (rate(voted_probe_total{result!="ok"}[W]))`,
		`sum by (job) (rate(voted_probe_total[W]))`,
		100,
		[]told{page, ticket},
		"",
	},
	{
		// Polls are few, and each that closes late may be contested. What is past needs no one out of bed.
		"closes-on-time", "ClosesOnTime", "0.001", "Polls closed more than a second after their time",
		`sum by (job) (rate(voted_close_delay_seconds_count[W])) - sum by (job) (rate(voted_close_delay_seconds_bucket{le=~"` + whole("1") + `"}[W]))`,
		`sum by (job) (rate(voted_close_delay_seconds_count[W]))`,
		1,
		[]told{ticket},
		"",
	},
	{
		"webhooks-timely", "WebhooksTimely", "0.01", "Webhooks come more than five minutes late to receivers that do not fail",
		`sum by (job) (rate(voted_webhook_settled_seconds_count[W])) - sum by (job) (rate(voted_webhook_settled_seconds_bucket{le=~"` + whole("300") + `"}[W]))`,
		`sum by (job) (rate(voted_webhook_settled_seconds_count[W]))`,
		100,
		[]told{page, ticket},
		"",
	},
	{
		// Its events are evaluations of the rules. A page could not make a backup younger.
		"recoverable", "Recoverable", "0.01", "The last good backup is older than 26 hours",
		`sum_over_time(slo:backup_old:bool[W])`,
		`count_over_time(slo:backup_old:bool[W])`,
		1,
		[]told{ticket},
		"slo:backup_old:bool = time() - max by (job) (voted_backup_last_success_timestamp_seconds) > bool 26 * 3600",
	},
}

// Labels name the objective on its series.
func (o objective) Labels() string {
	return "{sloth_service: voted, sloth_slo: " + o.Name + ", sloth_id: voted-" + o.Name + "}"
}

// First is the rule that goes before the others, as its name and its expression; nil if there is none.
func (o objective) First() []string {
	if o.Recorded == "" {
		return nil
	}
	return strings.SplitN(o.Recorded, " = ", 2)
}

// BadIn and AllIn are the rates over a window.
func (o objective) BadIn(window string) string {
	return in(window, o.Bad)
}

func (o objective) AllIn(window string) string {
	return in(window, o.All)
}

func in(window, rates string) string { return strings.ReplaceAll(rates, "[W]", "["+window+"]") }

// EventsIn is how many events a window has.
func (o objective) EventsIn(window string) string {
	return strings.ReplaceAll(o.AllIn(window), "rate(", "increase(")
}

// burn is how fast the budget may go over a long window before somebody is told; the short window ends the alert soon
// after the burn.
type burn struct{ Short, Long, Factor string }

// told is an alert on what burns.
type told struct {
	Kind, Severity, Advice string
	Burns                  []burn
}

var (
	page   = told{"Page", "critical", "Look at which node and which outcome, then at the other alerts: docs/operations.md.", []burn{{"5m", "1h", "14.4"}, {"30m", "6h", "6"}}}
	ticket = told{"Ticket", "warning", "The budget of 30 days is spent before they are over: docs/slo.md.", []burn{{"2h", "1d", "3"}, {"6h", "3d", "1"}}}
)

// slo is prometheus/slo.yml, with series named as sloth names them. The 30 days are added up from what the rule before
// recorded: one series instead of all that nodes have, and each event weighs the same. An alert needs a least number of
// events in its long window: one failure of three at night is no outage.
var slo = template.Must(template.New("slo").Delims("<<", ">>").Parse(`# Made of the table in slo_test.go: go test ./deploy -run Objectives -update
groups:
<<- range $o := .Objectives>>
  - name: voted-slo-<<.Name>>
    rules:
<<- with .First>>
      - record: <<index . 0>>
        expr: <<index . 1>>
<<- end>>
<<- range $.Windows>>
      - record: slo:sli_error:ratio_rate<<.>>
        labels: <<$o.Labels>>
        expr: |
          (<<$o.BadIn .>>)
          / (<<$o.AllIn .>> > 0)
<<- end>>
<<- range .Alerts>><<range .Burns>>
      - record: slo:sli_events:increase<<.Long>>
        labels: <<$o.Labels>>
        expr: <<$o.EventsIn .Long>>
<<- end>><<end>>
      - record: slo:bad_events:rate5m
        labels: <<.Labels>>
        expr: <<.BadIn "5m">>
      - record: slo:all_events:rate5m
        labels: <<.Labels>>
        expr: <<.AllIn "5m">>
      - record: slo:sli_error:ratio_rate30d
        labels: <<.Labels>>
        expr: |
          sum_over_time(slo:bad_events:rate5m{sloth_slo="<<.Name>>"}[30d])
          / (sum_over_time(slo:all_events:rate5m{sloth_slo="<<.Name>>"}[30d]) > 0)
      - record: slo:current_burn_rate:ratio
        labels: <<.Labels>>
        expr: slo:sli_error:ratio_rate5m{sloth_slo="<<.Name>>"} / <<.Budget>>
      - record: slo:period_burn_rate:ratio
        labels: <<.Labels>>
        expr: slo:sli_error:ratio_rate30d{sloth_slo="<<.Name>>"} / <<.Budget>>
<<- range .Alerts>>
      - alert: VotedBudget<<$o.Alert>><<.Kind>>
        expr: |
<<- range $i, $b := .Burns>>
          <<if $i>>or <<end>>(slo:sli_error:ratio_rate<<.Short>>{sloth_slo="<<$o.Name>>"} > <<.Factor>> * <<$o.Budget>>
            and slo:sli_error:ratio_rate<<.Long>>{sloth_slo="<<$o.Name>>"} > <<.Factor>> * <<$o.Budget>>
            and slo:sli_events:increase<<.Long>>{sloth_slo="<<$o.Name>>"} >= <<$o.Least>>)
<<- end>>
        labels: {severity: <<.Severity>>}
        annotations:
          summary: <<$o.Burns>>.
          description: "{{ $value | humanizePercentage }} are bad. <<.Advice>>"
<<- end>>
<<- end>>
`))

func TestTheRulesOfTheObjectivesAreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	const file = "prometheus/slo.yml"
	var made strings.Builder
	if err := slo.Execute(&made, map[string]any{
		"Objectives": objectives, "Windows": strings.Fields("5m 30m 1h 2h 6h 1d 3d"),
	}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, []byte(made.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, file) != made.String() {
		t.Errorf("%s is not what the table makes: go test ./deploy -run Objectives -update", file)
	}
	page, api := read(t, "../docs/slo.md"), read(t, "../docs/api.md")
	for _, o := range objectives {
		if !strings.Contains(page, "`"+o.Name+"`") {
			t.Errorf("docs/slo.md does not say why %s is promised", o.Name)
		}
	}
	for code := range strings.SplitSeq(lost, "|") {
		if !strings.Contains(api, "\n| `"+code+"` | ") {
			t.Errorf("no ballot is ever refused with %s", code)
		}
	}
}

func TestABurningBudgetIsToldAndNothingElse(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool", "prometheus")
	if out, err := run(t, promtool, "check", "rules", "--lint=all", "--lint-fatal", "prometheus/slo.yml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := run(t, promtool, "test", "rules", "prometheus/slo_test.yml", "prometheus/slo_days_test.yml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	rules := read(t, "prometheus/slo.yml")
	everyAlertHasItsCases(t, rules, read(t, "prometheus/slo_test.yml")+read(t, "prometheus/slo_days_test.yml"))

	// Without what makes the rules good, the case that is about it must fail. The rules of one objective are enough.
	for name, broken := range map[string]struct{ of, cases, rule, instead, failing string }{
		"without the least number of events":       {"ballots-answered", "slo_test.yml", ">= 100)", ">= 0)", "alertname: VotedBudgetBallotsAnsweredPage, time: 24m"},
		"with a budget that is never spent":        {"ballots-answered", "slo_test.yml", "* 0.001", "* 100", "alertname: VotedBudgetBallotsAnsweredPage, time: 1h2m"},
		"without the short window":                 {"ballots-answered", "slo_days_test.yml", `ratio_rate5m{sloth_slo="ballots-answered"} > 14.4`, `ratio_rate1h{sloth_slo="ballots-answered"} > 14.4`, "alertname: VotedBudgetBallotsAnsweredPage, time: 2h"},
		"where no traffic is a share of nothing":   {"ballots-answered", "slo_days_test.yml", " > 0)", ")", "time: 1h40m"},
		"where only a fast burn pages":             {"ballots-answered", "slo_days_test.yml", "> 6 * 0.001", "> 14.4 * 0.001", "alertname: VotedBudgetBallotsAnsweredPage, time: 12h"},
		"where a probe's rounds all count as good": {"probe", "slo_test.yml", `result!="ok"`, `result="wrong"`, "alertname: VotedBudgetProbePage, time: 1h2m"},
		"where one late closing is too few":        {"closes-on-time", "slo_days_test.yml", `sloth_slo="closes-on-time"} >= 1)`, `sloth_slo="closes-on-time"} >= 100)`, "alertname: VotedBudgetClosesOnTimeTicket, time: 1h20m"},
		"where a backup may be older":              {"recoverable", "slo_days_test.yml", "> bool 26 * 3600", "> bool 36 * 3600", "alertname: VotedBudgetRecoverableTicket, time: 1d4h"},
		"where a webhook may be later":             {"webhooks-timely", "slo_test.yml", `le=~"300`, `le=~"900`, "alertname: VotedBudgetWebhooksTimelyPage, time: 1h20m"},
		"where a slow burn is no ticket":           {"ballots-answered", "slo_days_test.yml", "> 1 * 0.001", "> 3 * 0.001", "alertname: VotedBudgetBallotsAnsweredTicket, time: 4d16h"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := groupOf(t, rules, broken.of)
			text := strings.ReplaceAll(whole, broken.rule, broken.instead)
			if text == whole {
				t.Fatal("nothing was broken")
			}
			dir := t.TempDir()
			for file, text := range map[string]string{"slo.yml": text, broken.cases: read(t, "prometheus/"+broken.cases)} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := run(t, promtool, "test", "rules", filepath.Join(dir, broken.cases))
			if err == nil || !strings.Contains(out, broken.failing) {
				t.Errorf("this case does not fail: %s (%v)\n%s", broken.failing, err, out)
			}
		})
	}
}

// groupOf returns the rules of one objective.
func groupOf(t *testing.T, rules, objective string) string {
	t.Helper()
	groups := strings.Split(rules, "  - name: ")
	for _, g := range groups[1:] {
		if strings.HasPrefix(g, "voted-slo-"+objective+"\n") {
			return groups[0] + "  - name: " + g
		}
	}
	t.Fatalf("no group is about %s", objective)
	return ""
}

var alertOf = regexp.MustCompile(`(?m)^      - alert: (\w+)$`)

// everyAlertHasItsCases wants a case in which an alert fires, one in which it does not, and a row in the manual.
func everyAlertHasItsCases(t *testing.T, rules, cases string) {
	t.Helper()
	manual := read(t, "../docs/operations.md")
	for _, m := range alertOf.FindAllStringSubmatch(rules, -1) {
		if !strings.Contains(cases, "alertname: "+m[1]+"\n") || !strings.Contains(cases, "alertname: "+m[1]+", exp_alerts: []") {
			t.Errorf("%s needs a case in which it fires and one in which it does not", m[1])
		}
		if !strings.Contains(manual, "`"+m[1]+"`") {
			t.Errorf("docs/operations.md does not say what to do about %s", m[1])
		}
	}
}
