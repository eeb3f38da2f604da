package operator

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"voted/internal/web/chart"
	"voted/internal/web/frame"
)

// console is what the page shows, in the words of one language. What changes while somebody watches stands in texts and
// lines, by names that the page's elements have.
type console struct {
	Texts    map[string]string `json:"texts"`
	Lines    map[string]string `json:"lines"` // paths of sparklines
	Findings []string          `json:"findings"`
	Events   []entry           `json:"events"` // the newest first
	State    string            `json:"state"`  // good, notice or bad
	Away     []string          `json:"away"`   // members that do not answer
	Shape    string            `json:"shape"`  // the members: a page with others must be loaded again
	Newest   int               `json:"newest"` // the seq of the newest event

	Members []row `json:"-"`
}

// entry is one line of the timeline.
type entry struct {
	At   string `json:"at"`
	Text string `json:"text"`
}

// row is one member of the table.
type row struct {
	ID, API, Peer string
	Self, Away    bool
	Votes         bool
	Restart       bool // it may be restarted
}

const (
	// shownEvents is how many events the page shows; the raw JSON has all.
	shownEvents = 60
	// shownSamples is how many samples the sparklines are wide: those that a node keeps.
	shownSamples = 900
	// surge is which share of repetitions is said to be many.
	surge = 0.25
	// enough is how many ballots there must be before a share of them means anything.
	enough = 100
)

// grave are the findings with which the cluster does not do its work.
var grave = []string{"no_leader", "digest_dispute", "storage_full", "digest_differs"}

func consoleOf(c *cluster, l *frame.Language) *console {
	p := &console{Texts: map[string]string{}, Lines: map[string]string{}, Findings: []string{}, Events: []entry{}, Away: []string{}, State: "good"}
	p.Texts["asof"] = l.Text("operator.asof", c.History.Node, clock(c.History.Now))
	if c.Status == nil {
		p.State, p.Texts["summary"] = "bad", c.Problem
	} else {
		p.status(c, l)
	}
	p.events(&c.History)
	p.samples(c.History.Samples, l)
	return p
}

// status adds what is true now.
func (p *console) status(c *cluster, l *frame.Language) {
	s := c.Status
	p.Texts["summary"] = s.Summary
	for _, f := range s.Findings {
		p.Findings = append(p.Findings, f.Text)
		if p.State == "good" {
			p.State = "notice"
		}
		if slices.Contains(grave, f.Kind) {
			p.State = "bad"
		}
	}
	p.Texts["head"] = l.Text("operator.leaderless", s.Index)
	if s.Leader != "" {
		p.Texts["head"] = l.Text("operator.leads", s.Leader, s.Term, s.Index, s.FormatLevel)
	} else {
		p.State = "bad"
	}
	var ballots, p50, p99 float64
	ids := make([]string, 0, len(s.Members))
	for i := range s.Members {
		m := &s.Members[i]
		ballots, p50, p99 = ballots+m.Ballots, max(p50, m.P50), max(p99, m.P99)
		ids = append(ids, m.ID+m.Role)
		if m.away() {
			p.Away = append(p.Away, m.ID)
		}
		p.member(m, s, l)
		p.Members = append(p.Members, row{ID: m.ID, API: m.API, Peer: m.Peer, Self: m.ID == c.History.Node, Away: m.away(), Votes: m.votes(), Restart: len(m.RestartRisks) == 0})
	}
	slices.Sort(ids)
	p.Shape = strings.Join(ids, " ")
	// Those with problems stand first.
	slices.SortStableFunc(p.Members, func(a, b row) int { return cmp.Compare(rank(a), rank(b)) })
	p.Texts["rate"] = l.Text("operator.rate", ballots)
	if p99 > 0 {
		p.Texts["rate"] = l.Text("operator.rate.times", ballots, p50, p99)
	}
}

func rank(r row) int {
	if r.Away {
		return 0
	}
	return 1
}

