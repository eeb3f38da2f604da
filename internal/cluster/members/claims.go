package members

import (
	"errors"

	"voted/internal/refusal"
)

// waiting is the last result of this member's claim to its address.
type waiting struct {
	why     string
	refused bool // asking again cannot succeed until the reason is removed
}

// noteMove keeps and logs the result of a claim. named is the address in the membership.
// If that is the address that this member gives, nothing has moved: until a leader has
// looked, there is nothing to warn of.
func (ms *Members) noteMove(c change, named string, err error) {
	if err == nil {
		ms.placed = ms.placed || c.Doubted
		if !c.Doubted {
			ms.log.Info("the membership names this member's new address now", "peer", c.Peer, "before", named)
		}
		ms.waits.Store(nil)
		ms.claims.forget(c.ID, c.Peer)
		return
	}
	w := waiting{why: err.Error()}
	var no *refusal.Error
	if errors.As(err, &no) {
		w = waiting{no.Detail, !mayPass(no.Code)}
	}
	ms.waits.Store(&w)
	if c.Doubted && !w.refused {
		ms.log.Debug("this member is not sure yet that the others reach it where the membership names it", "peer", c.Peer, "membership", named, "waits_for", err)
		return
	}
	says := "this member is at another address than the membership names; it asks for that to be changed, and is left out until then"
	if w.refused {
		says = "this process is not accepted as the member whose directory it has, and its messages are refused"
	}
	ms.claims.countAndLog(c.ID, c.Peer, w.why, func(again ...any) {
		ms.log.Warn(says, append([]any{"peer", c.Peer, "membership", named, "waits_for", w.why}, again...)...)
	})
}

// noteSettled notes that the membership names this member's address.
func (ms *Members) noteSettled() {
	if ms.waits.Swap(nil) == nil {
		return
	}
	said := ms.claims.forget(ms.opts.ID, ms.opts.Bound)
	if ms.claims.forget(ms.opts.ID, ms.address()) || said {
		ms.log.Info("the membership names this member's address", "peer", ms.address())
	}
}
