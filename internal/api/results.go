package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/tally"
)

// getResults serves the tally of a poll.
func (h *Handler) getResults(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	stale, err := wantsStale(r)
	if err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if stale {
		if err := h.cluster.Doubt(); err != nil {
			return err
		}
		age := h.cluster.Age().Seconds()
		w.Header().Set("Voted-Age", strconv.FormatFloat(age, 'f', 3, 64))
	} else if err := h.sync(ctx); err != nil {
		return err
	}
	s, err := h.visibleStanding(ctx, w, id)
	if err != nil {
		return err
	}
	w.saw(s.index)
	tag := s.tag()
	w.Header()["Etag"] = []string{tag}
	if ifNoneMatch(r.Header["If-None-Match"], tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.send(http.StatusOK, typeJSON, s.appendJSON(nil))
	return nil
}

func wantsStale(r *http.Request) (bool, error) {
	switch r.URL.Query().Get("consistency") {
	case "", "linearizable":
		return false, nil
	case "stale":
		return true, nil
	}
	return false, malformed("consistency must be linearizable or stale.")
}

// visibleStanding returns how a poll stands, if that may be seen.
func (h *Handler) visibleStanding(ctx context.Context, w *response, id string) (*standing, error) {
	info, index, err := h.info(id)
	w.saw(index)
	if err != nil {
		return nil, err
	}
	if !info.Visible() {
		return nil, hidden(id)
	}
	return h.standing(ctx, info, index)
}

func hidden(id string) error {
	return poll.Refuse(poll.CodeResultsHidden, "The poll %s shows its results after it has closed.", id)
}

// tag identifies a standing by the log index of the poll's last change; it is
// weak, because the index that an answer reflects moves on with other polls. The
// phase belongs to it: a poll opens by the clock alone.
func (s *standing) tag() string {
	return `W/"` + strconv.FormatUint(s.Changed, 10) + "-" + s.Phase.String() + `"`
}

// appendJSON appends the results as clients see them. Ids need no escapes.
func (s *standing) appendJSON(b []byte) []byte {
	b = append(b, `{"poll":"`+s.Rules.ID+`","method":"`+s.Rules.Method+`","state":"`+s.Phase.String()+`","index":`...)
	b = strconv.AppendUint(b, s.index, 10)
	b = append(b, `,"ballots":`...)
	b = strconv.AppendUint(b, s.Ballots, 10)
	b = append(b, `,"certified":`...)
	b = strconv.AppendBool(b, s.Phase == poll.Closed)
	if s.ClosedIndex != 0 {
		b = append(b, `,"closed_index":`...)
		b = strconv.AppendUint(b, s.ClosedIndex, 10)
	}
	b = s.appendTurnout(b)
	b = append(b, `,"winners":`...)
	b = s.appendIDs(b, s.result.Winners)
	b = append(b, `,"options":[`...)
	for i, o := range s.result.Options {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendOption(b, i, o)
	}
	b = append(b, ']')
	if len(s.result.Rounds) > 0 {
		b = append(b, `,"rounds":[`...)
		for i := range s.result.Rounds {
			if i > 0 {
				b = append(b, ',')
			}
			b = s.appendRound(b, &s.result.Rounds[i])
		}
		b = append(b, ']')
	}
	b = append(b, `,"tie_breaking":`...)
	b, _ = jsontext.AppendQuote(b, s.result.TieBreaking)
	return append(b, '}', '\n')
}

// appendTurnout appends how many of those on the roll have voted, where there is a
// roll, and whether they are enough, where that is asked and certain.
func (s *standing) appendTurnout(b []byte) []byte {
	if s.Rules.Eligibility == poll.OnRoll {
		t := s.Turnout
		b = append(b, `,"weight":`...)
		b = strconv.AppendUint(b, t.VotedWeight, 10)
		b = append(b, `,"turnout":{"eligible":`...)
		b = strconv.AppendUint(b, t.Eligible, 10)
		b = append(b, `,"voted":`...)
		b = strconv.AppendUint(b, t.Voted, 10)
		b = append(b, `,"eligible_weight":`...)
		b = strconv.AppendUint(b, t.EligibleWeight, 10)
		b = append(b, `,"voted_weight":`...)
		b = strconv.AppendUint(b, t.VotedWeight, 10)
		b = append(b, '}')
	}
	if s.Rules.Quorum == 0 {
		return b
	}
	b = append(b, `,"quorum":{"needed":`...)
	b = strconv.AppendUint(b, s.Rules.Quorum, 10)
	if s.Phase == poll.Closed {
		b = append(b, `,"met":`...)
		b = strconv.AppendBool(b, s.QuorumMet())
	}
	return append(b, '}')
}

func (s *standing) appendOption(b []byte, i int, o tally.OptionResult) []byte {
	b = append(b, `{"id":"`+s.Rules.Options[i].ID+`"`...)
	if s.Rules.Form() != tally.Scores {
		b = append(b, `,"votes":`...)
		b = strconv.AppendInt(b, o.Votes, 10)
		return append(b, '}')
	}
	b = append(b, `,"score":`...)
	b = strconv.AppendInt(b, o.Score, 10)
	b = append(b, `,"mean":`...)
	b = strconv.AppendFloat(b, o.Mean, 'f', -1, 64)
	b = append(b, `,"ballots":`...)
	b = strconv.AppendInt(b, o.Marks, 10)
	return append(b, '}')
}

func (s *standing) appendRound(b []byte, r *tally.Round) []byte {
	b = append(b, `{"votes":{`...)
	first := true
	for i, votes := range r.Votes {
		if !r.Standing[i] {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, `"`+s.Rules.Options[i].ID+`":`...)
		b = strconv.AppendInt(b, votes, 10)
	}
	b = append(b, `},"eliminated":`...)
	b = s.appendIDs(b, r.Eliminated)
	b = append(b, `,"exhausted":`...)
	b = strconv.AppendInt(b, r.Exhausted, 10)
	if r.Decided != "" {
		b = append(b, `,"decided":`...)
		b, _ = jsontext.AppendQuote(b, r.Decided)
	}
	return append(b, '}')
}

// appendIDs appends options, given by number, as an array of their ids.
func (s *standing) appendIDs(b []byte, options []int) []byte {
	b = append(b, '[')
	for i, n := range options {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `"`+s.Rules.Options[n].ID+`"`...)
	}
	return append(b, ']')
}
