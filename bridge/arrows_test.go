package bridge

import (
	"os/exec"
	"path"
	"strings"
	"testing"
)

// forbidden says what a package must not depend on, also not by way of another one: what decides knows no broker, and what
// is installed holds neither the broker's server nor anything of a node.
var forbidden = map[string][]string{
	"ingest":           {"github.com/nats-io/", "voted/internal/"},
	"feed":             {"github.com/nats-io/"},
	"health":           {"github.com/nats-io/"},
	"jetstream":        {"github.com/nats-io/nats-server/", "voted/harness/"},
	"cmd/voted-bridge": {"github.com/nats-io/nats-server/", "voted/harness/", "voted/internal/cluster", "voted/internal/fsm", "voted/internal/api", "voted/internal/server"},
}

// allowed are small packages of the product's own, which hold no state of a node, and the rules of polls by which package
// client checks what a proof shows.
var allowed = []string{
	"voted/internal/voterid", "voted/internal/usage", "voted/internal/moment", "voted/internal/pause",
	"voted/internal/poll", "voted/internal/refusal", "voted/internal/tally",
}

// wrong returns the dependencies that a package must not have.
func wrong(name string, deps []string) (found []string) {
	for _, dep := range deps {
		for _, f := range forbidden[name] {
			if strings.HasPrefix(dep, f) && !contains(allowed, dep) {
				found = append(found, dep)
			}
		}
	}
	return found
}

func contains(all []string, dep string) bool {
	for _, a := range all {
		if dep == a || strings.HasPrefix(dep, a+"/") {
			return true
		}
	}
	return false
}

func TestEveryPackageKnowsOnlyWhatItMay(t *testing.T) {
	t.Parallel()
	for name := range forbidden {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./"+name).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		deps := strings.Fields(string(out))
		if len(deps) < 20 || deps[len(deps)-1] != path.Join("voted/bridge", name) {
			t.Fatalf("%s: %d dependencies are listed", name, len(deps))
		}
		for _, dep := range wrong(name, deps) {
			t.Errorf("%s must not depend on %s", name, dep)
		}
	}
}

func TestAWrongDependencyIsFound(t *testing.T) {
	t.Parallel()
	if got := wrong("ingest", []string{"time", "voted/internal/voterid", "github.com/nats-io/nats.go", "voted/internal/fsm"}); len(got) != 2 {
		t.Errorf("%q", got)
	}
}
