package main

import (
	"strings"
	"testing"

	"voted/client"
)

func TestAClusterThatWaitsForAnUpgradeIsNotSaidToHaveNoLeader(t *testing.T) {
	t.Parallel()
	const waits = "Not every member of the cluster can read this yet, so nothing was changed: n3 has to be upgraded."
	for code, want := range map[client.Code]string{client.CodeUpgradePending: waits, client.CodeUnavailable: "has no leader now"} {
		err := &client.UnansweredError{Endpoints: []string{"a:1"}, Cause: &client.Error{Status: 503, Code: code, Detail: waits}}
		if got := explain(err); !strings.Contains(got, want) || strings.Contains(got, "leader") == (code == client.CodeUpgradePending) {
			t.Errorf("%s is explained as %q", code, got)
		}
	}
}

func TestARefusedVersionIsExplainedWithoutHTTP(t *testing.T) {
	t.Parallel()
	for _, version := range []uint64{0, 7} {
		got := explain(&client.Error{Status: 412, Code: client.CodeVersionMismatch, Detail: "The version in If-Match is not current.", Version: version})
		if strings.Contains(got, "If-Match") || strings.Contains(got, "7") != (version == 7) {
			t.Errorf("it is explained as %q", got)
		}
	}
}

func TestARefusalWithAnUnknownOutcomeIsExplainedWithBoth(t *testing.T) {
	t.Parallel()
	for _, unknown := range []bool{true, false} {
		err := &client.UnansweredError{Endpoints: []string{"a:1", "b:1"}, Unknown: unknown, Cause: &client.Error{Status: 409, Code: client.CodePollNotOpen, Detail: "The poll is not open."}}
		if got := explain(err); !strings.Contains(got, "not open") || strings.Contains(got, "safe to send it again") != unknown {
			t.Errorf("unknown %v is explained as %q", unknown, got)
		}
	}
}
