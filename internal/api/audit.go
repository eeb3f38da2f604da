package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"voted/internal/auth"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// Auditor keeps a record of what admins do and auditors read.
type Auditor interface {
	// Record writes one entry as a line of JSON. It does not return nil before the
	// entry is durable.
	Record(entry any) error
}

// AuditEntry is a line of the audit log about a request. Each request has two: before it
// takes effect, and after. Ballots, voters and credentials are never in it.
type AuditEntry struct {
	Time      time.Time `json:"time"`
	Event     string    `json:"event"`  // begin, end
	Action    string    `json:"action"` // an id that ties the two together; unique to the node
	Node      string    `json:"node"`
	Client    string    `json:"client"` // name of the credential; empty without authentication
	Address   string    `json:"address"`
	RequestID string    `json:"request_id"`
	Method    string    `json:"method"`
	Route     string    `json:"route"`
	Poll      string    `json:"poll,omitempty"`
	Member    string    `json:"member,omitempty"`
	Schedule  string    `json:"schedule,omitempty"`
	Do        string    `json:"do,omitempty"` // what is scheduled, about Poll; at the end, once the body was read
	Webhook   string    `json:"webhook,omitempty"`
	Request   string    `json:"request,omitempty"` // the body, if it is about members
	Status    int       `json:"status,omitempty"`  // at the end; 0: it was broken off
}

// isAudited reports whether a request changes polls or members, or returns all data or
// each ballot of a poll.
func (e *endpoint) isAudited(roles auth.Roles, method string) bool {
	reads := method == http.MethodGet || method == http.MethodHead
	switch e.template {
	case "/v1/backup", "/v1/polls/{poll}/audit":
		return true
	}
	return roles.Has(auth.Admin) && !reads
}

// audited serves a request between its two entries. If the first cannot be recorded, the
// request is refused.
func (h *Handler) audited(e *endpoint, roles auth.Roles, who auth.Identity, act action, w *response, r *http.Request) error {
	if h.access.audit == nil || !e.isAudited(roles, r.Method) {
		return act(w, r)
	}
	action, err := h.madeID()
	if err != nil {
		return err
	}
	entry := AuditEntry{
		Time: time.Now().UTC(), Event: "begin", Action: action, Node: h.cluster.ID(), Client: who.Name, Address: addressOf(r),
		RequestID: w.id, Method: r.Method, Route: e.template, Poll: clean(pathVar(r, "poll")),
	}
	entry.isAbout(clean(pathVar(r, "id")))
	switch e.template {
	case "/v1/cluster/members", "/v1/cluster/leader", "/v1/cluster/tokens":
		entry.Request = peek(r)
	}
	if err := h.access.audit.Record(entry); err != nil {
		h.log.Error("the audit log cannot be written; admin actions are refused", "error", err)
		return refusal.New(refusal.Unavailable, "The audit log cannot be written, so nothing was done; see this node's log.")
	}
	r = r.WithContext(context.WithValue(r.Context(), entryKey{}, &entry))
	defer func() {
		// This runs after a panic too: the status is then the one sent so far.
		entry.Time, entry.Event, entry.Status, entry.Request = time.Now().UTC(), "end", w.status, ""
		if err := h.access.audit.Record(entry); err != nil {
			h.log.Error("the end of an action is missing from the audit log", "action", action, "status", w.status, "error", err)
		}
	}()
	if err := act(w, r); err != nil {
		h.fail(w, r, err) // here, so that the entry has the status
	}
	return nil
}

// isAbout notes what the id in the path names.
func (e *AuditEntry) isAbout(id string) {
	switch {
	case strings.HasPrefix(e.Route, "/v1/webhooks/"):
		e.Webhook = id
	case strings.HasPrefix(e.Route, "/v1/schedule/"):
		e.Schedule = id
	default:
		e.Member = id
	}
}

// entryKey is under what the context of a request has its entry in the audit log, if it is in it.
type entryKey struct{}

// noteTask has the audit log say what is scheduled, and about which poll.
func noteTask(r *http.Request, k poll.Task) {
	if entry, ok := r.Context().Value(entryKey{}).(*AuditEntry); ok {
		entry.Do, entry.Poll = k.Action(), k.Poll()
	}
}

// clean returns a variable of the path if it could be an id; another one is refused
// anyway.
func clean(escaped string) string {
	if s := unescaped(escaped); poll.ValidID(s) {
		return s
	}
	return ""
}

// peek reads a short body and puts it back.
func peek(r *http.Request) string {
	b, _ := io.ReadAll(io.LimitReader(r.Body, maxMemberBytes)) // the handler checks its end
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(b), r.Body), r.Body}
	return string(bytes.ToValidUTF8(b, []byte("?")))
}