// member adds the cells of one member.
func (p *console) member(m *member, s *status, l *frame.Language) {
	cell := func(name, text string) { p.Texts["m."+m.ID+"."+name] = text }
	state := l.Text("operator.state." + m.State)
	switch {
	case m.away() && !m.AwaySince.IsZero():
		state = l.Text("operator.state.since", clock(m.AwaySince))
	case !m.votes():
		state = l.Text("operator.state.spare")
	}
	cell("state", state)
	for _, name := range []string{"entry", "lag", "rate", "times", "digest", "disk", "restart"} {
		cell(name, "–")
	}
	if len(m.RestartRisks) > 0 {
		cell("restart", l.Text("operator.restart.no"))
	} else if !m.away() {
		cell("restart", l.Text("operator.restart.yes"))
	}
	if m.away() {
		return
	}
	cell("entry", l.Number(m.Applied))
	lag := l.Text("operator.lag.none")
	if m.LagEntries > 0 {
		lag = l.Text("operator.lag", m.LagEntries, m.LagSeconds)
	}
	cell("lag", lag)
	cell("rate", l.Text("operator.persecond", m.Ballots))
	if m.P99 > 0 {
		cell("times", l.Text("operator.times", m.P50, m.P99))
	}
	if len(m.Digest) >= 8 {
		cell("digest", m.Digest[:8])
	}
	if m.Free > 0 {
		cell("disk", l.Text("operator.disk", float64(m.Free)/(1<<30)))
		if m.Low {
			cell("disk", l.Text("operator.disk.low", float64(m.Free)/(1<<30)))
		}
	}
}

// events adds the timeline.
func (p *console) events(h *past) {
	for _, e := range slices.Backward(h.Events) {
		p.Newest = max(p.Newest, e.Seq)
		if len(p.Events) < shownEvents {
			p.Events = append(p.Events, entry{At: e.At.UTC().Format("2006-01-02 15:04:05.000"), Text: e.Text})
		}
	}
}

// samples adds what the node did in the last quarter of an hour.
func (p *console) samples(all []sample, l *frame.Language) {
	var counted, replaced, replayed, refused uint64
	rates, casts, commits, syncs := make([]float64, len(all)), make([]float64, len(all)), make([]float64, len(all)), make([]float64, len(all))
	for i := range all {
		s := &all[i]
		counted, replaced, replayed, refused = counted+s.Counted, replaced+s.Replaced, replayed+s.Replayed, refused+s.Refused
		rates[i] = float64(s.Counted + s.Replaced + s.Replayed + s.Refused)
		casts[i], commits[i], syncs[i] = slow(s.Cast), slow(s.Commit), slow(s.Sync)
	}
	for name, values := range map[string][]float64{"ballots": rates, "cast": casts, "commit": commits, "sync": syncs} {
		p.Lines[name] = chart.Spark(values, shownSamples)
		p.Texts["spark."+name] = l.Text("operator.spark", last(values), most(values))
	}
	answered := counted + replaced + replayed + refused
	p.Texts["replays"] = l.Text("operator.replays", answered, counted, replaced, replayed, refused)
	p.Texts["surge"] = ""
	if answered >= enough && float64(replayed) >= surge*float64(answered) {
		p.Texts["surge"] = l.Text("operator.surge", int(math.Round(float64(answered)/float64(replayed))))
	}
	p.Texts["clients"] = l.Text("operator.clients", 0, 0)
	if n := len(all); n > 0 {
		p.Texts["clients"] = l.Text("operator.clients", all[n-1].Clients, all[n-1].Streams)
	}
}

// slow is the time that 99 of 100 took no longer than, NaN if there was none.
func slow(t *times) float64 {
	if t == nil {
		return math.NaN()
	}
	return t.P99
}

func last(values []float64) float64 {
	for _, v := range slices.Backward(values) {
		if !math.IsNaN(v) {
			return v
		}
	}
	return 0
}

func most(values []float64) (most float64) {
	for _, v := range values {
		most = max(most, zeroIfNone(v))
	}
	return most
}

func zeroIfNone(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// clock writes a time of day to the second, with the day if that is not today's.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// mib writes bytes.
func mib(bytes float64) string { return fmt.Sprintf("%.1f MiB", bytes/(1<<20)) }
