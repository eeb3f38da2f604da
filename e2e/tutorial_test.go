package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"voted/internal/ports/portstest"
)

// The README and the tutorial are carried out as by a person who copies every block
// into one terminal. The block above must print every line that they show as output;
// parts that differ from run to run are not compared.

const (
	readme   = "../README.md"
	tutorial = "../docs/tutorial.md"
)

// example is a block of commands and the lines that are shown as its output.
type example struct {
	commands string
	shown    []string
}

var fenced = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// stepsOf returns the blocks of a document, or only those of the given sections.
func stepsOf(t *testing.T, document string, sections ...string) (steps []example) {
	t.Helper()
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if len(sections) > 0 {
		text = ""
		for _, s := range sections {
			_, section, found := strings.Cut(string(b), "\n## "+s+"\n")
			if !found {
				t.Fatalf("%s has no section %q", document, s)
			}
			section, _, _ = strings.Cut(section, "\n## ")
			text += section + "\n"
		}
	}
	for _, m := range fenced.FindAllStringSubmatch(text, -1) {
		switch language, content := m[1], m[2]; {
		case language == "sh":
			steps = append(steps, example{commands: content})
		case len(steps) > 0 && (language == "" || language == "json"):
			last := &steps[len(steps)-1]
			last.shown = append(last.shown, strings.Split(strings.TrimSpace(content), "\n")...)
		}
	}
	if len(steps) == 0 {
		t.Fatalf("%s shows no commands", document)
	}
	return steps
}

// carryOut runs the blocks one after the other in one shell, with other ports than the
// document's, and compares what each prints with the lines that are shown.
func (s *shell) carryOut(steps []example, ports map[string]string) {
	s.t.Helper()
	s.env = append(s.env, "CURL_HOME="+s.dir) // no progress meter from curl, as at a terminal
	if err := os.WriteFile(filepath.Join(s.dir, ".curlrc"), []byte("silent\nshow-error\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	there, back := portNames(ports), map[string]string{}
	for in, here := range ports {
		back[here] = in
	}
	var script strings.Builder
	for i, step := range steps {
		block := strings.ReplaceAll(step.commands, "go build -o voted ./cmd/voted", "cp "+binary+" voted")
		block = there.ReplaceAllStringFunc(block, func(port string) string { return ports[port] })
		fmt.Fprintf(&script, "exec >%q 2>&1\n%s\n", s.said(i), block)
	}
	said, code := s.run(script.String())
	for i, step := range steps {
		b, err := os.ReadFile(s.said(i))
		if err != nil {
			s.t.Fatalf("the document ends before\n%s\nthe shell said %q", step.commands, said)
		}
		printed := portNames(back).ReplaceAllStringFunc(string(b), func(port string) string { return back[port] })
		if last := i == len(steps)-1; code != 0 && (last || !began(s.said(i+1))) {
			s.t.Fatalf("exit code %d of\n%s\nwhich says\n%s", code, step.commands, printed)
		}
		for _, line := range missing(step.shown, printed) {
			s.t.Errorf("%s\nis shown as output of\n%s\nwhich prints\n%s", line, step.commands, printed)
		}
	}
}

func (s *shell) said(i int) string { return filepath.Join(s.dir, "said."+strconv.Itoa(i)) }

// began reports whether a block has been started, by the file that it writes.
func began(said string) bool {
	_, err := os.Stat(said)
	return err == nil
}

// portNames matches the keys of a map, as whole numbers.
func portNames(ports map[string]string) *regexp.Regexp {
	var names []string
	for name := range ports {
		names = append(names, name)
	}
	return regexp.MustCompile(`\b(?:` + strings.Join(names, "|") + `)\b`)
}

// differs are the parts that change from run to run, with their placeholders.
var differs = []struct {
	pattern *regexp.Regexp
	stands  string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z| [+-]\d\d:\d\d)`), "TIME"},
	{regexp.MustCompile(`\((now|in [\w ]+|[\w ]+ ago)\)`), "(WHEN)"},
	{regexp.MustCompile(`\b(index|closed_index|term)("?:?) ?\d+`), "$1$2 N"},
	{regexp.MustCompile(`Voted-Index: \d+`), "Voted-Index: N"},
	{regexp.MustCompile(`Voted-Age: [\d.]+`), "Voted-Age: N"},
	{regexp.MustCompile(`Voted-Leader: n\d|^leader n\d`), "LEADER"},
	{regexp.MustCompile(`\d+-[a-z2-7]{16}$`), "EVENT"},
	{regexp.MustCompile(`^retry: \d{4}$`), "RETRY"},
	{regexp.MustCompile(`cluster [a-z2-7]{16}`), "CLUSTER"},
	{regexp.MustCompile(`"request_id":"[^"]+"`), "REQUEST"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "KEY"},
	{regexp.MustCompile(`^(n\d) (leader|follower) ok \d+ `), "$1 member ok N "},
	{regexp.MustCompile(`^\d+ 20[01]$`), "ANSWERS"},
}

// compared returns a line with placeholders for the changing parts, and with single
// blanks.
func compared(line string) string {
	line = strings.Join(strings.Fields(line), " ")
	for _, d := range differs {
		line = d.pattern.ReplaceAllString(line, d.stands)
	}
	return line
}

// missing returns the lines that are shown but were not printed. Three dots match
// anything.
func missing(shown []string, printed string) (lines []string) {
	var there []string
	for line := range strings.Lines(printed) {
		there = append(there, compared(line))
	}
	for _, line := range shown {
		if strings.Trim(line, "… ") == "" {
			continue // matches anything
		}
		want := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(compared(line)), "…", ".*") + "$")
		at := slices.IndexFunc(there, want.MatchString)
		if at < 0 {
			lines = append(lines, line)
		} else {
			there = slices.Delete(there, at, at+1)
		}
	}
	return lines
}

