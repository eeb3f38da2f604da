package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// envPrefix begins the names of the variables that set flags.
const envPrefix = "VOTED_"

// envToken holds a bearer token. There is no such flag: others could see it there.
const envToken = "VOTED_TOKEN"

// dropEmpty unsets variables that are empty: in files for containers an empty variable is
// the only way to leave a flag out.
func dropEmpty() {
	for _, v := range os.Environ() {
		if name, value, _ := strings.Cut(v, "="); value == "" && strings.HasPrefix(name, envPrefix) {
			_ = os.Unsetenv(name) // fails only for names that cannot be set
		}
	}
}

// serviceLink matches what Kubernetes puts into a container's environment for services
// whose names begin with "voted": VOTED_SERVICE_HOST, VOTED_PEERS_PORT_9080_TCP_ADDR.
var serviceLink = regexp.MustCompile(`^VOTED_([A-Z0-9_]+_)?(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// flagVariables returns the flag that each variable sets, by the variable's name.
func flagVariables(app *kong.Application) map[string]string {
	known := map[string]string{}
	_ = kong.Visit(app, func(n kong.Visitable, next kong.Next) error { // only next fails
		if f, ok := n.(*kong.Flag); ok {
			for _, name := range f.Envs {
				known[name] = "--" + f.Name
			}
		}
		return next(nil)
	})
	return known
}

// strayVariables returns a warning for each variable that looks like a flag's and is none:
// an operator that sets VOTED_AUDTI believes that an audit log is kept. It is only a
// warning, because what starts the program may have variables of its own.
func strayVariables(app *kong.Application, environ []string) []string {
	known := flagVariables(app)
	names := slices.Sorted(maps.Keys(known))
	var said []string
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if value == "" || !strings.HasPrefix(name, envPrefix) || known[name] != "" || name == envToken || serviceLink.MatchString(name) {
			continue
		}
		sentence := "the environment has " + name + ", which stands for no flag of any command and is not used"
		if near := nearest(name, names); near != "" {
			sentence += "; is it " + near + " (" + known[near] + ")?"
		}
		said = append(said, sentence)
	}
	slices.Sort(said)
	return said
}

// nearest returns the word that is the fewest edits away, "" if none is near.
func nearest(word string, words []string) string {
	best, least := "", max(2, len(strings.TrimPrefix(word, envPrefix))/3)+1
	for _, w := range words {
		if d := edits(word, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// edits is how many characters must be added, removed, replaced or swapped with their
// neighbour to turn a into b (optimal string alignment).
func edits(a, b string) int {
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		now := make([]int, len(b)+1)
		now[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			now[j+1] = min(last[j+1]+1, now[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
		}
		before, last = last, now
	}
	return last[len(b)]
}
