package compare

import (
	"strings"
	"testing"
)

// measured is one phase of a made-up comparison.
type measured struct {
	work   work
	system string
	f      Figures
}

// made is a comparison of three rounds in which one system is half as fast in one of them.
func made(systems ...string) *Report {
	r := &Report{Rounds: 3, Seconds: 2}
	all := []measured{
		{work{ModeSingle, 1}, systemVoted, Figures{Rate: 500, P50: 1.5, P99: 4}},
		{work{ModeSingle, 1}, nameEtcd, Figures{Rate: 1000, P50: 1, P99: 2}},
		{work{ModeSingle, 1}, nameStandbys, Figures{Rate: 2000, P50: 0.5, P99: 1}},
		{work{ModeSingle, 512}, systemVoted, Figures{Rate: 20_000, P50: 25, P99: 50}},
		{work{ModeSingle, 512}, "bare three", Figures{Rate: 50_000, P50: 10, P99: 20}},
		{work{ModeSingle, 512}, nameEtcd, Figures{Rate: 5000, P50: 100, P99: 200}},
		{work{ModeSingle, 512}, nameStandbys, Figures{Rate: 8000, P50: 50, P99: 100}},
		{work{ModeReplay, 512}, systemVoted, Figures{Rate: 40_000, P50: 12, P99: 24}},
		{work{ModeBulk, 3}, systemVoted, Figures{Rate: 900_000, P50: 100, P99: 100}},
		{work{ModeBulk, 3}, nameInsert, Figures{Rate: 100_000, P50: 70, P99: 70}},
		{work{ModeBulk, 3}, "postgres COPY", Figures{Rate: 200_000, P50: 70, P99: 70}},
	}
	// voted is slower in the second round and quicker in the third.
	for round, speed := range []float64{1, 0.5, 2} {
		for _, m := range all {
			wanted := m.system == systemVoted
			for _, s := range systems {
				wanted = wanted || m.system == s
			}
			if !wanted {
				continue
			}
			m.f.Round = round + 1
			if m.system == systemVoted {
				m.f.Rate, m.f.P50, m.f.P99 = m.f.Rate*speed, m.f.P50/speed, m.f.P99/speed
			}
			r.add(m.work, m.system, m.f)
		}
	}
	r.conclude()
	return r
}

func TestTheTableBesideOthersHasARowForEachKindOfWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		systems []string
		want    string
	}{
		"both systems": {[]string{nameEtcd, nameStandbys, nameInsert, "bare three", "postgres COPY"}, `
|                 | voted: ballots/s | p50 ms | p99 ms | etcd: ballots/s | p50 ms | p99 ms | voted is ×       | p50 ×            | p99 ×            | PostgreSQL with standbys: ballots/s | p50 ms | p99 ms | voted is ×        | p50 ×            | p99 ×            |
| ---             | ---              | ---    | ---    | ---             | ---    | ---    | ---              | ---              | ---              | ---                                 | ---    | ---    | ---               | ---              | ---              |
| 1 connection    | 500              | 1.50   | 4.00   | 1,000           | 1.00   | 2.00   | 0.50 (0.25–1.00) | 1.50 (0.75–3.00) | 2.00 (1.00–4.00) | 2,000                               | 0.50   | 1.00   | 0.25 (0.13–0.50)  | 3.00 (1.50–6.00) | 4.00 (2.00–8.00) |
| 512 connections | 20,000           | 25.00  | 50.00  | 5,000           | 100.00 | 200.00 | 4.00 (2.00–8.00) | 0.25 (0.13–0.50) | 0.25 (0.13–0.50) | 8,000                               | 50.00  | 100.00 | 2.50 (1.25–5.00)  | 0.50 (0.25–1.00) | 0.50 (0.25–1.00) |
| bulk, 3 streams | 900,000          | –      | –      | –               | –      | –      | –                | –                | –                | 100,000                             | –      | –      | 9.00 (4.50–18.00) | –                | –                |
`},
		"a system that is missing has no columns": {[]string{nameEtcd}, `
|                 | voted: ballots/s | p50 ms | p99 ms | etcd: ballots/s | p50 ms | p99 ms | voted is ×       | p50 ×            | p99 ×            |
| ---             | ---              | ---    | ---    | ---             | ---    | ---    | ---              | ---              | ---              |
| 1 connection    | 500              | 1.50   | 4.00   | 1,000           | 1.00   | 2.00   | 0.50 (0.25–1.00) | 1.50 (0.75–3.00) | 2.00 (1.00–4.00) |
| 512 connections | 20,000           | 25.00  | 50.00  | 5,000           | 100.00 | 200.00 | 4.00 (2.00–8.00) | 0.25 (0.13–0.50) | 0.25 (0.13–0.50) |
| bulk, 3 streams | 900,000          | –      | –      | –               | –      | –      | –                | –                | –                |
`},
		"without any there is no table": {[]string{"bare three"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			made(c.systems...).writeBeside(&b)
			if b.String() != c.want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), c.want)
			}
		})
	}
}

