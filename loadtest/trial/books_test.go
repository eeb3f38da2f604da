package trial

import (
	"path/filepath"
	"testing"

	"voted/harness/ledger"
	"voted/harness/workload"
	"voted/loadtest/fault"
)

func TestARequestThatEndsWithoutAFinalAnswerIsAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome, code string
		unknown       bool
		errors        uint64
	}{
		"it was counted":                             {outcome: "counted"},
		"it was refused for what it is":              {code: "already_voted"},
		"no node answered":                           {errors: 1},
		"whether it was counted is not known":        {code: "outcome_unknown", unknown: true, errors: 1},
		"no node led until its retries were used up": {code: "unavailable", errors: 1},
		"too many requests until its retries ended":  {code: "too_many_requests", errors: 1},
		"the disks were full":                        {code: "storage_full", errors: 1},
		"the node failed":                            {code: "internal", errors: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Given books of a load that goes on,
			plan, err := workload.New(workload.Options{Seed: 1, Polls: 1})
			if err != nil {
				t.Fatal(err)
			}
			meter := &fault.Meter{}
			b, err := openBooks(ledger.New(plan), filepath.Join(t.TempDir(), "requests.jsonl.gz"), meter)
			if err != nil {
				t.Fatal(err)
			}
			b.setLoading(true)
			meter.Begin(fault.Event{Kind: fault.Kill})
			// when one request ends,
			b.Record(ledger.Entry{Kind: workload.First, Choice: plan.Vote(0).First, Outcome: c.outcome, Code: c.code, Unknown: c.unknown, Error: "an error"})
			if err := b.close(); err != nil {
				t.Fatal(err)
			}
			// then what --threshold errors looks at, the pace, the ledger and the fault agree.
			if b.loadErrors != c.errors || b.answered != 1-c.errors || b.ledger.Counts().Errors != c.errors {
				t.Errorf("%d errors, %d answers, %d errors in the ledger; want %d errors", b.loadErrors, b.answered, b.ledger.Counts().Errors, c.errors)
			}
			if got := uint64(meter.Events()[0].Errors); got != c.errors {
				t.Errorf("the fault cost %d errors, want %d", got, c.errors)
			}
		})
	}
}
