package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"

	"voted/internal/refusal"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// problemKind is what a code means in HTTP.
type problemKind struct {
	status int
	title  string
	// retryable: the same request, sent again later, may succeed.
	retryable bool
}

// problemKinds is the one table from codes to HTTP. A test proves it total.
var problemKinds = map[refusal.Code]problemKind{
	refusal.PollNotFound:          {http.StatusNotFound, "There is no such poll", false},
	refusal.BallotNotFound:        {http.StatusNotFound, "This voter has no ballot in the poll", false},
	refusal.PollExists:            {http.StatusConflict, "A different poll has this id", false},
	refusal.AlreadyVoted:          {http.StatusConflict, "This voter has already voted", false},
	refusal.Superseded:            {http.StatusConflict, "A newer ballot or change stands", false},
	refusal.VersionMismatch:       {http.StatusPreconditionFailed, "The version in If-Match is not the current one", false},
	refusal.PollNotOpen:           {http.StatusConflict, "The poll has not opened yet", false},
	refusal.PollClosed:            {http.StatusConflict, "The poll has closed", false},
	refusal.PollNotClosed:         {http.StatusConflict, "The poll is not closed", false},
	refusal.PollFull:              {http.StatusConflict, "The poll has all the ballots it takes", false},
	refusal.ResultsHidden:         {http.StatusForbidden, "Results are hidden until the poll closes", false},
	refusal.InvalidBallot:         {http.StatusUnprocessableEntity, "The ballot breaks the poll's rules", false},
	refusal.InvalidPoll:           {http.StatusUnprocessableEntity, "The poll cannot be defined like this", false},
	refusal.MalformedRequest:      {http.StatusBadRequest, "The request is malformed", false},
	refusal.IdempotencyKeyMissing: {http.StatusBadRequest, "An Idempotency-Key is required", false},
	refusal.IdempotencyKeyReused:  {http.StatusUnprocessableEntity, "The Idempotency-Key came with another request before", false},
	refusal.Unauthenticated:       {http.StatusUnauthorized, "Credentials are required", false},
	refusal.Forbidden:             {http.StatusForbidden, "Not allowed with these credentials", false},
	refusal.NotEligible:           {http.StatusForbidden, "This voter may not vote in the poll", false},
	refusal.PayloadTooLarge:       {http.StatusRequestEntityTooLarge, "The request body is too large", false},
	refusal.UnsupportedMediaType:  {http.StatusUnsupportedMediaType, "The media type of the body is not taken here", false},
	refusal.NotAcceptable:         {http.StatusNotAcceptable, "None of the accepted media types can be produced", false},
	refusal.NotFound:              {http.StatusNotFound, "There is nothing at this path", false},
	refusal.MethodNotAllowed:      {http.StatusMethodNotAllowed, "The method is not allowed here", false},
	refusal.MemberExists:          {http.StatusConflict, "The cluster has such a member already", false},
	refusal.MemberNotFound:        {http.StatusNotFound, "The cluster has no such member", false},
	refusal.QuorumAtRisk:          {http.StatusConflict, "The change would leave the cluster without a quorum", false},
	refusal.TooManyRequests:       {http.StatusTooManyRequests, "Too many requests; send it again later", true},
	refusal.Unavailable:           {http.StatusServiceUnavailable, "Unavailable; nothing was applied", true},
	refusal.OutcomeUnknown:        {http.StatusServiceUnavailable, "Outcome unknown; send the same request again", true},
	refusal.StorageFull:           {http.StatusInsufficientStorage, "The member is low on disk space", true},
	refusal.Internal:              {http.StatusInternalServerError, "Something went wrong here", false},
	refusal.RollNotFound:          {http.StatusNotFound, "The poll has no roll", false},
	refusal.VoterNotFound:         {http.StatusNotFound, "The roll does not name this voter", false},
	refusal.ConfirmationNeeded:    {http.StatusConflict, "The restore drops data and must be confirmed", false},
	refusal.InvalidBackup:         {http.StatusUnprocessableEntity, "The backup cannot be restored", false},
	refusal.CrossOrigin:           {http.StatusForbidden, "A page of another origin may not send this", false},
	refusal.Misdirected:           {http.StatusMisdirectedRequest, "The node does not go by the name in Host", false},
	refusal.InvalidVoter:          {http.StatusUnprocessableEntity, "This cannot be the id of a voter", false},
	refusal.LotDrawn:              {http.StatusConflict, "Another lot was drawn", false},
	refusal.ProofPending:          {http.StatusServiceUnavailable, "There is no such proof yet", true},
	refusal.UpgradePending:        {http.StatusServiceUnavailable, "Not every member reads this yet; nothing was applied", true},
	refusal.ScheduleExists:        {http.StatusConflict, "Another command is scheduled under this id", false},
	refusal.InvalidSchedule:       {http.StatusUnprocessableEntity, "This cannot be scheduled", false},
	refusal.ScheduleNotFound:      {http.StatusNotFound, "Nothing is scheduled under this id", false},
	refusal.WebhookNotFound:       {http.StatusNotFound, "There is no such webhook", false},
	refusal.WebhookExists:         {http.StatusConflict, "Another webhook has this id", false},
	refusal.InvalidWebhook:        {http.StatusUnprocessableEntity, "This cannot be a webhook", false},
	refusal.WebhooksOff:           {http.StatusNotImplemented, "Webhooks are off at this node", false},
	refusal.EventsGone:            {http.StatusGone, "These events are not kept here", false},
}

