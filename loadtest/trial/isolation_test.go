package trial

import (
	"errors"
	"strings"
	"testing"

	"voted/internal/localcluster"
	"voted/loadtest/wire"
)

func TestWithoutNamespacesProxiesAreTakenUnlessNamespacesWereAskedFor(t *testing.T) {
	if !wire.CanIdentify() {
		t.Skip("this system does not tell who dialled")
	}
	t.Setenv("PATH", t.TempDir()) // given a machine without ip and nft
	for way, want := range map[Isolation]string{
		"": "(network namespaces need root)|(the command ip is not installed)", Auto: "(network namespaces need root)|(the command ip is not installed)",
		Proxies: "(as --isolation says)",
	} {
		n := &nodes{started: make(chan struct{})}
		if err := n.isolate(t.Context(), way, &localcluster.Options{Nodes: 3}); err != nil {
			t.Fatal(err)
		}
		close(n.started)
		n.stop()
		reason := n.how[strings.LastIndex(n.how, "("):]
		if !strings.HasPrefix(n.how, "proxies") || !strings.Contains(want, reason) {
			t.Errorf("%q: %s; want %s", way, n.how, want)
		}
	}
	n := &nodes{started: make(chan struct{})}
	if err := n.isolate(t.Context(), Namespaces, &localcluster.Options{Nodes: 3}); err == nil || n.network != nil {
		t.Errorf("namespaces were asked for and cannot be made, and the error is %v", err)
	}
	if err := Isolation("hope").check(); !errors.Is(err, ErrUsage) {
		t.Errorf("an isolation that does not exist: %v", err)
	}
}
