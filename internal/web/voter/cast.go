package voter

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"

	"voted/internal/web/frame"
)

// cast sends a ballot that was checked. It may be sent as often as anybody likes: it is counted once.
func (room *Room) cast(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := room.Form(w, r); err != nil {
		return err
	}
	if r.PostForm.Get("voter") != v.Voter {
		return room.showState(w, r, statePage{Key: "voter.cast.otherform", Path: frame.BallotPath(v.Poll), Start: true}, http.StatusConflict)
	}
	p, err := room.poll(r, v, nil)
	if err != nil {
		return room.unsent(w, r, v, nil, err)
	}
	m, err := readMarks(p, r.PostForm)
	if err != nil {
		return err
	}
	b := p.read(m)
	switch {
	case len(b.faults) > 0:
		return room.showBallot(w, r, v, p, replacing(nil, r), m, b.faults)
	case b.isBlank() && !m.blank:
		return room.showReview(w, r, v, p, replacing(nil, r), m, b, true)
	}
	call := frame.Call{Method: http.MethodPut, Path: v.ballotPath(), Body: b.body()}
	if version := versionIn(r); version > 0 {
		call.Header = http.Header{"If-Match": {strconv.Quote(strconv.FormatUint(uint64(version), 10))}}
	}
	answer, err := room.Ask(r, call)
	if err != nil {
		return room.unsent(w, r, v, p, err)
	}
	if !frame.WantsPage(r) {
		got := &receipt{}
		if err := answer.Into(got); err != nil {
			return err
		}
		return sayWhere(w, got, v.page("receipt"))
	}
	return frame.SeeOther(w, r, v.page("receipt"))
}

// sayWhere tells a script where to go on, and which version of the voter's ballot is in the box.
func sayWhere(w http.ResponseWriter, cast *receipt, path string) error {
	body, err := json.Marshal(map[string]any{"location": path, "version": cast.Version}, json.Deterministic(true))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = io.WriteString(w, string(body)+"\n")
	return err
}

// statePage says what became of a ballot that was not acknowledged, and what to do.
type statePage struct {
	Key    string // of the words: its title and text
	Poll   *poll
	Cast   *receipt
	Fields []field // of the ballot, to send it again
	Again  bool    // sending the same again is right
	// Replace offers to check the ballot again as one that replaces Cast.
	Replace bool
	Receipt bool // there is a receipt to see
	Start   bool // the ballot is to be opened again
	Results bool // voting is over
	Voter   string
	Version uint32 // that the form replaces
	Wait    int    // seconds
	Path    string
}

// retried are the codes after which the same ballot may be sent again.
var retried = []string{"unavailable", "outcome_unknown", "storage_full", "too_many_requests", "internal", "upgrade_pending"}

// unsent says what a refusal of the API means for a ballot. p is nil if the poll is not known.
func (room *Room) unsent(w http.ResponseWriter, r *http.Request, v visitor, p *poll, err error) error {
	var refused *frame.Problem
	if !errors.As(err, &refused) || !frame.WantsPage(r) || frame.Is(err, "unauthenticated", "forbidden") {
		return err
	}
	d := statePage{Key: "voter.cast." + refused.Code, Poll: p, Voter: v.Voter, Path: frame.BallotPath(v.Poll), Version: versionIn(r), Wait: refused.RetryAfter}
	switch {
	case frame.Is(err, retried...):
		d.Again = true
	case frame.Is(err, "already_voted"):
		d.Receipt = true
		d.Cast, _ = room.inBox(r, v, nil) // without it the page says less
		d.Replace = p != nil && p.Revotes() && d.Cast != nil
	case frame.Is(err, "superseded", "version_mismatch"):
		d.Receipt = true
		d.Cast, _ = room.inBox(r, v, nil)
	case frame.Is(err, "poll_closed", "poll_full"):
		d.Results, d.Receipt = true, frame.Is(err, "poll_closed")
	case frame.Is(err, "poll_not_open", "invalid_ballot"):
		d.Start = true
	case frame.Is(err, "not_eligible"):
	default:
		return err
	}
	if d.Again || d.Replace {
		d.Fields = sent(r.PostForm)
	}
	if d.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(d.Wait))
	}
	return room.showState(w, r, d, refused.Status)
}

// sent are the fields of a form with a ballot, as they came; the template adds voter and version itself.
func sent(form url.Values) (all []field) {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			if name != "voter" && name != "replaces" {
				all = append(all, field{name, value})
			}
		}
	}
	return all
}

func (room *Room) showState(w http.ResponseWriter, r *http.Request, d statePage, status int) error {
	if !frame.WantsPage(r) {
		return &frame.Problem{Status: status, Code: "superseded"}
	}
	return room.pages.Show(w, r, frame.Page{Template: "state", Status: status, Booth: true, Scripts: []string{"times.js", "vote.js"}, Data: d})
}
