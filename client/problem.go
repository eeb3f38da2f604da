package client

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// problem is application/problem+json (RFC 9457) with this service's members.
type problem struct {
	Title     string       `json:"title"`
	Detail    string       `json:"detail"`
	Code      Code         `json:"code"`
	Reason    string       `json:"reason"`
	Retryable bool         `json:"retryable"`
	RequestID string       `json:"request_id"`
	Oldest    uint64       `json:"oldest"`
	Newest    uint64       `json:"newest"`
	Errors    []FieldError `json:"errors"`
}

// problemOf makes the error of an answer that is not a success.
func problemOf(resp *http.Response, body []byte, ep *endpoint) *Error {
	e := &Error{
		Status: resp.StatusCode, Endpoint: ep.name, Node: first(resp.Header, "Voted-Node"),
		Version:    etagNumber(first(resp.Header, "Etag")),
		RetryAfter: retryAfter(first(resp.Header, "Retry-After"), time.Now()),
	}
	var p problem
	if isJSON(first(resp.Header, "Content-Type")) && json.Unmarshal(body, &p) == nil {
		e.Code, e.Reason, e.Title, e.Detail, e.Retryable = p.Code, p.Reason, p.Title, p.Detail, p.Retryable
		e.RequestID, e.Fields, e.Oldest, e.Newest = p.RequestID, p.Errors, p.Oldest, p.Newest
	}
	if e.RequestID == "" {
		e.RequestID = first(resp.Header, "X-Request-Id")
	}
	if e.Title == "" {
		e.Title = strings.TrimSpace(strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode))
	}
	if to := first(resp.Header, "Location"); resp.StatusCode/100 == 3 && e.Detail == "" {
		e.Detail = "the endpoint redirects to " + to + ", which is never followed; use the node's own address"
	}
	return e
}

// transient reports whether the same request may succeed later.
func (e *Error) transient() bool {
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.Code.transient() || (e.Retryable && e.Status >= 500)
}

// notApplied reports whether the refusal proves that nothing was changed. A 5xx without
// a code comes from something in between, such as a proxy, which may have passed the
// request on.
func (e *Error) notApplied() bool {
	switch {
	case e.Code == CodeOutcomeUnknown || e.Code == CodeInternal:
		return false
	case e.Code != "" || e.Status == http.StatusTooManyRequests:
		return true
	}
	return e.Status < 500
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3), seconds or a date.
func retryAfter(v string, now time.Time) time.Duration {
	if v == "" {
		return 0
	}
	if n, err := strconv.ParseInt(v, 10, 32); err == nil {
		return max(0, time.Duration(n)*time.Second)
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