func TestARatioIsTakenWithinItsRound(t *testing.T) {
	t.Parallel()
	// given a machine that is ten times slower in the second round, for both systems
	r := &Report{Rounds: 3}
	for round, speed := range []float64{1, 0.1, 1} {
		r.add(work{ModeSingle, 1}, systemVoted, Figures{Round: round + 1, Rate: 300 * speed, P50: 2 / speed})
		r.add(work{ModeSingle, 1}, nameEtcd, Figures{Round: round + 1, Rate: 100 * speed, P50: 4 / speed})
	}
	// when the report is made
	r.conclude()
	// then the rates lie far apart and their ratios do not
	if got := r.Works[0].line(systemVoted).Rate.String(); got != "300.00 (30.00–300.00)" {
		t.Errorf("voted's rate is %s", got)
	}
	if got := strings.Join(r.Works[0].ratioCells(nameEtcd), " "); got != "3.00 (3.00–3.00) 0.50 (0.50–0.50) –" {
		t.Errorf("the ratios are %s", got)
	}
}

func TestWhatLogsCostIsTheRatioWithThemToWithout(t *testing.T) {
	t.Parallel()
	// given voted with logs, always a tenth slower
	r := made()
	for _, w := range r.Works {
		for _, f := range w.line(systemVoted).Rounds {
			r.add(work{w.Mode, w.Connections}, systemProofs, Figures{Round: f.Round, Rate: 0.9 * f.Rate, P50: 1.1 * f.P50, P99: 1.2 * f.P99})
		}
	}
	// when the report is written
	var b strings.Builder
	r.writeAdditions(&b)
	// then it has the ratio of each kind of work, which bulk has of the rate alone
	want := `
| voted with logs over voted without | ballots/s ×      | p50 ×            | p99 ×            |
| ---                                | ---              | ---              | ---              |
| 1 connection                       | 0.90 (0.90–0.90) | 1.10 (1.10–1.10) | 1.20 (1.20–1.20) |
| 512 connections                    | 0.90 (0.90–0.90) | 1.10 (1.10–1.10) | 1.20 (1.20–1.20) |
| 512 connections                    | 0.90 (0.90–0.90) | 1.10 (1.10–1.10) | 1.20 (1.20–1.20) |
| bulk, 3 streams                    | 0.90 (0.90–0.90) | –                | –                |
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	var none strings.Builder
	if made().writeAdditions(&none); none.Len() > 0 {
		t.Errorf("without logs there is %q", none.String())
	}
}

func TestASystemThatIsNotInstalledIsNamedBelowTheTables(t *testing.T) {
	t.Parallel()
	r := made(nameEtcd)
	r.Missing = []string{"PostgreSQL is not installed"}
	var b strings.Builder
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(b.String(), "\nNot compared: PostgreSQL is not installed.\n") {
		t.Errorf("it ends with %q", b.String()[max(0, b.Len()-100):])
	}
}
