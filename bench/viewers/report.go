package viewers

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"voted/bench/machine"
	"voted/internal/thousands"
)

// Report is the result of a measurement.
type Report struct {
	Machine machine.Description `json:"machine"`
	Viewers int                 `json:"viewers"`
	Rate    int                 `json:"ballots_asked_per_second"`
	Nodes   int                 `json:"watched_nodes"`
	TLS     bool                `json:"tls"`
	Without Phase               `json:"without_viewers"`
	With    Phase               `json:"with_viewers"`
	// Ratio is the ballots a second with viewers, by those without.
	Ratio float64 `json:"ballots_ratio"`
	// Encodings and Events are of one watched node: what it made and what it wrote.
	Encodings float64 `json:"encodings_per_second"`
	Events    float64 `json:"events_written_per_second"`
	Behind    Spread  `json:"behind_the_leader_ms"`
	// Closing is how long after the answer to the close the viewers had the certified result.
	Closing Spread `json:"certified_after_ms"`
	// Idle and Peak are the anonymous memory of the watched node that takes most: before the
	// first stream, and at most while all watch.
	Idle uint64 `json:"idle_bytes"`
	Peak uint64 `json:"peak_bytes"`
	// Each is the growth for one stream.
	Each  float64 `json:"bytes_a_viewer"`
	Final Final   `json:"final"`
}

// Phase is one stretch of casting.
type Phase struct {
	Acknowledged int     `json:"acknowledged"`
	Failed       int     `json:"failed"`
	PerSecond    float64 `json:"per_second"`
	P50          float64 `json:"p50_ms"` // from when a ballot was due
	P99          float64 `json:"p99_ms"`
	Processor    float64 `json:"processor_share"` // of the whole machine, by the nodes
}

// Spread is a distribution in milliseconds.
type Spread struct {
	Samples int     `json:"samples"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
}

// Final is what was counted in the end.
type Final struct {
	Acknowledged int    `json:"acknowledged"`
	Unknown      int    `json:"unknown"`
	Tallied      uint64 `json:"tallied"`
	// Certified is how many viewers have the certified result with this number of ballots.
	Certified int    `json:"viewers_with_the_certified_result"`
	Problem   string `json:"problem,omitempty"`
	Exact     bool   `json:"exact"`
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func spreadOf(sorted []time.Duration) Spread {
	return Spread{len(sorted), millis(quantile(sorted, 0.5)), millis(quantile(sorted, 0.99)), millis(quantile(sorted, 1))}
}

// WriteTable prints the report for people.
func (r *Report) WriteTable(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	transport := "without TLS"
	if r.TLS {
		transport = "under TLS, with tokens"
	}
	fmt.Fprintf(t, "%s\n\n%s streams of one poll at %d of 3 nodes, %s; %s ballots a second asked for\n\n", r.Machine, thousands.Int(r.Viewers), r.Nodes, transport, thousands.Int(r.Rate))
	fmt.Fprintf(t, "\tballots/s\tp50 ms\tp99 ms\tprocessor\n")
	for _, p := range []struct {
		name string
		Phase
	}{{"without viewers", r.Without}, {"with viewers", r.With}} {
		fmt.Fprintf(t, "%s\t%.0f\t%.1f\t%.1f\t%.0f %%\n", p.name, p.PerSecond, p.P50, p.P99, 100*p.Processor)
	}
	fmt.Fprintf(t, "with ÷ without\t%.2f\n\n", r.Ratio)
	fmt.Fprintf(t, "encodings a second, of a node\t%.1f\n", r.Encodings)
	fmt.Fprintf(t, "events written a second, by a node\t%.0f\n", r.Events)
	fmt.Fprintf(t, "viewers behind the leader\tp50 %.0f ms\tp99 %.0f ms\tmost %.0f ms\n", r.Behind.P50, r.Behind.P99, r.Behind.Max)
	fmt.Fprintf(t, "certified result after\tp50 %.0f ms\tp99 %.0f ms\tmost %.0f ms\n", r.Closing.P50, r.Closing.P99, r.Closing.Max)
	fmt.Fprintf(t, "memory of a node\t%d MiB idle\t%d MiB at most\t%.1f KiB a viewer\n\n", r.Idle>>20, r.Peak>>20, r.Each/1024)
	verdict := "EXACT"
	if !r.Final.Exact {
		verdict = "NOT EXACT"
	}
	fmt.Fprintf(t, "%s: %s acknowledged, %d unknown, %s tallied; %s viewers have the certified result\n",
		verdict, thousands.Int(r.Final.Acknowledged), r.Final.Unknown, thousands.Int(r.Final.Tallied), thousands.Int(r.Final.Certified))
	if r.Final.Problem != "" {
		fmt.Fprintf(t, "the first problem: %s\n", r.Final.Problem)
	}
	return t.Flush()
}
