package api

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/survey"
)

// getCluster serves the membership as this node sees it.
func (h *Handler) getCluster(w *response, r *http.Request) error {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	return h.sendStatus(ctx, w, http.StatusOK)
}

func (h *Handler) sendStatus(ctx context.Context, w *response, status int) error {
	s, err := h.cluster.Status(ctx)
	if err != nil {
		return inTime(err, refusal.Unavailable)
	}
	if s.Findings == nil {
		s.Findings = []survey.Finding{}
	}
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	w.send(status, typeJSON, append(body, '\n'))
	return nil
}

type memberBody struct {
	ID   string `json:"id"`
	Peer string `json:"peer"`
}

// addMember serves POST of a member: it joins without a vote and gets one when
// it has caught up.
func (h *Handler) addMember(w *response, r *http.Request) error {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	var m memberBody
	if err := readJSON(w, r, maxMemberBytes, &m, mediaJSON); err != nil {
		return err
	}
	if err := m.check(); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.cluster.AddMember(ctx, m.ID, m.Peer); err != nil {
		return inTime(err, refusal.OutcomeUnknown)
	}
	w.Header().Set("Location", "/v1/cluster/members/"+m.ID)
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	w.send(http.StatusCreated, typeJSON, append(body, '\n'))
	return nil
}

func (m memberBody) check() error {
	e := malformed("The member cannot be added like this.")
	if !poll.ValidID(m.ID) {
		e.Fields = append(e.Fields, refusal.FieldError{Field: "id", Detail: "Use 1 to 64 letters, digits, '.', '_', '~' or '-', beginning with a letter or digit."})
	}
	host, port, err := net.SplitHostPort(m.Peer)
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || host == "" || n == 0 {
		e.Fields = append(e.Fields, refusal.FieldError{Field: "peer", Detail: "Give the HOST:PORT under which members reach it."})
	} else if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsUnspecified() {
		e.Fields = append(e.Fields, refusal.FieldError{Field: "peer", Detail: "This stands for every address of a machine, and leads nowhere; give the one under which members reach it."})
	}
	if e.Fields != nil {
		return e
	}
	return nil
}

// endOf serves DELETE of what belongs to the member in the path. call must succeed if
// there is nothing to end.
func (h *Handler) endOf(call func(ctx context.Context, id string) error) action {
	return func(w *response, r *http.Request) error {
		id, err := url.PathUnescape(pathVar(r, "id"))
		if err != nil || !poll.ValidID(id) {
			return refusal.New(refusal.MemberNotFound, "No member can have the id in this path; list them with GET /v1/cluster.")
		}
		if err := noBody(w, r); err != nil {
			return err
		}
		ctx, cancel := h.deadline(w, r)
		defer cancel()
		if err := call(ctx, id); err != nil {
			return inTime(err, refusal.OutcomeUnknown)
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// transferLeadership serves POST …/leader: to the member named, or to any.
func (h *Handler) transferLeadership(w *response, r *http.Request) error {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	var to struct {
		ID string `json:"id"`
	}
	if r.ContentLength != 0 {
		if err := readJSON(w, r, maxMemberBytes, &to, mediaJSON); err != nil {
			return err
		}
	}
	if to.ID != "" && !poll.ValidID(to.ID) {
		return refusal.New(refusal.MemberNotFound, "No member can have this id; list them with GET /v1/cluster.")
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.cluster.TransferLeadership(ctx, to.ID); err != nil {
		return inTime(err, refusal.OutcomeUnknown)
	}
	return h.sendStatus(ctx, w, http.StatusOK)
}
