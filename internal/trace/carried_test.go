package trace

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestWhatAContextCarriesIsFoundThroughOthers(t *testing.T) {
	t.Parallel()
	if got := From(t.Context()); got != (Carried{}) {
		t.Errorf("an empty context carries %+v", got)
	}
	if ctx := With(t.Context(), Carried{}); ctx != t.Context() {
		t.Error("carrying nothing made another context")
	}
	type key struct{}
	parent, stop := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
	ctx, cancel := context.WithTimeout(With(parent, Carried{ID: "a-1"}), time.Hour)
	defer cancel()
	if got := From(ctx); got.ID != "a-1" {
		t.Errorf("got %+v", got)
	}
	if ctx.Value(key{}) != "kept" {
		t.Error("values of the context below are lost")
	}
	stop()
	if ctx.Err() == nil {
		t.Error("the end of the context below is not seen")
	}
	if got := From(With(ctx, Carried{ID: "a-2"})); got.ID != "a-2" {
		t.Errorf("the inner one counts, not %+v", got)
	}
}

func TestACarryingContextThatIsPartOfAStructCostsNothing(t *testing.T) {
	// Not parallel: allocations are counted.
	within := &struct{ ctx Context }{}
	plain, stop := context.WithCancel(context.Background())
	defer stop()
	if got := testing.AllocsPerRun(100, func() {
		within.ctx = Context{plain, Carried{ID: "a-1"}}
		if From(&within.ctx).ID != "a-1" {
			t.Error("nothing is carried")
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestIDsFromOutsideAreFitForALog(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"x": true, "req-1/a:b": true, strings.Repeat("x", MaxIDBytes): true,
		"": false, "two words": false, "line\nbreak": false, "é": false, strings.Repeat("x", MaxIDBytes+1): false,
	} {
		if ValidID(id) != want {
			t.Errorf("%q: want %v", id, want)
		}
	}
}

func TestIDsDiffer(t *testing.T) {
	t.Parallel()
	ids := NewIDs("n1-ab-")
	if a, b := ids.Next(), ids.Next(); a != "n1-ab-1" || b != "n1-ab-2" {
		t.Errorf("got %s, %s", a, b)
	}
}
