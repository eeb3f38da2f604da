package poll

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/tally"
)

var resultTimes = flag.Bool("poll.result-times", false, "print how long results take, as a table in Markdown; a minute or two")

// timedPoll is a row of the table: how a poll of ten million ballots is counted.
type timedPoll struct {
	name   string
	method string
	asked  tally.Settings
}

const (
	timedOptions = 20
	timedBallots = 10_000_000
)

func timedPolls() (rows []timedPoll) {
	for _, name := range tally.Names() {
		row := timedPoll{name: "`" + name + "`", method: name}
		switch name {
		case "star_pr":
			row.asked.Seats, row.name = 5, row.name+", 5 seats"
		case "stv":
			for _, set := range []string{"scottish", "prf_wigm", "prf_meek"} {
				rows = append(rows, timedPoll{
					"`stv`, 5 seats, " + set, name,
					tally.Settings{Seats: 5, Rules: tally.Rules{"rule_set": {Word: set}}},
				})
			}
			continue
		}
		rows = append(rows, row)
	}
	return rows
}

// filled is a poll whose ballots hold so many different selections, drawn at random, of
// all options each. Some are frequent and most are rare, as in elections.
func (row timedPoll) filled(t testing.TB, distinct int) *State {
	d := Definition{ID: "p", Method: row.method, Counting: row.asked}
	for n := range timedOptions {
		d.Options = append(d.Options, Option{ID: fmt.Sprint("o", n)})
	}
	if row.method == "plurality" {
		d.MaxSelections = timedOptions // there are only twenty different ones otherwise
	}
	s := NewState()
	if r := did(s, Create{Definition: d.WithDefaults()}); r.Err != nil {
		t.Fatal(r.Err)
	}
	p := s.Find("p")
	p.fill()
	r := rand.New(rand.NewPCG(1, 2))
	var total, harmonic float64
	for n := range distinct {
		harmonic += 1 / float64(n+1)
	}
	for n := range distinct {
		sel := row.drawn(r, p.rules)
		for _, known := p.profile.find(sel); known; _, known = p.profile.find(sel) {
			sel = row.drawn(r, p.rules)
		}
		share := 1 + float64(timedBallots-distinct)/float64(n+1)/harmonic
		weight := int64(total+share) - int64(total)
		total += share
		p.profile.weigh(p.rules, p.profile.add(string(sel)), weight)
	}
	return s
}

func (row timedPoll) drawn(r *rand.Rand, rules *Rules) (sel []byte) {
	order := r.Perm(timedOptions)
	if rules.Form() != tally.Ranking {
		slices.Sort(order)
	}
	for _, option := range order {
		switch rules.Form() {
		case tally.Ranking:
			sel = binary.AppendUvarint(sel, uint64(2*option))
		case tally.Scores:
			sel = binary.AppendUvarint(binary.AppendUvarint(sel, uint64(option)), uint64(r.IntN(rules.MaxScore+1)))
		case tally.Choice:
			if r.IntN(2) == 0 {
				sel = binary.AppendUvarint(sel, uint64(option))
			}
		}
	}
	return sel
}

// vote changes the counts of a thousand selections, as a thousand ballots do.
func (row timedPoll) vote(s *State, r *rand.Rand) {
	p := s.Find("p")
	for range 1000 {
		p.profile.weigh(p.rules, uint32(r.IntN(len(p.profile.entries))), 1)
	}
}

// A count of a poll and its tally, as a server makes them; what is in between is the lock.
func (row timedPoll) tally(t testing.TB, s *State, earlier *Comparisons) {
	count, refused := s.CountIn("p", RoomFor(s.Distinct("p")))
	if refused != nil {
		t.Fatal(refused)
	}
	if result := count.TabulateAfter(earlier); result.Ballots < timedBallots-1 || len(result.Winners) == 0 {
		t.Fatalf("%s: %d ballots elect %v", row.name, result.Ballots, result.Winners)
	}
}

// TestHowLongResultsTake prints the table of docs/performance.md.
func TestHowLongResultsTake(t *testing.T) {
	sizes := []int{500, 5_000, 100_000}
	rounds := 5
	if !*resultTimes {
		sizes, rounds = []int{50}, 1 // so that it goes on working
	}
	r := rand.New(rand.NewPCG(3, 4))
	median := func(times []time.Duration) string {
		slices.Sort(times)
		return fmt.Sprintf("%.2f", float64(times[len(times)/2].Microseconds())/1000)
	}
	var b strings.Builder
	b.WriteString("| ms, the median of ")
	fmt.Fprintf(&b, "%d |", rounds)
	for _, distinct := range sizes {
		number := fmt.Sprint(distinct % 1000)
		if distinct >= 1000 {
			number = fmt.Sprintf("%d,%03d", distinct/1000, distinct%1000)
		}
		fmt.Fprintf(&b, " %s distinct | after 1,000 more |", number)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|---|", len(sizes)) + "\n")
	for _, row := range timedPolls() {
		fmt.Fprintf(&b, "| %s |", row.name)
		for _, distinct := range sizes {
			s := row.filled(t, distinct)
			var first, later []time.Duration
			for range rounds {
				var earlier Comparisons
				start := time.Now()
				row.tally(t, s, &earlier)
				first = append(first, time.Since(start))
				row.vote(s, r)
				start = time.Now()
				row.tally(t, s, &earlier)
				later = append(later, time.Since(start))
			}
			fmt.Fprintf(&b, " %s | %s |", median(first), median(later))
		}
		b.WriteString("\n")
	}
	t.Log("\n" + b.String())
}
