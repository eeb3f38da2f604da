package docs

import (
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/pki"
	"voted/internal/ports/portstest"
	"voted/internal/proofkey"
	"voted/internal/server"
	"voted/internal/survey"
	"voted/internal/webhook"
	"voted/proof"
)

var update = flag.Bool("update", false, "write generated parts of documents again")

// exposition is what a node shows Prometheus that does all there is to measure.
func exposition(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ca, err := pki.Init(filepath.Join(dir, "ca"), "test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.IssueTo(dir, "n1", pki.Request{Member: "n1", Hosts: []string{"127.0.0.1"}, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	proofKey := filepath.Join(dir, "n1.proof.key")
	if _, err := proofkey.Issue(ca, dir, "n1", time.Now()); err != nil {
		t.Fatal(err)
	}
	peer := portstest.Addr(t)
	// Nobody witnesses there: that is counted.
	witness, err := proof.NewCosigner([proof.SeedBytes]byte{1}, "observer.example/w1")
	if err != nil {
		t.Fatal(err)
	}
	witnesses := filepath.Join(dir, "witnesses")
	if err := os.WriteFile(witnesses, []byte("witness w1 "+witness.Verifier.String()+" http://"+peer+"/\nquorum w1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hooks := filepath.Join(dir, "webhook.key")
	line, err := webhook.NewKeyLine()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hooks, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Options{
		ID: "n1", DataDir: filepath.Join(dir, "data"), API: "127.0.0.1:0", Peer: peer, Version: "test",
		Cluster: []survey.Peer{{ID: "n1", Addr: peer}}, Security: server.Security{TLSCert: cert, TLSKey: key},
		Proofs:   server.Proofs{LogName: "votes.example", ProofKey: proofKey, WitnessPolicy: witnesses},
		Backups:  server.Backups{BackupDir: filepath.Join(dir, "backups"), BackupEvery: time.Hour, BackupKeep: 1},
		Webhooks: server.Webhooks{WebhookKey: hooks},
		Tracing:  server.Tracing{OTLPEndpoint: "http://" + peer}, // nobody takes traces there: they are counted
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the node did not leave in order: %v", err)
		}
	}()
	for end := time.Now().Add(30 * time.Second); len(s.Node().Ready()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the node is not ready")
		}
	}
	config, err := pki.ClientTLS(nil, pki.Files{CA: filepath.Join(dir, "ca", "ca.crt")})
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: 30 * time.Second}
	resp, err := web.Get(s.URL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("/metrics: %s, %v", resp.Status, err)
	}
	return string(b)
}

var (
	metricHelp  = regexp.MustCompile(`(?m)^# HELP (voted_\S+) (.*)\n# TYPE \S+ (\S+)\n((?:voted_.*\n)*)`)
	metricLabel = regexp.MustCompile(`([a-z_]+)="`)
)

// metricTable is the table of docs/metrics.md, from what a node exports.
func metricTable(t *testing.T, exposition string) string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | what |\n|---|---|---|---|\n")
	metrics := metricHelp.FindAllStringSubmatch(exposition, -1)
	if len(metrics) < 20 {
		t.Fatalf("only %d metrics were found", len(metrics))
	}
	for _, m := range metrics {
		var labels []string
		for _, l := range metricLabel.FindAllStringSubmatch(m[4], -1) {
			if name := "`" + l[1] + "`"; l[1] != "le" && !slices.Contains(labels, name) {
				labels = append(labels, name)
			}
		}
		checkName(t, m[1], m[3])
		b.WriteString("| `" + m[1] + "` | " + m[3] + " | " + strings.Join(labels, ", ") + " | " + m[2] + " |\n")
	}
	return b.String()
}

// units are how names of histograms end: in base units, or with what is counted.
var units = regexp.MustCompile(`_(seconds|bytes|ballots|entries)$`)

// checkName holds names to Prometheus' conventions.
func checkName(t *testing.T, name, kind string) {
	t.Helper()
	base := strings.TrimSuffix(name, "_total")
	switch {
	case (kind == "counter") != strings.HasSuffix(name, "_total"):
		t.Errorf("%s is a %s; counters, and they alone, end in _total", name, kind)
	case kind == "summary":
		t.Errorf("%s is a summary, which cannot be added up over nodes; make it a histogram", name)
	case kind == "histogram" && !units.MatchString(base):
		t.Errorf("the name of %s does not say its unit; see the pattern units", name)
	case strings.Contains(name, "milli") || strings.HasSuffix(base, "_ms"):
		t.Errorf("%s is not in base units", name)
	}
}

const tableBegins, tableEnds = "<!-- made by go test ./docs -run Metrics -update -->\n", "<!-- until here -->"

func TestTheTableOfMetricsIsWhatANodeExports(t *testing.T) {
	t.Parallel()
	table := metricTable(t, exposition(t))
	document := read(t, "docs/metrics.md")
	before, rest, found := strings.Cut(document, tableBegins)
	_, after, closed := strings.Cut(rest, tableEnds)
	if !found || !closed {
		t.Fatal("docs/metrics.md has no place for the table")
	}
	want := before + tableBegins + table + tableEnds + after
	if *update {
		if err := os.WriteFile("metrics.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		document = want
	}
	if document != want {
		t.Errorf("docs/metrics.md is not what a node exports; go test ./docs -run Metrics -update writes it again:\n%s", table)
	}
}
