package main

import (
	"strings"
	"testing"

	"voted/client"
)

func TestWhyACallWasNotCarriedOutIsSaidByTheNode(t *testing.T) {
	t.Parallel()
	const waits = "Not every member of the cluster can read this yet, so nothing was changed: n3 has to be upgraded."
	const nothing = "No leader could be reached in time; nothing was changed. Send the request again."
	const audit = "The audit log cannot be written, so nothing was done; see this node's log."
	for _, c := range []struct {
		code       client.Code
		said, want string
	}{
		{client.CodeUpgradePending, waits, waits},
		{client.CodeUnavailable, audit, strings.TrimSuffix(audit, ".") + " (see which nodes are down"},
		{client.CodeUnavailable, nothing, strings.TrimSuffix(nothing, ".") + " (see which nodes are down"},
	} {
		err := &client.UnansweredError{Endpoints: []string{"a:1"}, Cause: &client.Error{Status: 503, Code: c.code, Detail: c.said}}
		if got := explain(err); !strings.Contains(got, c.want) || strings.Contains(got, "no leader now") {
			t.Errorf("%s with %q is explained as %q", c.code, c.said, got)
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
