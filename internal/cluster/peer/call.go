package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"voted/internal/trace"
)

// RemoteError is the error with which the peer's handler answered.
type RemoteError struct {
	Method  string // of the call
	Message string // the handler's error
}

// Error implements error.
func (e *RemoteError) Error() string {
	return fmt.Sprintf("the peer's answer to %q is an error: %s", e.Method, e.Message)
}

// RefusedError: the peer's port refused the call, so its handler did not see it. It is
// an ErrNotSent.
type RefusedError struct {
	Addr    string // that was called
	Method  string // of the call
	Message string // why
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%v: call %q to %s: %s", ErrNotSent, e.Method, e.Addr, e.Message)
}

// Unwrap returns ErrNotSent.
func (*RefusedError) Unwrap() error { return ErrNotSent }

func (p *Port) newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				return p.dial(ctx, addr, "", net.KeepAliveConfig{Enable: true})
			},
			DisableCompression:     true,
			MaxIdleConnsPerHost:    idlePerPeer,
			IdleConnTimeout:        clientIdle,
			MaxResponseHeaderBytes: maxHeaderBytes,
			ReadBufferSize:         ioBuffer,
			WriteBufferSize:        ioBuffer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Call sends a request to the member at addr and waits for its answer until ctx ends.
// method is a word of lowercase letters, digits and hyphens. Do not reuse body after an
// error: it may still be read for a moment. Errors: ErrNotSent (wrapped) if the request
// certainly did not reach the peer's handler; a *RemoteError if the handler answered
// with an error; after any other the outcome is unknown.
func (p *Port) Call(ctx context.Context, addr, method string, body []byte) ([]byte, error) {
	if !isMethod(method) {
		return nil, fmt.Errorf("%w: %q is not the name of a call", ErrNotSent, method)
	}
	if int64(len(body)) > p.options.MaxBody {
		return nil, fmt.Errorf("%w: %w: %d bytes, at most %d", ErrNotSent, ErrTooLarge, len(body), p.options.MaxBody)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	response, err := p.client.Do(request(ctx, addr, method, body))
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // its text repeats the address
		}
		return nil, fmt.Errorf("call %q to %s: %w", method, addr, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, refusal(response, addr, method)
	}
	if response.ContentLength < 0 || response.ContentLength > p.options.MaxBody {
		return nil, fmt.Errorf("call %q to %s: the answer claims %d bytes", method, addr, response.ContentLength)
	}
	answer, err := readBody(response.Body, response.ContentLength)
	if err != nil {
		return nil, fmt.Errorf("call %q to %s: the answer did not arrive whole: %w", method, addr, err)
	}
	return answer, nil
}

// request makes a POST. Because of GetBody, net/http sends it again on a fresh
// connection if a pooled one turns out to be closed before any byte was written to it.
// After the first byte it never does, because a POST without an Idempotency-Key does
// not count as repeatable.
func request(ctx context.Context, addr, method string, body []byte) *http.Request {
	r := &http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Scheme: "http", Host: addr, Path: callPath + method},
		Header: http.Header{"User-Agent": nil},
		Host:   addr,
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body:          http.NoBody,
		ContentLength: int64(len(body)),
	}
	carried := trace.From(ctx)
	if carried.ID != "" {
		r.Header[requestIDHeader] = []string{carried.ID}
	}
	carried.Span.Set(r.Header)
	if len(body) > 0 {
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		r.Body, _ = r.GetBody()
	}
	return r.WithContext(ctx)
}

// refusal makes an error from an answer that is not a result.
func refusal(response *http.Response, addr, method string) error {
	text, err := io.ReadAll(io.LimitReader(response.Body, maxMessageBytes))
	message := strings.TrimSuffix(string(text), "\n")
	switch outcome := response.Header.Get(outcomeHeader); {
	case err != nil:
		return fmt.Errorf("call %q to %s: the answer did not arrive whole: %w", method, addr, err)
	case outcome == outcomeFailed:
		return &RemoteError{Method: method, Message: message}
	case outcome == outcomeRefused:
		return &RefusedError{addr, method, message}
	}
	return fmt.Errorf("call %q to %s: an unexpected answer: %s", method, addr, response.Status)
}
