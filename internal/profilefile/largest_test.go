package profilefile

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"voted/internal/profile"
	"voted/internal/tally"
)

// As in package poll.
const (
	mostPoints  = 1000
	mostOptions = 1024
)

// Files with as many ballots as can be counted, in two lines, and the highest scores that
// their format takes.
func largestFiles(highest int, first, second int64) map[string]string {
	preflib := fmt.Sprintf("# DATA TYPE: cat\n# NUMBER ALTERNATIVES: 2\n# NUMBER CATEGORIES: %d\n# ALTERNATIVE NAME 1: A\n# ALTERNATIVE NAME 2: B\n", mostOptions)
	for n := range mostOptions {
		preflib += fmt.Sprintf("# CATEGORY NAME %d: c%d\n", n+1, n+1)
	}
	none := strings.Repeat(",{}", mostOptions-2)
	return map[string]string{
		"ABIF":    fmt.Sprintf("{max_rating: %d}\n=A:[A]\n=B:[B]\n%d:A/%d>B/1\n%d:A/%d\n", highest, first, highest, second, highest),
		"NDJSON":  fmt.Sprintf("{\"scores\":{\"A\":%d,\"B\":1},\"count\":%d}\n{\"scores\":{\"A\":%d},\"count\":%d}\n", highest, first, highest, second),
		"CSV":     fmt.Sprintf("scores,count\nA=%d;B=1,%d\nA=%d,%d\n", highest, first, highest, second),
		"PrefLib": preflib + fmt.Sprintf("%d: 1,2%s\n%d: {1,2},{}%s\n", first, none, second, none),
	}
}

func TestTheSumsOfTheLargestFilesAreExact(t *testing.T) {
	t.Parallel()
	const first = 1 << 40
	for name, text := range largestFiles(mostPoints, first, profile.MaxBallots-first) {
		found, err := Read(strings.NewReader(text), Asked{Form: tally.Scores, FormTold: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		highest := found.HighestScore()
		want := new(big.Int).Mul(big.NewInt(profile.MaxBallots), big.NewInt(int64(highest)))
		if found.Ballots() != profile.MaxBallots || highest < mostPoints || !want.IsInt64() {
			t.Errorf("%s: got %d ballots with scores to %d, whose sum is %s", name, found.Ballots(), highest, want)
		}
		for _, method := range tally.Names() {
			m, _ := tally.ByName(method)
			if m.Form != tally.Scores {
				continue
			}
			r := m.FromProfile(found.Tally(), tally.Settings{MaxScore: highest})
			if r.Ballots != profile.MaxBallots || r.Options[0].Score != want.Int64() || len(r.Winners) != 1 || r.Winners[0] != 0 {
				t.Errorf("%s, %s: %d ballots give %+v, and %v wins; the sum is %s", name, method, r.Ballots, r.Options, r.Winners, want)
			}
		}
	}
}

func TestOneBallotMoreThanCanBeCountedIsRefused(t *testing.T) {
	t.Parallel()
	for _, second := range []int64{1, profile.MaxBallots} {
		for name, text := range largestFiles(1, profile.MaxBallots, second) {
			if _, err := Read(strings.NewReader(text), Asked{Form: tally.Scores, FormTold: true}); err == nil || !strings.Contains(err.Error(), "more than") {
				t.Errorf("%s: %d ballots more are read with %v", name, second, err)
			}
		}
	}
	var c profile.Collector
	var tooMany *profile.TooManyError
	if err := c.Add(math.MaxInt64); !errors.As(err, &tooMany) {
		t.Errorf("2^63-1 ballots at once: %v", err)
	}
}