// problemJSON is RFC 9457 with the members that clients of voted rely on.
type problemJSON struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail,omitempty"`
	Code      string       `json:"code"`
	Reason    string       `json:"reason,omitempty"`
	Retryable bool         `json:"retryable"`
	RequestID string       `json:"request_id"`
	Errors    []fieldFault `json:"errors,omitempty"`
	Oldest    uint64       `json:"oldest,omitzero"` // of the events that are kept
	Newest    uint64       `json:"newest,omitzero"`
}

type fieldFault struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

func writeProblem(w *response, e *refusal.Error) {
	kind := problemKinds[e.Code]
	p := problemJSON{
		Type: "/problems/" + e.Code.String(), Title: kind.title, Status: kind.status, Detail: sentence(e),
		Code: e.Code.String(), Retryable: kind.retryable, RequestID: w.id, Oldest: e.Oldest, Newest: e.Newest,
	}
	if e.Reason.Code() != refusal.None { // one of a newer member has no name here
		p.Reason = e.Reason.String()
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, fieldFault{f.Field, f.Detail})
	}
	// A sentence may repeat bytes of the request that are not UTF-8.
	body, err := json.Marshal(p, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic("api: a problem cannot be written: " + err.Error())
	}
	if e.Version != 0 {
		w.tag(e.Version)
	}
	switch kind.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		w.Header()["Retry-After"] = []string{strconv.FormatInt(w.wait(e), 10)}
	case http.StatusUnauthorized:
		w.Header()["Www-Authenticate"] = []string{"Bearer"} // RFC 9110 §11.6.1 wants one
	}
	w.send(kind.status, typeProblem, append(body, '\n'))
}

// wait returns the seconds of Retry-After. If it is not known when there will be room,
// they are random, so that clients that were refused together do not return together.
func (w *response) wait(e *refusal.Error) int64 {
	switch {
	case e.RetryAfter > 0:
		return (e.RetryAfter + 999) / 1000 // not a moment too early
	case w.retryAfter > 0:
		return int64(w.retryAfter)
	}
	return 1 + rand.Int64N(maxRetryAfterSeconds)
}

// fail answers with an error. An error without a code is logged, and shown without
// detail.
func (h *Handler) fail(w *response, r *http.Request, err error) {
	refused := &refusal.Error{Code: refusal.Internal}
	errors.As(inTime(err, refusal.Unavailable), &refused)
	if _, known := problemKinds[refused.Code]; !known || refused.Code == refusal.Internal {
		h.log.Error("request failed", "request_id", w.id, "route", w.endpoint.template, "method", r.Method, "error", err)
		refused = &refusal.Error{Code: refusal.Internal}
	} else if refused.Cause != nil && !errors.Is(refused.Cause, context.Canceled) {
		h.log.Debug("request refused", "request_id", w.id, "route", w.endpoint.template, "error", err)
	}
	drain := h.drainsAfter(w, r)
	w.problem(refused)
	drain()
}

// explain serves the URI in a problem's type: the problem's title, for people.
func (h *Handler) explain(w *response, r *http.Request) error {
	name := pathVar(r, "code")
	for code, kind := range problemKinds {
		if code.String() == name {
			w.send(http.StatusOK, typeText, []byte(name+" ("+strconv.Itoa(kind.status)+"): "+kind.title+".\n"))
			return nil
		}
	}
	return nothingHere()
}

func nothingHere() error {
	return refusal.Of(refusal.NotFound)
}

func malformed(format string, args ...any) *refusal.Error {
	return refusal.New(refusal.MalformedRequest, format, args...)
}
