package voter

import (
	"net/http"

	"voted/internal/web/frame"
)

// receiptPage says that a ballot is in the box. It never shows what was chosen: nobody can then be made to prove it.
type receiptPage struct {
	Poll  *poll
	Voter string
	Cast  *receipt
	Path  string
}

func (room *Room) receipt(w http.ResponseWriter, r *http.Request, v visitor) error {
	p, cast, err := room.look(r, v)
	switch {
	case err != nil:
		return err
	case cast == nil && !frame.WantsPage(r): // a script looks whether the ballot is there
		return &frame.Problem{Status: http.StatusNotFound, Code: "ballot_not_found"}
	case cast == nil:
		return frame.SeeOther(w, r, v.page("ballot"))
	case !frame.WantsPage(r):
		return sayWhere(w, v.page("receipt"))
	}
	return room.pages.Show(w, r, frame.Page{
		Template: "receipt", Booth: true, Scripts: []string{"door.js", "times.js", "receipt.js"},
		Data: receiptPage{Poll: p, Voter: v.Voter, Cast: cast, Path: frame.BallotPath(v.Poll)},
	})
}

// proof lets the voter download the proof that the ballot is in the poll's log.
func (room *Room) proof(w http.ResponseWriter, r *http.Request, v visitor) error {
	w.Header().Set("Content-Disposition", `attachment; filename="`+v.Poll+`.receipt"`)
	err := room.Pass(w, r, frame.Call{Path: v.ballotPath() + "/proof"})
	if err != nil {
		w.Header().Del("Content-Disposition")
	}
	return err
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
