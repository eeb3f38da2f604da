package simtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	public "voted/client"
)

// If the API cannot be reached, or its answer is lost, clients must get the same errors
// as over real connections.
func TestAClientOfTheAPIKnowsWhatItMayNotKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Seed(1))
		defer c.Close()
		o := &office{c: c, w: Standard(time.Second), cast: castSettled, web: newWeb(c)}
		o.create(newDice(1, "founding"), true)
		// The client is at the place of n1.
		cast := func(member, voter string) (public.Receipt, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			return o.web.of(0, member).Cast(ctx, "p1", voter, public.Choose(optionID(1)))
		}
		until := func(what, member, voter string, enough func(public.Receipt, error) bool) {
			t.Helper()
			for range 40 { // some answers are lost
				if enough(cast(member, voter)) {
					return
				}
			}
			t.Errorf("not once: %s", what)
		}
		// Given a cluster, when a ballot is cast at each member, then it is counted, …
		for _, id := range []string{"n1", "n2", "n3"} {
			until("counted", id, "v-"+id, func(r public.Receipt, err error) bool { return err == nil && r.Meta.Node == id })
		}
		// … and the outcome at a member behind a cut stays unknown …
		for _, w := range c.ways(Fault{Kind: FaultIsolate}, c.find("n3")) {
			c.net.cut(w)
		}
		if _, err := cast("n3", "cut"); !errors.Is(err, public.ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("of a member behind a cut: %v", err)
		}
		c.net.clear()
		// … and one that is down has certainly done nothing, so the next one is asked.
		c.crash(c.find("n2"))
		until("refused", "n2", "down", func(_ public.Receipt, err error) bool {
			return err != nil && !errors.Is(err, public.ErrOutcomeUnknown)
		})
		until("counted elsewhere", "", "elsewhere", func(r public.Receipt, err error) bool { return err == nil })
		// … and after a lost answer, a client that asks again gets the first receipt.
		for i := range 10_000 { // about one answer in a hundred is lost
			r, err := cast("", fmt.Sprint("lost-", i))
			if err == nil && r.Meta.Attempts > 1 && r.Outcome == public.Replayed {
				return
			}
		}
		t.Error("no answer was lost")
	})
}