func TestTheTutorial(t *testing.T) {
	long(t)
	t.Parallel()
	addresses := portstest.Addrs(t, 8)
	ports := map[string]string{}
	for i, address := range addresses {
		in := strconv.Itoa(8080 + i)
		if i >= 4 {
			in = strconv.Itoa(9080 + i - 4)
		}
		ports[in] = address[strings.LastIndex(address, ":")+1:]
	}
	s := newShell(t, "VOTED_ENDPOINT=http://"+addresses[0])
	s.carryOut(stepsOf(t, tutorial, "Three nodes", "The API by example", "From the command line", "Kill the leader", "A fourth node, and one less"), ports)
}

// answers are what uniq printed for the statuses of 400 casts.
var answers = regexp.MustCompile(`(?m)^ *(\d+) (\d{3})$`)

func TestTheReadmesQuickStartAndItsLeaderThatIsKilled(t *testing.T) {
	long(t)
	t.Parallel()
	base := freeTripleBelow(t)
	ports := map[string]string{}
	for i := range 3 {
		ports[strconv.Itoa(8080+i)] = strconv.Itoa(base + i)
	}
	s := newShell(t, "VOTED_PORT="+ports["8080"], "VOTED_ENDPOINT=http://127.0.0.1:"+ports["8080"])
	s.env = append(s.env, "VOTED_DATA="+filepath.Join(s.dir, "data"))
	steps := stepsOf(t, readme, "Quick start", "Kill the leader and see nothing happen")
	s.carryOut(append(steps, example{commands: "kill %1\nwait\n"}), ports)
	// Only the answers "counted" and "replayed", 400 of them, and a leader that was
	// really killed.
	said, err := os.ReadFile(s.said(len(steps) - 1))
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, m := range answers.FindAllStringSubmatch(string(said), -1) {
		if n, err := strconv.Atoi(m[1]); err == nil && (m[2] == "200" || m[2] == "201") {
			sum += n
		}
	}
	if sum != 400 || !strings.Contains(string(said), `"ballots":400,`) {
		t.Errorf("not 400 ballots and as many answers:\n%s", said)
	}
	log, err := os.ReadFile(filepath.Join(s.dir, "voted-data", "dev.log"))
	stopped, _ := os.ReadFile(s.said(0)) // the nodes' own error output
	if err != nil || !strings.Contains(string(log)+string(stopped), "n3 ended") {
		t.Errorf("n3 was not killed, %v:\n%s\n%s", err, log, stopped)
	}
}

// Every command of the README is carried out: above, or by the test that is named here.
func TestEveryCommandOfTheReadmeIsCarriedOut(t *testing.T) {
	t.Parallel()
	elsewhere := map[string]string{
		"go run ./cmd/voted demo\n": "the tests of cmd/voted",
		"go test ./...\n":           "whoever runs this",
	}
	var here []string
	for _, s := range stepsOf(t, readme, "Quick start", "Kill the leader and see nothing happen") {
		here = append(here, s.commands)
	}
	for _, s := range stepsOf(t, readme) {
		if elsewhere[s.commands] == "" && !slices.Contains(here, s.commands) {
			t.Errorf("nothing carries out\n%s", s.commands)
		}
		delete(elsewhere, s.commands)
	}
	if len(elsewhere) > 0 {
		t.Errorf("the README no longer says %v", elsewhere)
	}
}

// The check itself must notice a line that is not printed.
func TestWhatIsShownAndNotPrintedIsFound(t *testing.T) {
	t.Parallel()
	const printed = "HTTP/1.1 201 Created\r\nVoted-Index: 17\r\n\r\n{\"index\":17,\"ballots\":3,\"winners\":[\"ann\"]}\n"
	for _, x := range []struct {
		shown   string
		missing int
	}{
		{"HTTP/1.1 201 Created\nVoted-Index: 5", 0},
		{`{"index":5,"ballots":3,"winners":["ann"]}`, 0},
		{`{"index":5,"ballots":3,…}`, 0},
		{"…\nHTTP/1.1 201 Created", 0},
		{`{"index":5,"ballots":4,…}`, 1},
		{`{"index":5,"ballots":3,"winners":["bo"]}`, 1},
		{"HTTP/1.1 201 Created\nHTTP/1.1 201 Created", 1},
		{"HTTP/1.1 200 OK", 1},
	} {
		if got := missing(strings.Split(x.shown, "\n"), printed); len(got) != x.missing {
			t.Errorf("of %q are missing %q", x.shown, got)
		}
	}
}

// freeTripleBelow returns the first of three ports that are free, as are those 1000
// above them, which voted dev takes. They are below those that other tests choose from.
func freeTripleBelow(t *testing.T) int {
	t.Helper()
	for range 100 {
		base := 10000 + 10*rand.IntN(390)
		free := true
		for _, port := range []int{base, base + 1, base + 2, base + 1000, base + 1001, base + 1002} {
			free = free && isFree("127.0.0.1:"+strconv.Itoa(port))
		}
		if free {
			return base
		}
	}
	t.Fatal("there are no free ports for voted dev")
	return 0
}
