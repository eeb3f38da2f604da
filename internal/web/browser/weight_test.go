package browser

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// budgets bound what a first visit to a page may load, in bytes over the network, headers and all. The first that fits
// a path counts.
var budgets = []struct {
	path  *regexp.Regexp
	bytes int
}{
	{regexp.MustCompile(`^/vote(/[^/]+)?$`), 9 << 10},
	{regexp.MustCompile(`^/vote/[^/]+/ballot$`), 14 << 10}, // one initial window of ten segments
	{regexp.MustCompile(`^/vote/`), 14 << 10},
	{regexp.MustCompile(`^/polls/[^/]+$`), 24 << 10},
	{regexp.MustCompile(`^/console`), 24 << 10},
	{regexp.MustCompile(`^/manage/new$`), 40 << 10}, // every rule of every method
	{regexp.MustCompile(`^/`), 24 << 10},
}

// overweight says what a tab's first visit loaded beyond the budget of its page; "" if nothing.
func overweight(tab *Tab, path string) string {
	sum, parts := 0, ""
	for _, r := range tab.Requests() {
		sum += r.Bytes
		parts += fmt.Sprintf(" %s %d", r.URL[strings.LastIndex(r.URL, "/"):], r.Bytes)
	}
	for _, b := range budgets {
		if b.path.MatchString(path) {
			if sum > b.bytes {
				return fmt.Sprintf("%s loads %d bytes, more than %d:%s", path, sum, b.bytes, parts)
			}
			break
		}
	}
	return ""
}

func TestNoPageIsHeavy(t *testing.T) {
	t.Parallel()
	s, p := exhibits(t)
	for _, at := range lookedAt(places(t, p), p) {
		if poll := at.poll(); poll != "" && poll != p.open {
			continue
		}
		tab := s.visitor(t, Phone, at)
		tab.Go(s.URL(at.path))
		if over := overweight(tab, at.path); over != "" {
			t.Error(over)
		}
		sum := 0
		for _, r := range tab.Requests() {
			sum += r.Bytes
		}
		t.Logf("%6d bytes, %d requests: %s", sum, len(tab.Requests()), at.path)
	}
}

func TestAHeavyPageIsNoticed(t *testing.T) {
	t.Parallel()
	url := serve(t, map[string]string{"/heavy": `<h1>A page</h1><p>` + strings.Repeat("heavy ", 5000) + `</p>`}, "")
	tab := Open(t, Phone)
	tab.Go(url + "/heavy")
	if overweight(tab, "/heavy") == "" {
		t.Error("a page of 30 kB is light")
	}
}
