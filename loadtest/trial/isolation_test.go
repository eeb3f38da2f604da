package trial

import (
	"strings"
	"testing"

	"voted/harness/wire"
	"voted/internal/localcluster"
	"voted/internal/usage"
)

func TestWithoutNamespacesProxiesAreTakenUnlessNamespacesWereAskedFor(t *testing.T) {
	if !wire.CanIdentify() {
		t.Skip("this system does not say which process dialled")
	}
	t.Setenv("PATH", t.TempDir()) // given a machine without ip and nft
	for way, want := range map[Isolation]string{
		"": "(network namespaces need root)|(the command ip is not installed)", Auto: "(network namespaces need root)|(the command ip is not installed)",
		Proxies: "(as --isolation says)",
	} {
		n := &nodes{started: make(chan struct{})}
		var o localcluster.Options
		if err := n.isolate(t.Context(), way, &o); err != nil {
			t.Fatal(err)
		}
		front, err := o.Front([]string{"127.0.0.1:1", "127.0.0.1:2"})
		if err != nil || len(front) != 2 || n.network == nil {
			t.Errorf("%q: the proxies in front of two members are at %v, %v", way, front, err)
		}
		close(n.started)
		n.stop()
		reason := n.how[strings.LastIndex(n.how, "("):]
		if !strings.HasPrefix(n.how, "proxies") || !strings.Contains(want, reason) {
			t.Errorf("%q: partitions are made by %s; want proxies, because %s", way, n.how, want)
		}
	}
	n := &nodes{started: make(chan struct{})}
	if err := n.isolate(t.Context(), Namespaces, &localcluster.Options{Nodes: 3}); err == nil || n.network != nil {
		t.Errorf("namespaces were asked for and cannot be made, and the error is %v", err)
	}
	if err := Isolation("hope").check(); !usage.Is(err) {
		t.Errorf("an isolation that does not exist gives %v, want an error of usage", err)
	}
}
