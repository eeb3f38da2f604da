package voter

import (
	"net/http"
	"strconv"

	"voted/internal/web/frame"
)

// receiptPage says that a ballot is in the box. It never shows what was chosen: nobody can then be made to prove it.
type receiptPage struct {
	Poll  *poll // nil while the box cannot be reached
	Voter string
	Cast  *receipt
	Held  *holders // nil where that is not known
	Proof string   // yes, soon, hidden (until the close), or empty: this node keeps no logs
	// InsteadOf is the version that a ballot was sent to replace, whose answer the visitor does not have; 0: there is none.
	InsteadOf uint32
	Stale     bool // it is from the node's own state, which may be old
	Age       int  // of that state, in seconds
	Path      string
	ID        string // of the poll
}

// holders are the members that have counted a ballot, as the API says it.
type holders struct {
	Holders []string `json:"holders"`
	Others  []string `json:"others"`
	Needed  int      `json:"needed"`
}

// All is how many voting members there are.
func (h *holders) All() int { return len(h.Holders) + len(h.Others) }

// Enough reports whether the ballot is kept, whatever happens to the other members.
func (h *holders) Enough() bool { return len(h.Holders) >= h.Needed }

// Earlier reports whether the ballot in the box is not the one that was sent last, but one that it was to replace.
func (d receiptPage) Earlier() bool { return d.Cast.Version <= d.InsteadOf }

// New reports whether the ballot in the box has replaced another.
func (d receiptPage) New() bool { return d.Cast.Version > 1 && !d.Earlier() }

// briefly is how long a page waits for what it can do without.
var briefly = http.Header{"Prefer": {"wait=3"}}

func (room *Room) receipt(w http.ResponseWriter, r *http.Request, v visitor) error {
	d := receiptPage{Voter: v.Voter, Path: frame.BallotPath(v.Poll), ID: v.Poll, InsteadOf: versionOf(r.URL.Query().Get("instead-of")), Cast: &receipt{}}
	answer, err := room.Ask(r, frame.Call{Path: v.ballotPath(), Header: briefly})
	away := err
	if frame.Is(err, "unavailable") {
		// What was acknowledged is never taken back: a receipt that this node has is as good as any.
		if stale, why := room.Ask(r, frame.Call{Path: v.ballotPath() + "?consistency=stale"}); why == nil {
			answer, err, d.Stale = stale, nil, true
			d.Age, _ = strconv.Atoi(stale.Header.Get("Voted-Age"))
		}
	}
	switch {
	case frame.Is(err, "ballot_not_found") && frame.WantsPage(r):
		return frame.SeeOther(w, r, v.page("ballot"))
	case err != nil:
		return err // a script that looks whether the ballot is there goes by the code
	}
	if err := answer.Into(d.Cast); err != nil {
		return err
	}
	switch {
	case d.Stale && d.Earlier():
		return away // the one that is looked for may be there by now
	case !frame.WantsPage(r):
		return sayWhere(w, d.Cast, v.page("receipt"))
	}
	if !d.Stale {
		if d.Poll, err = room.poll(r, v, nil); err != nil {
			return err
		}
		d.Held, d.Proof = room.holders(r, v), room.provable(r, v)
	}
	return room.pages.Show(w, r, frame.Page{
		Template: "receipt", Booth: true, Scripts: []string{"door.js", "times.js", "print.js"}, Data: d,
	})
}

// holders asks which members have counted the voter's ballot. Without an answer the page does not say it.
func (room *Room) holders(r *http.Request, v visitor) *holders {
	answer, err := room.Ask(r, frame.Call{Path: v.ballotPath() + "/holders", Header: briefly})
	if err != nil {
		return nil
	}
	held := &holders{}
	if answer.Into(held) != nil {
		return nil
	}
	return held
}

// provable finds out whether there is a proof of the voter's ballot to download.
func (room *Room) provable(r *http.Request, v visitor) string {
	_, err := room.Ask(r, frame.Call{Path: "/v1/polls/" + v.Poll + "/log/checkpoint", Header: briefly})
	switch {
	case err == nil:
		return "yes"
	case frame.Is(err, "proof_pending", "unavailable", "too_many_requests"):
		return "soon"
	case frame.Is(err, "results_hidden"):
		return "hidden"
	}
	return ""
}

// proof lets the voter download the proof that the ballot is in the poll's log.
func (room *Room) proof(w http.ResponseWriter, r *http.Request, v visitor) error {
	w.Header().Set("Content-Disposition", `attachment; filename="`+v.Poll+`.tlog-proof"`)
	return room.Pass(w, r, frame.Call{Path: v.ballotPath() + "/proof"})
}

// policy lets the voter download the keys by which a proof is checked.
func (room *Room) policy(w http.ResponseWriter, r *http.Request, v visitor) error {
	w.Header().Set("Content-Disposition", `attachment; filename="`+v.Poll+`.policy"`)
	return room.Pass(w, r, frame.Call{Path: "/v1/polls/" + v.Poll + "/log/policy"})
}

// leave takes the credential out of the browser.
func (room *Room) leave(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("poll")
	if !isID(id) {
		return frame.SeeOther(w, r, "/vote")
	}
	room.EndVote(w, id)
	w.Header().Set("Clear-Site-Data", `"storage"`)
	return frame.SeeOther(w, r, frame.BallotPath(id)+"?left")
}
