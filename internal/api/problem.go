package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/gorilla/mux"

	"voted/internal/poll"
)

// problemKind is what a code means in HTTP.
type problemKind struct {
	status int
	title  string
	// retryable: the same request, sent again later, may succeed.
	retryable bool
}

// problemKinds is the one table from codes to HTTP. A test proves it total.
var problemKinds = map[poll.Code]problemKind{
	poll.CodePollNotFound:          {http.StatusNotFound, "There is no such poll", false},
	poll.CodeBallotNotFound:        {http.StatusNotFound, "This voter has no ballot in the poll", false},
	poll.CodePollExists:            {http.StatusConflict, "A different poll has this id", false},
	poll.CodeAlreadyVoted:          {http.StatusConflict, "This voter has already voted", false},
	poll.CodeSuperseded:            {http.StatusConflict, "A newer ballot or change stands", false},
	poll.CodeVersionMismatch:       {http.StatusPreconditionFailed, "The version in If-Match is not the current one", false},
	poll.CodePollNotOpen:           {http.StatusConflict, "The poll has not opened yet", false},
	poll.CodePollClosed:            {http.StatusConflict, "The poll has closed", false},
	poll.CodePollNotClosed:         {http.StatusConflict, "The poll is not closed", false},
	poll.CodePollFull:              {http.StatusConflict, "The poll has all the ballots it takes", false},
	poll.CodeResultsHidden:         {http.StatusForbidden, "Results are hidden until the poll closes", false},
	poll.CodeInvalidBallot:         {http.StatusUnprocessableEntity, "The ballot breaks the poll's rules", false},
	poll.CodeInvalidPoll:           {http.StatusUnprocessableEntity, "The poll cannot be defined like this", false},
	poll.CodeMalformedRequest:      {http.StatusBadRequest, "The request is malformed", false},
	poll.CodeIdempotencyKeyMissing: {http.StatusBadRequest, "An Idempotency-Key is required", false},
	poll.CodeIdempotencyKeyReused:  {http.StatusUnprocessableEntity, "The Idempotency-Key came with another request before", false},
	poll.CodeUnauthenticated:       {http.StatusUnauthorized, "Credentials are required", false},
	poll.CodeForbidden:             {http.StatusForbidden, "Not allowed with these credentials", false},
	poll.CodeNotEligible:           {http.StatusForbidden, "This voter may not vote in the poll", false},
	poll.CodePayloadTooLarge:       {http.StatusRequestEntityTooLarge, "The request body is too large", false},
	poll.CodeUnsupportedMediaType:  {http.StatusUnsupportedMediaType, "The media type of the body is not taken here", false},
	poll.CodeNotAcceptable:         {http.StatusNotAcceptable, "None of the accepted media types can be produced", false},
	poll.CodeNotFound:              {http.StatusNotFound, "There is nothing at this path", false},
	poll.CodeMethodNotAllowed:      {http.StatusMethodNotAllowed, "The method is not allowed here", false},
	poll.CodeMemberExists:          {http.StatusConflict, "The cluster has such a member already", false},
	poll.CodeMemberNotFound:        {http.StatusNotFound, "The cluster has no such member", false},
	poll.CodeQuorumAtRisk:          {http.StatusConflict, "The change would leave the cluster without a quorum", false},
	poll.CodeTooManyRequests:       {http.StatusTooManyRequests, "Too many requests; send it again later", true},
	poll.CodeUnavailable:           {http.StatusServiceUnavailable, "Unavailable; nothing was applied", true},
	poll.CodeOutcomeUnknown:        {http.StatusServiceUnavailable, "Outcome unknown; send the same request again", true},
	poll.CodeStorageFull:           {http.StatusInsufficientStorage, "The member is low on disk space", true},
	poll.CodeInternal:              {http.StatusInternalServerError, "Something went wrong here", false},
	poll.CodeRollNotFound:          {http.StatusNotFound, "The poll has no roll", false},
	poll.CodeVoterNotFound:         {http.StatusNotFound, "The roll does not name this voter", false},
	poll.CodeConfirmationNeeded:    {http.StatusConflict, "The restore drops data and must be confirmed", false},
	poll.CodeInvalidBackup:         {http.StatusUnprocessableEntity, "The backup cannot be restored", false},
}

// problemJSON is RFC 9457 with the members that clients of voted rely on.
type problemJSON struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail,omitempty"`
	Code      string       `json:"code"`
	Retryable bool         `json:"retryable"`
	RequestID string       `json:"request_id"`
	Errors    []fieldFault `json:"errors,omitempty"`
}

type fieldFault struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

func writeProblem(w *response, e *poll.Error) {
	kind := problemKinds[e.Code]
	p := problemJSON{
		Type: "/problems/" + e.Code.String(), Title: kind.title, Status: kind.status, Detail: e.Detail,
		Code: e.Code.String(), Retryable: kind.retryable, RequestID: w.id,
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, fieldFault{f.Field, f.Detail})
	}
	body, err := json.Marshal(p)
	if err != nil {
		panic("api: a problem cannot be written: " + err.Error())
	}
	if e.Version != 0 {
		w.tag(e.Version)
	}
	switch kind.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		w.Header()["Retry-After"] = []string{retryAfter()}
		if w.retryAfter > 0 {
			w.Header()["Retry-After"] = []string{strconv.Itoa(w.retryAfter)}
		}
	case http.StatusUnauthorized:
		w.Header()["Www-Authenticate"] = []string{"Bearer"} // RFC 9110 §11.6.1 wants one
	}
	w.send(kind.status, typeProblem, body)
}

// retryAfter spreads the clients that were turned away together.
func retryAfter() string { return strconv.Itoa(1 + rand.IntN(maxRetryAfterSeconds)) }

// fail answers with an error. What has no code is logged and shown without detail.
func (h *Handler) fail(w *response, r *http.Request, err error) {
	refusal := &poll.Error{Code: poll.CodeInternal}
	errors.As(inTime(err, poll.CodeUnavailable), &refusal)
	if _, known := problemKinds[refusal.Code]; !known || refusal.Code == poll.CodeInternal {
		h.log.Error("request failed", "request_id", w.id, "route", w.endpoint.template, "method", r.Method, "error", err)
		refusal = &poll.Error{Code: poll.CodeInternal}
	} else if refusal.Cause != nil && !errors.Is(refusal.Cause, context.Canceled) {
		h.log.Debug("request refused", "request_id", w.id, "route", w.endpoint.template, "error", err)
	}
	w.problem(refusal)
}

// explain serves the URI in a problem's type: its title, for people.
func (h *Handler) explain(w *response, r *http.Request) error {
	name := mux.Vars(r)["code"]
	for code, kind := range problemKinds {
		if code.String() == name {
			w.send(http.StatusOK, typeText, []byte(name+" ("+strconv.Itoa(kind.status)+"): "+kind.title+".\n"))
			return nil
		}
	}
	return nothingHere()
}

func nothingHere() error {
	return poll.Refuse(poll.CodeNotFound, "No route has this path; GET /openapi.yaml lists them all.")
}

func malformed(format string, args ...any) *poll.Error {
	return poll.Refuse(poll.CodeMalformedRequest, format, args...)
}
